#include "common/engine/checkpoint_evidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/rules/recovery_rules.h"

namespace aerodb::engine {
namespace {

using rules::InstalledBy;
using rules::SyncStep;

// Damage is what was looked for; anything else ends the reading.
bool is_damage(const Error& error) {
  return error.code == ErrorCode::kRunDamaged || error.code == ErrorCode::kManifestDamaged ||
         error.code == ErrorCode::kNewerFormat;
}

using Files = std::vector<rules::CheckedFileEvidence>;

Result<void> check_manifest(runtime::Disk& disk, const std::string& data_dir, const store::Manifest& manifest,
                            Files& files) {
  const auto read = store::read_manifest(disk, data_dir);
  if (!read && !is_damage(read.error())) return fail(read.error());
  const bool absent = read && !*read;
  if (absent && manifest.number == 0) return {};
  files.push_back({std::string(store::kManifestName), read && *read, read && *read == manifest});
  return {};
}

Result<void> check_run(runtime::Disk& disk, const std::string& data_dir, const store::RunInfo& run, Files& files) {
  const auto opened = store::Run::open(disk, store::run_path(data_dir, run.number), run);
  if (!opened && !is_damage(opened.error())) return fail(opened.error());
  files.push_back({"runs/" + store::run_name(run.number), opened.has_value(), opened.has_value()});
  return {};
}

// One whose manifest can't be read as a manifest is no snapshot of this one.
Result<void> find_snapshots(runtime::Disk& disk, const std::string& data_dir, const store::Manifest& manifest,
                            std::vector<rules::SnapshotEvidence>& snapshots) {
  const std::string directory = data_dir + "/snapshots";
  auto present = disk.exists(directory);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto names = disk.list(directory);
  if (!names) return fail(std::move(names.error()));
  for (auto& name : *names) {
    auto read = store::read_manifest(disk, directory + "/" + name);
    if (!read && !is_damage(read.error())) return fail(std::move(read.error()));
    const bool same = read && *read && (*read)->number == manifest.number && (*read)->chain == manifest.chain;
    if (same) snapshots.push_back({std::move(name)});
  }
  return {};
}

}  // namespace

InstallRecord found_at_start(const rules::RecoveryEvidence& recovery) {
  InstallRecord record;
  if (recovery.manifest_number.value_or(0) == 0) return record;
  record.by = InstalledBy::kStart;
  if (!recovery.carried_out || !recovery.syncs) return record;
  const auto synced = [&](std::string_view name) {
    return std::ranges::find(*recovery.syncs, name, &rules::RecoverySync::name) != recovery.syncs->end();
  };
  auto& steps = record.steps.emplace();
  const auto add = [&](SyncStep step, std::optional<uint64_t> run, std::optional<Lsn> lsn) {
    steps.push_back({step, InstalledBy::kStart, run, lsn});
  };
  for (const auto& run : recovery.runs) {
    if (synced("runs/" + store::run_name(run.number))) add(SyncStep::kRunSynced, run.number, std::nullopt);
    if (synced("runs")) add(SyncStep::kRunsDirectorySynced, run.number, std::nullopt);
  }
  add(SyncStep::kLogDurable, std::nullopt, recovery.final_lsn.value_or(Lsn()));
  if (synced(store::kManifestName)) add(SyncStep::kManifestSynced, std::nullopt, std::nullopt);
  if (synced(".")) add(SyncStep::kDirectorySynced, std::nullopt, std::nullopt);
  return record;
}

InstallRecord record_for(const store::Manifest& next, const store::Manifest& installed, const InstallRecord& before,
                         std::optional<rules::MergeEvidence> merge) {
  const auto named = [&](uint64_t number) {
    return std::ranges::find(next.runs, number, &store::RunInfo::number) != next.runs.end();
  };
  InstallRecord record;
  record.by = InstalledBy::kOperation;
  if (installed.number > 0) record.floor_before = installed.floor;
  for (const auto& made : before.merges) {
    if (named(made.run)) record.merges.push_back(made);
  }
  if (merge) record.merges.push_back(*merge);
  const bool keeps_a_run =
      std::ranges::any_of(installed.runs, [&](const store::RunInfo& run) { return named(run.number); });
  if (keeps_a_run && !before.steps) return record;
  auto& steps = record.steps.emplace();
  if (!before.steps) return record;
  for (const auto& step : *before.steps) {
    if (step.run && named(*step.run)) steps.push_back(step);
  }
  return record;
}

rules::CheckpointEvidence checkpoint_evidence_of(const store::Manifest& manifest, const InstallRecord& record,
                                                 const LogOffsets& log) {
  rules::CheckpointEvidence e;
  e.manifest = manifest.number;
  e.lsn = manifest.lsn;
  e.commit = manifest.commit;
  e.epoch = manifest.epoch;
  e.chain = manifest.chain;
  e.digest = manifest.digest;
  e.floor = manifest.floor;
  e.live_documents = manifest.live_documents;
  e.next_run = manifest.next_run;
  e.segment_sequence = manifest.segment_sequence;
  for (const auto& run : manifest.runs) {
    e.runs.push_back(
        {run.number, run.first_commit, run.last_commit, run.bytes, run.sha256, run.versions, run.tombstones});
  }
  e.durable_lsn = log.durable_lsn;
  e.first_lsn = log.first_lsn;
  e.released_sequence = log.released_sequence;
  e.installed_by = record.by;
  e.sync_steps = record.steps;
  e.floor_before = record.floor_before;
  e.merges = record.merges;
  return e;
}

void add_checkpoint_files(runtime::Disk& disk, const std::string& data_dir, const store::Manifest& manifest,
                          rules::CheckpointEvidence& evidence) {
  Files files;
  const auto ended = [&](const Result<void>& read, std::string file) {
    if (read) return false;
    evidence.failed_file = std::move(file);
    evidence.failed_code = read.error().row().name;
    return true;
  };
  if (ended(check_manifest(disk, data_dir, manifest, files), std::string(store::kManifestName))) return;
  for (const auto& run : manifest.runs) {
    if (ended(check_run(disk, data_dir, run, files), "runs/" + store::run_name(run.number))) return;
  }
  evidence.files = std::move(files);
  if (manifest.number == 0) return;
  if (ended(find_snapshots(disk, data_dir, manifest, evidence.snapshots), "snapshots")) return;
}

}  // namespace aerodb::engine
