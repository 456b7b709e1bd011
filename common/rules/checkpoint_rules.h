// Is the installed manifest a safe checkpoint, from which the log below it may be given up? (rules CKPT-1, CKPT-2,
// CKPT-3, CKPT-4, CKPT-5, CKPT-6, applied in this order)
//
// The operation that installs a manifest decides by the same functions: decide_install() before the manifest is
// replaced, decide_release() before segments of the ring are given back.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/fault.h"
#include "common/rules/explanation.h"

namespace aerodb::rules {

// What makes a manifest durable, in the order in which it must happen.
enum class SyncStep : uint8_t {
  kRunSynced,            // of `run`: the file
  kRunsDirectorySynced,  // of `run`: its entry
  kLogDurable,           // up to `lsn`
  kManifestSynced,       // under its temporary name; by a start: under its own
  kManifestRenamed,
  kDirectorySynced,  // the manifest's entry
};
[[nodiscard]] std::string_view enum_name(SyncStep step);
[[nodiscard]] bool enum_from_name(std::string_view name, SyncStep& step);

// How the node comes to the manifest. What it performed itself, or verified and synced when it started.
enum class InstalledBy : uint8_t { kNobody, kOperation, kStart };
[[nodiscard]] std::string_view enum_name(InstalledBy by);
[[nodiscard]] bool enum_from_name(std::string_view name, InstalledBy& by);

struct SyncStepEvidence {
  SyncStep step = SyncStep::kRunSynced;
  InstalledBy by = InstalledBy::kOperation;
  std::optional<uint64_t> run;
  std::optional<Lsn> lsn;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("step", self.step);
    visit("by", self.by);
    visit("run", self.run);
    visit("lsn", self.lsn);
  }
};

// As the manifest says it.
struct CheckpointRunEvidence {
  uint64_t number = 0;
  CommitId first_commit;
  CommitId last_commit;
  uint64_t bytes = 0;
  Sha256 sha256{};
  uint64_t versions = 0;
  uint64_t tombstones = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("first_commit", self.first_commit);
    visit("last_commit", self.last_commit);
    visit("bytes", self.bytes);
    visit("sha256", self.sha256);
    visit("versions", self.versions);
    visit("tombstones", self.tombstones);
  }
};

// A merge that this process carried out.
struct MergeEvidence {
  uint64_t run = 0;     // it made
  CommitId drop_floor;  // versions at or below it and not newest there were dropped
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run);
    visit("drop_floor", self.drop_floor);
  }
};

// A file as it was read for the explanation: the whole manifest, and of a run header, tail and footer. Where the node
// goes by no manifest, a file of that name that is there all the same.
struct CheckedFileEvidence {
  std::string file;
  bool checksum_holds = false;
  bool as_installed = false;  // it says what the node goes by
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file);
    visit("checksum_holds", self.checksum_holds);
    visit("as_installed", self.as_installed);
  }
};

// A snapshot whose manifest is this one.
struct SnapshotEvidence {
  std::string name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
  }
};

struct CheckpointEvidence {
  // the manifest; number 0: there is none
  uint64_t manifest = 0;
  Lsn lsn;
  CommitId commit;
  Epoch epoch;
  Chain chain;
  Digest digest;
  CommitId floor;
  uint64_t live_documents = 0;
  uint64_t next_run = 0;
  uint64_t segment_sequence = 0;  // of the ring's segment that holds lsn; 0: none does
  std::vector<CheckpointRunEvidence> runs;
  std::vector<SnapshotEvidence> snapshots;
  // the log
  Lsn durable_lsn;
  Lsn first_lsn;                   // oldest that the ring holds; 0: it holds none
  uint64_t released_sequence = 0;  // segments up to this one may be used again
  // how it was installed
  InstalledBy installed_by = InstalledBy::kNobody;
  std::optional<std::vector<SyncStepEvidence>> sync_steps;  // absent: nobody noted them
  std::optional<CommitId> floor_before;                     // of the manifest that it replaced, where this process did
  std::vector<MergeEvidence> merges;                        // that made runs of it
  // what the files say now; absent: they could not be read
  std::optional<std::vector<CheckedFileEvidence>> files;
  // what ended the reading of them
  std::optional<std::string> failed_file;
  std::optional<std::string> failed_code;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("manifest", self.manifest);
    visit("lsn", self.lsn);
    visit("commit", self.commit);
    visit("epoch", self.epoch);
    visit("chain", self.chain);
    visit("digest", self.digest);
    visit("floor", self.floor);
    visit("live_documents", self.live_documents);
    visit("next_run", self.next_run);
    visit("segment_sequence", self.segment_sequence);
    visit("runs", self.runs);
    visit("snapshots", self.snapshots);
    visit("durable_lsn", self.durable_lsn);
    visit("first_lsn", self.first_lsn);
    visit("released_sequence", self.released_sequence);
    visit("installed_by", self.installed_by);
    visit("sync_steps", self.sync_steps);
    visit("floor_before", self.floor_before);
    visit("merges", self.merges);
    visit("files", self.files);
    visit("failed_file", self.failed_file);
    visit("failed_code", self.failed_code);
  }
};

enum class InstallDecision : uint8_t {
  kGranted,
  kLogNotDurable,  // wait
  kDenied,         // a rule does not hold: a bug
};

enum class CheckpointSafety : uint8_t { kNone, kAccepted, kRejected, kUndetermined, kIncomplete };

namespace detail {

using SyncSteps = std::vector<SyncStepEvidence>;

// CKPT-1 before the manifest is replaced: that run and its entry are synced, in this order.
[[nodiscard]] bool run_synced(const SyncSteps& steps, uint64_t run);
// The log was durable that far. Where it is known, that is before the manifest was replaced.
[[nodiscard]] inline bool log_was_durable(const SyncSteps& steps, Lsn lsn) {
  if (planted(Fault::kManifestBeforeLog)) return true;
  for (const auto& step : steps) {
    if (step.step == SyncStep::kLogDurable) return step.lsn && *step.lsn >= lsn;
  }
  return lsn == Lsn();
}
// CKPT-1 whole: all of that, then the manifest synced, renamed, its directory synced; nothing in between or twice.
[[nodiscard]] bool installed_in_order(const CheckpointEvidence& e);
// CKPT-2: no record that the manifest does not cover lies in a released segment, and all of them are held.
[[nodiscard]] bool releases_only_covered(const CheckpointEvidence& e);
// CKPT-3: numbers below `next_run`, each once, and commits that follow one another from the first to `last` without a
// gap. Of the runs of a manifest, as either kind of evidence holds them.
template <class Run>
[[nodiscard]] bool runs_join(const std::vector<Run>& runs, uint64_t next_run, CommitId last) {
  std::set<uint64_t> numbers;
  CommitId covered;
  for (const auto& run : runs) {
    if (run.number == 0 || run.number >= next_run || !numbers.insert(run.number).second) return false;
    if (run.first_commit != covered.next() || run.last_commit < run.first_commit) return false;
    covered = run.last_commit;
  }
  return covered == last;
}
// CKPT-4, as far as numbers show it: no merge dropped above the floor, and there are as many documents as there must
// be. That every version is right is for a replay to show.
[[nodiscard]] bool dropped_only_below_floor(const CheckpointEvidence& e);
// CKPT-5
[[nodiscard]] bool checksums_hold(const std::vector<CheckedFileEvidence>& files);
// CKPT-6; pins were looked at when the floor was raised.
[[nodiscard]] inline bool floor_only_rose(const CheckpointEvidence& e) {
  return e.floor <= e.commit && e.floor_before.value_or(CommitId()) <= e.floor;
}

}  // namespace detail

// May this manifest take the place of the one before? `written`: the run that the operation made for it; older ones
// came with a manifest that was installed. CKPT-1 as far as it goes before the install, CKPT-3, CKPT-6.
template <class Trace>
[[nodiscard]] InstallDecision decide_install(const CheckpointEvidence& e, std::optional<uint64_t> written,
                                             Trace& trace) {
  const detail::SyncSteps none;
  const auto& steps = e.sync_steps ? *e.sync_steps : none;
  const bool durable = detail::log_was_durable(steps, e.lsn);
  const bool synced = !written || detail::run_synced(steps, *written);
  const bool complete = detail::runs_join(e.runs, e.next_run, e.commit);
  const bool floor = detail::floor_only_rose(e);
  trace.apply(RuleId::kCkpt1, evaluation(durable && synced), e, "lsn", "runs", "sync_steps");
  trace.apply(RuleId::kCkpt3, evaluation(complete), e, "commit", "next_run", "runs");
  trace.apply(RuleId::kCkpt6, evaluation(floor), e, "commit", "floor", "floor_before");
  if (!synced || !complete || !floor) return InstallDecision::kDenied;
  return durable ? InstallDecision::kGranted : InstallDecision::kLogNotDurable;
}

// May the segments up to e.released_sequence be given back, e being the manifest that is installed? (CKPT-2)
template <class Trace>
[[nodiscard]] bool decide_release(const CheckpointEvidence& e, Trace& trace) {
  const bool covered = detail::releases_only_covered(e);
  trace.apply(RuleId::kCkpt2, evaluation(covered), e, "durable_lsn", "first_lsn", "lsn", "released_sequence",
              "segment_sequence");
  return covered;
}

// All rules, about the manifest that is installed.
template <class Trace>
[[nodiscard]] CheckpointSafety decide_checkpoint(const CheckpointEvidence& e, Trace& trace) {
  bool all_hold = true;
  bool all_known = true;
  auto apply = [&](RuleId rule, Evaluation value, auto... names) {
    trace.apply(rule, value, e, names...);
    all_hold = all_hold && value != Evaluation::kFalse;
    all_known = all_known && value != Evaluation::kUndetermined;
  };
  const bool none = e.manifest == 0;
  const bool noted = none || e.sync_steps.has_value();
  apply(RuleId::kCkpt1, noted ? evaluation(none || detail::installed_in_order(e)) : Evaluation::kUndetermined,
        "installed_by", "lsn", "runs", "sync_steps");
  all_hold = decide_release(e, trace) && all_hold;
  apply(RuleId::kCkpt3, evaluation(detail::runs_join(e.runs, e.next_run, e.commit)), "commit", "next_run", "runs");
  apply(RuleId::kCkpt4, evaluation(detail::dropped_only_below_floor(e)), "floor", "live_documents", "merges", "runs");
  apply(RuleId::kCkpt5, e.files ? evaluation(detail::checksums_hold(*e.files)) : Evaluation::kUndetermined, "files");
  apply(RuleId::kCkpt6, evaluation(detail::floor_only_rose(e)), "commit", "floor", "floor_before");
  if (!all_hold) return CheckpointSafety::kRejected;
  if (e.failed_code) return CheckpointSafety::kIncomplete;
  if (!all_known) return CheckpointSafety::kUndetermined;
  return none ? CheckpointSafety::kNone : CheckpointSafety::kAccepted;
}

// Node-local. The commit observed is the manifest's.
[[nodiscard]] Explanation explain_checkpoint(const CheckpointEvidence& evidence, LineageId lineage);

}  // namespace aerodb::rules
