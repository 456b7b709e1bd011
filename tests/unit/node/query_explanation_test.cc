// explain.query, and doc.query that is asked to explain itself.
#include <fmt/format.h>

#include "common/document/json.h"
#include "common/rules/rederive.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

Bytes packed(std::string_view json) {
  Bytes bytes;
  EXPECT_TRUE(document::from_json(json, bytes));
  return bytes;
}

struct QueryExplanation : NodeTest {
  // n above `above`, the first `limit` of them.
  wire::DocQueryRequest request(uint32_t limit) {
    wire::DocQueryRequest request;
    request.collection = "c";
    request.schema_version = 1;
    request.where.push_back({"n", "gt", wire::Packed{above}});
    request.limit = limit;
    return request;
  }
  Result<std::string> explained(wire::Client& client, const wire::DocQueryRequest& asked) {
    std::string json;
    auto answered = ask(client, wire::kExplainQuery, asked, [&](const wire::ExplanationResponse& answer) {
      json = *document::to_json(answer.explanation.bytes);
      document::Tape tape;
      ASSERT_TRUE(tape.parse(answer.explanation.bytes));
      const auto derived = rules::rederive(tape.root());
      ASSERT_TRUE(derived) << derived.error().message;
      EXPECT_TRUE(derived->follows) << derived->why;
    });
    if (!answered) return fail(std::move(answered.error()));
    return json;
  }
  Bytes above = packed("20");
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
};

TEST_F(QueryExplanation, ComesWithTheDocumentsOfTheSameRun) {
  p.start();
  fill(p, 60);
  auto client = connect(p);
  auto asked = request(5);
  asked.explain = true;
  std::string json;
  ASSERT_TRUE(ask(*client, wire::kDocQuery, asked, [&](const wire::DocQueryResponse& answer) {
    EXPECT_EQ(answer.data.versions.size(), 5u);
    ASSERT_TRUE(answer.explanation);
    json = *document::to_json(answer.explanation->explanation.bytes);
    EXPECT_NE(json.find(fmt::format("\"commit_id\":{}}}", answer.data.at_commit.value())), std::string::npos);
  }));
  EXPECT_NE(json.find(R"("documents_taken":5)"), std::string::npos) << json;
  EXPECT_EQ(explained(*client, request(5)).value(), json);
  asked.explain.reset();
  ASSERT_TRUE(ask(*client, wire::kDocQuery, asked, [&](const wire::DocQueryResponse& answer) {
    EXPECT_FALSE(answer.explanation) << "nobody asked for it";
  }));
}

TEST_F(QueryExplanation, IsTheSameOnAColdNodeAndOnAReplica) {
  p.config.storage_cache_bytes = 1;
  p.start();
  r.start();
  fill(p, 200);
  auto client = connect(p);
  const auto warm = explained(*client, request(150)).value();
  ASSERT_EQ(checkpoint(p).stage, "done");
  ship(p, r);
  p.restart();
  client = connect(p);
  const auto before = p.metric(observe::MetricId::kColdRequestsCount);
  EXPECT_EQ(explained(*client, request(150)).value(), warm);
  EXPECT_GT(p.metric(observe::MetricId::kColdRequestsCount), before);
  auto replica = connect(r);
  EXPECT_EQ(explained(*replica, request(150)).value(), warm);
}

TEST_F(QueryExplanation, ConcludesTheRefusalThatTheQueryGets) {
  p.start();
  fill(p, 60);
  auto client = connect(p);
  auto asked = request(5);
  asked.max_entries = 3;
  asked.explain = true;
  EXPECT_EQ(code_of(call(*client, wire::kDocQuery, asked)), "QUERY_BOUND_EXCEEDED");
  EXPECT_NE(explained(*client, asked).value().find(R"("status":"refused","code":"QUERY_BOUND_EXCEEDED")"),
            std::string::npos);
  asked.limit.reset();
  EXPECT_NE(explained(*client, asked).value().find(R"("status":"refused","code":"LIMIT_REQUIRED")"), std::string::npos);
  // The next request of the connection is nothing of it.
  EXPECT_NE(explained(*client, request(2)).value().find(R"("status":"answered")"), std::string::npos);
}

TEST_F(QueryExplanation, OfWhatCanNotBeAskedIsTheQuerysOwnRefusal) {
  p.start();
  fill(p, 1);
  auto client = connect(p);
  auto asked = request(5);
  asked.at_commit = CommitId(99);
  EXPECT_EQ(code_of(explained(*client, asked)), "BEHIND");
  asked = request(5);
  asked.where[0].op = "about";
  EXPECT_EQ(code_of(explained(*client, asked)), "BAD_REQUEST");
  const auto list = packed("[1]");
  asked.where[0] = {"n", "eq", wire::Packed{list}};
  EXPECT_EQ(code_of(explained(*client, asked)), "WRONG_TYPE");
  asked.collection = "nobody";
  EXPECT_EQ(code_of(explained(*client, asked)), "UNKNOWN_COLLECTION");
}

}  // namespace
}  // namespace aerodb::node
