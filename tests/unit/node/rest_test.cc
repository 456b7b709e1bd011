// REST on a node: what each route answers, and what is refused before or by the listener it asks.
#include <gmock/gmock.h>

#include "common/document/json.h"
#include "common/node/rest.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using ::testing::HasSubstr;
using testing::NodeTest;
using testing::TestNode;

constexpr auto kSchema = R"({"collection":"c","version":1,"fields":{"_id":{"type":"string","required":true},
  "n":{"type":"int","indexed":true},"blob":{"type":"bytes","indexed":true},"tags":{"type":"array","element":{"type":"bytes"}}}})";

struct RestTest : NodeTest {
  void SetUp() override { p.start(); }

  static http::HttpRequest request(std::string_view verb, std::string_view target, std::string body = {}) {
    http::HttpRequest request;
    request.method = verb;
    if (!body.empty()) request.content_type = "application/json";
    request.body = std::move(body);
    EXPECT_TRUE(http::parse_target(target, request)) << target;
    return request;
  }
  static http::HttpRequest with_receipt(http::HttpRequest request, std::string receipt) {
    request.headers.emplace_back("aerodb-receipt", std::move(receipt));
    return request;
  }
  http::HttpResponse send(TestNode& to, const http::HttpRequest& request) {
    Rest rest(*to.node);
    std::optional<http::HttpResponse> answer;
    rest.handle(request, [&](http::HttpResponse response) { answer = std::move(response); });
    while (!answer && world.step()) {
    }
    EXPECT_TRUE(answer) << "no answer came";
    return answer.value_or(http::HttpResponse{});
  }
  http::HttpResponse send(std::string_view verb, std::string_view target, std::string body = {}) {
    return send(p, request(verb, target, std::move(body)));
  }
  // The body of an answer that must be a good one.
  std::string good(std::string_view verb, std::string_view target, std::string body = {}) {
    const auto answer = send(verb, target, std::move(body));
    EXPECT_EQ(answer.status, 200) << verb << " " << target << ": " << answer.body;
    return answer.body;
  }
  // "STATUS CODE" of a refusal, "200" of an answer.
  static std::string outcome(const http::HttpResponse& response) {
    constexpr std::string_view kHead = R"({"error":{"code":")";
    if (!response.body.starts_with(kHead)) return std::to_string(response.status);
    const auto rest = response.body.substr(kHead.size());
    return std::to_string(response.status) + " " + rest.substr(0, rest.find('"'));
  }
  std::string refused(std::string_view verb, std::string_view target, std::string body = {}) {
    return outcome(send(verb, target, std::move(body)));
  }
  // The JSON text of a member of an object.
  static std::string member(const std::string& json, std::string_view name) {
    Bytes packed;
    document::Tape tape;
    EXPECT_TRUE(document::from_json(json, packed) && tape.parse(packed)) << json;
    const auto found = tape.root().find(name);
    EXPECT_TRUE(found) << json;
    return found ? document::to_json(*found) : "";
  }
  void register_schema() { good("POST", "/v1/schemas", kSchema); }
  void insert(std::string document) { good("POST", "/v1/collections/c/documents", std::move(document)); }

  TestNode p{world, "p", true};
};

TEST_F(RestTest, ADocumentIsWrittenReadAndDeleted) {
  register_schema();
  const auto inserted = good("POST", "/v1/collections/c/documents", R"({"_id":"a","n":1})");
  EXPECT_EQ(member(member(inserted, "receipt"), "commit_id"), "1");
  good("PUT", "/v1/collections/c/documents/a", R"({"n":2,"_id":"a"})");
  EXPECT_EQ(member(good("GET", "/v1/collections/c/documents/a"), "data"),
            R"({"at_commit":2,"version":{"commit_id":2,"schema_version":1,"document":{"_id":"a","n":2}}})");
  good("DELETE", "/v1/collections/c/documents/a");
  EXPECT_EQ(member(good("GET", "/v1/collections/c/documents/a"), "data"), R"({"at_commit":3,"version":null})");
  EXPECT_EQ(member(good("GET", "/v1/collections/c/documents/a?at_commit=1&schema_version=1"), "data"),
            R"({"at_commit":1,"version":{"commit_id":1,"schema_version":1,"document":{"_id":"a","n":1}}})");
}

TEST_F(RestTest, AHistoryComesInPages) {
  register_schema();
  insert(R"({"_id":"a","n":1})");
  good("PUT", "/v1/collections/c/documents/a", R"({"_id":"a","n":2})");
  good("DELETE", "/v1/collections/c/documents/a");
  EXPECT_EQ(member(good("GET", "/v1/collections/c/documents/a/history?limit=2"), "data"),
            R"({"at_commit":3,"floor":0,"versions":[{"commit_id":3,"schema_version":0,"document":null},)"
            R"({"commit_id":2,"schema_version":1,"document":{"_id":"a","n":2}}],"complete":false})");
  EXPECT_EQ(member(good("GET", "/v1/collections/c/documents/a/history?before_commit=2"), "data"),
            R"({"at_commit":3,"floor":0,"versions":[{"commit_id":1,"schema_version":1,"document":{"_id":"a","n":1}}],)"
            R"("complete":true})");
}

TEST_F(RestTest, BytesAreHexInDocumentsBatchesAndQueries) {
  register_schema();
  insert(R"({"_id":"a","blob":"00ff","tags":["01"]})");
  good("POST", "/v1/write",
       R"({"operations":[{"op":"insert","collection":"c","document":{"_id":"b","blob":"0102"}},
           {"op":"insert","collection":"c","schema_version":1,"if_commit":0,"document":{"_id":"d","blob":"aa"}}]})");
  EXPECT_THAT(good("GET", "/v1/collections/c/documents/a"), HasSubstr(R"({"_id":"a","blob":"00ff","tags":["01"]})"));
  const auto first = good("POST", "/v1/collections/c/query",
                          R"({"where":[{"field":"blob","op":"ge","value":"0102"}],"sort":"blob","limit":1})");
  EXPECT_THAT(first, HasSubstr(R"("document":{"_id":"b","blob":"0102"})"));
  EXPECT_THAT(first, Not(HasSubstr("aa")));
  const auto next = good("POST", "/v1/collections/c/query",
                         R"({"where":[{"field":"blob","op":"ge","value":"0102"}],"sort":"blob","limit":1,"at_commit":2,
               "after":{"sort_value":"0102","id":"b"}})");
  EXPECT_THAT(next, HasSubstr(R"("document":{"_id":"d","blob":"aa"})"));
  EXPECT_EQ(refused("POST", "/v1/collections/c/documents", R"({"_id":"x","blob":"0"})"), "400 BAD_REQUEST");
  EXPECT_EQ(
      refused("POST", "/v1/collections/c/query", R"({"where":[{"field":"blob","op":"eq","value":"zz"}],"limit":1})"),
      "400 BAD_REQUEST");
}

TEST_F(RestTest, AQueryComesWithItsExplanationWhereItIsAskedFor) {
  register_schema();
  insert(R"({"_id":"a","n":5})");
  const auto plain =
      good("POST", "/v1/collections/c/query", R"({"where":[{"field":"n","op":"eq","value":5}],"limit":9})");
  EXPECT_EQ(member(plain, "explanation"), "null");
  const auto explained = good("POST", "/v1/collections/c/query",
                              R"({"where":[{"field":"n","op":"eq","value":5}],"limit":9,"explain":true})");
  EXPECT_EQ(member(plain, "data"), member(explained, "data"));
  EXPECT_THAT(member(explained, "explanation"), HasSubstr("query.execution"));
}

TEST_F(RestTest, SchemasAreRegisteredInBothFormsAndListed) {
  register_schema();
  const auto listed = member(good("GET", "/v1/schemas"), "schemas");
  good("POST", "/v1/schemas", listed.substr(1, listed.size() - 2));  // as listed: the same again
  EXPECT_EQ(member(good("GET", "/v1/schemas"), "schemas"), listed);
  EXPECT_EQ(refused("POST", "/v1/schemas", R"({"collection":"c","version":0,"fields":{}})"), "400 SCHEMA_INVALID");
}

TEST_F(RestTest, WithoutAVersionTheNewestSchemaIsMeant) {
  register_schema();
  std::string second = kSchema;
  second.replace(second.find("\"version\":1"), 11, "\"version\":2");
  second.replace(second.find("\"n\":"), 4, R"("more":{"type":"bool"},"n":)");
  good("POST", "/v1/schemas", second);
  insert(R"({"_id":"a","more":true})");
  EXPECT_EQ(refused("POST", "/v1/collections/c/documents?schema_version=1", R"({"_id":"b","more":true})"),
            "400 UNDECLARED_FIELD");
  EXPECT_EQ(refused("GET", "/v1/collections/c/documents/a?schema_version=1"), "409 SCHEMA_NEWER");
  EXPECT_THAT(good("GET", "/v1/collections/c/documents/a"), HasSubstr(R"("schema_version":2)"));
  EXPECT_EQ(refused("GET", "/v1/collections/c/documents/a?schema_version=3"), "404 UNKNOWN_SCHEMA");
  EXPECT_EQ(refused("GET", "/v1/collections/c/documents/a?schema_version=4294967297"), "404 UNKNOWN_SCHEMA");
  EXPECT_EQ(refused("GET", "/v1/collections/nobody/documents/a"), "404 UNKNOWN_COLLECTION");
  EXPECT_EQ(refused("POST", "/v1/collections/nobody/documents", R"({"_id":"a"})"), "404 UNKNOWN_COLLECTION");
}

TEST_F(RestTest, AnIdIsOneSegmentWhateverItHolds) {
  register_schema();
  insert(R"({"_id":"a/b c%ü"})");
  EXPECT_THAT(good("GET", "/v1/collections/c/documents/a%2Fb%20c%25%C3%BC"), HasSubstr(R"({"_id":"a/b c%ü"})"));
  EXPECT_EQ(refused("GET", "/v1/collections/c/documents/a/b"), "404 NOT_FOUND");
}

TEST_F(RestTest, RefusalsAreThoseOfTheMethods) {
  register_schema();
  insert(R"({"_id":"a","n":1})");
  const std::string documents = "/v1/collections/c/documents";
  EXPECT_EQ(refused("POST", documents, R"({"_id":"a"})"), "409 DOCUMENT_EXISTS");
  EXPECT_EQ(refused("PUT", documents + "/b", R"({"_id":"b"})"), "404 NO_SUCH_DOCUMENT");
  EXPECT_EQ(refused("DELETE", documents + "/b"), "404 NO_SUCH_DOCUMENT");
  EXPECT_EQ(refused("POST", documents, R"({"_id":"b","n":"one"})"), "400 WRONG_TYPE");
  EXPECT_EQ(refused("GET", documents + "/a?at_commit=99"), "409 BEHIND");
  EXPECT_EQ(refused("POST", "/v1/write", R"({"operations":[]})"), "400 BATCH_INVALID");
  EXPECT_EQ(refused("POST", "/v1/write", R"({"operations":[{"op":"delete","collection":"c","id":"a","if_commit":7}]})"),
            "409 PRECONDITION_FAILED");
  EXPECT_EQ(refused("POST", "/v1/collections/c/query", R"({"where":[]})"), "400 LIMIT_REQUIRED");
  EXPECT_EQ(refused("POST", "/v1/collections/c/query", R"({"where":[],"limit":1})"), "400 QUERY_UNBOUNDED");
}

TEST_F(RestTest, WhatCannotBeTranslatedIsRefusedByName) {
  register_schema();
  const std::string documents = "/v1/collections/c/documents";
  const std::string query = "/v1/collections/c/query";
  EXPECT_EQ(refused("POST", documents, "{"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", documents, "[1]"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", documents, std::string(40, '[')), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", documents, R"({"_id":"a","_id":"b"})"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", documents), "400 BAD_REQUEST") << "no body, no Content-Type";
  EXPECT_EQ(refused("PUT", documents + "/a", R"({"_id":"b"})"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("PUT", documents + "/a", R"({"_id":7})"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/a", "{}"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/"), "400 BAD_REQUEST") << "an empty id";
  EXPECT_EQ(refused("GET", documents + "/" + std::string(513, 'x')), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/%ff"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", "/v1/collections/" + std::string(129, 'c') + "/documents/a"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/a?at_commit=-1"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/a?at_commit=1&at_commit=1"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("GET", documents + "/a?limit=1"), "400 UNKNOWN_FIELD");
  EXPECT_EQ(refused("GET", documents + "/a/history?limit=1001"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", query, R"({"collection":"c","limit":1})"), "400 UNKNOWN_FIELD");
  EXPECT_EQ(refused("POST", query, R"({"where":[],"limit":1,"colour":1})"), "400 UNKNOWN_FIELD");
  EXPECT_EQ(refused("POST", query, R"({"limit":1})"), "400 MISSING_FIELD");
  EXPECT_EQ(refused("POST", "/v1/write", R"({"operations":7})"), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", "/v1/write", R"({"operations":[{"op":"insert","collection":"c","document":7}]})"),
            "400 BAD_REQUEST");
  auto form = request("POST", documents, R"({"_id":"a"})");
  form.content_type = "text/plain";
  EXPECT_EQ(outcome(send(p, form)), "400 BAD_REQUEST");
  form.content_type = "Application/JSON; charset=utf-8";
  EXPECT_EQ(outcome(send(p, form)), "200");
}

TEST_F(RestTest, APathSaysWhichVerbsItServes) {
  EXPECT_EQ(refused("GET", "/v1/nothing"), "404 NOT_FOUND");
  EXPECT_EQ(refused("GET", "/v1/status/"), "404 NOT_FOUND");
  EXPECT_EQ(refused("GET", "/"), "404 NOT_FOUND");
  const auto answer = send("PATCH", "/v1/collections/c/documents/a");
  EXPECT_EQ(outcome(answer), "405 METHOD_NOT_ALLOWED");
  EXPECT_THAT(answer.headers, ::testing::ElementsAre(std::pair<std::string, std::string>("Allow", "GET, PUT, DELETE")));
}

TEST_F(RestTest, AReceiptIsShownInAHeaderOrInTheBody) {
  register_schema();
  insert(R"({"_id":"a","n":1})");
  const auto receipt = member(good("GET", "/v1/collections/c/documents/a"), "receipt");
  const auto get = request("GET", "/v1/collections/c/documents/a");
  EXPECT_EQ(outcome(send(p, with_receipt(get, receipt))), "200");
  auto ahead = receipt;
  ahead.replace(ahead.find("\"lsn\":"), 6, "\"lsn\":9");
  EXPECT_EQ(outcome(send(p, with_receipt(get, ahead))), "409 BEHIND");
  auto foreign = receipt;
  foreign.replace(foreign.find("\"lineage\":\"") + 11, 8, "00000000");
  EXPECT_EQ(outcome(send(p, with_receipt(get, foreign))), "409 LINEAGE_UNKNOWN");
  EXPECT_EQ(outcome(send(p, with_receipt(get, "{"))), "400 BAD_REQUEST");
  EXPECT_EQ(outcome(send(p, with_receipt(get, R"({"lineage":"00"})"))), "400 BAD_REQUEST");
  EXPECT_EQ(outcome(send(p, with_receipt(with_receipt(get, receipt), receipt))), "400 BAD_REQUEST") << "twice";
  const auto query = request("POST", "/v1/collections/c/query",
                             R"({"where":[{"field":"n","op":"eq","value":1}],"limit":1,"receipt":)" + receipt + "}");
  EXPECT_EQ(outcome(send(p, query)), "200");
  EXPECT_EQ(outcome(send(p, with_receipt(query, receipt))), "400 BAD_REQUEST");
  EXPECT_EQ(refused("POST", "/v1/write",
                    R"({"operations":[{"op":"delete","collection":"c","id":"a"}],"receipt":)" + foreign + "}"),
            "409 LINEAGE_UNKNOWN");
}

TEST_F(RestTest, AReplicaReadsTheSameBytesAndRefusesWrites) {
  register_schema();
  insert(R"({"_id":"a","n":1,"blob":"00ff"})");
  TestNode r(world, "r", false);
  r.start();
  ship(p, r);
  const auto get = request("GET", "/v1/collections/c/documents/a?at_commit=1");
  const auto there = send(r, get);
  EXPECT_EQ(member(there.body, "data"), member(send(p, get).body, "data"));
  EXPECT_EQ(outcome(send(r, request("POST", "/v1/collections/c/documents", R"({"_id":"b"})"))), "409 NOT_PRIMARY");
  insert(R"({"_id":"b"})");
  const auto receipt = member(good("GET", "/v1/collections/c/documents/b"), "receipt");
  EXPECT_EQ(outcome(send(r, with_receipt(get, receipt))), "409 BEHIND");
  ship(p, r);
  EXPECT_EQ(outcome(send(r, with_receipt(get, receipt))), "200");
}

TEST_F(RestTest, AWriteIsAnsweredWhenItIsDurable) {
  register_schema();
  Rest rest(*p.node);
  bool answered = false;
  rest.handle(request("POST", "/v1/collections/c/documents", R"({"_id":"a"})"),
              [&](const http::HttpResponse& response) {
                answered = true;
                EXPECT_EQ(response.status, 200) << response.body;
                EXPECT_EQ(p.engine().visible().commit, CommitId(1));
              });
  EXPECT_FALSE(answered);
  settle();
  EXPECT_TRUE(answered);
}

TEST_F(RestTest, WhatIsNotInMemoryIsReadAndAnswered) {
  fill(p, 200);
  ASSERT_EQ(checkpoint(p).stage, "done");
  p.restart();
  EXPECT_THAT(good("GET", "/v1/collections/c/documents/d17"), HasSubstr(R"("n":17)"));
  EXPECT_GE(p.metric(observe::MetricId::kColdRequestsCount), 1u);
}

TEST_F(RestTest, WhileTheDirectoryIsClosedNothingIsReadButStatus) {
  register_schema();
  std::optional<Result<void>> closed;
  p.node->with_closed_directory(
      "a test", [](runtime::Disk&) { return Result<void>(); }, [&](Result<void> done) { closed = std::move(done); });
  Rest rest(*p.node);
  std::vector<std::string> outcomes;
  for (const auto target : {"/v1/collections/c/documents/a", "/v1/schemas", "/v1/status"})
    rest.handle(request("GET", target), [&](const auto& response) { outcomes.push_back(outcome(response)); });
  settle();
  EXPECT_TRUE(closed && *closed);
  EXPECT_THAT(outcomes, ::testing::ElementsAre("503 NOT_READY", "503 NOT_READY", "200"));
  EXPECT_EQ(refused("GET", "/v1/schemas"), "200");
}

TEST_F(RestTest, AHaltedNodeRefusesDocumentsAndTellsItsState) {
  register_schema();
  world.options().rate(sim::FaultKind::kSyncFailed) = 1;
  EXPECT_EQ(refused("POST", "/v1/collections/c/documents", R"({"_id":"a"})"), "500 OUTCOME_UNKNOWN");
  world.options().rate(sim::FaultKind::kSyncFailed) = 0;
  EXPECT_EQ(refused("GET", "/v1/collections/c/documents/a"), "503 HALTED");
  EXPECT_EQ(refused("POST", "/v1/collections/c/documents", R"({"_id":"b"})"), "503 HALTED");
  EXPECT_EQ(member(good("GET", "/v1/status"), "state"), "\"HALTED\"");
}

TEST_F(RestTest, BeyondTheConnectionsOfTheListenerItIsBusy) {
  p.config.limits_max_connections = 1;
  p.restart();
  const auto client = connect(p);
  EXPECT_EQ(refused("GET", "/v1/status"), "503 BUSY");
}

TEST_F(RestTest, ANodeThatEndsTellsThatTheOutcomeIsUnknown) {
  register_schema();
  Rest rest(*p.node);
  std::string outcome_seen;
  rest.handle(request("POST", "/v1/collections/c/documents", R"({"_id":"a"})"),
              [&](const auto& response) { outcome_seen = outcome(response); });
  p.crash();
  EXPECT_EQ(outcome_seen, "502 CONNECTION_LOST");
}

}  // namespace
}  // namespace aerodb::node
