#include "common/rules/read_gate.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/base/build.h"
#include "common/rules/append_rules.h"
#include "tests/unit/rules/rules_kit.h"

namespace aerodb::rules {
namespace {

using testing::id_of;
using testing::Names;
using testing::not_holding;

// A read with a receipt that everything allows.
ReadGateEvidence open_gate() {
  ReadGateEvidence e;
  e.state = NodeState::kReady;
  e.log_validated = true;
  e.applied_lsn = Lsn(20);
  e.applied_commit = CommitId(15);
  e.floor = CommitId(3);
  e.commit = CommitId(10);
  e.receipt_lineage = id_of<LineageId>(1);
  e.receipt_epoch = Epoch(2);
  e.receipt_lsn = Lsn(18);
  e.receipt_chain = id_of<Chain>(9);
  e.lineage_last_lsn = Lsn(30);
  e.epoch_last_lsn = Lsn(19);
  e.own_chain_at_receipt = id_of<Chain>(9);
  return e;
}

struct GateOutcome {
  std::optional<ErrorCode> code;
  Names failing;
};
GateOutcome decide(const ReadGateEvidence& e) {
  NoTrace silent;
  RecordingTrace recording;
  const auto code = decide_read_gate(e, recording);
  EXPECT_EQ(decide_read_gate(e, silent), code);
  EXPECT_EQ(recording.entries().size(), 6u);
  return {code, not_holding(recording)};
}

TEST(ReadGate, OpensWhereEverythingHolds) {
  EXPECT_FALSE(decide(open_gate()).code);
  auto without_receipt = open_gate();
  without_receipt.receipt_lineage.reset();
  without_receipt.receipt_epoch.reset();
  without_receipt.receipt_lsn.reset();
  without_receipt.receipt_chain.reset();
  without_receipt.own_chain_at_receipt.reset();
  EXPECT_FALSE(decide(without_receipt).code);
}

TEST(ReadGate, EachRuleAloneRefusesWithItsCode) {
  struct Case {
    std::function<void(ReadGateEvidence&)> spoil;
    ErrorCode code;
    Names failing;
  };
  using E = ReadGateEvidence;
  const Case cases[] = {
      {[](E& e) { e.state = NodeState::kHalted; }, ErrorCode::kHalted, {"FAIL-2", "REPL-4"}},
      {[](E& e) { e.fenced = true; }, ErrorCode::kLineageEnded, {"AUTH-3"}},
      {[](E& e) { e.state = NodeState::kRecovering; }, ErrorCode::kNotReady, {"REPL-4"}},
      {[](E& e) { e.state = NodeState::kInitializing; }, ErrorCode::kNotReady, {"REPL-4"}},
      {[](E& e) { e.log_validated = false; }, ErrorCode::kNotReady, {"REPL-4"}},
      {[](E& e) { e.lineage_known = false; }, ErrorCode::kLineageUnknown, {"REPL-7"}},
      {[](E& e) { e.lineage_last_lsn = Lsn(17); }, ErrorCode::kLineageEnded, {"REPL-7"}},
      {[](E& e) { e.epoch_known = false; }, ErrorCode::kBehind, {"REPL-7"}},
      {[](E& e) { e.epoch_last_lsn = Lsn(17); }, ErrorCode::kEpochEnded, {"REPL-7"}},
      {[](E& e) { e.own_chain_at_receipt = id_of<Chain>(8); }, ErrorCode::kLineageUnknown, {"REPL-7"}},
      {[](E& e) { e.commit = CommitId(16); }, ErrorCode::kBehind, {"REPL-5"}},
      {[](E& e) { e.applied_lsn = Lsn(17); }, ErrorCode::kBehind, {"REPL-5"}},
      {[](E& e) { e.commit = CommitId(2); }, ErrorCode::kBelowFloor, {"MVCC-4"}},
  };
  for (const auto& row : cases) {
    auto e = open_gate();
    row.spoil(e);
    const auto outcome = decide(e);
    EXPECT_EQ(outcome.code, row.code) << error_row(row.code).name;
    EXPECT_EQ(outcome.failing, row.failing) << error_row(row.code).name;
  }
}

TEST(ReadGate, FirstRuleThatDoesNotHoldGivesTheCode) {
  auto e = open_gate();
  e.commit = CommitId(2);
  e.epoch_last_lsn = Lsn(17);
  EXPECT_EQ(decide(e).code, ErrorCode::kEpochEnded);
  e.log_validated = false;
  EXPECT_EQ(decide(e).code, ErrorCode::kNotReady);
  e.fenced = true;
  EXPECT_EQ(decide(e).code, ErrorCode::kLineageEnded);
  e.state = NodeState::kHalted;
  EXPECT_EQ(decide(e).code, ErrorCode::kHalted);
}

TEST(ReadGate, LimitsThemselvesAreInside) {
  auto e = open_gate();
  e.commit = e.applied_commit;
  e.receipt_lsn = e.applied_lsn = *e.epoch_last_lsn;
  EXPECT_FALSE(decide(e).code);
  e.commit = e.floor;
  EXPECT_FALSE(decide(e).code);
}

TEST(ReadGate, ChainNoLongerHeldProvesNothingAgainstAReceipt) {
  auto e = open_gate();
  e.own_chain_at_receipt.reset();
  EXPECT_FALSE(decide(e).code);
}

ReplicationSafetyEvidence safe_replica() {
  ReplicationSafetyEvidence e;
  e.gate = open_gate();
  e.own_lsn = Lsn(20);
  e.own_chain = id_of<Chain>(5);
  e.source_node = "p1";
  e.source_lsn = Lsn(20);
  e.source_chain = id_of<Chain>(5);
  e.own_chain_at_source_lsn = id_of<Chain>(5);
  return e;
}

ReplicationSafety safety(const ReplicationSafetyEvidence& e) {
  RecordingTrace trace;
  return decide_replication_safety(e, trace);
}

TEST(ReplicationSafety, NeedsPrefixAndOpenGate) {
  EXPECT_EQ(safety(safe_replica()), ReplicationSafety::kReadSafe);
  auto e = safe_replica();
  e.own_chain_at_source_lsn = id_of<Chain>(6);
  EXPECT_EQ(safety(e), ReplicationSafety::kNotReadSafe);
  e = safe_replica();
  e.gate.log_validated = false;
  EXPECT_EQ(safety(e), ReplicationSafety::kNotReadSafe);
}

TEST(ReplicationSafety, SourceThatCouldNotBeComparedIsUndeterminedAndNamesWhatIsMissing) {
  using E = ReplicationSafetyEvidence;
  for (auto take : std::initializer_list<std::function<void(E&)>>{[](E& e) { e.source_lsn.reset(); },
                                                                  [](E& e) { e.source_chain.reset(); },
                                                                  [](E& e) { e.own_chain_at_source_lsn.reset(); }}) {
    auto e = safe_replica();
    take(e);
    RecordingTrace trace;
    EXPECT_EQ(decide_replication_safety(e, trace), ReplicationSafety::kUndetermined);
    EXPECT_EQ(trace.entries()[0].evaluation, Evaluation::kUndetermined);
    EXPECT_EQ(trace.entries()[0].missing.size(), 1u);
    e.gate.state = NodeState::kHalted;  // no comparison is needed to know this
    EXPECT_EQ(safety(e), ReplicationSafety::kNotReadSafe);
  }
}

TEST(AppendRules, BatchFollowsOnlyWithSessionLsnAndChain) {
  AppendEvidence follows{4, 4, Lsn(8), Lsn(7), id_of<Chain>(1), id_of<Chain>(1)};
  auto decide_batch = [](const AppendEvidence& e) {
    RecordingTrace trace;
    NoTrace silent;
    const auto verdict = decide_append(e, trace);
    EXPECT_EQ(decide_append(e, silent), verdict);
    return std::pair(verdict, not_holding(trace));
  };
  EXPECT_EQ(decide_batch(follows), std::pair(AppendVerdict::kFollows, Names{}));
  auto e = follows;
  e.session = 3;
  EXPECT_EQ(decide_batch(e), std::pair(AppendVerdict::kStaleSession, Names{"REPL-8"}));
  for (uint64_t first : {7, 9}) {
    e = follows;
    e.first_lsn = Lsn(first);
    e.chain_before = id_of<Chain>(2);  // says nothing at another LSN
    EXPECT_EQ(decide_batch(e), std::pair(AppendVerdict::kNotNext, Names{"REPL-2"}));
  }
  e = follows;
  e.chain_before = id_of<Chain>(2);
  EXPECT_EQ(decide_batch(e), std::pair(AppendVerdict::kOtherChain, Names{"REPL-1"}));
  e.session = 3;
  EXPECT_EQ(decide_batch(e).first, AppendVerdict::kStaleSession);
}

#if AERODB_FAULTS
TEST(AppendRules, PlantedGapIsAccepted) {
  plant(Fault::kGapAccepted);
  NoTrace trace;
  const auto verdict = decide_append({4, 4, Lsn(9), Lsn(7), id_of<Chain>(2), id_of<Chain>(1)}, trace);
  plant(Fault::kNone);
  EXPECT_EQ(verdict, AppendVerdict::kFollows);
}
#endif

#if AERODB_FAULTS
std::optional<ErrorCode> decide_planted(Fault fault, const ReadGateEvidence& e) {
  EXPECT_TRUE(decide(e).code);
  const testing::Planted planted_fault(fault);
  NoTrace trace;
  return decide_read_gate(e, trace);
}
TEST(ReadGate, PlantedNodeAnswersBeforeItIsReady) {
  for (const auto state : {NodeState::kRecovering, NodeState::kHalted}) {
    auto e = open_gate();
    e.state = state;
    EXPECT_FALSE(decide_planted(Fault::kReadsBeforeReady, e));
  }
}
TEST(ReadGate, PlantedReceiptLsnIsIgnored) {
  auto e = open_gate();
  e.applied_lsn = Lsn(17);
  EXPECT_FALSE(decide_planted(Fault::kReceiptLsnIgnored, e));
}
TEST(ReadGate, PlantedReceiptEpochIsIgnored) {
  for (const auto& spoil : {+[](ReadGateEvidence& e) { e.lineage_known = false; },
                            +[](ReadGateEvidence& e) { e.epoch_last_lsn = Lsn(17); }}) {
    auto e = open_gate();
    spoil(e);
    EXPECT_FALSE(decide_planted(Fault::kReceiptEpochIgnored, e));
  }
}
TEST(Append, PlantedStaleSessionIsAccepted) {
  const AppendEvidence e{4, 5, Lsn(11), Lsn(10), id_of<Chain>(1), id_of<Chain>(1)};
  NoTrace trace;
  EXPECT_EQ(decide_append(e, trace), AppendVerdict::kStaleSession);
  const testing::Planted planted_fault(Fault::kStaleSessionAccepted);
  EXPECT_EQ(decide_append(e, trace), AppendVerdict::kFollows);
}
#endif

}  // namespace
}  // namespace aerodb::rules
