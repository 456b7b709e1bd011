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

// An answer to inspect.view, with bytes of its own.
struct Viewed {
  std::string method;
  std::vector<wire::NodeAnswer> nodes;
  std::vector<Bytes> answers;  // empty where there is none
};
Result<Viewed> view(Cluster& cluster, const wire::InspectViewRequest& request) {
  Viewed viewed;
  auto asked = cluster.ask(*cluster.bob, cluster.inspection(), wire::kInspectView, request,
                           [&](const wire::InspectViewResponse& response) {
                             viewed.method = response.method;
                             for (auto row : response.nodes) {
                               const auto bytes = row.answer ? row.answer->bytes : ByteSpan();
                               viewed.answers.emplace_back(bytes.begin(), bytes.end());
                               row.answer.reset();
                               viewed.nodes.push_back(std::move(row));
                             }
                           });
  if (!asked) return fail(std::move(asked.error()));
  return viewed;
}

Bytes named(const std::string& method) {
  Bytes packed;
  document::PackWriter out(packed);
  wire::encode(NamedView{method}, out);
  return packed;
}

TEST(InspectView, EachHandsOnTheBytesOfItsOwnMethodUnread) {
  const std::pair<std::string, std::string> views[] = {
      {"replication", "observe.replication"}, {"promotion", "explain.promotion"},    {"wal", "observe.wal"},
      {"snapshots", "observe.storage"},       {"checkpoints", "explain.checkpoint"},
  };
  for (const auto& [what, method] : views) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start());
    const auto viewed = view(cluster, {what, std::nullopt});
    ASSERT_TRUE(viewed) << what;
    EXPECT_EQ(viewed->method, method);
    EXPECT_EQ(viewed->answers, (std::vector<Bytes>{named(method), named(method)}));
    EXPECT_EQ(cluster.p1.view_calls, (std::map<std::string, int>{{method, 1}}));
    EXPECT_EQ(cluster.r1.view_calls, (std::map<std::string, int>{{method, 1}}));
  }
}

TEST(InspectView, AuthorityIsTheNodesStatus) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto viewed = view(cluster, {"authority", "p1"});
  ASSERT_TRUE(viewed);
  EXPECT_EQ(viewed->method, "status");
  ASSERT_EQ(viewed->answers.size(), 1u);
  document::Tape tape;
  ASSERT_TRUE(tape.parse(viewed->answers[0]));
  EXPECT_EQ(tape.root().find("role")->text(), "primary");
}

TEST(InspectView, StampsEachAnswerWithTheNodesOwnPositions) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.evidence.durable_lsn = 7;
  const auto viewed = view(cluster, {"wal", std::nullopt});
  ASSERT_EQ(viewed->nodes.size(), 2u);
  EXPECT_EQ(viewed->nodes[0].node, "p1");
  EXPECT_EQ(viewed->nodes[0].durable_lsn, Lsn(100));
  EXPECT_EQ(viewed->nodes[1].node, "r1");
  EXPECT_EQ(viewed->nodes[1].durable_lsn, Lsn(7));
  EXPECT_TRUE(viewed->nodes[1].epoch);
  EXPECT_TRUE(viewed->nodes[1].commit_id);
}

TEST(InspectView, OneNodeByNameAsksNoOther) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto viewed = view(cluster, {"wal", "r1"});
  ASSERT_EQ(viewed->nodes.size(), 1u);
  EXPECT_EQ(viewed->nodes[0].node, "r1");
  EXPECT_EQ(cluster.p1.status_calls, 0);
  EXPECT_TRUE(cluster.p1.view_calls.empty());
}

TEST(InspectView, UnreachedNodesStandInTheirPlaceWithTheCode) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.stop();
  const auto viewed = view(cluster, {"replication", std::nullopt});
  ASSERT_EQ(viewed->nodes.size(), 2u);
  EXPECT_FALSE(viewed->nodes[0].reached);
  EXPECT_EQ(viewed->nodes[0].why, "UNREACHABLE");
  EXPECT_EQ(viewed->nodes[0].durable_lsn, std::nullopt);
  EXPECT_TRUE(viewed->answers[0].empty());
  EXPECT_TRUE(viewed->nodes[1].reached);
  EXPECT_FALSE(viewed->answers[1].empty());
}

TEST(InspectView, NodesOwnErrorIsShownAsItsAnswer) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.view_error = Error{ErrorCode::kOperationRunning, "p1: busy", {}};
  const auto viewed = view(cluster, {"checkpoints", "p1"});
  EXPECT_TRUE(viewed->nodes[0].reached);
  EXPECT_EQ(viewed->nodes[0].why, "OPERATION_RUNNING");
  EXPECT_TRUE(viewed->answers[0].empty());
  EXPECT_EQ(cluster.p1.view_calls["explain.checkpoint"], 1);
}

TEST(InspectView, RefusesWhatIsNotOnTheList) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  for (const std::string what : {"", "health", "observe.wal", "status", "control.demote", "Wal"}) {
    EXPECT_EQ(code_of(view(cluster, {what, std::nullopt})), ErrorCode::kBadRequest) << what;
  }
  EXPECT_EQ(code_of(view(cluster, {"wal", "r9"})), ErrorCode::kUnknownNode);
  EXPECT_EQ(cluster.p1.status_calls, 0);
  EXPECT_TRUE(cluster.p1.view_calls.empty());
}

TEST(InspectView, WritesNothingDownAndCallsNoControlListener) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  for (const std::string what : {"replication", "promotion", "authority", "wal", "snapshots", "checkpoints"}) {
    ASSERT_TRUE(view(cluster, {what, std::nullopt}));
  }
  EXPECT_TRUE(cluster.stages().empty());
  EXPECT_EQ(cluster.p1.explain_calls + cluster.p1.operation_calls, 0);
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
