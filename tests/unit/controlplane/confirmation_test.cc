// What a confirmation is bound to, and everything that ends one.
#include <algorithm>

#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

TEST(Confirmation, IsUsedOnce) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  ASSERT_TRUE(cluster.confirm(challenge, "demote p1"));
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed);
  EXPECT_EQ(cluster.p1.operation_calls, 1);
  EXPECT_EQ(cluster.stages().back(), "refused");
}

TEST(Confirmation, WrongPhraseEndsIt) {
  for (const std::string phrase :
       {"", "demote", "demote  p1", "Demote p1", "demote r1", "promote p1", "demote p1 yes", "COMMAND NODE", "y"}) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start());
    const auto challenge = cluster.challenge();
    EXPECT_EQ(code_of(cluster.confirm(challenge, phrase)), ErrorCode::kConfirmationMismatch) << phrase;
    EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed) << phrase;
    EXPECT_EQ(cluster.p1.operation_calls, 0);
    EXPECT_EQ(cluster.stages(), (Stages{"requested", "explained", "refused", "refused"}));
  }
}

TEST(Confirmation, InventedChallengeIsRefusedAndEndsNothing) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  for (const auto& other : {std::string(), std::string(32, '0'), challenge + "0", challenge.substr(1)}) {
    EXPECT_EQ(code_of(cluster.confirm(other, "demote p1")), ErrorCode::kConfirmationUsed);
  }
  EXPECT_EQ(cluster.p1.operation_calls, 0);
  EXPECT_TRUE(cluster.confirm(challenge, "demote p1"));
}

TEST(Confirmation, BelongsToItsOperator) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1", *cluster.bob)), ErrorCode::kConfirmationUsed);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
  EXPECT_TRUE(cluster.confirm(challenge, "demote p1"));
}

TEST(Confirmation, NextCommandOfItsOperatorEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto older = cluster.challenge();
  const auto newer = cluster.challenge();
  EXPECT_EQ(code_of(cluster.confirm(older, "demote p1")), ErrorCode::kConfirmationUsed);
  EXPECT_TRUE(cluster.confirm(newer, "demote p1"));
}

TEST(Confirmation, EvenAMisshapenNextCommandEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  EXPECT_FALSE(cluster.explain(Cluster::demote("")));
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed);
}

TEST(Confirmation, CommandOfAnotherOperatorDoesNotEndIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  ASSERT_TRUE(cluster.explain(Cluster::demote(), *cluster.bob));
  EXPECT_TRUE(cluster.confirm(challenge, "demote p1"));
}

TEST(Confirmation, RestartEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.restart();
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(Confirmation, WaitingNeitherExecutesNorEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.world.run_for(uint64_t{30} * 24 * 3'600'000'000);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
  EXPECT_TRUE(cluster.confirm(challenge, "demote p1"));
}

TEST(Confirmation, ChangedBindingFieldEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.p1.evidence.epoch = 4;
  const auto refused = cluster.confirm(challenge, "demote p1");
  EXPECT_EQ(code_of(refused), ErrorCode::kExplanationChanged);
  ASSERT_EQ(refused.error().details.size(), 1u);
  EXPECT_EQ(refused.error().details[0].value, "AUTH-9.epoch");
  cluster.p1.evidence.epoch = 3;
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kConfirmationUsed);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(Confirmation, ChangedRoleEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.p1.evidence.role = "sealed";
  const auto refused = cluster.confirm(challenge, "demote p1");
  EXPECT_EQ(code_of(refused), ErrorCode::kExplanationChanged);
  EXPECT_EQ(refused.error().details[0].value, "AUTH-9.role");
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(Confirmation, PhraseOfAnotherCommandDoesNotCarryOutThisOne) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto shown = cluster.explain({"promote", "r1", std::nullopt, std::nullopt, "why"});
  EXPECT_EQ(code_of(cluster.confirm(shown->response.challenge, "demote p1")), ErrorCode::kConfirmationMismatch);
  EXPECT_EQ(cluster.p1.operation_calls + cluster.r1.operation_calls, 0);
}

TEST(Confirmation, ChangedRuleOutcomeEndsIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.p1.evidence.rule_holds = false;
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kExplanationChanged);
}

TEST(Confirmation, PositionsThatMoveDoNotEndIt) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  cluster.p1.evidence.durable_lsn = 4000;
  EXPECT_TRUE(cluster.confirm(challenge, "demote p1"));
}

TEST(Confirmation, OfTwoAtOnceOneIsTaken) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  wire::Client client(*cluster.ada);
  std::vector<std::string> outcomes;
  client.connect(cluster.desk(), [&](Result<void>) {
    for (int i = 0; i < 2; ++i) {
      client.call(wire::kCommandConfirm, {challenge, "demote p1", false}, 0,
                  [&](Result<wire::CommandConfirmResponse> done) {
                    outcomes.push_back(done ? done->outcome : std::string(done.error().row().name));
                  });
    }
  });
  cluster.run_until([&] { return outcomes.size() == 2; });
  std::ranges::sort(outcomes);
  EXPECT_EQ(outcomes, (std::vector<std::string>{"CONFIRMATION_USED", "answered"}));
  EXPECT_EQ(cluster.p1.operation_calls, 1);
}

TEST(Confirmation, QuestionOvertakenByAnotherGetsNoChallenge) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  wire::Client client(*cluster.ada);
  std::vector<std::string> outcomes;
  client.connect(cluster.desk(), [&](Result<void>) {
    for (int i = 0; i < 2; ++i) {
      client.call(wire::kCommandExplain, Cluster::demote(), 0, [&](Result<wire::CommandExplainResponse> done) {
        outcomes.push_back(done ? "shown" : std::string(done.error().row().name));
      });
    }
  });
  cluster.run_until([&] { return outcomes.size() == 2; });
  std::ranges::sort(outcomes);
  EXPECT_EQ(outcomes, (std::vector<std::string>{"CONFIRMATION_USED", "shown"}));
}

}  // namespace
}  // namespace aerodb::controlplane
