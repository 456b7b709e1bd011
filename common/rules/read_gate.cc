#include "common/rules/read_gate.h"

namespace aerodb::rules {

ReplicationSafety decide_replication_safety(const ReplicationSafetyEvidence& evidence, RecordingTrace& trace) {
  const bool compared = evidence.source_lsn && evidence.source_chain && evidence.own_chain_at_source_lsn;
  const bool prefix = compared && *evidence.source_chain == *evidence.own_chain_at_source_lsn;
  trace.apply(RuleId::kRepl1, compared ? evaluation(prefix) : Evaluation::kUndetermined, evidence, "own_chain",
              "own_chain_at_source_lsn", "own_lsn", "source_chain", "source_lsn", "source_node");
  const bool gate_open = !decide_read_gate(evidence.gate, trace);
  if (!gate_open || (compared && !prefix)) return ReplicationSafety::kNotReadSafe;
  return compared ? ReplicationSafety::kReadSafe : ReplicationSafety::kUndetermined;
}

Explanation explain_replication_safety(const ReplicationSafetyEvidence& evidence, LineageId lineage) {
  RecordingTrace trace;
  const auto safety = decide_replication_safety(evidence, trace);
  return render_explanation(
      ExplanationType::kReplicationSafety, {lineage, evidence.gate.applied_commit},
      [&](document::PackWriter& out) {
        out.map(2);
        out.field("commit", evidence.gate.commit);
        out.field("own_lsn", evidence.own_lsn);
      },
      trace.entries(),
      [&](document::PackWriter& out) {
        switch (safety) {
          case ReplicationSafety::kReadSafe:
            out.map(1);
            out.field("status", "read-safe");
            return;
          case ReplicationSafety::kNotReadSafe:
            out.map(1);
            out.field("status", "not read-safe");
            return;
          case ReplicationSafety::kUndetermined:
            out.map(2);
            out.field("status", "undetermined");
            out.field("reason", "REPL-1: no position of the source to compare with");
            return;
        }
      });
}

}  // namespace aerodb::rules
