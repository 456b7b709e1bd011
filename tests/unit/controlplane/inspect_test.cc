// Inspection: every node's own answer, unreached ones among them, nothing polled.
#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

std::vector<wire::NodeView> inspect(Cluster& cluster, const runtime::Endpoint& endpoint) {
  std::vector<wire::NodeView> nodes;
  EXPECT_TRUE(cluster.ask(*cluster.bob, endpoint, wire::kInspectCluster, {},
                          [&](const wire::InspectClusterResponse& response) { nodes = response.nodes; }));
  return nodes;
}

TEST(Inspect, ShowsEachNodesOwnAnswerInOrder) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.evidence.role = "replica";
  cluster.r1.evidence.durable_lsn = 7;
  for (const auto& endpoint : {cluster.desk(), cluster.inspection()}) {
    const auto nodes = inspect(cluster, endpoint);
    ASSERT_EQ(nodes.size(), 2u);
    EXPECT_EQ(nodes[0].node, "p1");
    EXPECT_EQ(nodes[0].address, cluster.p1.configured().address.text());
    EXPECT_EQ(nodes[0].status->role, "primary");
    EXPECT_EQ(nodes[1].node, "r1");
    EXPECT_EQ(nodes[1].status->role, "replica");
    EXPECT_EQ(nodes[1].status->durable_lsn, Lsn(7));
  }
}

TEST(Inspect, UnreachedNodesStandInTheirPlaceWithTheReason) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.stop();
  const auto nodes = inspect(cluster, cluster.desk());
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_FALSE(nodes[0].reached);
  EXPECT_EQ(nodes[0].why, "UNREACHABLE");
  EXPECT_FALSE(nodes[0].status);
  EXPECT_TRUE(nodes[1].reached);
  EXPECT_EQ(nodes[1].why, std::nullopt);
}

TEST(Inspect, NodeThatNeverAnswersIsUnreachedAfterTheTimeout) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.world.network().block_both(cluster.desk_machine, cluster.p1.machine());
  const uint64_t before_us = cluster.world.now_us();
  const auto nodes = inspect(cluster, cluster.desk());
  EXPECT_FALSE(nodes[0].reached);
  EXPECT_TRUE(nodes[1].reached);
  EXPECT_LT(cluster.world.now_us() - before_us, 1'200'000u);
}

TEST(Inspect, OneNodeByName) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  wire::NodeView view;
  ASSERT_TRUE(cluster.ask(*cluster.ada, cluster.desk(), wire::kInspectNode, {"r1"},
                          [&](const wire::NodeView& answer) { view = answer; }));
  EXPECT_EQ(view.node, "r1");
  EXPECT_TRUE(view.reached);
  EXPECT_EQ(cluster.p1.status_calls, 0);
  EXPECT_EQ(code_of(cluster.ask(*cluster.ada, cluster.desk(), wire::kInspectNode, {"r9"}, [](const auto&) {})),
            ErrorCode::kUnknownNode);
}

TEST(Inspect, NobodyIsAskedWithoutARequest) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  inspect(cluster, cluster.desk());
  cluster.world.run_for(uint64_t{24} * 3'600'000'000);
  EXPECT_EQ(cluster.p1.status_calls, 1);
  EXPECT_EQ(cluster.r1.status_calls, 1);
  EXPECT_EQ(cluster.p1.explain_calls + cluster.p1.operation_calls, 0);
}

}  // namespace
}  // namespace aerodb::controlplane
