// Questions about a query, a recovery, a checkpoint, a halt, a promotion and a command: what each is compared with.
#include <gmock/gmock.h>

#include "tests/unit/explainer/questions_fixture.h"

namespace aerodb::explainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NodeQuestions : public testing::Questions {
 protected:
  Result<WitnessReport> about_query(const std::string& node, const std::string& query) {
    auto request = QueryRequest::from_json(query);
    AERODB_ASSERT(request.has_value());
    return run([&](WitnessDone done) { ask_about_query(parts(), {node, *request}, std::move(done)); });
  }
  Result<WitnessReport> about(void (*ask)(WitnessParts, std::string, WitnessDone), const std::string& node) {
    return run([&](WitnessDone done) { ask(parts(), node, std::move(done)); });
  }
  Result<WitnessReport> about_promotion(std::optional<Epoch> epoch = std::nullopt) {
    return run([&](WitnessDone done) { ask_about_promotion(parts(), {"r1", epoch}, std::move(done)); });
  }
  Result<WitnessReport> about_command(std::optional<std::string> successor = std::nullopt) {
    const std::string command = successor ? "demote" : "promote";
    return run([&](WitnessDone done) {
      ask_about_command(parts(), {"r1", command, successor, std::nullopt}, std::move(done));
    });
  }
  // "CHECKED AGREES", with the rules where they don't follow.
  static std::string verdict(const Result<WitnessReport>& report) {
    if (!report) return std::string(report.error().row().name);
    const std::string rules = report->rules.follow ? "" : "rules: " + report->rules.why + "; ";
    return rules + std::string(checked_name(report->evidence.checked)) + " " +
           std::string(agrees_name(report->evidence.agrees));
  }
};

// --- query

constexpr auto kQuery = R"({"collection":"countries","schema_version":1,"where":[],"limit":10})";

TEST_F(NodeQuestions, AQueryIsAskedOfAnotherNodeAtTheCommitOfTheAnswer) {
  const auto report = about_query("r1", kQuery);
  EXPECT_EQ(verdict(report), "peer true");
  EXPECT_EQ(report->evidence.why, "compared with p1");
  EXPECT_EQ(r1.asked_at_commit, std::nullopt);
  EXPECT_EQ(p1.asked_at_commit, CommitId(4));
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(NodeQuestions, AFalseAnswerToAQueryIsFound) {
  r1.query.answer_sha256->front() ^= 1;
  const auto report = about_query("r1", kQuery);
  EXPECT_EQ(verdict(report), "peer false");
  EXPECT_THAT(report->evidence.why, HasSubstr("answer_sha256 is 0808"));
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST_F(NodeQuestions, AFloorOnItsWayIsNoDifference) {
  p1.query.floor = CommitId(2);
  p1.query.entries_proposed = 1;
  EXPECT_EQ(verdict(about_query("r1", kQuery)), "peer true");
  p1.query.documents_taken = 0;
  EXPECT_EQ(verdict(about_query("r1", kQuery)), "peer false");
}

TEST_F(NodeQuestions, AnotherBoundOrHistoryIsNoWitnessForAQuery) {
  p1.query.default_max_entries = 5;
  auto report = about_query("r1", kQuery);
  EXPECT_EQ(verdict(report), "none unknown");
  EXPECT_EQ(report->evidence.why, "p1: its query.max_entries is another; r2: UNREACHABLE");
  p1.query = r1.query;
  p1.lineage = testing::filled_id<LineageId>(0x99);
  report = about_query("r1", kQuery);
  EXPECT_EQ(verdict(report), "none unknown");
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLineageUnknown, ErrorCode::kUnreachable));
}

TEST_F(NodeQuestions, AnExplanationOfAnotherQueryIsFound) {
  const auto report = about_query("r1", R"({"collection":"cities","schema_version":1,"where":[],"limit":10})");
  EXPECT_EQ(verdict(report), "none false");
  EXPECT_EQ(report->evidence.why, "collection is cities in the request, countries in the explanation");
  EXPECT_THAT(p1.asked, IsEmpty());
}

// --- recovery and checkpoint

TEST_F(NodeQuestions, TheEndOfARecoveryIsLookedUpInTheLog) {
  EXPECT_EQ(verdict(about(ask_about_recovery, "r1")), "log true");
  EXPECT_THAT(r1.asked, ElementsAre("explain.recovery", "evidence.records"));
  r1.recovery.final_commit = CommitId(3);
  const auto report = about(ask_about_recovery, "r1");
  EXPECT_EQ(verdict(report), "log false");
  EXPECT_EQ(report->evidence.why, "final_commit is 4 in the log, 3 in the explanation");
  r1.recovery = testing::true_recovery();
  r1.log.cut_after(Lsn(4));
  EXPECT_EQ(verdict(about(ask_about_recovery, "r1")), "log false");
}

TEST_F(NodeQuestions, ARecoveryWithoutRecordsIsComparedWithNothing) {
  r1.recovery.final_lsn = Lsn();
  EXPECT_EQ(verdict(about(ask_about_recovery, "r1")), "none unknown");
  r1.recovery.final_lsn.reset();
  EXPECT_EQ(verdict(about(ask_about_recovery, "r1")), "none unknown");
}

TEST_F(NodeQuestions, ACheckpointIsLookedUpWhereTheRingStillHasItsRecord) {
  EXPECT_EQ(verdict(about(ask_about_checkpoint, "r1")), "log true");
  r1.checkpoint.chain.bytes[0] ^= 1;
  const auto report = about(ask_about_checkpoint, "r1");
  EXPECT_EQ(verdict(report), "log false");
  EXPECT_THAT(report->evidence.why, HasSubstr("chain is "));
}

TEST_F(NodeQuestions, ACheckpointWhoseRecordIsGoneIsLookedUpElsewhere) {
  r1.released = Lsn(4);
  auto report = about(ask_about_checkpoint, "r1");
  EXPECT_EQ(verdict(report), "peer true");
  EXPECT_EQ(report->evidence.why, "the node's record at LSN 3: LOG_RELEASED: released; compared with p1");
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLogReleased));
  r1.checkpoint.digest.bytes[0] ^= 1;
  EXPECT_EQ(verdict(about(ask_about_checkpoint, "r1")), "peer false");
  p1.lineage = testing::filled_id<LineageId>(0x99);
  report = about(ask_about_checkpoint, "r1");
  EXPECT_EQ(verdict(report), "none unknown");
  EXPECT_THAT(report->evidence.why, HasSubstr("; p1: LINEAGE_UNKNOWN; r2: UNREACHABLE"));
}

// --- halt and command

TEST_F(NodeQuestions, AHaltIsComparedWithTheStatusAroundIt) {
  EXPECT_EQ(verdict(about(ask_about_halt, "r1")), "status true");
  EXPECT_THAT(r1.asked, ElementsAre("status", "explain.halt", "status"));
  r1.halt.state = rules::NodeState::kHalted;
  const auto report = about(ask_about_halt, "r1");
  EXPECT_EQ(verdict(report), "status false");
  EXPECT_EQ(report->evidence.why, "state is READY in its status, HALTED in the explanation");
}

TEST_F(NodeQuestions, AStatusThatChangesMeanwhileAccusesNobody) {
  r1.halt.state = rules::NodeState::kHalted;
  r1.halt.halt_rule = "WAL-5";
  r1.tamper_status = [count = 0](wire::StatusResponse& status) mutable {
    if (++count % 2 == 0) status.state = "HALTED";
  };
  EXPECT_EQ(verdict(about(ask_about_halt, "r1")), "status unknown");
  r1.tamper_status = [count = 0](wire::StatusResponse& status) mutable {
    if (++count % 2 == 1) return;
    status.state = "HALTED";
    status.halt_rule = "WAL-5";
  };
  EXPECT_EQ(verdict(about(ask_about_halt, "r1")), "status true");
}

TEST_F(NodeQuestions, ACommandIsComparedWithTheRequestAndTheStatus) {
  EXPECT_EQ(verdict(about_command()), "status true");
  EXPECT_EQ(verdict(about_command("r2")), "status true");
  r1.command.epoch = Epoch(2);
  const auto report = about_command();
  EXPECT_EQ(verdict(report), "status false");
  EXPECT_EQ(report->evidence.why, "epoch is 1 in its status, 2 in the explanation");
  r1.command.epoch = Epoch(1);
  r1.command.commit = CommitId(9);
  EXPECT_EQ(verdict(about_command()), "status false");
}

// --- promotion

TEST_F(NodeQuestions, APromotionIsLookedUpInTheLog) {
  testing::add_promotion(r1);
  EXPECT_EQ(verdict(about_promotion()), "log true");
  EXPECT_THAT(r1.asked, ElementsAre("explain.promotion", "evidence.records", "evidence.records"));
  EXPECT_EQ(verdict(about_promotion(Epoch(2))), "log true");
  EXPECT_EQ(verdict(about_promotion(Epoch(1))), "none false");
  r1.promotion.seal_successor = "r2";
  auto report = about_promotion();
  EXPECT_EQ(verdict(report), "log false");
  EXPECT_EQ(report->evidence.why, "seal_successor is r1 in the log, r2 in the explanation");
  r1.promotion.node = "r2";
  report = about_promotion();
  EXPECT_EQ(verdict(report), "log false");
  EXPECT_EQ(report->evidence.why, "node is r1 in the log, r2 in the explanation");
}

TEST_F(NodeQuestions, APromotionWhoseSealIsGoneIsComparedInPart) {
  testing::add_promotion(r1);
  r1.released = Lsn(6);
  auto report = about_promotion();
  EXPECT_EQ(verdict(report), "log true");
  EXPECT_THAT(report->evidence.why, HasSubstr("the seal not; the node's record at LSN 6: LOG_RELEASED"));
  r1.released = Lsn(7);
  EXPECT_EQ(verdict(about_promotion()), "none unknown");
}

TEST_F(NodeQuestions, EveryTypeRefusesWhatCannotBeAsked) {
  for (const auto ask : {ask_about_recovery, ask_about_checkpoint, ask_about_halt}) {
    EXPECT_EQ(verdict(about(ask, "r9")), "UNKNOWN_NODE");
    EXPECT_EQ(verdict(about(ask, "r2")), "UNREACHABLE");
  }
  EXPECT_EQ(verdict(about_query("r9", kQuery)), "UNKNOWN_NODE");
  EXPECT_EQ(verdict(about_query("r2", kQuery)), "UNREACHABLE");
}

}  // namespace
}  // namespace aerodb::explainer
