// May this node answer this read? (rules FAIL-2, AUTH-3, REPL-4, REPL-7, REPL-5, MVCC-4, applied in this order)
// The first rule that does not hold gives the code. All are applied.
#pragma once

#include <optional>

#include "common/base/error.h"
#include "common/base/fault.h"
#include "common/rules/explanation.h"
#include "common/rules/states.h"

namespace aerodb::rules {

struct ReadGateEvidence {
  NodeState state = NodeState::kInitializing;
  bool fenced = false;
  bool log_validated = false;  // by this process: recovered, or taken under proof
  Lsn applied_lsn;
  CommitId applied_commit;
  CommitId floor;
  CommitId commit;  // asked; the applied one where none was named
  // Of the receipt shown; absent where none was.
  std::optional<LineageId> receipt_lineage;
  std::optional<Epoch> receipt_epoch;
  std::optional<Lsn> receipt_lsn;
  std::optional<Chain> receipt_chain;
  // What this node's ancestry says of that lineage and epoch; absent where it does not hold it, or where it is still
  // open.
  bool lineage_known = true;
  bool epoch_known = true;
  std::optional<Lsn> lineage_last_lsn;
  std::optional<Lsn> epoch_last_lsn;
  // This node's chain at the receipt's LSN; absent where it is not held any more, or not yet there.
  std::optional<Chain> own_chain_at_receipt;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("state", self.state);
    visit("fenced", self.fenced);
    visit("log_validated", self.log_validated);
    visit("applied_lsn", self.applied_lsn);
    visit("applied_commit", self.applied_commit);
    visit("floor", self.floor);
    visit("commit", self.commit);
    visit("receipt_lineage", self.receipt_lineage);
    visit("receipt_epoch", self.receipt_epoch);
    visit("receipt_lsn", self.receipt_lsn);
    visit("receipt_chain", self.receipt_chain);
    visit("lineage_known", self.lineage_known);
    visit("epoch_known", self.epoch_known);
    visit("lineage_last_lsn", self.lineage_last_lsn);
    visit("epoch_last_lsn", self.epoch_last_lsn);
    visit("own_chain_at_receipt", self.own_chain_at_receipt);
  }
};

namespace detail {
// Where a receipt's history departs from this node's; nullopt where it does not.
[[nodiscard]] inline std::optional<ErrorCode> receipt_departs(const ReadGateEvidence& e) {
  if (!e.receipt_lsn || planted(Fault::kReceiptEpochIgnored)) return std::nullopt;
  if (!e.lineage_known) return ErrorCode::kLineageUnknown;
  if (e.lineage_last_lsn && *e.receipt_lsn > *e.lineage_last_lsn) return ErrorCode::kLineageEnded;
  if (!e.epoch_known) return ErrorCode::kBehind;  // an epoch of a known lineage that this log has not reached
  if (e.epoch_last_lsn && *e.receipt_lsn > *e.epoch_last_lsn) return ErrorCode::kEpochEnded;
  if (e.own_chain_at_receipt && e.own_chain_at_receipt != e.receipt_chain) return ErrorCode::kLineageUnknown;
  return std::nullopt;
}
}  // namespace detail

// nullopt: the read may be answered.
template <class Trace>
[[nodiscard]] std::optional<ErrorCode> decide_read_gate(const ReadGateEvidence& e, Trace& trace) {
  std::optional<ErrorCode> refusal;
  auto apply = [&](RuleId rule, bool holds, ErrorCode code, auto... names) {
    trace.apply(rule, evaluation(holds), e, names...);
    if (!holds && !refusal) refusal = code;
  };
  const bool any_state = planted(Fault::kReadsBeforeReady);
  apply(RuleId::kFail2, e.state != NodeState::kHalted || any_state, ErrorCode::kHalted, "state");
  apply(RuleId::kAuth3, !e.fenced, ErrorCode::kLineageEnded, "fenced");
  apply(RuleId::kRepl4, (e.state == NodeState::kReady && e.log_validated) || any_state, ErrorCode::kNotReady,
        "log_validated", "state");
  const auto departs = detail::receipt_departs(e);
  apply(RuleId::kRepl7, !departs, departs.value_or(ErrorCode::kLineageUnknown), "epoch_known", "epoch_last_lsn",
        "lineage_known", "lineage_last_lsn", "own_chain_at_receipt", "receipt_chain", "receipt_epoch",
        "receipt_lineage", "receipt_lsn");
  const bool reached = !e.receipt_lsn || *e.receipt_lsn <= e.applied_lsn || planted(Fault::kReceiptLsnIgnored);
  apply(RuleId::kRepl5, e.commit <= e.applied_commit && reached, ErrorCode::kBehind, "applied_commit", "applied_lsn",
        "commit", "receipt_lsn");
  apply(RuleId::kMvcc4, e.commit >= e.floor, ErrorCode::kBelowFloor, "commit", "floor");
  return refusal;
}

// replication.safety: the gate, and whether this node's log is a prefix of its source's (REPL-1, applied first).
struct ReplicationSafetyEvidence {
  ReadGateEvidence gate;
  Lsn own_lsn;  // durable end of this node's log
  Chain own_chain;
  // A position of the source and this node's chain there; absent where the source could not be asked or lies beyond.
  std::optional<std::string> source_node;
  std::optional<Lsn> source_lsn;
  std::optional<Chain> source_chain;
  std::optional<Chain> own_chain_at_source_lsn;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    ReadGateEvidence::fields(self.gate, visit);  // its members stand beside the others
    visit("own_lsn", self.own_lsn);
    visit("own_chain", self.own_chain);
    visit("source_node", self.source_node);
    visit("source_lsn", self.source_lsn);
    visit("source_chain", self.source_chain);
    visit("own_chain_at_source_lsn", self.own_chain_at_source_lsn);
  }
};

enum class ReplicationSafety : uint8_t { kReadSafe, kNotReadSafe, kUndetermined };

[[nodiscard]] ReplicationSafety decide_replication_safety(const ReplicationSafetyEvidence& evidence,
                                                          RecordingTrace& trace);
[[nodiscard]] Explanation explain_replication_safety(const ReplicationSafetyEvidence& evidence, LineageId lineage);

}  // namespace aerodb::rules
