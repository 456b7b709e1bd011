// inspect.events: what each node shows of its events, unchanged, by one question to each node asked.
#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

wire::EventRecord event(uint64_t number) { return {number, 5, "start", {"node=p1"}}; }

Result<wire::InspectEventsResponse> ask(Cluster& cluster, const runtime::Endpoint& endpoint,
                                        const wire::InspectEventsRequest& request) {
  wire::InspectEventsResponse answer;
  auto asked = cluster.ask(*cluster.bob, endpoint, wire::kInspectEvents, request,
                           [&](const wire::InspectEventsResponse& response) { answer = response; });
  if (!asked) return fail(std::move(asked.error()));
  return answer;
}

TEST(InspectEvents, ShowsEachNodesOwnEventsInOrderOfTheConfiguration) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.events = {event(1), event(2)};
  cluster.r1.events = {event(7)};
  for (const auto& endpoint : {cluster.desk(), cluster.inspection()}) {
    const auto answer = ask(cluster, endpoint, {{}, 10});
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->nodes.size(), 2u);
    EXPECT_EQ(answer->nodes[0].node, "p1");
    EXPECT_TRUE(answer->nodes[0].reached);
    ASSERT_EQ(answer->nodes[0].events.size(), 2u);
    EXPECT_EQ(answer->nodes[0].events[1].number, 2u);
    EXPECT_EQ(answer->nodes[0].events[0].name, "start");
    EXPECT_EQ(answer->nodes[0].events[0].wall_us, 5u);
    EXPECT_EQ(answer->nodes[0].events[0].fields_text, (std::vector<std::string>{"node=p1"}));
    EXPECT_EQ(answer->nodes[1].events[0].number, 7u);
  }
}

TEST(InspectEvents, AsksEachNodeNamedOnceAndNobodyElse) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.r1.events = {event(7), event(8), event(9)};
  const auto answer = ask(cluster, cluster.desk(), {{{"r1", 7}}, 1});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->nodes.size(), 1u);
  ASSERT_EQ(answer->nodes[0].events.size(), 1u);
  EXPECT_EQ(answer->nodes[0].events[0].number, 8u);
  EXPECT_EQ(cluster.r1.event_calls, 1);
  EXPECT_EQ(cluster.p1.event_calls + cluster.p1.status_calls + cluster.r1.status_calls, 0);
}

TEST(InspectEvents, UnreachedNodeStandsInItsPlaceWithTheReason) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.p1.stop();
  const auto answer = ask(cluster, cluster.desk(), {{}, 10});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->nodes[0].reached);
  EXPECT_EQ(answer->nodes[0].why, "UNREACHABLE");
  EXPECT_TRUE(answer->nodes[1].reached);
}

TEST(InspectEvents, RefusesWhatItCannotAskAndAsksNobody) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  EXPECT_EQ(code_of(ask(cluster, cluster.desk(), {{{"p1", 0}, {"r9", 0}}, 10})), ErrorCode::kUnknownNode);
  EXPECT_EQ(code_of(ask(cluster, cluster.desk(), {{{"p1", 0}, {"p1", 3}}, 10})), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of(ask(cluster, cluster.desk(), {{}, 0})), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of(ask(cluster, cluster.desk(), {{}, 1001})), ErrorCode::kBadRequest);
  EXPECT_EQ(cluster.p1.event_calls + cluster.r1.event_calls, 0);
}

}  // namespace
}  // namespace aerodb::controlplane
