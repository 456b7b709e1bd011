#include "explainer/peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/explainer/fake_cluster.h"

namespace aerodb::explainer {
namespace {

using observe::MetricId;
using ::testing::ElementsAre;
using testing::FakeCluster;

class PeerTest : public ::testing::Test {
 protected:
  // Names of the outcomes, as they come.
  void ask(Peer& peer) {
    peer.call(wire::kStatus, {}, [this](const Result<wire::StatusResponse>& answer) {
      outcomes.emplace_back(answer ? answer->node : answer.error().row().name);
    });
  }

  FakeCluster cluster;
  observe::Metrics metrics{observe::Process::kExplainer};
  std::vector<std::string> outcomes;
  std::optional<Peers> peers{std::in_place, cluster.runtime, FakeCluster::config(), metrics};
  Peer& r1 = *peers->find_node("r1");
};

TEST_F(PeerTest, ConnectsOnDemandAndKeepsTheConnection) {
  cluster.runtime.run();
  EXPECT_EQ(cluster.r1.connections(), 0u);
  ask(r1);
  cluster.runtime.run();
  ask(r1);
  cluster.runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("r1", "r1"));
  EXPECT_EQ(cluster.r1.connections(), 1u);
  EXPECT_EQ(cluster.runtime.loop().timers(), 0u);
}

TEST_F(PeerTest, HasOneRequestInProgressAtMost) {
  cluster.r1.silent = true;
  ask(r1);
  ask(r1);
  ask(r1);
  cluster.runtime.run();
  ASSERT_EQ(cluster.r1.kept.size(), 1u);
  cluster.r1.kept[0].error({ErrorCode::kNotReady, "", {}});
  cluster.r1.kept.clear();
  cluster.runtime.run();
  EXPECT_EQ(cluster.r1.kept.size(), 1u);
  EXPECT_THAT(outcomes, ElementsAre("NOT_READY"));
  EXPECT_EQ(cluster.r1.connections(), 1u);
}

TEST_F(PeerTest, ReopensAConnectionThatBrokeWhenAskedAgain) {
  auto node = std::make_unique<testing::FakeNode>(cluster.runtime, "r2", 7303);
  Peer& r2 = *peers->find_node("r2");
  ask(r2);
  cluster.runtime.run();
  node.reset();
  cluster.runtime.run();
  node = std::make_unique<testing::FakeNode>(cluster.runtime, "r2", 7303);
  cluster.runtime.pass_ms(5000);
  EXPECT_EQ(node->connections(), 0u);  // not by itself
  ask(r2);
  cluster.runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("r2", "r2"));
  EXPECT_EQ(node->connections(), 1u);
}

TEST_F(PeerTest, SaysThatTheConnectionWasLostUnderARequest) {
  auto node = std::make_unique<testing::FakeNode>(cluster.runtime, "r2", 7303);
  node->silent = true;
  ask(*peers->find_node("r2"));
  ask(*peers->find_node("r2"));
  cluster.runtime.run();
  node.reset();
  cluster.runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("CONNECTION_LOST", "UNREACHABLE"));
  EXPECT_EQ(metrics.get(MetricId::kExplainerPeersUnreachedCount), 2u);
}

TEST_F(PeerTest, TimesOutWithTheWaitForATurnIncluded) {
  cluster.r1.silent = true;
  ask(r1);
  ask(r1);
  cluster.runtime.pass_ms(999);
  EXPECT_TRUE(outcomes.empty());
  cluster.runtime.pass_ms(1);
  EXPECT_THAT(outcomes, ElementsAre("TIMED_OUT", "TIMED_OUT"));
  EXPECT_EQ(metrics.get(MetricId::kExplainerPeersUnreachedCount), 2u);
  // The request that hangs is left behind with its connection.
  cluster.r1.silent = false;
  ask(r1);
  cluster.runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("TIMED_OUT", "TIMED_OUT", "r1"));
  cluster.r1.kept.clear();
}

TEST_F(PeerTest, AdmitsOneQuestionAndAFewThatWait) {
  std::vector<Admission> admissions;
  for (uint32_t i = 0; i < 1 + kMaxWaiting; ++i) {
    auto admission = r1.admit();
    ASSERT_TRUE(admission.has_value());
    admissions.push_back(std::move(*admission));
  }
  EXPECT_EQ(r1.admit().error().code, ErrorCode::kBusy);
  EXPECT_TRUE(peers->find_node("p1")->admit().has_value());
  EXPECT_EQ(metrics.get(MetricId::kExplainerBusyCount), 1u);
  admissions.pop_back();
  EXPECT_TRUE(r1.admit().has_value());
}

TEST_F(PeerTest, MayEndInItsOwnCallback) {
  bool answered = false;
  ask(r1);
  r1.call(wire::kStatus, {}, [&](const auto&) {
    answered = true;
    peers.reset();
  });
  ask(r1);
  cluster.runtime.run();
  EXPECT_TRUE(answered);
  EXPECT_THAT(outcomes, ElementsAre("r1"));
  EXPECT_EQ(cluster.runtime.loop().timers(), 0u);
}

TEST_F(PeerTest, MayEndInTheCallbackOfATimeOut) {
  cluster.r1.silent = true;
  r1.call(wire::kStatus, {}, [&](const auto&) { peers.reset(); });
  ask(r1);
  cluster.runtime.pass_ms(3000);
  EXPECT_FALSE(peers.has_value());
  EXPECT_TRUE(outcomes.empty());
  cluster.r1.kept.clear();
}

}  // namespace
}  // namespace aerodb::explainer
