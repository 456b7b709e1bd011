// Queries as they run: pages, bounds, restarts where blocks are cold, refusals.
#include <gtest/gtest.h>

#include "common/base/checksum.h"
#include "common/engine/plan.h"
#include "tests/unit/engine/query_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

std::string ids_of(const QueryAnswer& answer) {
  std::string ids;
  for (const auto& version : answer.versions) ids += std::string(document::document_id(answer.document(version))) + ' ';
  return ids;
}

struct Collection {
  explicit Collection(StorageOptions storage = {}) : world(1, {}), node(world, settings(storage)) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
  }
  static NodeSettings settings(StorageOptions storage) {
    NodeSettings s;
    s.geometry = {4, 8 << 20};
    s.storage = storage;
    return s;
  }
  std::string ids(const Ask& ask) {
    auto answer = node.query(ask.request);
    return answer ? ids_of(*answer) : std::string(code_of(answer));
  }
  CommitId visible() { return node.engine->visible().commit; }
  sim::SimWorld world;
  TestNode node;
};

// d0 to d9: n is half the number, s counts down.
struct TenDocuments : ::testing::Test, Collection {
  TenDocuments() {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(node.write({insert("d" + std::to_string(i), fields(i / 2, 9 - i))}));
  }
  static std::string fields(int n, int s) {
    return "\"n\":" + std::to_string(n) + ",\"s\":\"v" + std::to_string(s) + '"';
  }
};

TEST_F(TenDocuments, SeveralFieldsMustAllHold) {
  EXPECT_EQ(ids(Ask().where("n", ">=", "2").where("s", ">", R"("v2")")), "d4 d5 d6 ");
  EXPECT_EQ(ids(Ask().where("n", "=", "2").where("s", "=", R"("v4")")), "d5 ");
  EXPECT_EQ(ids(Ask().where("n", "=", "2").where("s", "=", R"("v9")")), "");
  EXPECT_EQ(ids(Ask().where("n", ">=", "2").where("_id", ">", R"("d6")").where("s", "<", R"("v2")")), "d8 d9 ");
  EXPECT_EQ(ids(Ask().where("_id", "=", R"("d3")").where("n", "=", "1")), "d3 ");
  EXPECT_EQ(ids(Ask().where("_id", "=", R"("d3")").where("n", "=", "2")), "");
}

TEST_F(TenDocuments, SortsByAnotherFieldThanThePredicates) {
  EXPECT_EQ(ids(Ask().where("n", ">=", "3").sort("s")), "d9 d8 d7 d6 ");
  EXPECT_EQ(ids(Ask().where("n", "=", "3").sort("_id", true)), "d7 d6 ");
  EXPECT_EQ(ids(Ask().where("n", ">", "3").sort("_id")), "d8 d9 ");
}

TEST_F(TenDocuments, SortByAFieldLeavesOutWhatLacksIt) {
  ASSERT_TRUE(node.write({insert("e", R"("n":0)")}));
  EXPECT_EQ(ids(Ask().where("n", "=", "0").sort("s")), "d1 d0 ");
  EXPECT_EQ(ids(Ask().where("n", "=", "0")), "d0 d1 e ");
  EXPECT_EQ(ids(Ask().where("_id", "=", R"("e")").sort("s")), "");
  EXPECT_EQ(ids(Ask().where("_id", "=", R"("e")").sort("n")), "e ");
}

TEST_F(TenDocuments, BoundCountsVisibleEntriesThatPredicatesLeftOut) {
  auto ask = [](uint64_t max_entries) {
    return std::move(Ask()
                         .where("n", ">=", "1")
                         .where("n", "<=", "3")
                         .where("s", "=", R"("v2")")
                         .sort("n")
                         .max_entries(max_entries));
  };
  EXPECT_EQ(ids(ask(6)), "d7 ");
  EXPECT_EQ(ids(ask(5)), "QUERY_BOUND_EXCEEDED");
  // Entries of versions that are not visible are not counted, neither older nor newer ones.
  const CommitId before = visible();
  ASSERT_TRUE(node.write({update("d2", fields(9, 7)), remove("d3"), insert("x", fields(1, 0))}));
  ASSERT_TRUE(node.write({remove("x")}));
  EXPECT_EQ(ids(ask(4)), "d7 ");
  EXPECT_EQ(ids(ask(3)), "QUERY_BOUND_EXCEEDED");
  EXPECT_EQ(ids(ask(6).at(before)), "d7 ");
  EXPECT_EQ(ids(ask(5).at(before)), "QUERY_BOUND_EXCEEDED");
}

TEST_F(TenDocuments, BoundThatTheLimitProvesIsNeverExceeded) {
  EXPECT_EQ(ids(Ask().sort("n").limit(3)), "d0 d1 d2 ");
  EXPECT_EQ(ids(Ask().sort("n").limit(3).max_entries(3)), "d0 d1 d2 ");
  EXPECT_EQ(ids(Ask().sort("n").limit(3).max_entries(2)), "QUERY_BOUND_EXCEEDED");
}

TEST_F(TenDocuments, PlanHashIsThatOfThePlan) {
  Ask ask;
  ask.where("n", "=", "2").where("s", ">", R"("v")");
  const auto answer = node.query(ask.request);
  ASSERT_TRUE(answer);
  const auto schema = document::schema_from_json(kSchema1);
  const auto plan = make_plan(ask.request, *schema, 100'000);
  EXPECT_EQ(answer->plan_hash, sha256(as_bytes(plan_text(*plan, *schema))));
  EXPECT_EQ(answer->index, "n");
  EXPECT_EQ(answer->bound_entries, 100'000u);
}

// Before and behind where a reader of pages stands.
void change_something(Collection& c, int number) {
  const std::string id = "d" + std::to_string(number * 3 % 10);
  const auto fields = TenDocuments::fields(number % 5, number % 7);
  const bool live = !c.node.get(id)->empty();
  EXPECT_TRUE(c.node.write({!live ? insert(id, fields) : number % 2 == 0 ? remove(id) : update(id, fields)}));
}

// Pages of `limit` documents by an order, each asked for behind the end of the one before, while writes go on.
std::string paged(Collection& c, std::function<Ask()> whole, std::string_view order, CommitId at, uint32_t limit) {
  std::string ids;
  std::optional<std::pair<std::optional<std::string>, std::string>> end;
  for (int page = 0; page < 20; ++page) {
    Ask ask = whole();
    ask.at(at).limit(limit);
    if (end) ask.after(end->first, end->second);
    auto answer = c.node.query(ask.request);
    EXPECT_TRUE(answer) << answer.error().message;
    if (!answer || answer->versions.empty()) return ids;
    ids += ids_of(*answer);
    document::Tape tape;
    EXPECT_TRUE(tape.parse(answer->document(answer->versions.back())));
    end.emplace(std::nullopt, *tape.root().find("_id")->text());
    if (order != "_id") end->first = document::to_json(*tape.root().find(order));
    change_something(c, page);
  }
  ADD_FAILURE() << "no last page";
  return ids;
}

TEST_F(TenDocuments, PagesAtACommitAreTheWholeAnswer) {
  struct Row {
    std::function<Ask(bool)> whole;
    std::string_view order;
  };
  const std::vector<Row> rows = {
      {[](bool down) { return std::move(Ask().sort("n", down)); }, "n"},
      {[](bool down) { return std::move(Ask().sort("_id", down)); }, "_id"},
      {[](bool down) { return std::move(Ask().where("n", "<", "4").sort("s", down)); }, "s"},
      {[](bool down) { return std::move(Ask().where("n", "=", "2").sort("_id", down)); }, "_id"},
      {[](bool down) { return std::move(Ask().where("n", "=", "2").sort("n", down)); }, "n"},
      {[](bool down) { return std::move(Ask().where("_id", "=", R"("d4")").sort("s", down)); }, "s"},
      {[](bool down) { return std::move(Ask().where("_id", "=", R"("d4")").sort("_id", down)); }, "_id"},
      {[](bool down) {
         Ask ask;
         ask.where("n", ">", "0").where("s", ">", R"("v1")").request.descending = down;
         return ask;
       },
       "n"},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const bool down : {false, true}) {
      SCOPED_TRACE("row " + std::to_string(i) + (down ? " down" : " up"));
      Collection c;
      for (int d = 0; d < 10; ++d) ASSERT_TRUE(c.node.write({insert("d" + std::to_string(d), fields(d / 2, 9 - d))}));
      const CommitId at = c.visible();
      const auto whole = c.ids(rows[i].whole(down));
      ASSERT_NE(whole, "");
      for (const uint32_t limit : {1u, 2u, 3u, 10u}) {
        EXPECT_EQ(paged(c, [&] { return rows[i].whole(down); }, rows[i].order, at, limit), whole) << limit;
      }
    }
  }
}

TEST_F(TenDocuments, NewerSchemaRefusesOnlyWhereItIsMet) {
  ASSERT_TRUE(node.register_schema(kSchema2));
  const CommitId before = visible();
  Op newer = update("d4", fields(2, 5));
  newer.schema_version = 2;
  ASSERT_TRUE(node.write({newer}));
  EXPECT_EQ(ids(Ask().where("n", "=", "2")), "SCHEMA_NEWER");
  EXPECT_EQ(ids(Ask().where("n", "=", "2").where("s", "=", R"("none")")), "SCHEMA_NEWER");  // met, then left out
  EXPECT_EQ(ids(Ask().where("n", "=", "2").at(before)), "d4 d5 ");
  EXPECT_EQ(ids(Ask().where("n", "=", "3")), "d6 d7 ");
  EXPECT_EQ(ids(Ask().sort("n").limit(4)), "d0 d1 d2 d3 ");
  EXPECT_EQ(ids(Ask().sort("n").limit(5)), "SCHEMA_NEWER");
}

TEST(Query, RefusesAnAnswerThatNoMessageCouldCarry) {
  Collection c;
  const std::string large(1'000'000, 'x');
  for (int i = 0; i < 17; ++i)
    ASSERT_TRUE(c.node.write({insert("d" + std::to_string(i), R"("n":1,"s":")" + large + '"')}));
  EXPECT_EQ(c.ids(Ask().where("n", "=", "1")), "MESSAGE_TOO_LARGE");
  EXPECT_NE(c.ids(Ask().where("n", "=", "1").limit(16)), "MESSAGE_TOO_LARGE");
}

// --- cold blocks

constexpr StorageOptions kNoCache{.cache_bytes = 1};

// A query called until it is answered; its progress moves from place to place in between.
struct Attempts {
  explicit Attempts(Collection& collection) : c(collection), blocks(c.node.engine->lease()) {}
  Restartable<Result<QueryAnswer>> once(const Ask& ask) {
    QueryProgress moved = std::move(progress);
    auto answer = c.node.engine->query(ask.request, moved, blocks);
    progress = std::move(moved);
    if (!answer) {
      ++restarts;
      EXPECT_TRUE(blocks.cold());
      blocks.fetch(c.node.process->jobs(), [] {});
      c.node.run();
    }
    return answer;
  }
  std::string ids(const Ask& ask) {
    while (true) {
      if (auto answer = once(ask)) return *answer ? ids_of(**answer) : std::string(code_of(*answer));
    }
  }
  Collection& c;
  store::LeasedBlocks blocks;
  QueryProgress progress;
  uint64_t restarts = 0;
};

// Enough for many blocks and more than one lease, in two runs and the memory table.
void fill(Collection& c, bool checkpoints) {
  constexpr int kDocuments = 1'500;
  SeededRandom random(7);
  for (int part = 0; part < 3; ++part) {
    std::vector<Op> ops;
    for (int i = part; i < kDocuments; i += 3) {
      const std::string s = "s" + std::to_string(random.below(50)) + std::string(100, 'x');
      ops.push_back(
          insert("d" + std::to_string(i), "\"n\":" + std::to_string(random.below(1'000)) + R"(,"s":")" + s + '"'));
    }
    ASSERT_TRUE(c.node.write(ops));
    ASSERT_TRUE(c.node.write({update("d" + std::to_string(part), R"("n":1)"), remove("d" + std::to_string(part + 3))}));
    if (checkpoints && part < 2) {
      ASSERT_EQ(code_of(c.node.checkpoint(false)), "");
    }
  }
}

std::vector<std::function<Ask()>> long_queries() {
  return {
      [] { return std::move(Ask().sort("n").limit(10'000)); },
      [] { return std::move(Ask().sort("n", true).limit(10'000)); },
      [] { return std::move(Ask().sort("_id").limit(10'000)); },
      [] { return std::move(Ask().sort("_id", true).limit(700)); },
      [] { return std::move(Ask().where("s", ">", R"("s2")").where("s", "<", R"("s3")").sort("n").limit(10'000)); },
      [] { return std::move(Ask().where("n", "<", "500").where("_id", ">", R"("d5")").sort("n", true).limit(50)); },
      [] { return std::move(Ask().where("_id", "=", R"("d77")")); },
      [] { return std::move(Ask().where("n", "<", "900").where("s", ">", R"("s")").max_entries(400).limit(10'000)); },
  };
}

TEST(ColdQuery, AnswersWhatAWarmOneAnswers) {
  Collection memory, cold(kNoCache), warm;
  fill(memory, false);
  fill(cold, true);
  fill(warm, true);
  uint64_t cold_restarts = 0, last_restarts = 0;
  for (const auto& query : long_queries()) {
    const auto expected = memory.ids(query());
    Attempts from_disk(cold), once(warm), again(warm);
    EXPECT_EQ(from_disk.ids(query()), expected);
    EXPECT_EQ(once.ids(query()), expected);
    EXPECT_EQ(again.ids(query()), expected);
    cold_restarts += from_disk.restarts;
    last_restarts += again.restarts;
  }
  EXPECT_GT(cold_restarts, 50u);
  EXPECT_EQ(last_restarts, 0u);  // the cache held everything
}

TEST(ColdQuery, CountsEntriesAsAWarmOneDoes) {
  Collection memory, cold(kNoCache);
  fill(memory, false);
  fill(cold, true);
  auto ask = [](uint64_t max_entries) {
    return std::move(Ask().where("n", "<", "400").where("s", "=", R"("none")").sort("n").max_entries(max_entries));
  };
  uint64_t needed = 1;
  while (memory.ids(ask(needed)) == "QUERY_BOUND_EXCEEDED") ++needed;
  EXPECT_GT(needed, 300u);
  EXPECT_EQ(Attempts(cold).ids(ask(needed)), "");
  EXPECT_EQ(Attempts(cold).ids(ask(needed - 1)), "QUERY_BOUND_EXCEEDED");
}

TEST(ColdQuery, StaysAtTheCommitItStartedAt) {
  Collection c(kNoCache);
  fill(c, true);
  const auto expected = c.ids(Ask().sort("n").limit(10'000));
  Attempts attempts(c);
  Ask ask;
  ask.sort("n").limit(10'000);
  const CommitId at = c.visible();
  for (int i = 0;; ++i) {
    auto answer = attempts.once(ask);
    if (answer) {
      ASSERT_TRUE(*answer);
      EXPECT_EQ(ids_of(**answer), expected);
      EXPECT_EQ((*answer)->at_commit, at);
      EXPECT_EQ((*answer)->position.commit, at);
      break;
    }
    // Behind and before where the walk stands; and everything moves to other layers under it.
    ASSERT_TRUE(c.node.write({insert("new" + std::to_string(i), "\"n\":" + std::to_string(i * 37 % 1'000))}));
    if (i % 3 == 0) {
      ASSERT_EQ(code_of(c.node.checkpoint(i % 2 == 0)), "");
    }
    if (i == 10) {
      ASSERT_FALSE(c.node.compact());
    }
  }
  EXPECT_GT(attempts.restarts, 10u);
}

TEST(ColdQuery, BeginsAgainWhereTheFloorRoseAboveACommitThatNobodyNamed) {
  Collection c(kNoCache);
  fill(c, true);
  Ask ask;
  ask.sort("n").limit(10'000);
  Ask named;
  named.sort("n").limit(10'000).at(c.visible());
  Attempts attempts(c);
  Attempts attempts_named(c);
  ASSERT_FALSE(attempts.once(ask));
  ASSERT_FALSE(attempts_named.once(named));
  ASSERT_TRUE(c.node.write({insert("new", "\"n\":1")}));
  ASSERT_TRUE(c.node.raise_floor(c.visible()));
  EXPECT_EQ(attempts.ids(ask), c.ids(ask));
  EXPECT_EQ(attempts_named.ids(named), "BELOW_FLOOR");
}

TEST(ColdQuery, NamesADamagedRunInsteadOfAnswering) {
  Collection c(kNoCache);
  fill(c, true);
  ASSERT_TRUE(c.node.machine.disk().damage("/d/runs/00000001.run", 20'000, 0x20));
  EXPECT_EQ(Attempts(c).ids(Ask().sort("_id").limit(10'000)), "RUN_DAMAGED");
}

TEST(ColdQuery, IsRefusedOnceTheNodeHalted) {
  Collection c(kNoCache);
  fill(c, true);
  Attempts attempts(c);
  Ask ask;
  ask.sort("n").limit(10'000);
  ASSERT_FALSE(attempts.once(ask));
  c.node.engine->halt({"FAIL-2", "IO", "a test said so", Lsn(1)});
  EXPECT_EQ(attempts.ids(ask), "HALTED");
}

}  // namespace
}  // namespace aerodb::engine
