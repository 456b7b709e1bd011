#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/document/json.h"
#include "common/wire/client.h"
#include "explainer/explainer.h"
#include "tests/unit/explainer/api_fixture.h"

namespace aerodb::explainer {
namespace {

using observe::MetricId;
using testing::ApiTest;
using ::testing::ElementsAre;
using testing::FakeCluster;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(ApiTest, ServesGetOnly) {
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", ""}) {
    http::HttpRequest request;
    request.method = method;
    request.path = "/v1/status";
    send(request);
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(outcome(answers.back()), "405 METHOD_NOT_ALLOWED") << method;
    EXPECT_THAT(answers.back().headers, ElementsAre(std::pair<std::string, std::string>("Allow", "GET")));
  }
  EXPECT_EQ(cluster.p1.asked.size(), 0u);
  EXPECT_EQ(explainer.metrics().get(MetricId::kExplainerHttpRequestsCount), 8u);
  EXPECT_EQ(explainer.metrics().get(MetricId::kExplainerHttpRefusedCount), 8u);
}

struct Target {
  std::string target;
  std::string outcome;
  std::string names;  // what the message names
};
void PrintTo(const Target& target, std::ostream* out) { *out << target.target; }
class ApiRefuses : public ApiTest, public ::testing::WithParamInterface<Target> {};

TEST_P(ApiRefuses, ByName) {
  const auto response = get(GetParam().target);
  EXPECT_EQ(outcome(response), GetParam().outcome) << response.body;
  EXPECT_THAT(response.body, HasSubstr(GetParam().names));
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(cluster.p1.asked.size(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Targets, ApiRefuses,
    ::testing::Values(
        Target{"/index.html", "404 NOT_FOUND", "/index.html: no such route"}, Target{"/v1", "404 NOT_FOUND", "/v1"},
        Target{"/v1/status/", "404 NOT_FOUND", "/v1/status/"}, Target{"/v1/STATUS", "404 NOT_FOUND", "/v1/STATUS"},
        Target{"/v1/explain", "404 NOT_FOUND", "/v1/explain"}, Target{"/metrics/", "404 NOT_FOUND", "/metrics/"},
        Target{"/app.js", "404 NOT_FOUND", "/app.js"}, Target{"/../etc/passwd", "404 NOT_FOUND", "/../etc/passwd"},
        Target{"/metrics?node=r9", "404 UNKNOWN_NODE", "r9"}, Target{"/metrics?x=1", "400 UNKNOWN_FIELD", "x"},
        Target{"/v1/nodes?node=r9", "404 UNKNOWN_NODE", "r9"},
        Target{"/v1/wal", "400 MISSING_FIELD", R"("parameter":"node")"},
        Target{"/v1/mvcc?node=p1&id=AW", "400 MISSING_FIELD", R"("parameter":"collection")"},
        Target{"/v1/mvcc?node=p1&collection=c", "400 MISSING_FIELD", R"("parameter":"id")"},
        Target{"/v1/mvcc?node=p1&before_commit=3", "400 BAD_REQUEST", R"("parameter":"before_commit")"},
        Target{"/v1/mvcc?node=p1&collection=c&id=AW&after_collection=b", "400 BAD_REQUEST", "after_collection"},
        Target{"/v1/events?node=p1&limit=0", "400 BAD_REQUEST", "from 1 to 1000"},
        Target{"/v1/events?node=p1&limit=1001", "400 BAD_REQUEST", "from 1 to 1000"},
        Target{"/v1/events?node=p1&after_number=x", "400 BAD_REQUEST", R"("parameter":"after_number")"},
        Target{"/v1/audit", "404 NOT_CONFIGURED", "control_plane.address"},
        Target{"/v1/audit?node=p1", "400 UNKNOWN_FIELD", R"("parameter":"node")"},
        Target{"/v1/explain/query?node=p1", "400 MISSING_FIELD", R"("parameter":"query")"},
        Target{"/v1/explain/query?node=p1&query=x", "400 BAD_REQUEST", R"("parameter":"query")"},
        Target{"/v1/explain/query?node=p1&query=[]", "400 BAD_REQUEST", R"("parameter":"query")"},
        Target{"/v1/explain/query?node=p1&query={\"schema_version\":1}", "400 MISSING_FIELD", "collection"},
        Target{"/v1/explain/query?node=p1&query={\"collection\":\"c\",\"schema_version\":1,\"joins\":1}",
               "400 UNKNOWN_FIELD", "joins"},
        Target{"/v1/explain/recovery", "400 MISSING_FIELD", R"("parameter":"node")"},
        Target{"/v1/explain/promotion?node=p1&epoch=one", "400 BAD_REQUEST", R"("parameter":"epoch")"},
        Target{"/v1/explain/command?node=p1", "400 MISSING_FIELD", R"("parameter":"command")"},
        Target{"/v1/explain/command?node=p1&command=demote&successor_instance=12", "400 BAD_REQUEST", "32 lower-case"},
        Target{"/v1/status?x=1", "400 UNKNOWN_FIELD", R"("parameter":"x")"},
        Target{"/v1/status?node=r9", "404 UNKNOWN_NODE", R"("node":"r9")"},
        Target{"/v1/status?node=", "400 BAD_REQUEST", "parameter node is empty"},
        Target{"/v1/status?node=r1&node=r1", "400 BAD_REQUEST", "parameter node is given twice"},
        Target{"/v1/status?node=%ff", "400 BAD_REQUEST", "parameter node is not UTF-8"},
        Target{"/v1/replication?at_commit=1", "400 UNKNOWN_FIELD", "at_commit"},
        Target{"/v1/replication?node=s1", "404 UNKNOWN_NODE", "s1"},
        Target{"/v1/explain/read", "400 MISSING_FIELD", R"("parameter":"node")"},
        Target{"/v1/explain/read?node=r1", "400 MISSING_FIELD", R"("parameter":"collection")"},
        Target{"/v1/explain/read?node=r1&collection=c", "400 MISSING_FIELD", R"("parameter":"id")"},
        Target{"/v1/explain/read?node=r1&collection=c&_id=AW", "400 UNKNOWN_FIELD", R"("parameter":"_id")"},
        Target{"/v1/explain/read?node=r9&collection=c&id=AW", "404 UNKNOWN_NODE", "r9"},
        Target{"/v1/explain/read?node=r2&collection=c&id=AW", "502 UNREACHABLE", R"("node":"r2")"},
        Target{"/v1/explain/replication", "400 MISSING_FIELD", R"("parameter":"node")"},
        Target{"/v1/explain/replication?node=r1&collection=c", "400 UNKNOWN_FIELD", "collection"},
        Target{"/v1/explain/replication?node=r1&at_commit=", "400 BAD_REQUEST", R"("parameter":"at_commit")"},
        Target{"/v1/explain/replication?node=r1&at_commit=-1", "400 BAD_REQUEST", "at_commit"},
        Target{"/v1/explain/replication?node=r1&at_commit=01", "400 BAD_REQUEST", "at_commit"},
        Target{"/v1/explain/replication?node=r1&at_commit=1.0", "400 BAD_REQUEST", "at_commit"},
        Target{"/v1/explain/replication?node=r1&at_commit=9007199254740992", "400 BAD_REQUEST", "at_commit"},
        Target{"/v1/explain/replication?node=r1&at_commit=99999999999999999999", "400 BAD_REQUEST", "at_commit"},
        Target{"/v1/explain/replication?node=r1&at_commit=1&at_commit=1", "400 BAD_REQUEST", "given twice"}));

TEST_F(ApiTest, GivesErrorsTheirTableForm) {
  const auto response = get("/v1/nowhere");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(
      response.body,
      R"({"api_version":1,"error":{"code":"NOT_FOUND","severity":"REJECT","message":"/v1/nowhere: no such route",)"
      R"("rule":null,"details":{}}})");
}

std::string explanation_json(const rules::ReadVisibilityEvidence& evidence) {
  return rules::explain_visibility(evidence, testing::test_lineage()).json;
}

TEST_F(ApiTest, EmbedsTheNodesObjectUnchanged) {
  const auto explanation = rules::explain_visibility(testing::true_evidence(), testing::test_lineage());
  std::string rule_hashes;
  for (const auto& hash : explanation.rule_sha256)
    rule_hashes += (rule_hashes.empty() ? "\"" : ",\"") + to_hex(hash) + "\"";
  const auto response = get("/v1/explain/read?node=r1&collection=countries&id=AW");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"api_version":1,"observed_at":{"node":"r1","snapshot":"live","commit_id":4},)"
                           R"("data":{"node":"r1","explanation":)" +
                               explanation.json + R"(,"sha256":")" + to_hex(explanation.sha256) +
                               R"(","rule_sha256":[)" + rule_hashes +
                               R"(],"rules_follow":"true","rules_follow_why":null,"evidence_checked":"log",)"
                               R"("evidence_agrees":"true","evidence_why":null},"notes":[]})");
}

TEST_F(ApiTest, SaysWhichCommitWasAskedFor) {
  cluster.r1.evidence = testing::true_evidence_at_3();
  const auto response = get("/v1/explain/read?node=r1&collection=countries&id=AW&at_commit=3");
  EXPECT_THAT(response.body,
              StartsWith(R"({"api_version":1,"observed_at":{"node":"r1","snapshot":"explicit","commit_id":3},)"));
  EXPECT_THAT(response.body, HasSubstr(explanation_json(testing::true_evidence_at_3())));
}

TEST_F(ApiTest, ShowsAMismatchBesideTheObject) {
  cluster.r1.evidence.versions[0].prev_commit = CommitId(2);
  const auto response = get("/v1/explain/read?node=r1&collection=countries&id=AW");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(explanation_json(cluster.r1.evidence)));
  EXPECT_THAT(response.body, HasSubstr(R"("rules_follow":"true")"));
  EXPECT_THAT(
      response.body,
      HasSubstr(
          R"("evidence_agrees":"false","evidence_why":"version of commit 4: prev_commit is 3 in the log, 2 in the explanation")"));
}

TEST_F(ApiTest, NotesWhatCouldNotBeSeen) {
  cluster.r1.authority = "r2";
  const auto response = get("/v1/explain/replication?node=r1");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("status":"undetermined")"));
  EXPECT_THAT(response.body, HasSubstr(R"("notes":["UNREACHABLE"]})"));
}

TEST_F(ApiTest, PassesTheNodesRefusalOn) {
  EXPECT_EQ(outcome(get("/v1/explain/read?node=r1&collection=c&id=x&at_commit=99")), "409 BEHIND");
  cluster.r1.status_error = Error{ErrorCode::kNotReady, "", {}};
  EXPECT_EQ(outcome(get("/v1/explain/replication?node=r1")), "503 NOT_READY");
  EXPECT_EQ(outcome(get("/v1/status?node=r1")), "503 NOT_READY");
}

TEST_F(ApiTest, ShowsEveryConfiguredNodesStatus) {
  cluster.r1.status_error = Error{ErrorCode::kNotReady, "", {}};
  const auto response = get("/v1/status");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(
      response.body,
      StartsWith(
          R"({"api_version":1,"observed_at":{"node":null,"snapshot":"live","commit_id":null},)"
          R"("data":{"nodes":[{"node":"p1","address":"127.0.0.1:7301","reached":true,"why":null,"status":{"node":"p1",)"));
  EXPECT_THAT(response.body,
              HasSubstr(R"({"node":"r1","address":"127.0.0.1:7302","reached":false,"why":"NOT_READY","status":null})"));
  EXPECT_THAT(
      response.body,
      HasSubstr(R"({"node":"r2","address":"127.0.0.1:7303","reached":false,"why":"UNREACHABLE","status":null})"));
  EXPECT_THAT(response.body, HasSubstr(R"("notes":["NOT_READY","UNREACHABLE"]})"));
}

TEST_F(ApiTest, ShowsOneNodesStatusAsItSaidIt) {
  const auto response = get("/v1/status?node=r1");
  EXPECT_THAT(response.body,
              StartsWith(R"({"api_version":1,"observed_at":{"node":"r1","snapshot":"live","commit_id":4},)"
                         R"("data":{"node":"r1","cluster":")"));
  EXPECT_THAT(response.body, HasSubstr(R"("seal_lsn":null,"seal_successor":null)"));
  EXPECT_THAT(response.body, HasSubstr(R"("chain":")" + to_hex(cluster.r1.log.chain()) + '"'));
  EXPECT_THAT(cluster.r1.asked, ElementsAre("status"));
  EXPECT_EQ(cluster.p1.asked.size(), 0u);
}

TEST_F(ApiTest, ShowsBothSidesPositionsAndNoLag) {
  wire::Server shipper(cluster.runtime, wire::ListenerKind::kShipper, {}, {});
  shipper.handle(wire::kShipperStatus, [](const auto&, wire::Responder responder) {
    wire::ShipperStatusResponse status;
    status.shipper = "s1";
    status.source_durable.emplace().lsn = Lsn(5);
    status.targets.emplace_back().target = "r1";
    responder.ok(status);
  });
  ASSERT_TRUE(shipper.listen(testing::endpoint_at(7311)).has_value());
  const auto response = get("/v1/replication");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(
      response.body,
      HasSubstr(
          R"({"node":"r1","address":"127.0.0.1:7302","reached":true,"why":null,"replication":{"role":"replica","state":"READY","durable_lsn":5,)"));
  EXPECT_THAT(response.body, HasSubstr(R"("source_durable_lsn":null,"source_commit":null,"source_heard_us_ago":null)"));
  EXPECT_THAT(
      response.body,
      HasSubstr(
          R"("shippers":[{"shipper":"s1","address":"127.0.0.1:7311","reached":true,"why":null,"status":{"shipper":"s1",)"));
  EXPECT_THAT(
      response.body,
      HasSubstr(R"("durable_lsn":null,"applied_lsn":null,"applied_commit":null,"heard_us_ago":null)"));  // never heard
  EXPECT_THAT(response.body, HasSubstr(R"("notes":["UNREACHABLE"]})"));                                  // r2
  EXPECT_THAT(response.body, ::testing::Not(HasSubstr("lag")));
}

TEST_F(ApiTest, SaysWhichShipperWasNotReached) {
  EXPECT_THAT(
      get("/v1/replication").body,
      HasSubstr(
          R"("shippers":[{"shipper":"s1","address":"127.0.0.1:7311","reached":false,"why":"UNREACHABLE","status":null}])"));
}

TEST_F(ApiTest, TimesOutOnASilentNode) {
  cluster.r1.silent = true;
  EXPECT_EQ(outcome(get("/v1/explain/replication?node=r1")), "504 TIMED_OUT");
  cluster.r1.kept.clear();
}

TEST_F(ApiTest, AnswersBusyBeyondTheQueueOfANode) {
  cluster.r1.silent = true;
  for (uint32_t i = 0; i < 1 + kMaxWaiting; ++i) send_get("/v1/explain/read?node=r1&collection=countries&id=AW");
  EXPECT_EQ(answers.size(), 0u);
  EXPECT_EQ(outcome(get("/v1/explain/read?node=r1&collection=countries&id=AW")), "503 BUSY");
  EXPECT_EQ(outcome(get("/v1/status?node=r1")), "503 BUSY");
  EXPECT_EQ(outcome(get("/v1/status?node=p1")), "200");
  EXPECT_THAT(get("/v1/status").body,
              HasSubstr(R"("node":"r1","address":"127.0.0.1:7302","reached":false,"why":"BUSY")"));
  EXPECT_EQ(cluster.r1.kept.size(), 1u);
  EXPECT_EQ(explainer.metrics().get(MetricId::kExplainerBusyCount), 3u);
  // Once the node speaks again, those that wait get their turn.
  cluster.r1.silent = false;
  cluster.r1.kept[0].error({ErrorCode::kHalted, "", {}});
  cluster.r1.kept.clear();
  cluster.runtime.run();
  EXPECT_EQ(std::ranges::count(answers, 200, &http::HttpResponse::status), 2 + static_cast<int>(kMaxWaiting));
}

TEST_F(ApiTest, AsksNobodyByItselfAndKeepsNoAnswer) {
  cluster.runtime.pass_ms(10'000);
  EXPECT_EQ(cluster.r1.connections(), 0u);
  get("/v1/status?node=r1");
  cluster.runtime.pass_ms(10'000);
  get("/v1/status?node=r1");
  EXPECT_THAT(cluster.r1.asked, ElementsAre("status", "status"));
}

// --- RPC

TEST_F(ApiTest, AnswersTheSameOverRpc) {
  EXPECT_THAT(explainer.server()->method_names(),
              ::testing::UnorderedElementsAre("hello", "observe.stats", "explain.read", "explain.query",
                                              "explain.recovery", "explain.checkpoint", "explain.halt",
                                              "explain.promotion", "explain.command", "explain.replication"));
  wire::Client client(cluster.runtime);
  bool connected = false;
  client.connect(testing::endpoint_at(7400), [&](auto result) { connected = result.has_value(); });
  cluster.runtime.run();
  ASSERT_TRUE(connected);
  std::vector<std::string> verdicts;
  const auto note = [&](const Result<wire::WitnessResponse>& answer) {
    verdicts.push_back(answer ? answer->node + " " + answer->rules_follow + " " + answer->evidence_checked + " " +
                                    answer->evidence_agrees
                              : std::string(answer.error().row().name));
  };
  client.call(wire::kWitnessRead, {"r1", "countries", "AW", std::nullopt}, 0, [&](auto answer) {
    ASSERT_TRUE(answer.has_value());
    const auto json = document::to_json(answer->explanation.bytes);
    EXPECT_EQ(json.value_or(""), explanation_json(testing::true_evidence()));
    note(answer);
  });
  client.call(wire::kWitnessReplication, {"r1", std::nullopt}, 0, note);
  client.call(wire::kWitnessRead, {"r9", "countries", "AW", std::nullopt}, 0, note);
  cluster.runtime.run();
  EXPECT_THAT(verdicts, ::testing::UnorderedElementsAre("r1 true log true", "r1 true log true", "UNKNOWN_NODE"));
}

TEST_F(ApiTest, EndsWithQuestionsUnderWay) {
  cluster.r1.silent = true;
  auto second = FakeCluster::config();
  second.listen_explainer = testing::endpoint_at(7410);
  auto other = std::make_unique<Explainer>(cluster.runtime, second, "0");
  ASSERT_TRUE(other->start().has_value());
  wire::Client client(cluster.runtime);
  client.connect(testing::endpoint_at(7410), [](auto) {});
  cluster.runtime.run();
  std::string outcome_of_call;
  client.call(wire::kWitnessReplication, {"r1", std::nullopt}, 0,
              [&](const auto& answer) { outcome_of_call = answer ? "answered" : answer.error().row().name; });
  cluster.runtime.run();
  other.reset();
  cluster.runtime.run();
  EXPECT_EQ(outcome_of_call, "CONNECTION_LOST");
  cluster.r1.kept.clear();
}

TEST(ExplainerDisabled, HasNoListener) {
  FakeCluster cluster;
  auto config = FakeCluster::config();
  config.enabled = false;
  Explainer explainer(cluster.runtime, config, "0");
  ASSERT_TRUE(explainer.start().has_value());
  EXPECT_EQ(explainer.server(), nullptr);
  wire::Client client(cluster.runtime);
  std::string outcome;
  client.connect(testing::endpoint_at(7400),
                 [&](auto result) { outcome = result ? "connected" : result.error().row().name; });
  cluster.runtime.run();
  EXPECT_EQ(outcome, "UNREACHABLE");
}

}  // namespace
}  // namespace aerodb::explainer
