#include "common/store/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "common/base/assert.h"
#include "common/store/block.h"
#include "common/store/file_hash.h"
#include "common/store/run_cursor.h"
#include "common/store/run_footer.h"
#include "common/store/stored_block.h"

namespace aerodb::store {
namespace {

constexpr std::string_view kRunSuffix = ".run";

// Of one value that stands in the manifest and in the file.
template <class T>
std::optional<Damage> differs(std::string_view what, const T& manifest, const T& file) {
  if (manifest == file) return std::nullopt;
  const auto text = [](const T& value) {
    if constexpr (std::is_same_v<T, CommitId>)
      return fmt::format("{}", value.value());
    else if constexpr (std::is_same_v<T, Digest>)
      return to_hex(value);
    else
      return fmt::format("{}", value);
  };
  return Damage{fmt::format("{} (manifest, file)", what), text(manifest), text(file)};
}

std::optional<Damage> compare_infos(const RunInfo& manifest, const RunInfo& file) {
  auto damage = differs("run number", manifest.number, file.number);
  if (!damage) damage = differs("first commit", manifest.first_commit, file.first_commit);
  if (!damage) damage = differs("last commit", manifest.last_commit, file.last_commit);
  if (!damage) damage = differs("versions", manifest.versions, file.versions);
  if (!damage) damage = differs("tombstones", manifest.tombstones, file.tombstones);
  if (!damage) damage = differs("index entries", manifest.index_entries, file.index_entries);
  if (!damage) damage = differs("digest of versions", manifest.versions_digest, file.versions_digest);
  return damage;
}

// Reads exactly out.size() bytes.
Result<void> read_fully(runtime::File& file, const std::string& path, std::string_view part, uint64_t offset,
                        std::span<uint8_t> out) {
  auto count = file.read(offset, out);
  if (!count) return fail(std::move(count.error()));
  if (*count == out.size()) return {};
  return fail(run_damaged(path, part, offset, {"bytes", fmt::format("{}", out.size()), fmt::format("{}", *count)}));
}

struct Frame {
  RunHeader header;
  RunFooter footer;
};

// Header, tail and footer of a file of `bytes`.
Result<Frame> read_frame(runtime::File& file, const std::string& path, uint64_t bytes) {
  constexpr uint64_t kLeast = kRunHeaderBytes + kBlockTrailerBytes + kRunTailBytes;
  if (bytes < kLeast)
    return fail(run_damaged(path, "file", 0, {"size", fmt::format("at least {}", kLeast), fmt::format("{}", bytes)}));
  const uint64_t tail_at = bytes - kRunTailBytes;
  Bytes header(kRunHeaderBytes), tail(kRunTailBytes);
  if (auto read = read_fully(file, path, "header", 0, header); !read) return fail(std::move(read.error()));
  if (auto read = read_fully(file, path, "tail", tail_at, tail); !read) return fail(std::move(read.error()));
  const auto place = decode_run_tail(header, tail, bytes);
  if (!place) return fail(run_damaged(path, "tail", tail_at, place.error()));
  if (const auto format = run_format_of(header); format > kRunFormat) {
    return fail(ErrorCode::kNewerFormat,
                fmt::format("run {}: format {}, this binary knows up to {}", path, format, kRunFormat));
  }
  auto read_header = decode_run_header(header);
  if (!read_header) return fail(run_damaged(path, "header", 0, read_header.error()));
  Bytes stored(place->stored_bytes), scratch;
  if (auto read = read_fully(file, path, "footer", place->offset, stored); !read) return fail(std::move(read.error()));
  const auto body = unpack_block(stored, BlockKind::kFooter, block_seed(read_header->number, place->offset), scratch);
  if (!body) return fail(run_damaged(path, "footer", place->offset, body.error()));
  auto footer = decode_run_footer(*body, place->offset);
  if (!footer) return fail(run_damaged(path, "footer", place->offset, footer.error()));
  return Frame{*read_header, std::move(*footer)};
}

RunInfo info_of(const Frame& frame, uint64_t bytes) {
  RunInfo info;
  info.number = frame.header.number;
  info.first_commit = frame.header.first_commit;
  info.last_commit = frame.header.last_commit;
  info.bytes = bytes;
  info.versions = frame.footer.versions;
  info.tombstones = frame.footer.tombstones;
  info.index_entries = frame.footer.index_entries;
  info.versions_digest = frame.footer.versions_digest;
  return info;
}

}  // namespace

std::string section_name(const RunSection& section) {
  return section.path.empty() ? fmt::format("documents of {}", section.collection)
                              : fmt::format("index {} of {}", section.path, section.collection);
}

std::string run_name(RunNumber number) { return fmt::format("{:08}{}", number, kRunSuffix); }

std::string run_path(const std::string& data_dir, RunNumber number) {
  return fmt::format("{}/runs/{}", data_dir, run_name(number));
}

std::optional<RunNumber> run_number_of(std::string_view name) {
  RunNumber number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || number == 0 || run_name(number) != name) return std::nullopt;
  return number;
}

Result<Run::Loaded> Run::load(runtime::Disk& disk, const std::string& path, const RunInfo* info) {
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  const auto bytes = (*file)->size();
  if (!bytes) return fail(bytes.error());
  if (info != nullptr) {
    if (auto damage = differs("size", info->bytes, *bytes)) return fail(run_damaged(path, "file", 0, *damage));
  }
  auto frame = read_frame(**file, path, *bytes);
  if (!frame) return fail(std::move(frame.error()));
  Loaded loaded{info_of(*frame, *bytes), path, std::move(frame->footer.sections)};
  if (info != nullptr) {
    if (auto damage = compare_infos(*info, loaded.info)) return fail(run_damaged(path, "footer", 0, *damage));
    loaded.info.sha256 = info->sha256;
  }
  return loaded;
}

Result<std::shared_ptr<const Run>> Run::open(runtime::Disk& disk, const std::string& path, const RunInfo& info) {
  auto loaded = load(disk, path, &info);
  if (!loaded) return fail(std::move(loaded.error()));
  return std::make_shared<const Run>(std::move(*loaded));
}

Result<RunInfo> Run::describe(runtime::Disk& disk, const std::string& path) {
  auto loaded = load(disk, path, nullptr);
  if (!loaded) return fail(std::move(loaded.error()));
  auto hash = sha256_of_file(disk, path);
  if (!hash) return fail(std::move(hash.error()));
  loaded->info.sha256 = *hash;
  return loaded->info;
}

const RunSection* Run::section(std::string_view collection, std::string_view index_path) const {
  const auto at =
      std::ranges::lower_bound(sections_, std::tie(collection, index_path), {}, [](const RunSection& section) {
        return std::tuple<std::string_view, std::string_view>(section.collection, section.path);
      });
  if (at == sections_.end() || at->collection != collection || at->path != index_path) return nullptr;
  return &*at;
}

BlockKind kind_of_level(const RunSection& section, uint32_t level) {
  const bool documents = section.path.empty();
  if (level == 0) return documents ? BlockKind::kDocuments : BlockKind::kIndex;
  return level == 1 && documents ? BlockKind::kPartition : BlockKind::kInner;
}

std::optional<VersionView> Run::find(Blocks& blocks, std::string_view collection, std::string_view id,
                                     CommitId bound) const {
  if (bound < info_.first_commit) return VersionView{};
  const RunSection* documents = section(collection, {});
  if (documents == nullptr) return VersionView{};
  const EntryKey key{as_bytes(id), {}, bound};
  BlockHandle at = documents->top;
  for (uint32_t level = documents->height; level > 0; --level) {
    const Block* block = blocks.find(*this, at);
    if (block == nullptr) return std::nullopt;
    AERODB_ASSERT(block->kind == at.kind);
    const BlockView node(*block);
    if (level == 1 && !node.filter().may_hold(filter_hash(id))) return VersionView{};
    const uint32_t behind = node.upper_bound(key);
    if (behind == 0) return VersionView{};
    at = node.child(behind - 1, kind_of_level(*documents, level - 1));
  }
  const Block* block = blocks.find(*this, at);
  if (block == nullptr) return std::nullopt;
  AERODB_ASSERT(block->kind == at.kind);
  const BlockView versions(*block);
  const uint32_t i = versions.lower_bound(key);
  if (i == versions.count()) return VersionView{};
  const StoredVersion version = versions.version(i);
  if (version.id != id) return VersionView{};
  return VersionView{version.commit, version.schema_version, version.document};
}

std::unique_ptr<EntryCursor> Run::cursor(std::string_view collection, std::string_view index_path) const {
  const RunSection* found = section(collection, index_path);
  if (found == nullptr) return nullptr;
  return std::make_unique<RunCursor>(*this, *found);
}

Error Run::damaged(uint64_t offset, const Damage& damage) const {
  uint64_t end = kRunHeaderBytes;
  for (const auto& section : sections_) {
    end += section.bytes;
    if (offset < end) return run_damaged(path_, section_name(section), offset, damage);
  }
  return run_damaged(path_, "footer", offset, damage);
}

Result<void> Run::check_place(const BlockHandle& handle) const {
  const uint64_t end = info_.bytes - kRunTailBytes;
  if (handle.offset < kRunHeaderBytes || handle.offset >= end || handle.stored_bytes > end - handle.offset) {
    return fail(damaged(handle.offset, {"place of a block", fmt::format("within {} to {}", kRunHeaderBytes, end),
                                        fmt::format("{} bytes at {}", handle.stored_bytes, handle.offset)}));
  }
  if (handle.stored_bytes > kMaxBlockBytes + kBlockTrailerBytes) {
    return fail(
        damaged(handle.offset, {"bytes of a block", fmt::format("at most {}", kMaxBlockBytes + kBlockTrailerBytes),
                                fmt::format("{}", handle.stored_bytes)}));
  }
  return {};
}

Result<ByteSpan> Run::unpack(const BlockHandle& handle, ByteSpan stored, Bytes& scratch) const {
  if (stored.size() != handle.stored_bytes) {
    return fail(damaged(
        handle.offset, {"bytes of a block", fmt::format("{}", handle.stored_bytes), fmt::format("{}", stored.size())}));
  }
  auto body = unpack_block(stored, handle.kind, block_seed(info_.number, handle.offset), scratch);
  if (!body) return fail(damaged(handle.offset, body.error()));
  return *body;
}

Result<BlockRef> Run::read_block(runtime::File& file, const BlockHandle& handle) const {
  if (auto place = check_place(handle); !place) return fail(std::move(place.error()));
  Bytes stored(handle.stored_bytes), scratch;
  auto count = file.read(handle.offset, stored);
  if (!count) return fail(std::move(count.error()));
  auto body = unpack(handle, ByteSpan(stored).first(*count), scratch);
  if (!body) return fail(std::move(body.error()));
  const bool in_place = body->data() == stored.data();
  if (in_place) stored.resize(body->size());
  return std::make_shared<const Block>(Block{std::move(in_place ? stored : scratch), handle.kind});
}

}  // namespace aerodb::store
