#include "common/engine/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/checksum.h"
#include "common/engine/remove_tree.h"
#include "common/store/merge.h"
#include "common/store/paced_file.h"
#include "common/store/run_writer.h"
#include "common/wal/ring_files.h"

namespace aerodb::engine {
namespace {

constexpr size_t kPieceBytes = 1u << 20;
// What moves from restore.partial, NODE apart.
constexpr std::array<std::string_view, 4> kParts = {"MANIFEST", "authority", "runs", "wal"};

// What a restore that did not end left behind. Its mark, restore.partial, goes last.
Result<void> clear_leftovers(runtime::Disk& disk, const std::string& data_dir) {
  const std::string partial = data_dir + "/" + std::string(kRestorePartial);
  auto present = disk.exists(partial);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  for (const auto part : kParts) {
    if (auto removed = remove_if_there(disk, data_dir + "/" + std::string(part)); !removed) return removed;
  }
  if (auto synced = disk.sync_directory(data_dir); !synced) return synced;
  if (auto removed = remove_tree(disk, partial); !removed) return removed;
  return disk.sync_directory(data_dir);
}

// A verified backup becoming the directory of a node.
class Materialisation {
 public:
  Materialisation(runtime::Disk& disk, runtime::Random& random, const RestoreOptions& options, BackupArchive& archive,
                  const State& state)
      : disk_(disk),
        random_(random),
        options_(options),
        archive_(archive),
        state_(state),
        partial_(options.data_dir + "/" + std::string(kRestorePartial)) {
    const auto backup_cluster = archive.info().cluster;
    node_.cluster = options.same_cluster ? backup_cluster
                    : options.cluster    ? *options.cluster
                                         : runtime::random_id<ClusterId>(random);
    node_.name = options.name.empty() ? archive.info().node : options.name;
    node_.instance = options.instance ? *options.instance : runtime::random_id<InstanceId>(random);
    node_.initial_lsn = state.position().lsn.next();
    for (const auto& run : archive.manifest().runs) total_ += run.bytes;
  }

  Result<RestoreReport> run() {
    if (auto made = make_parts(); !made) return fail(std::move(made.error()));
    if (auto moved = move_parts(); !moved) return fail(std::move(moved.error()));
    RestoreReport report;
    report.node = node_;
    report.backup = archive_.info();
    report.restored = state_.position();
    report.start = start_;
    report.live_documents = state_.live_documents();
    report.runs = manifest_.runs.size();
    report.records_replayed = state_.position().lsn.value() - archive_.manifest().lsn.value();
    return report;
  }

 private:
  Result<void> make_parts() {
    if (auto made = disk_.make_directory(partial_ + "/runs"); !made) return made;
    if (auto made = disk_.make_directory(partial_ + "/authority"); !made) return made;
    manifest_ = state_.draft_manifest();
    for (const auto& run : archive_.manifest().runs) {
      if (auto copied = copy_run(run); !copied) return copied;
      manifest_.runs.push_back(run);
      manifest_.next_run = std::max(manifest_.next_run, run.number + 1);
    }
    manifest_.next_run = std::max(manifest_.next_run, archive_.manifest().next_run);
    if (auto written = write_replayed(); !written) return written;
    if (auto synced = disk_.sync_directory(partial_ + "/runs"); !synced) return synced;
    manifest_.number = 1;
    manifest_.cluster = node_.cluster;
    manifest_.segment_sequence = 0;
    if (auto installed = store::install_manifest(disk_, partial_, manifest_); !installed) return installed;
    if (auto ring = wal::create_ring(disk_, partial_, options_.geometry); !ring) return ring;
    if (auto started = start_lineage(); !started) return started;
    if (auto written = write_node_file(disk_, partial_, node_); !written) return written;
    return disk_.sync_directory(options_.data_dir);
  }

  Result<void> copy_run(const store::RunInfo& info) {
    auto from = archive_.files().open(store::run_path(archive_.path(), info.number), runtime::OpenMode::kRead);
    if (!from) return fail(std::move(from.error()));
    const std::string path = store::run_path(partial_, info.number);
    auto file = disk_.open(path, runtime::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    store::PacedFile to(std::move(*file), [this, before = done_](uint64_t written) { progress(before + written); });
    Sha256Stream hash;
    Bytes piece(kPieceBytes);
    for (uint64_t at = 0; at < info.bytes;) {
      auto count = (*from)->read(at, piece);
      if (!count) return fail(std::move(count.error()));
      if (*count == 0) break;
      const auto bytes = ByteSpan(piece).first(*count);
      hash.update(bytes);
      if (auto written = to.append(bytes); !written) return written;
      at += *count;
    }
    if (auto flushed = to.flush(); !flushed) return flushed;
    done_ += info.bytes;
    // It was proven before; this says that the same bytes were read again.
    if (hash.finish() == info.sha256) return {};
    return fail(
        archive_.damaged(run_member(info.number), {ErrorCode::kBackupDamaged, "it changed while it was read", {}}));
  }

  // The log's versions become one more run.
  Result<void> write_replayed() {
    const auto& table = state_.layers().active();
    if (table.versions() == 0) return {};
    store::RunWriterOptions options;
    options.number = manifest_.next_run++;
    options.first_commit = archive_.manifest().commit.next();
    options.last_commit = state_.position().commit;
    options.indexes = state_.indexes();
    options.progress = [this](uint64_t written) { progress(done_ + written); };
    auto writer = store::RunWriter::create(disk_, partial_, std::move(options));
    if (!writer) return fail(std::move(writer.error()));
    auto versions = store::versions_of(table);
    while (true) {
      auto version = versions->next();
      if (!version) return fail(std::move(version.error()));
      if (!*version) break;
      if (auto added = (*writer)->add(**version); !added) return added;
    }
    auto info = (*writer)->finish();
    if (!info) return fail(std::move(info.error()));
    manifest_.runs.push_back(std::move(*info));
    return {};
  }

  Result<void> start_lineage() {
    const auto& parent = state_.position();
    wal::LineageStart start;
    start.lineage = options_.lineage ? *options_.lineage : runtime::random_id<LineageId>(random_);
    start.parent = parent.lineage;
    start.parent_lsn = parent.lsn;
    start.parent_commit = parent.commit;
    start.parent_chain = parent.chain;
    start.reason = wal::LineageReason::kRestore;
    start.node = node_.name;
    start.instance = node_.instance;
    start.who = {"restore", options_.operator_name, options_.reason, std::nullopt};
    const wal::RecordHeader header{0,
                                   wal::RecordType::kLineageStart,
                                   parent.epoch.next(),
                                   parent.lsn.next(),
                                   parent.commit,
                                   parent.chain,
                                   parent.digest};
    auto chain = write_first_record(disk_, random_, partial_, node_, header, start);
    if (!chain) return fail(std::move(chain.error()));
    start_ = {header.lsn, header.commit, header.epoch, start.lineage, *chain, header.digest_after};
    return {};
  }

  // The one atomic step is the last rename: NODE makes the directory a node.
  Result<void> move_parts() {
    const std::string& target = options_.data_dir;
    for (const auto part : kParts) {
      const std::string name(part);
      if (auto moved = disk_.rename(partial_ + "/" + name, target + "/" + name); !moved) return moved;
    }
    if (auto synced = disk_.sync_directory(target); !synced) return synced;
    if (auto moved = disk_.rename(partial_ + "/NODE", target + "/NODE"); !moved) return moved;
    if (auto synced = disk_.sync_directory(target); !synced) return synced;
    if (auto removed = disk_.remove(partial_); !removed) return removed;
    return disk_.sync_directory(target);
  }

  void progress(uint64_t done) const {
    if (options_.progress) options_.progress(std::min(done, total_), total_);
  }

  runtime::Disk& disk_;
  runtime::Random& random_;
  const RestoreOptions& options_;
  BackupArchive& archive_;
  const State& state_;
  std::string partial_;
  NodeFile node_;
  store::Manifest manifest_;
  Position start_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

// What was asked for against what the backup is.
Result<void> check_wishes(const BackupInfo& info, const RestoreOptions& options) {
  if (options.same_cluster && options.cluster && *options.cluster != info.cluster) {
    return fail(ErrorCode::kWrongNode, fmt::format("restore: the configuration names cluster {}, the backup is of {}",
                                                   to_hex(*options.cluster), to_hex(info.cluster)));
  }
  if (!options.to_commit) return {};
  if (*options.to_commit >= info.manifest_commit && *options.to_commit <= info.end_commit) return {};
  return fail(ErrorCode::kBadRequest,
              fmt::format("restore to commit {}: the backup reaches from commit {} to {}", options.to_commit->value(),
                          info.manifest_commit.value(), info.end_commit.value()));
}

}  // namespace

Result<void> check_restore_target(runtime::Disk& disk, const std::string& data_dir) {
  auto present = disk.exists(data_dir);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto names = disk.list(data_dir);
  if (!names) return fail(std::move(names.error()));
  auto has = [&](std::string_view name) { return std::ranges::find(*names, name) != names->end(); };
  const bool leftover = has(kRestorePartial) && !has("NODE");
  for (const auto& name : *names) {
    if (name == "lost+found" || name == "LOCK") continue;
    const bool part = name == kRestorePartial || std::ranges::find(kParts, name) != kParts.end();
    if (leftover && part) continue;
    return fail(ErrorCode::kAlreadyInitialized, fmt::format("restore {}: the directory holds {}", data_dir, name));
  }
  return {};
}

Result<RestoreReport> restore_backup(runtime::Disk& disk, runtime::Random& random, const std::string& backup,
                                     const RestoreOptions& options) {
  if (auto free = check_restore_target(disk, options.data_dir); !free) return fail(std::move(free.error()));
  VerifyOptions proof;
  proof.cache_bytes = options.cache_bytes;
  proof.max_memory_bytes = options.max_memory_bytes;
  proof.progress = options.progress;
  auto archive = BackupArchive::open(disk, backup, options.progress);
  if (!archive) return fail(std::move(archive.error()));
  if (auto fits = check_wishes((*archive)->info(), options); !fits) return fail(std::move(fits.error()));
  auto verified = replay_backup(std::move(*archive), proof);
  if (!verified) return fail(std::move(verified.error()));
  if (options.to_commit && *options.to_commit < verified->archive->info().end_commit) {
    verified->state.reset();  // makes room for the other one
    auto state = replay_to_commit(*verified->archive, *options.to_commit, proof);
    if (!state) return fail(std::move(state.error()));
    verified->state = std::move(*state);
  }
  if (auto made = make_durable_directory(disk, options.data_dir); !made) return fail(std::move(made.error()));
  auto lock = disk.lock(options.data_dir);
  if (!lock) return fail(std::move(lock.error()));
  if (auto free = check_restore_target(disk, options.data_dir); !free) return fail(std::move(free.error()));
  if (auto cleared = clear_leftovers(disk, options.data_dir); !cleared) return fail(std::move(cleared.error()));
  return Materialisation(disk, random, options, *verified->archive, *verified->state).run();
}

}  // namespace aerodb::engine
