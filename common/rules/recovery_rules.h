// Why a start ends where it does (rules REC-8, REC-7, CKPT-5, CKPT-3, REC-4, REC-2, REC-3, REC-1, REC-6, REC-9, REC-5,
// applied in this order, which is that of the work). All are applied; the first trouble met ends the work, and the
// rules whose evidence lies behind it are undetermined.
//
// The same evidence is gathered by a start, which carries its steps out, and by whoever only reads a directory at rest:
// there `carried_out` is false, and `syncs`, `rewrites_last_frame` and the torn bytes are what a start will do.
#pragma once

#include <vector>

#include "common/base/error.h"
#include "common/rules/explanation.h"
#include "common/rules/tail_rules.h"

namespace aerodb::rules {

struct RecoveryRun {
  uint64_t number = 0;
  CommitId first_commit;
  CommitId last_commit;
  uint64_t bytes = 0;
  uint64_t versions = 0;
  Sha256 sha256{};  // of the whole file, as the manifest states it; a start does not read so much
  // Header, tail and footer have their checksums and say what the manifest says; blocks are checked when they are read.
  // Absent: not looked at.
  std::optional<bool> verified;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("first_commit", self.first_commit);
    visit("last_commit", self.last_commit);
    visit("bytes", self.bytes);
    visit("versions", self.versions);
    visit("sha256", self.sha256);
    visit("verified", self.verified);
  }
};

// A segment that the walk came through.
struct RecoverySegment {
  uint64_t sequence = 0;
  Lsn first_lsn;
  Lsn last_lsn;
  uint64_t frames = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("sequence", self.sequence);
    visit("first_lsn", self.first_lsn);
    visit("last_lsn", self.last_lsn);
    visit("frames", self.frames);
  }
};

struct RecoveryRecords {
  std::string type;
  uint64_t count = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("type", self.type);
    visit("count", self.count);
  }
};

// A file or directory, named from the data directory on; "." is that itself.
struct RecoverySync {
  std::string name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
  }
};

struct RecoveryEvidence {
  bool carried_out = false;
  uint32_t segments = 0;  // of the ring, as configured
  uint64_t segment_bytes = 0;
  // What was known to be durable before the log was read.
  std::optional<Lsn> initial_lsn;
  std::optional<Lsn> clean_stop_lsn;
  std::optional<Chain> clean_stop_chain;
  // Identity. Absent: NODE was not read.
  std::optional<std::string> node;
  std::optional<ClusterId> cluster;
  std::optional<InstanceId> instance;
  std::optional<std::string> configured_node;  // absent: none was asked for
  std::optional<ClusterId> manifest_cluster;   // absent: no manifest
  std::optional<bool> held_by_another;         // the directory, by a process
  // The manifest. Number 0: there is none. Absent: not read.
  std::optional<uint64_t> manifest_number;
  std::optional<CommitId> manifest_commit;
  std::optional<Digest> manifest_digest;
  std::optional<uint64_t> manifest_next_run;
  std::optional<uint64_t> next_run;  // beyond the manifest's and beyond every file
  std::vector<RecoveryRun> runs;
  // The walk through the log.
  TailEvidence tail;
  std::vector<RecoverySegment> log_segments;
  std::vector<RecoveryRecords> records;  // replayed, by type, in order of the types
  // The state after the last record that was applied. Absent: none was loaded.
  std::optional<Lsn> final_lsn;
  std::optional<CommitId> final_commit;
  std::optional<Digest> replayed_digest;
  std::optional<Digest> stated_digest;  // by the last record read, or by the manifest; absent: replay did not end
  uint64_t live_documents = 0;
  uint64_t index_entries = 0;  // rebuilt, of versions behind the manifest
  // Steps. Absent: not come to.
  std::optional<std::vector<RecoverySync>> syncs;
  std::optional<uint64_t> last_frame_segment;
  std::optional<uint64_t> last_frame_offset;
  std::optional<uint64_t> last_frame_bytes;
  std::optional<bool> rewrites_last_frame;  // false: the log has no frame
  // What ended the work early; absent where nothing did, and where the tail alone refuses.
  std::optional<std::string> error_code;
  std::optional<std::string> error_message;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("carried_out", self.carried_out);
    visit("segments", self.segments);
    visit("segment_bytes", self.segment_bytes);
    visit("initial_lsn", self.initial_lsn);
    visit("clean_stop_lsn", self.clean_stop_lsn);
    visit("clean_stop_chain", self.clean_stop_chain);
    visit("node", self.node);
    visit("cluster", self.cluster);
    visit("instance", self.instance);
    visit("configured_node", self.configured_node);
    visit("manifest_cluster", self.manifest_cluster);
    visit("held_by_another", self.held_by_another);
    visit("manifest_number", self.manifest_number);
    visit("manifest_commit", self.manifest_commit);
    visit("manifest_digest", self.manifest_digest);
    visit("manifest_next_run", self.manifest_next_run);
    visit("next_run", self.next_run);
    visit("runs", self.runs);
    TailEvidence::fields(self.tail, visit);  // its members stand beside the others
    visit("log_segments", self.log_segments);
    visit("records", self.records);
    visit("final_lsn", self.final_lsn);
    visit("final_commit", self.final_commit);
    visit("replayed_digest", self.replayed_digest);
    visit("stated_digest", self.stated_digest);
    visit("live_documents", self.live_documents);
    visit("index_entries", self.index_entries);
    visit("syncs", self.syncs);
    visit("last_frame_segment", self.last_frame_segment);
    visit("last_frame_offset", self.last_frame_offset);
    visit("last_frame_bytes", self.last_frame_bytes);
    visit("rewrites_last_frame", self.rewrites_last_frame);
    visit("error_code", self.error_code);
    visit("error_message", self.error_message);
  }
};

// What a start that relies on the evidence's manifest must have made durable, in this order; nothing without a
// manifest.
[[nodiscard]] std::vector<RecoverySync> syncs_needed(const RecoveryEvidence& evidence);

enum class RecoveryOutcome : uint8_t { kRecovered, kRefused, kIncomplete, kUndetermined };
struct RecoveryVerdict {
  RecoveryOutcome outcome = RecoveryOutcome::kUndetermined;
  std::optional<TailLabel> tail;  // absent: the log's end was not reached
  std::optional<ErrorCode> code;  // of a refusal, or of the call that failed
};

namespace detail {
[[nodiscard]] bool runs_complete(const RecoveryEvidence& e);
[[nodiscard]] bool covers(const std::vector<RecoverySync>& done, const std::vector<RecoverySync>& needed);
[[nodiscard]] ErrorCode tail_code(TailLabel label);
[[nodiscard]] std::optional<bool> runs_verified(const RecoveryEvidence& e);
}  // namespace detail

template <class Trace>
[[nodiscard]] RecoveryVerdict decide_recovery(const RecoveryEvidence& e, Trace& trace) {
  RecoveryVerdict verdict;
  const auto error = e.error_code ? error_code_from_name(*e.error_code) : std::nullopt;
  bool undetermined = false;
  std::optional<ErrorCode> broken;
  auto judge = [&](RuleId id, std::optional<bool> holds, ErrorCode code) {
    if (error && error_row(*error).rule == rule(id).name) holds = false;  // the error table says whose trouble it is
    undetermined = undetermined || !holds;
    if (holds == false && !broken) broken = code;
    return holds ? evaluation(*holds) : Evaluation::kUndetermined;
  };
  auto known = [](bool present, auto&& holds) { return present ? std::optional<bool>(holds()) : std::nullopt; };

  const auto identified = known(e.node.has_value(), [&] {
    const bool named = !e.configured_node || e.configured_node == e.node;
    return named && (!e.manifest_cluster || e.manifest_cluster == e.cluster);
  });
  trace.apply(RuleId::kRec8, judge(RuleId::kRec8, identified, ErrorCode::kWrongNode), e, "cluster", "configured_node",
              "error_code", "instance", "manifest_cluster", "node");
  const auto alone = known(e.held_by_another.has_value(), [&] { return !*e.held_by_another; });
  trace.apply(RuleId::kRec7, judge(RuleId::kRec7, alone, ErrorCode::kLocked), e, "held_by_another");
  trace.apply(RuleId::kCkpt5, judge(RuleId::kCkpt5, detail::runs_verified(e), ErrorCode::kRunDamaged), e, "error_code",
              "error_message", "manifest_number", "runs");
  const auto complete = known(e.next_run.has_value(), [&] { return detail::runs_complete(e); });
  trace.apply(RuleId::kCkpt3, judge(RuleId::kCkpt3, complete, ErrorCode::kManifestDamaged), e, "manifest_commit",
              "manifest_next_run", "manifest_number", "next_run", "runs");

  if (e.tail.end_lsn) {
    verdict.tail = decide_tail_of(e.tail, e, trace);
    if (*verdict.tail != TailLabel::kT1 && !broken) broken = detail::tail_code(*verdict.tail);
  } else {
    for (const auto id : {RuleId::kRec4, RuleId::kRec2, RuleId::kRec3, RuleId::kRec1})
      apply_tail_rule(id, judge(id, std::nullopt, ErrorCode::kWalDiscontinuity), e, trace, "error_code");
  }

  const auto equal = known(e.replayed_digest && e.stated_digest, [&] { return e.replayed_digest == e.stated_digest; });
  trace.apply(RuleId::kRec6, judge(RuleId::kRec6, equal, ErrorCode::kDigestMismatch), e, "error_code", "final_commit",
              "final_lsn", "index_entries", "live_documents", "log_segments", "manifest_digest", "records",
              "replayed_digest", "stated_digest");
  const auto durable = known(e.syncs.has_value(), [&] { return detail::covers(*e.syncs, syncs_needed(e)); });
  trace.apply(RuleId::kRec9, judge(RuleId::kRec9, durable, ErrorCode::kIo), e, "manifest_number", "runs", "syncs");
  const auto rewritten = known(e.rewrites_last_frame.has_value(),
                               [&] { return *e.rewrites_last_frame == e.last_frame_segment.has_value(); });
  trace.apply(RuleId::kRec5, judge(RuleId::kRec5, rewritten, ErrorCode::kIo), e, "last_frame_bytes",
              "last_frame_offset", "last_frame_segment", "rewrites_last_frame");

  verdict.code = error ? error : broken;
  if (error == ErrorCode::kIo)
    verdict.outcome = RecoveryOutcome::kIncomplete;
  else if (verdict.code)
    verdict.outcome = RecoveryOutcome::kRefused;
  else if (!undetermined)
    verdict.outcome = RecoveryOutcome::kRecovered;
  return verdict;
}

// `lineage` is that of the state; zero where none was loaded.
[[nodiscard]] Explanation explain_recovery(const RecoveryEvidence& evidence, LineageId lineage);

}  // namespace aerodb::rules
