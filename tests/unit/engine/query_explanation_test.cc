// query.execution as runs note it: the same bytes from the same data, however they are kept; refusals; failed reads.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/checksum.h"
#include "common/engine/query_record.h"
#include "common/rules/rederive.h"
#include "tests/unit/engine/query_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

std::string fields(int n, int s) { return fmt::format(R"("n":{},"s":"v{}")", n, s); }

struct Nodes : ::testing::Test {
  Nodes() : a(world, {}), b(world, cold_replica()) {
    EXPECT_FALSE(a.start());
    EXPECT_FALSE(b.start());
    EXPECT_TRUE(a.register_schema(kSchema1));
    EXPECT_TRUE(a.register_schema(kSchema2));
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(a.write({insert("d" + std::to_string(i), fields(i % 7, i % 5))}));
    for (int i = 0; i < 40; i += 3) EXPECT_TRUE(a.write({update("d" + std::to_string(i), fields(i % 6, i % 4))}));
    for (int i = 0; i < 40; i += 8) EXPECT_TRUE(a.write({remove("d" + std::to_string(i))}));
  }
  static NodeSettings cold_replica() {
    NodeSettings settings{.name = "b", .instance = 2, .primary = false};
    settings.storage.cache_bytes = 1;
    return settings;
  }
  static std::string json(TestNode& node, const Ask& ask) {
    const auto [answer, record] = node.explained(ask.request);
    EXPECT_TRUE(record->explains(answer ? nullptr : &answer.error())) << code_of(answer);
    return record->explain().json;
  }
  // At the commit `at`, each another way through the planner and the walk.
  static std::vector<Ask> asks(CommitId at) {
    std::vector<Ask> list;
    list.push_back(std::move(Ask().where("n", "=", "3")));
    list.push_back(std::move(Ask().where("n", ">", "1").where("n", "<", "5").limit(4)));
    list.push_back(std::move(Ask().sort("s", true).limit(6)));
    list.push_back(std::move(Ask().sort("_id")));
    list.push_back(std::move(Ask().where("_id", "=", R"("d8")")));
    list.push_back(std::move(Ask().where("n", ">=", "2").where("s", "=", R"("v1")").sort("n").max_entries(20)));
    list.push_back(std::move(Ask().where("n", ">=", "2").where("s", "=", R"("v1")").sort("n").max_entries(5)));
    list.push_back(std::move(Ask().sort("n").limit(3).after("2", "d1")));
    list.push_back(std::move(Ask().where("q", "=", "1")));
    for (auto& ask : list) ask.at(at);
    return list;
  }
  CommitId newest() { return a.engine->visible().commit; }
  sim::SimWorld world{1, {}};
  TestNode a, b;
};
using QueryExplanation = Nodes;

TEST_F(QueryExplanation, CountsWhatTheIndexProposedAndWhatBecameOfIt) {
  // x1 and x2 have n = 99, x3 had it, x4 had it and is gone, x5 gets it later.
  ASSERT_TRUE(a.write({insert("x1", R"("n":99)"), insert("x2", R"("n":99,"s":"no")"), insert("x3", R"("n":99)"),
                       insert("x4", R"("n":99)"), insert("x5", R"("n":1)")}));
  ASSERT_TRUE(a.write({update("x3", R"("n":98)"), remove("x4")}));
  const CommitId at = newest();
  ASSERT_TRUE(a.write({update("x5", R"("n":99)")}));
  Ask ask;
  ask.where("n", "=", "99").where("s", "=", R"("no")").at(at);
  const auto [answer, record] = a.explained(ask.request);
  ASSERT_TRUE(answer);
  const auto& e = record->evidence();
  EXPECT_EQ(e.entries_proposed, 4u);
  EXPECT_EQ(e.dropped_no_document, 1u);
  EXPECT_EQ(e.dropped_other_value, 1u);
  EXPECT_EQ(e.entries_visited, 2u);
  EXPECT_EQ(e.dropped_by_predicates, 1u);
  EXPECT_EQ(e.documents_taken, 1u);
  EXPECT_EQ(e.ended_by, "range");
  EXPECT_EQ(e.commit, at);
  EXPECT_EQ(e.bound_entries, answer->bound_entries);
  EXPECT_EQ(e.plan_hash, answer->plan_hash);
  EXPECT_EQ(e.answer_sha256, sha256(answer->documents));
  EXPECT_EQ(e.default_max_entries, 100'000u);
}

TEST_F(QueryExplanation, PlanIsThatOfThePlanText) {
  Ask ask;
  ask.where("n", "=", "3").where("s", ">", R"("v1")").where("_id", "<", R"("d3")").at(newest());
  const auto text = json(a, ask);
  EXPECT_NE(text.find(R"("plan":{"row":"P3","collection":"c","schema_version":1,"index":"n","descending":false,)"
                      R"("from":{"_id":"","key":"028000000000000003"},"to":{"_id":"6433","key":"028000000000000003"},)"
                      R"("checks":[{"high":null,"high_open":false,"low":"047631","low_open":true,"path":"s"}],)"
                      R"("limit":100,"bound_entries":100000})"),
            std::string::npos)
      << text;
}

TEST_F(QueryExplanation, IsTheSameBytesTwiceAfterRestartsAndOnAnotherNode) {
  const CommitId early(30), at = newest();
  std::vector<std::string> expected;
  auto compare = [&](TestNode& node, std::string_view how) {
    size_t i = 0;
    for (const CommitId commit : {early, at}) {
      for (const auto& ask : asks(commit)) {
        const auto text = json(node, ask);
        if (i == expected.size()) expected.push_back(text);
        EXPECT_EQ(text, expected[i++]) << how;
      }
    }
  };
  compare(a, "at first");
  compare(a, "again");
  ASSERT_EQ(code_of(a.checkpoint(false)), "");
  a.restart(sim::CrashKind::kPower);
  compare(a, "from a run");
  ASSERT_FALSE(ship(a, b));
  compare(b, "shipped");
  ASSERT_EQ(code_of(b.checkpoint()), "");
  compare(b, "from a run without a cache");
  ASSERT_TRUE(a.write({update("d1", fields(3, 1)), insert("later", fields(3, 1))}));
  ASSERT_EQ(code_of(a.checkpoint()), "");
  ASSERT_FALSE(a.compact());
  compare(a, "merged, with newer versions");
}

TEST_F(QueryExplanation, IsTheSameBytesUnderAFloorWhereverVersionsBelowItWereDropped) {
  const CommitId at = newest();
  ASSERT_TRUE(a.raise_floor(at));
  ASSERT_FALSE(ship(a, b));
  ASSERT_EQ(code_of(b.checkpoint()), "");
  for (const auto& ask : asks(at)) {
    const auto text = json(a, ask);
    EXPECT_EQ(text, json(b, ask));
    EXPECT_EQ(text.find(R"("dropped_other_value":1)"), std::string::npos)
        << text;  // none but the newest is in the view
  }
}

TEST_F(QueryExplanation, NotesARunOnceHoweverOftenItLackedBlocks) {
  ASSERT_FALSE(ship(a, b));
  ASSERT_EQ(code_of(b.checkpoint()), "");
  for (const auto& ask : asks(newest())) {
    auto blocks = b.engine->lease();
    QueryProgress progress;
    progress.record = QueryRecord::of(ask.request);
    std::optional<Result<QueryAnswer>> answer;
    while (!(answer = b.engine->query(ask.request, progress, blocks))) {
      ASSERT_TRUE(b.engine->newest().commit > CommitId());
      blocks.fetch(b.process->jobs(), [] {});
      b.run();
    }
    EXPECT_EQ(progress.record->explain().json, json(a, ask));
  }
}

TEST_F(QueryExplanation, AnswerIsTheOneWithoutIt) {
  for (const auto& ask : asks(newest())) {
    const auto plain = a.query(ask.request);
    const auto explained = a.explained(ask.request).answer;
    ASSERT_EQ(code_of(plain), code_of(explained));
    if (!plain) continue;
    EXPECT_EQ(plain->documents, explained->documents);
  }
}

TEST_F(QueryExplanation, RefusalIsItsConclusion) {
  auto conclusion = [&](const Ask& ask) {
    const auto text = json(a, ask);
    Packed packed(text);
    const auto end = *packed.root().find("conclusion");
    EXPECT_EQ(end.find("status")->text(), "refused");
    EXPECT_EQ(code_of(a.query(ask.request)), end.find("code")->text());
    return document::to_json(*end.find("code")) + document::to_json(*end.find("rules_not_holding"));
  };
  Ask unlimited;
  unlimited.where("n", "=", "1");
  unlimited.request.limit.reset();
  EXPECT_EQ(conclusion(unlimited), R"("LIMIT_REQUIRED"["QRY-1"])");
  EXPECT_EQ(conclusion(Ask().where("q", "=", "1")), R"("QUERY_UNBOUNDED"["QRY-2"])");
  EXPECT_EQ(conclusion(Ask()), R"("QUERY_UNBOUNDED"["QRY-2"])");
  EXPECT_EQ(conclusion(Ask().sort("n").max_entries(3)), R"("QUERY_BOUND_EXCEEDED"["QRY-4"])");
  Op newer = update("d1", R"("n":3,"m":1)");
  newer.schema_version = 2;
  ASSERT_TRUE(a.write({newer}));
  EXPECT_EQ(conclusion(Ask().where("n", "=", "3")), R"("SCHEMA_NEWER"["MVCC-7"])");
  ASSERT_TRUE(a.raise_floor(newest()));
  EXPECT_EQ(conclusion(Ask().where("n", "=", "3").at(CommitId(3))), R"("BELOW_FLOOR"["MVCC-4"])");
}

TEST_F(QueryExplanation, RefusalOfAnotherKindIsAnsweredAsItIs) {
  auto explains = [&](const Ask& ask) {
    const auto [answer, record] = a.explained(ask.request);
    return record->explains(&answer.error());
  };
  EXPECT_FALSE(explains(Ask().where("n", "=", R"("x")")));                       // WRONG_TYPE
  EXPECT_FALSE(explains(Ask().sort("n").at(newest().next())));                   // BEHIND
  EXPECT_FALSE(explains(Ask().where("n", "=", "1").limit(kMaxQueryLimit + 1)));  // BAD_REQUEST
  EXPECT_EQ(QueryRecord::of(Ask().where("n", "=", "[1]").request), nullptr);
}

TEST_F(QueryExplanation, BeginsAgainWhereTheFloorRose) {
  ASSERT_FALSE(ship(a, b));
  ASSERT_EQ(code_of(b.checkpoint()), "");
  Ask ask;
  ask.sort("n").at(newest());
  auto blocks = b.engine->lease();
  QueryProgress progress;
  progress.record = QueryRecord::of(ask.request);
  ASSERT_FALSE(b.engine->query(ask.request, progress, blocks));
  ASSERT_TRUE(a.raise_floor(newest()));
  ASSERT_FALSE(ship(a, b));
  const auto answer =
      b.complete(blocks, [&](store::LeasedBlocks& lease) { return b.engine->query(ask.request, progress, lease); });
  ASSERT_TRUE(answer);
  EXPECT_EQ(progress.record->explain().json, json(a, ask));
}

TEST_F(QueryExplanation, OfAFailedReadIsIncompleteAndNamesTheError) {
  ASSERT_EQ(code_of(a.checkpoint()), "");
  a.restart(sim::CrashKind::kProcess);
  for (uint64_t at = 0; at < 4'000; at += 40) (void)a.machine.disk().damage("/d/runs/00000001.run", at, 0x20);
  Ask ask;
  ask.sort("n");
  const auto [answer, record] = a.explained(ask.request);
  ASSERT_EQ(code_of(answer), "RUN_DAMAGED");
  ASSERT_TRUE(record->explains(&answer.error()));
  const auto explanation = record->explain();
  EXPECT_NE(explanation.json.find(R"("conclusion":{"status":"incomplete","code":"RUN_DAMAGED")"), std::string::npos)
      << explanation.json;
  document::Tape tape;
  ASSERT_TRUE(tape.parse(explanation.packed));
  EXPECT_TRUE(rules::rederive(tape.root())->follows);
}

// A counter that was written often has an entry for each of its values: its versions are looked through once.
TEST_F(QueryExplanation, LooksThroughADocumentOfManyVersionsOnce) {
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(a.write({update("d1", fmt::format(R"("n":{})", 1'000 + i))}));
  Ask ask;
  ask.where("n", ">=", "1000");
  const auto [answer, record] = a.explained(ask.request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(record->evidence().entries_proposed, 500u);
  EXPECT_EQ(record->evidence().dropped_other_value, 499u);
}

}  // namespace
}  // namespace aerodb::engine
