#include "common/rules/checkpoint_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/rules/enum_names.h"

namespace aerodb::rules {
namespace {

constexpr std::array<std::string_view, 6> kSteps = {"run_synced",      "runs_directory_synced", "log_durable",
                                                    "manifest_synced", "manifest_renamed",      "directory_synced"};
constexpr std::array<std::string_view, 3> kInstalledBy = {"nobody", "operation", "start"};

constexpr size_t kNowhere = SIZE_MAX;

// Where a step stands, first time; kNowhere where it does not.
size_t place_of(const detail::SyncSteps& steps, SyncStep step, std::optional<uint64_t> run = std::nullopt) {
  const auto found =
      std::ranges::find_if(steps, [&](const auto& entry) { return entry.step == step && entry.run == run; });
  return found == steps.end() ? kNowhere : static_cast<size_t>(found - steps.begin());
}

void pack_inputs(const CheckpointEvidence& e, document::PackWriter& out) {
  out.map(15);
  out.field("manifest", e.manifest);
  out.field("lsn", e.lsn);
  out.field("commit", e.commit);
  out.field("epoch", e.epoch);
  out.field("chain", e.chain);
  out.field("digest", e.digest);
  out.field("floor", e.floor);
  detail::pack_field("runs", e.runs, out);
  detail::pack_field("snapshots", e.snapshots, out);
  out.field("segment_sequence", e.segment_sequence);
  out.field("durable_lsn", e.durable_lsn);
  out.field("first_lsn", e.first_lsn);
  out.field("released_sequence", e.released_sequence);
  detail::pack_field("failed_file", e.failed_file, out);
  detail::pack_field("failed_code", e.failed_code, out);
}

void pack_conclusion(const CheckpointEvidence& e, CheckpointSafety safety, const std::vector<RuleEntry>& entries,
                     document::PackWriter& out) {
  const auto first = [&](Evaluation value) { return std::ranges::find(entries, value, &RuleEntry::evaluation); };
  switch (safety) {
    case CheckpointSafety::kNone:
      out.map(2);
      out.field("status", "no checkpoint");
      out.field("held_by", "log");
      return;
    case CheckpointSafety::kAccepted:
      out.map(3);
      out.field("status", "accepted");
      out.field("manifest", e.manifest);
      out.field("covers_lsn", e.lsn);
      return;
    case CheckpointSafety::kRejected:
      out.map(3);
      out.field("status", "rejected");
      out.field("manifest", e.manifest);
      out.field("rule", rule(first(Evaluation::kFalse)->rule).name);
      return;
    case CheckpointSafety::kUndetermined: {
      const auto entry = first(Evaluation::kUndetermined);
      out.map(2);
      out.field("status", "undetermined");
      out.field("reason", fmt::format("{}: {} is not known", rule(entry->rule).name, entry->missing.front()));
      return;
    }
    case CheckpointSafety::kIncomplete:
      out.map(3);
      out.field("status", "incomplete");
      out.field("error", *e.failed_code);
      out.field("file", e.failed_file.value_or(""));
      return;
  }
}

}  // namespace

std::string_view enum_name(SyncStep step) { return kSteps[static_cast<size_t>(step)]; }
bool enum_from_name(std::string_view name, SyncStep& step) { return from_name(kSteps, name, step); }
std::string_view enum_name(InstalledBy by) { return kInstalledBy[static_cast<size_t>(by)]; }
bool enum_from_name(std::string_view name, InstalledBy& by) { return from_name(kInstalledBy, name, by); }

namespace detail {

bool run_synced(const SyncSteps& steps, uint64_t run) {
  const size_t file = place_of(steps, SyncStep::kRunSynced, run);
  const size_t entry = place_of(steps, SyncStep::kRunsDirectorySynced, run);
  return file < entry && entry != kNowhere;
}

bool installed_in_order(const CheckpointEvidence& e) {
  const auto& steps = *e.sync_steps;
  const size_t synced = place_of(steps, SyncStep::kManifestSynced);
  const size_t renamed = place_of(steps, SyncStep::kManifestRenamed);
  const size_t directory = place_of(steps, SyncStep::kDirectorySynced);
  if (directory == kNowhere || synced > directory) return false;
  // A start finds it under its name.
  const bool found = steps[synced].by == InstalledBy::kStart;
  if (!found && !(synced < renamed && renamed < directory)) return false;
  const SyncSteps before(steps.begin(), steps.begin() + static_cast<ptrdiff_t>(synced));
  return log_was_durable(before, e.lsn) &&
         std::ranges::all_of(e.runs, [&](const auto& run) { return run_synced(before, run.number); });
}

bool releases_only_covered(const CheckpointEvidence& e) {
  const bool covered = e.released_sequence == 0 || e.released_sequence < e.segment_sequence;
  const bool all_held = e.durable_lsn <= e.lsn || (e.first_lsn > Lsn() && e.first_lsn <= e.lsn.next());
  return covered && all_held;
}

bool dropped_only_below_floor(const CheckpointEvidence& e) {
  uint64_t documents = 0;
  for (const auto& run : e.runs) {
    if (run.tombstones > run.versions) return false;
    documents = std::min(documents + (run.versions - run.tombstones), kMaxNumber);
  }
  return e.live_documents <= documents &&
         std::ranges::all_of(e.merges, [&](const auto& merge) { return merge.drop_floor <= e.floor; });
}

bool checksums_hold(const std::vector<CheckedFileEvidence>& files) {
  return std::ranges::all_of(files, [](const auto& file) { return file.checksum_holds && file.as_installed; });
}

}  // namespace detail

Explanation explain_checkpoint(const CheckpointEvidence& evidence, LineageId lineage) {
  RecordingTrace trace;
  const auto safety = decide_checkpoint(evidence, trace);
  return render_explanation(
      ExplanationType::kCheckpointSafety, {lineage, evidence.commit},
      [&](document::PackWriter& out) { pack_inputs(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_conclusion(evidence, safety, trace.entries(), out); });
}

}  // namespace aerodb::rules
