// Routes that show what a peer said: data unchanged, pages, and the web page's files.
#include <gmock/gmock.h>

#include "tests/unit/explainer/api_fixture.h"

namespace aerodb::explainer {
namespace {

using testing::ApiTest;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using ObserveRoutes = ApiTest;

TEST_F(ObserveRoutes, EveryRouteOfTheTableIsServed) {
  for_each_route([&](const auto& route) {
    EXPECT_NE(outcome(get(route.path)), "404 NOT_FOUND") << route.path;
    EXPECT_EQ(outcome(get(std::string(route.path) + "?no_such_parameter=1")), "400 UNKNOWN_FIELD") << route.path;
    for (const auto& use : route.parameters) {
      size_t known = 0;
      const Parameters none;
      Parameters::fields(none, [&](std::string_view name, const auto&, auto) { known += name == use.name ? 1 : 0; });
      EXPECT_EQ(known, 1u) << route.path << " " << use.name;
    }
  });
}

TEST_F(ObserveRoutes, NodesListsNodesAndShippersNoneLeftOut) {
  const auto response = get("/v1/nodes");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"({"node":"p1","address":"127.0.0.1:7301","reached":true,)"));
  EXPECT_THAT(response.body,
              HasSubstr(R"({"node":"r2","address":"127.0.0.1:7303","reached":false,"why":"UNREACHABLE")"));
  EXPECT_THAT(response.body, HasSubstr(R"({"shipper":"s1","address":"127.0.0.1:7311","reached":false,)"));
  EXPECT_THAT(response.body, EndsWith(R"("notes":["UNREACHABLE"]})"));
  const auto one = get("/v1/nodes?node=r1");
  EXPECT_THAT(one.body, StartsWith(R"({"api_version":1,"observed_at":{"node":"r1","snapshot":"live","commit_id":4},)"
                                   R"("data":{"nodes":[{"node":"r1",)"));
  EXPECT_THAT(one.body, HasSubstr(R"("shippers":[])"));
}

TEST_F(ObserveRoutes, WalShowsTheRingAsTheNodeSaidIt) {
  EXPECT_THAT(get("/v1/wal?node=r1").body, HasSubstr(R"("first_lsn":1,"durable_lsn":5,"appended_lsn":5,"chain":")"));
  EXPECT_THAT(cluster.r1.asked, ElementsAre("observe.wal"));
}

TEST_F(ObserveRoutes, MvccPagesByCollection) {
  cluster.r1.mvcc.visible_commit = CommitId(4);
  cluster.r1.mvcc.collections = {{"a", 1, Lsn(2), 3, 0, {{1, 5, 100, 0}}}, {"b\"c", 1, Lsn(3), 0, 0, {}}};
  auto response = get("/v1/mvcc?node=r1");
  EXPECT_THAT(response.body, HasSubstr(R"("observed_at":{"node":"r1","snapshot":"live","commit_id":4})"));
  EXPECT_THAT(response.body, HasSubstr(R"("runs":[{"run":1,"entries":5,"bytes":100,"height":0}])"));
  EXPECT_THAT(response.body, EndsWith(R"("notes":[],"next":null})"));
  EXPECT_EQ(cluster.r1.after_collection, std::nullopt);
  cluster.r1.mvcc.more = true;
  response = get("/v1/mvcc?node=r1&after_collection=Z");
  EXPECT_THAT(response.body, EndsWith(R"("next":{"after_collection":"b\"c"}})"));
  EXPECT_EQ(cluster.r1.after_collection, "Z");
}

TEST_F(ObserveRoutes, IndexesAreCutWhereTheyAreTooLong) {
  wire::CollectionIndexes large{"a", 1, {}};
  for (int i = 0; i < 4000; ++i) large.indexes.push_back({std::string(100, 'p'), 1, 2, 3, 4, {{1, 1, 1, 1}}});
  for (const auto* name : {"a", "b", "c"}) {
    large.collection = name;
    cluster.r1.indexes.collections.push_back(large);
  }
  auto response = get("/v1/indexes?node=r1");
  EXPECT_THAT(response.body, EndsWith(R"("more":true},"notes":[],"next":{"after_collection":"a"}})"));
  EXPECT_LT(response.body.size(), kMaxPageBytes + 1000);
  // A single larger one is shown whole.
  large.indexes.insert(large.indexes.end(), large.indexes.begin(), large.indexes.end());
  cluster.r1.indexes.collections = {large};
  response = get("/v1/indexes?node=r1");
  EXPECT_GT(response.body.size(), kMaxPageBytes);
  EXPECT_THAT(response.body, EndsWith(R"("more":false},"notes":[],"next":null})"));
}

TEST_F(ObserveRoutes, AVersionChainPagesDownwards) {
  const std::string target = "/v1/mvcc?node=r1&collection=countries&id=AW";
  auto response = get(target);
  EXPECT_THAT(response.body, HasSubstr(R"("data":{"versions":[{"commit_id":4,"lsn":5,"kind":"tombstone",)"));
  EXPECT_THAT(response.body, EndsWith(R"("next":null})"));
  response = get(target + "&limit=2");
  EXPECT_THAT(response.body, EndsWith(R"("next":{"before_commit":3}})"));
  EXPECT_THAT(response.body, HasSubstr(R"("more":true)"));
  EXPECT_THAT(cluster.r1.asked, ElementsAre("evidence.versions", "evidence.versions"));
}

TEST_F(ObserveRoutes, SnapshotsAndCheckpointsAreTwoSidesOfOneAnswer) {
  auto& storage = cluster.r1.storage;
  storage.manifest_number = 3;
  storage.manifest_commit = CommitId(8);
  storage.snapshots = {{"a", true}, {"b", false}, {"c", true}};
  storage.runs.resize(2);
  storage.runs[0].last_commit = CommitId(5);
  storage.runs[1].last_commit = CommitId(8);
  auto response = get("/v1/snapshots?node=r1&limit=2");
  EXPECT_THAT(response.body, HasSubstr(R"("snapshots":[{"name":"a","complete":true},{"name":"b","complete":false}])"));
  EXPECT_THAT(response.body, EndsWith(R"("next":{"after_name":"b"}})"));
  response = get("/v1/snapshots?node=r1&limit=2&after_name=b");
  EXPECT_THAT(response.body, HasSubstr(R"("snapshots":[{"name":"c","complete":true}])"));
  EXPECT_THAT(response.body, EndsWith(R"("next":null})"));
  response = get("/v1/checkpoints?node=r1&limit=1");
  EXPECT_THAT(response.body, HasSubstr(R"("snapshot":"live","commit_id":8},"data":{"manifest_number":3,)"));
  EXPECT_THAT(response.body, EndsWith(R"("next":{"after_commit":5}})"));
  response = get("/v1/checkpoints?node=r1&limit=1&after_commit=5");
  EXPECT_THAT(response.body, EndsWith(R"("next":null})"));
  EXPECT_THAT(cluster.r1.asked, ::testing::Each("observe.storage"));
}

TEST_F(ObserveRoutes, EventsPageByNumberWithinTheirBound) {
  for (uint64_t number = 1; number <= 5; ++number) {
    cluster.r1.events.events.push_back({number, 0, "event", {}});
  }
  EXPECT_THAT(get("/v1/events?node=r1&limit=2").body, EndsWith(R"("next":{"after_number":2}})"));
  const auto last = get("/v1/events?node=r1&limit=2&after_number=4");
  EXPECT_THAT(last.body, HasSubstr(R"("data":{"events":[{"number":5,)"));
  EXPECT_THAT(last.body, EndsWith(R"("next":null})"));
  for (auto& event : cluster.r1.events.events) event.fields_text = {std::string(300 << 10, 'x')};
  const auto cut = get("/v1/events?node=r1");
  EXPECT_THAT(cut.body, EndsWith(R"("next":{"after_number":3}})"));
  EXPECT_LT(cut.body.size(), kMaxPageBytes);
}

TEST_F(ObserveRoutes, AuditIsReadFromTheControlPlaneThatIsConfigured) {
  wire::Server desk(cluster.runtime, wire::ListenerKind::kControlPlane, {}, {});
  uint32_t limit = 0;
  desk.handle(wire::kAuditRead, [&](const wire::AuditReadRequest& request, wire::Responder responder) {
    limit = request.limit;
    wire::AuditReadResponse response;
    response.records.push_back({request.after_number + 1, "requested", R"({"number":1})"});
    responder.ok(response);
  });
  ASSERT_TRUE(desk.listen(testing::endpoint_at(7330)).has_value());
  auto config = testing::FakeCluster::config();
  config.control_plane = testing::endpoint_at(7330);
  Explainer with_desk(cluster.runtime, config, "0");
  http::HttpRequest request;
  request.method = "GET";
  ASSERT_TRUE(http::parse_target("/v1/audit?after_number=6&limit=1", request).has_value());
  std::string body;
  with_desk.handle_http(request, [&](http::HttpResponse response) { body = std::move(response.body); });
  cluster.runtime.run();
  EXPECT_THAT(body, HasSubstr(R"("data":{"records":[{"number":7,"stage":"requested","line":"{\"number\":1}"}]})"));
  EXPECT_THAT(body, EndsWith(R"("next":{"after_number":7}})"));
  EXPECT_EQ(limit, 1u);
}

TEST_F(ObserveRoutes, TheWebPageIsServedFromItsTableAlone) {
  for (const auto* path : {"/", "/documents", "/?node=r1"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, "<html>") << path;
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  }
  EXPECT_EQ(outcome(get("/documents/")), "404 NOT_FOUND");
  EXPECT_EQ(cluster.p1.asked.size(), 0u);
}

// --- /metrics

TEST_F(ObserveRoutes, MetricsAreTheOwnOnesOrThoseOfANode) {
  get("/v1/status?node=r1");
  const auto own = get("/metrics");
  EXPECT_EQ(own.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(own.body, HasSubstr("# HELP aerodb_explainer_http_requests_total HTTP requests\n"
                                  "# TYPE aerodb_explainer_http_requests_total counter\n"
                                  "aerodb_explainer_http_requests_total 2\n"));
  EXPECT_THAT(own.body, HasSubstr("\naerodb_connections_accepted_total 0\n"));
  EXPECT_THAT(own.body, Not(HasSubstr("wal_sync")));
  cluster.r1.stats.metrics = {{"floor_commit", 7, "commit"}};
  const auto nodes = get("/metrics?node=r1");
  EXPECT_EQ(nodes.body,
            "# HELP aerodb_floor_commit oldest commit that can be read\n# TYPE aerodb_floor_commit gauge\n"
            "aerodb_floor_commit 7\n");
  EXPECT_EQ(outcome(get("/metrics?node=r2")), "502 UNREACHABLE");
}

}  // namespace
}  // namespace aerodb::explainer
