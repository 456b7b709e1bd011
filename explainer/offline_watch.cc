#include "explainer/offline_watch.h"

#include <fmt/format.h>

#include <array>

namespace aerodb::explainer {
namespace {

// What every writer of a directory touches: a node its events, before it answers anybody; a tool that appends, a
// segment's end (note_end); whatever replaces a file, that file.
constexpr std::array<std::string_view, 8> kSmallFiles = {"NODE",   "MANIFEST", "CLEAN_STOP",         "HALT",
                                                         "FENCED", "INSTALL",  "authority/accepted", "events.jsonl"};
constexpr std::array<std::string_view, 6> kFolders = {"", "/wal", "/runs", "/authority", "/quarantine", "/snapshots"};
constexpr uint64_t kHashedBytes = 1 << 20;  // of a small file; its size counts whole

Result<void> add_file(runtime::Disk& disk, const std::string& path, uint64_t bytes, Sha256Stream& hash) {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  Bytes content(std::min(*size, bytes));
  auto count = (*file)->read(0, content);
  if (!count) return fail(std::move(count.error()));
  hash.update(as_bytes(fmt::format("{}\n{}\n", path, *size)));
  hash.update(ByteSpan(content).first(*count));
  return {};
}

Result<void> add_names(runtime::Disk& disk, const std::string& path, Sha256Stream& hash) {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto names = disk.list(path);
  if (!names) return fail(std::move(names.error()));
  hash.update(as_bytes(fmt::format("{}/\n{}\n", path, names->size())));
  for (const auto& name : *names) hash.update(as_bytes(name + '\n'));
  return {};
}

Result<Sha256> fingerprint(runtime::Disk& disk, const std::string& data_dir) {
  Sha256Stream hash;
  for (const auto folder : kFolders) {
    if (auto added = add_names(disk, data_dir + std::string(folder), hash); !added)
      return fail(std::move(added.error()));
  }
  for (const auto name : kSmallFiles) {
    if (auto added = add_file(disk, data_dir + "/" + std::string(name), kHashedBytes, hash); !added)
      return fail(std::move(added.error()));
  }
  auto segments = disk.list(data_dir + "/wal");
  if (!segments) return fail(std::move(segments.error()));
  for (const auto& name : *segments) {
    if (auto added = add_file(disk, data_dir + "/wal/" + name, wal::kSegmentHeaderBytes, hash); !added)
      return fail(std::move(added.error()));
  }
  return hash.finish();
}

Result<Bytes> sector_at(runtime::Disk& disk, const std::string& path, uint64_t offset) {
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  Bytes sector(wal::kSectorBytes);
  auto count = (*file)->read(offset, sector);
  if (!count) return fail(std::move(count.error()));
  sector.resize(*count);
  return sector;
}

std::unexpected<Error> not_yet(const std::string& data_dir, std::string_view what) {
  return fail(ErrorCode::kNotReady,
              fmt::format("explain {}: {} was broken off; the next start completes it before it reads anything, and "
                          "what it will find can't be told before",
                          data_dir, what));
}

}  // namespace

Result<OfflineWatch> OfflineWatch::begin(runtime::Disk& disk, std::string data_dir) {
  OfflineWatch watch(disk, std::move(data_dir));
  if (auto free = watch.check_free(); !free) return fail(std::move(free.error()));
  const auto there = [&](std::string_view name) { return disk.exists(watch.data_dir_ + "/" + std::string(name)); };
  auto node = there("NODE");
  if (!node) return fail(std::move(node.error()));
  if (!*node)
    return fail(ErrorCode::kNotInitialized, fmt::format("explain {}: it holds no NODE file", watch.data_dir_));
  auto install = there("INSTALL");
  if (!install) return fail(std::move(install.error()));
  if (*install) return not_yet(watch.data_dir_, "the install of a snapshot");
  auto ring = there("wal");
  if (!ring) return fail(std::move(ring.error()));
  if (!*ring) return not_yet(watch.data_dir_, "a resize of the log");
  auto before = fingerprint(disk, watch.data_dir_);
  if (!before) return fail(std::move(before.error()));
  watch.before_ = *before;
  return watch;
}

Result<void> OfflineWatch::check_free() const {
  auto held = disk_->locked(data_dir_);
  if (!held) return fail(std::move(held.error()));
  if (!*held) return {};
  return fail(ErrorCode::kLocked,
              fmt::format("explain {}: a process holds it; it answers explain.* itself (REC-7)", data_dir_));
}

Result<void> OfflineWatch::note_end(wal::RingGeometry geometry, wal::RingCursor end) {
  if (end.segment_sequence == 0 || end.offset >= geometry.segment_bytes) return {};
  end_path_ = wal::segment_paths(data_dir_, geometry.slots)[(end.segment_sequence - 1) % geometry.slots];
  end_offset_ = end.offset;
  auto sector = sector_at(*disk_, end_path_, end_offset_);
  if (!sector) return fail(std::move(sector.error()));
  at_end_ = std::move(*sector);
  return {};
}

Result<void> OfflineWatch::end() {
  auto after = fingerprint(*disk_, data_dir_);
  if (!after) return fail(std::move(after.error()));
  bool same = *after == before_;
  if (!end_path_.empty()) {
    auto sector = sector_at(*disk_, end_path_, end_offset_);
    if (!sector) return fail(std::move(sector.error()));
    same = same && *sector == at_end_;
  }
  if (!same)
    return fail(ErrorCode::kLocked,
                fmt::format("explain {}: it changed while it was read; somebody works on it (REC-7)", data_dir_));
  return check_free();
}

}  // namespace aerodb::explainer
