#include "common/engine/verify.h"

#include <fmt/format.h>

#include "common/base/assert.h"
#include "common/engine/log_check.h"
#include "common/engine/recovery.h"
#include "common/engine/snapshot.h"
#include "common/engine/verify_runs.h"
#include "common/store/block_cache.h"

namespace aerodb::engine {
namespace {

void tell(const VerifyOptions& options, Checked checked) {
  if (options.checked) options.checked(checked);
}

LogCheck log_check(const VerifyOptions& options, const State& at_manifest) {
  return {at_manifest, options.against, options.max_memory_bytes};
}

// Behind the last record.
Result<void> end_log(const LogCheck& check, const VerifyOptions& options, VerifyReport& report) {
  if (auto held = check.finish(); !held) return held;
  report.end = check.end();
  report.records = check.records();
  const bool replayed = options.level == VerifyLevel::kReplay;
  tell(options, {"log", replayed ? "frames, chain and replay" : "frames and chain", check.bytes(), check.records()});
  return {};
}

Result<VerifyReport> verify_snapshot(runtime::Disk& disk, const std::string& directory, const store::Manifest& manifest,
                                     const VerifyOptions& options) {
  VerifyReport report;
  report.kind = VerifiedKind::kSnapshot;
  report.cluster = manifest.cluster;
  report.manifest_number = manifest.number;
  report.runs = manifest.runs.size();
  auto state = verify_runs(disk, directory, manifest.cluster, manifest, false, options);
  if (!state) return fail(std::move(state.error()));
  report.end = (*state)->position();
  report.live_documents = (*state)->live_documents();
  if (auto held = log_check(options, **state).finish(); !held) return fail(std::move(held.error()));
  return report;
}

// Not trouble, but worth knowing.
Result<void> note_leftovers(runtime::Disk& disk, const std::string& directory, const OpenedNode& opened,
                            const VerifyOptions& options) {
  if (opened.halt) tell(options, {"HALT", "note", 0, 0, fmt::format("the node halted: {}", opened.halt->reason)});
  auto stray = store::stray_runs(disk, directory, opened.manifest);
  if (!stray) return fail(std::move(stray.error()));
  for (const auto& name : *stray) tell(options, {"runs/" + name, "note", 0, 0, "no manifest names it"});
  auto snapshots = list_snapshots(disk, directory);
  if (!snapshots) return fail(std::move(snapshots.error()));
  for (const auto& snapshot : *snapshots) {
    if (!snapshot.complete)
      tell(options, {"snapshots/" + snapshot.name, "note", 0, 0, "incomplete: it has no manifest"});
  }
  return {};
}

Result<void> verify_log(runtime::Disk& disk, const OpenOptions& open, const VerifyOptions& options,
                        const State& at_manifest, OpenedNode& opened, VerifyReport& report) {
  auto check = log_check(options, at_manifest);
  Inspection inspection;
  if (options.level == VerifyLevel::kReplay) inspection.trust = Trust::kPeer;
  inspection.visit = [&](const wal::RecordView& record, const State& state) {
    return check.take(record, state.layers().memory_bytes());
  };
  if (auto read = inspect_log(disk, open, inspection, opened); !read) return read;
  if (auto ended = end_log(check, options, report); !ended) return ended;
  report.label = opened.report.label;
  report.live_documents = opened.state.live_documents();
  if (const auto& tail = opened.report.evidence.tail; tail.bytes_at_end == true) {
    tell(options, {"log", "note", 0, 0,
                   fmt::format("a torn frame lies behind the end, in segment {} at offset {}", *tail.end_segment,
                               *tail.end_offset)});
  }
  return {};
}

// What a backup adds up to at its manifest, its members told.
Result<std::unique_ptr<State>> verify_members(BackupArchive& archive, const VerifyOptions& options,
                                              VerifyReport& report) {
  for (const auto& member : archive.members()) tell(options, {member.name, "sha256", member.bytes, 0});
  report.kind = VerifiedKind::kBackup;
  report.cluster = archive.info().cluster;
  report.node = archive.info().node;
  report.manifest_number = archive.manifest().number;
  report.runs = archive.manifest().runs.size();
  auto state = verify_runs(archive.files(), archive.path(), archive.info().cluster, archive.manifest(), true, options);
  if (!state) return fail(archive.damaged("its runs", std::move(state.error())));
  report.end = (*state)->position();
  return state;
}

Result<void> verify_backup_log(BackupArchive& archive, const VerifyOptions& options, State& state,
                               VerifyReport& report) {
  auto check = log_check(options, state);
  store::DirectBlocks blocks(archive.files(), options.cache_bytes);
  auto read = archive.read_log([&](const wal::RecordView& record) -> Result<void> {
    if (options.level == VerifyLevel::kReplay) {
      auto applied = state.apply(record, Trust::kPeer, blocks);
      blocks.settle();
      if (!applied) return applied;
    }
    return check.take(record, state.layers().memory_bytes());
  });
  if (!read) return read;
  if (auto ended = end_log(check, options, report); !ended) return ended;
  if (report.end.epoch != archive.info().end_epoch || report.end.lineage != archive.info().end_lineage) {
    return fail(
        archive.damaged(kBackupMember, {ErrorCode::kBackupDamaged, "its epoch or lineage is not the log's", {}}));
  }
  report.live_documents = state.live_documents();
  return {};
}

}  // namespace

Result<VerifyReport> verify_directory(runtime::Disk& disk, const std::string& directory, const VerifyOptions& options) {
  auto manifest = store::read_manifest(disk, directory);
  if (!manifest) return fail(std::move(manifest.error()));
  auto is_node = disk.exists(directory + "/NODE");
  if (!is_node) return fail(std::move(is_node.error()));
  if (!*is_node && *manifest) return verify_snapshot(disk, directory, **manifest, options);

  OpenOptions open;
  open.data_dir = directory;
  open.cache_bytes = options.cache_bytes;
  auto opened = claim_directory(disk, open);
  if (!opened) return fail(std::move(opened.error()));
  const auto& node = (*opened)->node;
  VerifyReport report;
  report.cluster = node.cluster;
  report.node = node.name;
  // Read again: only now does nobody change it.
  manifest = store::read_manifest(disk, directory);
  if (!manifest) return fail(std::move(manifest.error()));
  if (*manifest) (*opened)->manifest = std::move(**manifest);
  report.manifest_number = (*opened)->manifest.number;
  report.runs = (*opened)->manifest.runs.size();
  auto state = verify_runs(disk, directory, node.cluster, (*opened)->manifest, false, options);
  if (!state) return fail(std::move(state.error()));
  report.end = (*state)->position();
  if (auto noted = note_leftovers(disk, directory, **opened, options); !noted) return fail(std::move(noted.error()));
  if (options.level == VerifyLevel::kManifest) return report;
  auto geometry = wal::ring_geometry(disk, directory);
  if (!geometry) return fail(std::move(geometry.error()));
  open.geometry = *geometry;
  if (auto verified = verify_log(disk, open, options, **state, **opened, report); !verified)
    return fail(std::move(verified.error()));
  return report;
}

Result<VerifyReport> verify_backup(runtime::Disk& disk, const std::string& path, const VerifyOptions& options) {
  auto archive = BackupArchive::open(disk, path, options.progress);
  if (!archive) return fail(std::move(archive.error()));
  if (options.level == VerifyLevel::kReplay) {
    auto verified = replay_backup(std::move(*archive), options);
    if (!verified) return fail(std::move(verified.error()));
    return verified->report;
  }
  VerifyReport report;
  auto state = verify_members(**archive, options, report);
  if (!state) return fail(std::move(state.error()));
  if (options.level == VerifyLevel::kManifest) return report;
  if (auto verified = verify_backup_log(**archive, options, **state, report); !verified)
    return fail(std::move(verified.error()));
  return report;
}

Result<VerifiedBackup> replay_backup(std::unique_ptr<BackupArchive> archive, const VerifyOptions& options) {
  AERODB_ASSERT(options.level == VerifyLevel::kReplay);
  VerifiedBackup verified;
  verified.archive = std::move(archive);
  auto state = verify_members(*verified.archive, options, verified.report);
  if (!state) return fail(std::move(state.error()));
  verified.state = std::move(*state);
  if (auto replayed = verify_backup_log(*verified.archive, options, *verified.state, verified.report); !replayed)
    return fail(std::move(replayed.error()));
  return verified;
}

Result<std::unique_ptr<State>> replay_to_commit(BackupArchive& archive, CommitId commit, const VerifyOptions& options) {
  const auto& manifest = archive.manifest();
  auto state = std::make_unique<State>(archive.info().cluster);
  std::vector<std::shared_ptr<const store::Run>> runs;
  for (const auto& info : manifest.runs) {
    auto run = store::Run::open(archive.files(), store::run_path(archive.path(), info.number), info);
    if (!run) return fail(archive.damaged(run_member(info.number), std::move(run.error())));
    runs.push_back(std::move(*run));
  }
  if (manifest.number != 0) {
    if (auto loaded = state->load(manifest, std::move(runs)); !loaded)
      return fail(archive.damaged(kManifestMember, std::move(loaded.error())));
  }
  store::DirectBlocks blocks(archive.files(), options.cache_bytes);
  auto read = archive.read_log([&](const wal::RecordView& record) -> Result<void> {
    if (record.header.commit > commit) return {};
    auto applied = state->apply(record, Trust::kPeer, blocks);
    blocks.settle();
    return applied;
  });
  if (!read) return fail(std::move(read.error()));
  return state;
}

}  // namespace aerodb::engine
