#include "common/engine/install.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/assert.h"
#include "common/base/fault.h"
#include "common/engine/remove_tree.h"
#include "common/engine/verify_runs.h"
#include "common/store/file_hash.h"
#include "common/store/run_format.h"
#include "common/wal/ring_files.h"

namespace aerodb::engine {
namespace {

constexpr std::string_view kSource = "SOURCE";
// What takes the place of the node's own.
constexpr std::array<std::string_view, 4> kParts = {"wal", "runs", "MANIFEST", "NODE"};
// What was said of the log that goes.
constexpr std::array<std::string_view, 5> kSaidOfTheLog = {"CLEAN_STOP", "HALT", "FENCED", "authority/accepted",
                                                           "authority/orphans"};

std::string partial_of(const std::string& data_dir) { return data_dir + "/" + std::string(kBootstrapPartial); }
std::string at(const std::string& directory, std::string_view name) { return directory + "/" + std::string(name); }

// The manifest that the files of an earlier bootstrap belong to; an empty one where there is none that can be read.
Result<store::Manifest> read_source(runtime::Disk& disk, const std::string& partial) {
  const std::string path = at(partial, kSource);
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return store::Manifest();
  auto bytes = runtime::read_file(disk, path, store::kMaxManifestBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  return store::decode_manifest(*bytes, path).value_or(store::Manifest());
}

bool same_file(const store::RunInfo& a, const store::RunInfo& b) {
  return a.number == b.number && a.bytes == b.bytes && a.sha256 == b.sha256;
}

}  // namespace

// --- transfer

Result<std::unique_ptr<PartialSnapshot>> PartialSnapshot::open(runtime::Disk& disk, const std::string& data_dir,
                                                               store::Manifest source) {
  auto snapshot = std::unique_ptr<PartialSnapshot>(new PartialSnapshot(partial_of(data_dir), std::move(source)));
  if (auto made = make_durable_directory(disk, at(snapshot->directory_, "runs")); !made)
    return fail(std::move(made.error()));
  if (auto cleared = snapshot->clear_others(disk); !cleared) return fail(std::move(cleared.error()));
  // Only now: whatever lies in runs/ is of both manifests.
  if (auto noted = runtime::replace_file(disk, snapshot->directory_, std::string(kSource),
                                         store::encode_manifest(snapshot->manifest_));
      !noted)
    return fail(std::move(noted.error()));
  for (const auto& run : snapshot->manifest_.runs) {
    auto kept = snapshot->find_kept(disk, run);
    if (!kept) return fail(std::move(kept.error()));
    snapshot->kept_.push_back(*kept);
  }
  return snapshot;
}

Result<void> PartialSnapshot::clear_others(runtime::Disk& disk) {
  auto names = disk.list(directory_);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    if (name == kSource || name == "runs") continue;
    if (auto removed = remove_tree(disk, at(directory_, name)); !removed) return removed;
  }
  auto before = read_source(disk, directory_);
  if (!before) return fail(std::move(before.error()));
  const std::string runs = at(directory_, "runs");
  auto files = disk.list(runs);
  if (!files) return fail(std::move(files.error()));
  for (const auto& name : *files) {
    const auto number = store::run_number_of(name);
    const auto old = std::ranges::find(before->runs, number.value_or(0), &store::RunInfo::number);
    const bool wanted = old != before->runs.end() &&
                        std::ranges::any_of(manifest_.runs, [&](const auto& run) { return same_file(run, *old); });
    if (wanted) continue;
    if (auto removed = remove_tree(disk, at(runs, name)); !removed) return removed;
  }
  return disk.sync_directory(runs);
}

// How much of a run is there and need not be fetched again.
Result<uint64_t> PartialSnapshot::find_kept(runtime::Disk& disk, const store::RunInfo& run) const {
  const std::string path = store::run_path(directory_, run.number);
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return uint64_t{0};
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  if (*size > run.bytes) {
    if (auto removed = disk.remove(path); !removed) return fail(std::move(removed.error()));
    return uint64_t{0};
  }
  if (*size == run.bytes) {
    auto hash = store::sha256_of_file(disk, path);
    if (!hash) return fail(std::move(hash.error()));
    if (*hash == run.sha256) return run.bytes;
  }
  return *size == 0 ? 0 : (*size - 1) / kBootstrapPieceBytes * kBootstrapPieceBytes;
}

uint64_t PartialSnapshot::total_bytes() const {
  uint64_t bytes = 0;
  for (const auto& run : manifest_.runs) bytes += run.bytes;
  return bytes;
}

uint64_t PartialSnapshot::kept_bytes() const {
  uint64_t bytes = 0;
  for (const uint64_t kept : kept_) bytes += kept;
  return bytes;
}

std::optional<BootstrapPiece> PartialSnapshot::piece_after(const std::optional<BootstrapPiece>& piece) const {
  size_t run = piece ? piece->run : 0;
  uint64_t offset = piece ? piece->offset + piece->bytes : manifest_.runs.empty() ? 0 : kept_[0];
  for (; run < manifest_.runs.size(); ++run, offset = run < kept_.size() ? kept_[run] : 0) {
    const uint64_t left = manifest_.runs[run].bytes - offset;
    if (left > 0)
      return BootstrapPiece{run, offset, static_cast<uint32_t>(std::min<uint64_t>(left, kBootstrapPieceBytes))};
  }
  return std::nullopt;
}

Result<void> PartialSnapshot::append(runtime::Disk& disk, const BootstrapPiece& piece, ByteSpan bytes) {
  const auto& run = manifest_.runs[piece.run];
  if (bytes.size() != piece.bytes) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("bootstrap: the source sent {} bytes of run {} at offset {}, asked for were {}",
                            bytes.size(), run.number, piece.offset, piece.bytes));
  }
  if (piece.offset == kept_[piece.run]) {
    if (auto begun = begin_run(disk, piece); !begun) return begun;
  }
  AERODB_ASSERT(file_ != nullptr && hash_.has_value());
  if (auto written = file_->write(piece.offset, bytes); !written) return written;
  if (auto synced = file_->sync(); !synced) return synced;
  hash_->update(bytes);
  return piece.offset + piece.bytes == run.bytes ? end_run(disk, run) : Result<void>();
}

// Opens its file and hashes what is kept of it.
Result<void> PartialSnapshot::begin_run(runtime::Disk& disk, const BootstrapPiece& piece) {
  const std::string path = store::run_path(directory_, manifest_.runs[piece.run].number);
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  auto file = disk.open(path, *present ? runtime::OpenMode::kReadWrite : runtime::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  if (!*present) {
    if (auto synced = disk.sync_directory(at(directory_, "runs")); !synced) return synced;
  }
  file_ = std::move(*file);
  hash_.emplace();
  Bytes buffer(kBootstrapPieceBytes);
  for (uint64_t offset = 0; offset < piece.offset; offset += buffer.size()) {
    auto count = file_->read(offset, buffer);
    if (!count) return fail(std::move(count.error()));
    hash_->update(ByteSpan(buffer).first(*count));
  }
  return {};
}

Result<void> PartialSnapshot::end_run(runtime::Disk& disk, const store::RunInfo& run) {
  const Sha256 found = hash_->finish();
  file_.reset();
  hash_.reset();
  if (found == run.sha256 || planted(Fault::kInstallUnverified)) return {};
  const std::string path = store::run_path(directory_, run.number);
  if (auto removed = disk.remove(path); !removed) return removed;
  return fail(Error{ErrorCode::kRunDamaged,
                    fmt::format("bootstrap: run {}: its SHA-256 is not the manifest's (REPL-11)", run.number),
                    {}}
                  .with("expected", to_hex(run.sha256))
                  .with("found", to_hex(found)));
}

// --- verification, preparation

Result<void> verify_partial(runtime::Disk& disk, const std::string& data_dir, const NodeFile& node,
                            const store::Manifest& source, const ProgressFunction& progress, Lsn held_since) {
  if (source.cluster != node.cluster) {
    return fail(ErrorCode::kWrongNode, fmt::format("bootstrap: the snapshot is of cluster {}, this node of {}",
                                                   to_hex(source.cluster), to_hex(node.cluster)));
  }
  VerifyOptions options;
  options.progress = progress;
  const bool unverified = planted(Fault::kInstallUnverified);
  if (unverified) options.level = VerifyLevel::kManifest;
  auto state = verify_runs(disk, partial_of(data_dir), node.cluster, source, unverified, options);
  if (!state) return fail(std::move(state.error()));
  // An epoch of this node that lies behind the snapshot is long over, and only the log behind it would say so.
  const bool holds = (*state)->authority().role_of(node.instance) != rules::Role::kReplica;
  if (!holds && source.lsn >= held_since) return {};
  return fail(Error{
      ErrorCode::kNoSnapshot,
      fmt::format("bootstrap: the source's snapshot ends at LSN {}, where {} itself {}: the source needs a "
                  "later checkpoint",
                  source.lsn.value(), node.name,
                  holds ? "still holds authority or is sealed" : "has an epoch of its own still before it"),
      {}}.with("held_since_lsn", held_since.value()));
}

Result<void> prepare_install(runtime::Disk& disk, const std::string& data_dir, const wal::RingGeometry& geometry,
                             const store::Manifest& source) {
  const std::string partial = partial_of(data_dir);
  auto node = read_node_file(disk, data_dir);
  if (!node) return fail(std::move(node.error()));
  auto own = store::read_manifest(disk, data_dir);
  if (!own) return fail(std::move(own.error()));
  const auto present = own->value_or(store::Manifest());
  auto next_run = store::next_run_number(disk, data_dir, present);
  if (!next_run) return fail(std::move(next_run.error()));
  auto manifest = source;
  manifest.number = present.number + 1;
  manifest.next_run = std::max(source.next_run, *next_run);
  manifest.segment_sequence = 0;
  node->initial_lsn = Lsn();
  if (auto installed = store::install_manifest(disk, partial, manifest); !installed) return installed;
  if (auto ring = wal::create_ring(disk, partial, geometry); !ring) return ring;
  if (auto written = write_node_file(disk, partial, *node); !written) return written;
  if (auto synced = disk.sync_directory(at(partial, "runs")); !synced) return synced;
  if (auto synced = disk.sync_directory(partial); !synced) return synced;
  return disk.sync_directory(data_dir);
}

// --- the install

namespace {

// Parts that lie in bootstrap.partial still: the others have moved.
Result<std::vector<std::string_view>> waiting_parts(runtime::Disk& disk, const std::string& partial) {
  std::vector<std::string_view> waiting;
  for (const auto part : kParts) {
    auto present = disk.exists(at(partial, part));
    if (!present) return fail(std::move(present.error()));
    if (*present) waiting.push_back(part);
  }
  return waiting;
}

Result<void> remove_old(runtime::Disk& disk, const std::string& data_dir, std::span<const std::string_view> waiting) {
  for (const auto part : waiting) {
    if (part == "NODE") continue;  // without it the directory were no node's: the rename replaces it
    if (auto removed = remove_if_there(disk, at(data_dir, part)); !removed) return removed;
  }
  for (const auto name : kSaidOfTheLog) {
    if (auto removed = remove_if_there(disk, at(data_dir, name)); !removed) return removed;
  }
  if (auto synced = disk.sync_directory(at(data_dir, "authority")); !synced) return synced;
  return disk.sync_directory(data_dir);
}

Result<void> replace_parts(runtime::Disk& disk, const std::string& data_dir) {
  const std::string partial = partial_of(data_dir);
  auto waiting = waiting_parts(disk, partial);
  if (!waiting) return fail(std::move(waiting.error()));
  if (auto removed = remove_old(disk, data_dir, *waiting); !removed) return removed;
  for (const auto part : *waiting) {
    if (auto moved = disk.rename(at(partial, part), at(data_dir, part)); !moved) return moved;
  }
  if (!waiting->empty()) {
    if (auto synced = disk.sync_directory(partial); !synced) return synced;
  }
  if (auto synced = disk.sync_directory(data_dir); !synced) return synced;
  if (auto removed = remove_if_there(disk, partial); !removed) return removed;
  if (auto synced = disk.sync_directory(data_dir); !synced) return synced;
  if (auto removed = remove_if_there(disk, at(data_dir, kInstallMark)); !removed) return removed;
  return disk.sync_directory(data_dir);
}

}  // namespace

Result<void> install_snapshot(runtime::Disk& disk, const std::string& data_dir) {
  if (!planted(Fault::kInstallNotMarked)) {
    if (auto marked = runtime::replace_file(disk, data_dir, std::string(kInstallMark), {}); !marked) return marked;
  }
  return replace_parts(disk, data_dir);
}

Result<void> finish_install(runtime::Disk& disk, const std::string& data_dir, NodeFile& node) {
  auto marked = disk.exists(at(data_dir, kInstallMark));
  if (!marked) return fail(std::move(marked.error()));
  if (!*marked) return {};
  // Its writer may have died before the entry was durable; what the mark lets go must not go without it.
  if (auto synced = disk.sync_directory(data_dir); !synced) return synced;
  if (auto replaced = replace_parts(disk, data_dir); !replaced) return replaced;
  auto read = read_node_file(disk, data_dir);
  if (!read) return fail(std::move(read.error()));
  node = std::move(*read);
  return {};
}

}  // namespace aerodb::engine
