// command.confirm and command.outcome: used once, sent once, answered word for word.
#include <algorithm>

#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

const Stages kExplained = {"requested", "explained"};
Stages after_explained(Stages more) {
  Stages all = kExplained;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(CommandConfirm, DispatchesOneOperationAndAnswersItsBytes) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto shown = cluster.explain(Cluster::demote());
  const auto done = cluster.confirm(shown->response.challenge, "  demote p1 \n");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->response.outcome, "answered");
  EXPECT_EQ(done->response.request_id, shown->response.request_id);
  EXPECT_EQ(done->response.audit_number, 5u);
  EXPECT_EQ(done->response.error_code, std::nullopt);
  wire::ControlDemoteResponse expected;
  expected.seal_lsn = Lsn(101);
  expected.successor = "r1";
  Bytes packed;
  document::PackWriter out(packed);
  wire::encode(expected, out);
  EXPECT_EQ(done->answer, packed);
  EXPECT_EQ(cluster.p1.operation_calls, 1);
  EXPECT_EQ(cluster.r1.operation_calls, 0);
  EXPECT_EQ(cluster.p1.last_operation, "demote");
  EXPECT_EQ(cluster.p1.last_request->request_id, shown->response.request_id);
  EXPECT_EQ(cluster.p1.last_request->operator_name, "ada");
  EXPECT_EQ(cluster.p1.last_request->reason, "handover");
  EXPECT_EQ(cluster.stages(), after_explained({"confirmed", "dispatched", "answered"}));
  EXPECT_TRUE(verify_audit(as_bytes(cluster.audit_text())).whole);
}

TEST(CommandConfirm, EachCommandOfTheListReachesItsOwnOperation) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  for (const std::string command : {"promote", "decline", "diagnose"}) {
    const auto shown = cluster.explain({command, "r1", std::nullopt, std::nullopt, "why"});
    ASSERT_TRUE(shown);
    ASSERT_TRUE(cluster.confirm(shown->response.challenge, command + " r1"));
    EXPECT_EQ(cluster.r1.last_operation, command);
  }
  EXPECT_EQ(cluster.r1.operation_calls, 3);
}

TEST(CommandConfirm, HeadOnTheNodeIsTheDispatchRecordOnDisk) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  Stages seen;
  bool at_risk = true;
  cluster.p1.before_operation = [&] {
    seen = cluster.stages();
    at_risk = cluster.desk_machine.disk().at_risk();
  };
  ASSERT_TRUE(cluster.confirm(challenge, "demote p1"));
  EXPECT_EQ(seen, after_explained({"confirmed", "dispatched"}));
  EXPECT_FALSE(at_risk);
  const auto head = cluster.p1.last_request->audit_head;
  ASSERT_TRUE(head);
  auto lines = cluster.audit_lines();
  EXPECT_EQ(*head, sha256(as_bytes(lines[3])));
  // A cut log shows against what the node holds.
  std::string cut;
  for (size_t i = 0; i < 3; ++i) cut += lines[i] + "\n";
  EXPECT_TRUE(verify_audit(as_bytes(cut)).whole);
  EXPECT_FALSE(verify_audit(as_bytes(cut), {*head}).whole);
}

TEST(CommandConfirm, RejectionIsHandedOnWordForWord) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.conduct = Conduct::kReject;
  const auto done = cluster.confirm(cluster.challenge(), "demote p1");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->response.outcome, "rejected");
  EXPECT_EQ(done->response.error_code, "DEMOTION_DENIED");
  EXPECT_EQ(done->response.error_message, "demote p1: exactly these words");
  EXPECT_FALSE(done->response.answer);
  EXPECT_EQ(cluster.p1.operation_calls, 1);
  EXPECT_EQ(cluster.stages(), after_explained({"confirmed", "dispatched", "answered"}));
}

TEST(CommandConfirm, CommandThatWouldBeRejectedCanBeConfirmed) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.evidence.rule_holds = false;
  ASSERT_TRUE(cluster.confirm(cluster.challenge(), "demote p1"));
  EXPECT_EQ(cluster.p1.operation_calls, 1);
}

TEST(CommandConfirm, LostAnswerIsUnknownAndNeverSentAgain) {
  for (const auto conduct : {Conduct::kSilent, Conduct::kDie}) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start());
    cluster.p1.conduct = conduct;
    const auto challenge = cluster.challenge();
    const auto done = cluster.confirm(challenge, "demote p1");
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->response.outcome, "unknown");
    EXPECT_EQ(done->response.error_code, conduct == Conduct::kSilent ? "TIMED_OUT" : "CONNECTION_LOST");
    EXPECT_EQ(cluster.stages(), after_explained({"confirmed", "dispatched", "unknown"}));
    EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed);
    cluster.world.run_for(3'600'000'000);
    EXPECT_EQ(cluster.p1.operation_calls, 1);
  }
}

TEST(CommandConfirm, NodeThatDoesNotKnowItsOutcomeIsUnknown) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.conduct = Conduct::kReject;
  cluster.p1.rejection = {ErrorCode::kOutcomeUnknown, "demote p1: a sync failed", {}};
  const auto done = cluster.confirm(cluster.challenge(), "demote p1");
  EXPECT_EQ(done->response.outcome, "unknown");
  EXPECT_EQ(done->response.error_code, "OUTCOME_UNKNOWN");
  EXPECT_EQ(cluster.stages().back(), "unknown");
}

TEST(CommandConfirm, NodeGoneBeforeTheOperationIsRefusedNotUnknown) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  bool stopped = false;
  cluster.world.observe([&](const sim::TraceEntry&) {
    if (stopped || cluster.stages().size() < 4) return;
    stopped = true;
    cluster.world.schedule(0, sim::EventKind::kScript, sim::kWorld, [&] { cluster.p1.stop(); });
  });
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kUnreachable);
  EXPECT_EQ(cluster.stages(), after_explained({"confirmed", "dispatched", "refused"}));
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(CommandConfirm, AnswerIsShownThoughItCannotBeAudited) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.p1.before_operation = [&] { cluster.desk_machine.disk().set_full(true); };
  const auto done = cluster.confirm(challenge, "demote p1");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->response.outcome, "answered");
  EXPECT_EQ(done->response.audit_number, 0u);
  EXPECT_FALSE(done->answer.empty());
}

TEST(ControlPlaneStop, DispatchedCommandIsAuditedAsUnknown) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.conduct = Conduct::kSilent;
  const auto challenge = cluster.challenge();
  wire::Client client(*cluster.ada);
  client.connect(cluster.desk(), [&](Result<void>) {
    client.call(wire::kCommandConfirm, {challenge, "demote p1", true}, 0, [](Result<wire::CommandConfirmResponse>) {});
  });
  cluster.run_until([&] { return cluster.p1.operation_calls == 1; });
  bool stopped = false;
  cluster.plane->stop([&] { stopped = true; });
  cluster.run_until([&] { return stopped; });
  EXPECT_EQ(cluster.stages(), after_explained({"confirmed", "dispatched", "unknown"}));
}

TEST(ControlPlaneStop, CommandNotYetDispatchedNeverIs) {
  for (int steps = 0; steps < 120; steps += 5) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start());
    const auto challenge = cluster.challenge();
    wire::Client client(*cluster.ada);
    client.connect(cluster.desk(), [&](Result<void>) {
      client.call(wire::kCommandConfirm, {challenge, "demote p1", true}, 0,
                  [](Result<wire::CommandConfirmResponse>) {});
    });
    for (int i = 0; i < steps && cluster.world.step(); ++i) {
    }
    const int before = cluster.p1.operation_calls;
    const auto stages = cluster.stages();
    const bool dispatched = std::ranges::find(stages, "dispatched") != stages.end();
    bool stopped = false;
    cluster.plane->stop([&] { stopped = true; });
    cluster.run_until([&] { return stopped; });
    cluster.world.run_for(5'000'000);
    if (!dispatched) {
      EXPECT_EQ(cluster.p1.operation_calls, before) << steps;
    }
    EXPECT_TRUE(verify_audit(as_bytes(cluster.audit_text())).whole);
    EXPECT_NE(cluster.stages().back(), "dispatched") << steps;
    EXPECT_NE(cluster.stages().back(), "confirmed") << steps;
  }
}

TEST(CommandOutcome, AsksTheNodesLogAndAuditsNothing) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  wire::ControlOutcomeResponse outcome;
  ASSERT_TRUE(cluster.ask(*cluster.ada, cluster.desk(), wire::kCommandOutcome, {"p1", "some-id"},
                          [&](const wire::ControlOutcomeResponse& response) { outcome = response; }));
  EXPECT_EQ(outcome.outcome, "recorded");
  EXPECT_EQ(outcome.record_type, "seal");
  EXPECT_EQ(cluster.p1.last_outcome_id, "some-id");
  EXPECT_TRUE(cluster.stages().empty());
}

TEST(CommandOutcome, RefusesUnknownNodesAndUnreachedOnes) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto nothing = [](const auto&) {};
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.desk(), wire::kCommandOutcome, {"p9", "x"}, nothing)),
            ErrorCode::kUnknownNode);
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.desk(), wire::kCommandOutcome, {"p1", ""}, nothing)),
            ErrorCode::kBadRequest);
  cluster.p1.stop();
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.desk(), wire::kCommandOutcome, {"p1", "x"}, nothing)),
            ErrorCode::kUnreachable);
}

TEST(ControlPlaneMetrics, CountWhatHappened) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.conduct = Conduct::kSilent;
  cluster.confirm(cluster.challenge(), "demote p1");
  cluster.confirm("no such", "demote p1");
  const auto& metrics = cluster.plane->metrics();
  EXPECT_EQ(metrics.get(observe::MetricId::kControlplaneExplainedCount), 1u);
  EXPECT_EQ(metrics.get(observe::MetricId::kControlplaneConfirmedCount), 1u);
  EXPECT_EQ(metrics.get(observe::MetricId::kControlplaneDispatchedCount), 1u);
  EXPECT_EQ(metrics.get(observe::MetricId::kControlplaneUnknownCount), 1u);
  EXPECT_EQ(metrics.get(observe::MetricId::kControlplaneRefusedCount), 1u);
  EXPECT_EQ(metrics.get(observe::MetricId::kAuditRecordsCount), 6u);
  EXPECT_EQ(metrics.get(observe::MetricId::kAuditBytes), cluster.audit_text().size());
}

}  // namespace
}  // namespace aerodb::controlplane
