// command.explain: the form of a command, what is asked of nodes, what is written before.
#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

TEST(CommandExplain, ShowsTheNodesOwnBytesAndExecutesNothing) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto shown = cluster.explain(Cluster::demote());
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_EQ(shown->explanation, fake_explanation("p1", cluster.p1.evidence));
  EXPECT_EQ(shown->response.phrase_form, "COMMAND NODE");
  EXPECT_EQ(shown->response.request_id.size(), 32u);
  EXPECT_EQ(shown->response.audit_number, 2u);
  EXPECT_TRUE(shown->response.unreached.empty());
  EXPECT_EQ(cluster.p1.explain_calls, 1);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "explained"}));
}

TEST(CommandExplain, AuditsBeforeItAsksTheNode) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  Stages seen;
  bool at_risk = true;
  cluster.p1.before_explain = [&] {
    seen = cluster.stages();
    at_risk = cluster.desk_machine.disk().at_risk();
  };
  ASSERT_TRUE(cluster.explain(Cluster::demote()));
  EXPECT_EQ(seen, (Stages{"requested"}));
  EXPECT_FALSE(at_risk);
}

TEST(CommandExplain, RecordsWhoAskedWhatAndWhy) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto shown = cluster.explain(Cluster::demote("  disk of p1 ages \n"), *cluster.bob);
  ASSERT_TRUE(shown);
  const auto lines = cluster.audit_lines();
  for (const auto& line : lines) {
    EXPECT_NE(
        line.find("\"uid\":1001,\"operator\":\"bob\",\"request_id\":\"" + shown->response.request_id +
                  "\",\"command\":\"demote\",\"node\":\"p1\",\"reason\":\"disk of p1 ages\",\"interactive\":null"),
        std::string::npos)
        << line;
  }
  EXPECT_NE(lines[1].find(to_hex(shown->response.sha256)), std::string::npos);
  EXPECT_NE(lines[1].find(*document::to_json(ByteSpan(shown->explanation))), std::string::npos);
}

TEST(CommandExplain, RefusesWhatHasNotTheFormOfACommand) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const Bytes statement = {1, 2, 3};
  const Bytes endless(kMaxDeclineBytes + 1, 0);
  struct Case {
    wire::CommandExplainRequest request;
    ErrorCode code;
  };
  const Case cases[] = {
      {{"checkpoint", "p1", std::nullopt, std::nullopt, "why"}, ErrorCode::kBadRequest},
      {{"", "p1", std::nullopt, std::nullopt, "why"}, ErrorCode::kBadRequest},
      {{"promote", "p9", std::nullopt, std::nullopt, "why"}, ErrorCode::kUnknownNode},
      {{"demote", "p1", "r9", std::nullopt, "why"}, ErrorCode::kUnknownNode},
      {{"demote", "p1", std::nullopt, std::nullopt, "why"}, ErrorCode::kBadRequest},
      {{"promote", "r1", "p1", std::nullopt, "why"}, ErrorCode::kBadRequest},
      {{"promote", "r1", std::nullopt, std::nullopt, ""}, ErrorCode::kReasonRequired},
      {{"promote", "r1", std::nullopt, std::nullopt, " \t\n"}, ErrorCode::kReasonRequired},
      {{"promote", "r1", std::nullopt, std::nullopt, std::string(1025, 'a')}, ErrorCode::kBadRequest},
      {{"decline", "r1", std::nullopt, ByteSpan(statement), "why"}, ErrorCode::kBadRequest},
      {{"promote", "p1", std::nullopt, ByteSpan(endless), "why"}, ErrorCode::kBadRequest},
      {{"promote", "p1", std::nullopt, ByteSpan(), "why"}, ErrorCode::kBadRequest},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(code_of(cluster.explain(one.request)), one.code) << one.request.command << " " << one.request.node;
  }
  EXPECT_TRUE(cluster.stages().empty());
  EXPECT_EQ(cluster.p1.status_calls + cluster.r1.status_calls, 0);
}

TEST(CommandExplain, TakesTheSuccessorsInstanceFromItsOwnStatus) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.instance = *id_from_hex<InstanceId>("ffeeddccbbaa99887766554433221100");
  ASSERT_TRUE(cluster.confirm(cluster.challenge(), "demote p1"));
  EXPECT_EQ(cluster.p1.last_successor_instance, cluster.r1.instance);
}

TEST(CommandExplain, UnreachedSuccessorRefusesTheDemotion) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.stop();
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kUnreachable);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "refused"}));
  EXPECT_EQ(cluster.p1.explain_calls, 0);
}

TEST(CommandExplain, AnotherNodeAtTheConfiguredAddressIsRefused) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.status_name = "r2";
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kWrongNode);
  cluster.r1.status_name = "r1";
  cluster.p1.status_name = "p2";
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kWrongNode);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "refused", "requested", "refused"}));
}

TEST(CommandExplain, ListsTheOtherNodesThatCannotBeReached) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.stop();
  const auto shown = cluster.explain({"promote", "r1", std::nullopt, std::nullopt, "p1 burnt down"});
  ASSERT_TRUE(shown) << shown.error().message;
  ASSERT_EQ(shown->response.unreached.size(), 1u);
  EXPECT_EQ(shown->response.unreached[0].node, "p1");
  EXPECT_EQ(shown->response.unreached[0].why, "UNREACHABLE");
}

TEST(CommandExplain, UnreachedNodeIsRefusedAndAudited) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.stop();
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kUnreachable);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "refused"}));
}

TEST(CommandExplain, ExplanationWithAFalseHashIsRefused) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.false_hash = true;
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kBadMessage);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "refused"}));
}

TEST(CommandListeners, CommandsAreNotTakenOverTcp) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto nothing = [](const auto&) {};
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.inspection(), wire::kCommandExplain, Cluster::demote(), nothing)),
            ErrorCode::kNotPermitted);
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.inspection(), wire::kCommandConfirm, {"x", "demote p1", true},
                                nothing)),
            ErrorCode::kNotPermitted);
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.inspection(), wire::kCommandOutcome, {"p1", "x"}, nothing)),
            ErrorCode::kNotPermitted);
  EXPECT_TRUE(cluster.stages().empty());
}

TEST(CommandBinding, TakesRulesAndBindingEvidenceOnly) {
  FakeEvidence evidence;
  const auto before = binding_of(fake_explanation("p1", evidence));
  ASSERT_TRUE(before);
  evidence.durable_lsn = 7777;
  EXPECT_EQ(binding_of(fake_explanation("p1", evidence))->sha256, before->sha256);
  evidence.epoch = 4;
  evidence.rule_holds = false;
  const auto after = binding_of(fake_explanation("p1", evidence));
  EXPECT_NE(after->sha256, before->sha256);
  EXPECT_EQ(changed_names(*before, *after), "AUTH-9, AUTH-9.epoch");
}

TEST(CommandBinding, RefusesWhatIsNoExplanation) {
  Bytes empty_map;
  document::PackWriter(empty_map).map(0);
  EXPECT_EQ(code_of(binding_of(empty_map)), ErrorCode::kBadMessage);
  EXPECT_EQ(code_of(binding_of({})), ErrorCode::kBadMessage);
  const Bytes text = {0xa1, 'x'};
  EXPECT_EQ(code_of(binding_of(text)), ErrorCode::kBadMessage);
}

TEST(CommandBinding, RefusesABindingNameThatNoRuleShows) {
  Bytes packed = fake_explanation("p1", {});
  std::string text(as_text(packed));
  text.replace(text.rfind("epoch"), 5, "other");
  EXPECT_EQ(code_of(binding_of(as_bytes(text))), ErrorCode::kBadMessage);
}

}  // namespace
}  // namespace aerodb::controlplane
