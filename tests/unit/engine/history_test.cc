// The versions of one document: what is listed, in which pages, and that it is the same whatever lies on disk.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

struct Documented {
  explicit Documented(StorageOptions storage = {}) : world(1, {}), node(world, settings(storage)) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
  }
  static NodeSettings settings(StorageOptions storage) {
    NodeSettings s;
    s.geometry = {4, 8 << 20};
    s.storage = storage;
    return s;
  }
  // "9:{...} 7:- complete": commit and document of each version, "-" for a tombstone. Or the code of the refusal.
  std::string list(std::string_view id, std::optional<uint64_t> before = std::nullopt, uint32_t limit = 100,
                   uint32_t schema_version = 1) {
    HistoryRequest request{"c", id, schema_version, std::nullopt, limit, std::nullopt};
    if (before) request.before_commit = CommitId(*before);
    auto blocks = node.engine->lease();
    const auto answer =
        node.complete(blocks, [&](store::LeasedBlocks& lease) { return node.engine->history(request, lease); });
    if (!answer) return std::string(code_of(answer));
    EXPECT_EQ(answer->at_commit, node.engine->visible().commit);
    EXPECT_EQ(answer->floor, node.engine->floor());
    EXPECT_EQ(answer->position.lsn, node.engine->visible().lsn);
    std::string text;
    for (const auto& version : answer->versions) {
      text += fmt::format("{}:{} ", version.commit.value(),
                          version.tombstone() ? "-" : *document::to_json(version.document));
    }
    return text + (answer->complete ? "complete" : "more");
  }
  void write(Op op) { ASSERT_TRUE(node.write({std::move(op)})); }
  sim::SimWorld world;
  TestNode node;
};

// x at commits 1 (n 1), 3 (n 3), 4 (deleted), 6 (n 6); y at 2 and 5.
void write_six(Documented& d) {
  d.write(insert("x", R"("n":1)"));
  d.write(insert("y", R"("n":2)"));
  d.write(update("x", R"("n":3)"));
  d.write(remove("x"));
  d.write(update("y", R"("n":5)"));
  d.write(insert("x", R"("n":6)"));
}
const std::string kX1 = R"(1:{"_id":"x","n":1} )", kX3 = R"(3:{"_id":"x","n":3} )", kX4 = "4:- ",
                  kX6 = R"(6:{"_id":"x","n":6} )";

TEST(History, ListsVersionsNewestFirstTombstonesIncluded) {
  Documented d;
  write_six(d);
  EXPECT_EQ(d.list("x"), kX6 + kX4 + kX3 + kX1 + "complete");
  EXPECT_EQ(d.list("y"), R"(5:{"_id":"y","n":5} 2:{"_id":"y","n":2} complete)");
  EXPECT_EQ(d.list("z"), "complete");
  EXPECT_EQ(d.list(""), "complete");
}

TEST(History, PagesGoOnBelowACommit) {
  Documented d;
  write_six(d);
  EXPECT_EQ(d.list("x", std::nullopt, 2), kX6 + kX4 + "more");
  EXPECT_EQ(d.list("x", 4, 2), kX3 + kX1 + "complete");  // full, and nothing older
  EXPECT_EQ(d.list("x", 4, 1), kX3 + "more");
  EXPECT_EQ(d.list("x", 6, 1), kX4 + "more");
  EXPECT_EQ(d.list("x", 5, 1), kX4 + "more");
  EXPECT_EQ(d.list("x", 2, 1), kX1 + "complete");
  EXPECT_EQ(d.list("x", 1, 1), "complete");
  EXPECT_EQ(d.list("x", 0, 1), "complete");
  EXPECT_EQ(d.list("x", 7, 1), kX6 + "more");
  EXPECT_EQ(d.list("x", kMaxNumber, 1), kX6 + "more");  // of the future: from the newest
}

TEST(History, RefusalsByName) {
  Documented d;
  write_six(d);
  EXPECT_EQ(d.list("x", std::nullopt, 0), "BAD_REQUEST");
  EXPECT_EQ(d.list("x", std::nullopt, kMaxHistoryLimit + 1), "BAD_REQUEST");
  EXPECT_EQ(d.list("x", std::nullopt, kMaxHistoryLimit), kX6 + kX4 + kX3 + kX1 + "complete");
  EXPECT_EQ(d.list("x", std::nullopt, 1, 2), "UNKNOWN_SCHEMA");
  auto blocks = d.node.engine->lease();
  EXPECT_EQ(code_of(*d.node.engine->history({"none", "x", 1, std::nullopt, 1, std::nullopt}, blocks)),
            "UNKNOWN_COLLECTION");
  auto receipt = d.node.receipt();
  receipt.lsn = receipt.lsn.next();
  EXPECT_EQ(code_of(*d.node.engine->history({"c", "x", 1, std::nullopt, 1, receipt}, blocks)), "BEHIND");
  d.node.engine->halt({"FAIL-2", "IO", "a test said so", Lsn(1)});
  EXPECT_EQ(d.list("x"), "HALTED");
}

TEST(History, NewerSchemaRefusesOnlyThePageThatHoldsIt) {
  Documented d;
  write_six(d);
  ASSERT_TRUE(d.node.register_schema(kSchema2));
  Op newer = update("x", R"("n":7)");
  newer.schema_version = 2;
  d.write(newer);
  d.write(update("x", R"("n":8)"));
  EXPECT_EQ(d.list("x"), "SCHEMA_NEWER");
  EXPECT_EQ(d.list("x", std::nullopt, 1), R"(8:{"_id":"x","n":8} more)");
  EXPECT_EQ(d.list("x", 8, 1), "SCHEMA_NEWER");
  EXPECT_EQ(d.list("x", 7, 1), kX6 + "more");
  EXPECT_EQ(d.list("x", 9, 2, 2), R"(8:{"_id":"x","n":8} 7:{"_id":"x","n":7} more)");
}

TEST(History, ListsNothingThatIsNotDurable) {
  Documented d;
  write_six(d);
  ASSERT_TRUE(d.node.submit({remove("x")}).outcome);
  EXPECT_EQ(d.list("x", std::nullopt, 1), kX6 + "more");
  d.node.run();
  EXPECT_EQ(d.list("x", std::nullopt, 1), "7:- more");
}

TEST(History, PageEndsEarlyRatherThanBeTooLargeToSend) {
  Documented d;
  const std::string large = R"("s":")" + std::string(1'000'000, 'x') + '"';
  d.write(insert("x", large));
  for (int i = 0; i < 9; ++i) d.write(update("x", large));
  HistoryRequest request{"c", "x", 1, std::nullopt, 100, std::nullopt};
  auto blocks = d.node.engine->lease();
  const auto first = d.node.engine->history(request, blocks);
  ASSERT_EQ((*first)->versions.size(), 8u);
  EXPECT_FALSE((*first)->complete);
  request.before_commit = (*first)->versions.back().commit;
  const auto second = d.node.engine->history(request, blocks);
  ASSERT_EQ((*second)->versions.size(), 2u);
  EXPECT_TRUE((*second)->complete);
}

// Versions above the floor, and the newest at or below it unless it is a tombstone; merged away or not.
TEST(History, FloorCutsTheViewWhateverLiesOnDisk) {
  struct Row {
    uint64_t floor;
    std::string x;
    std::string below_4;  // asked before commit 4
  };
  const std::vector<Row> rows = {
      {1, kX6 + kX4 + kX3 + kX1 + "complete", kX3 + kX1 + "complete"},
      {2, kX6 + kX4 + kX3 + kX1 + "complete", kX3 + kX1 + "complete"},
      {3, kX6 + kX4 + kX3 + "complete", kX3 + "complete"},
      {4, kX6 + "complete", "complete"},  // the tombstone is at the floor
      {5, kX6 + "complete", "complete"},
      {6, kX6 + "complete", "complete"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.floor);
    for (const bool merged : {false, true}) {
      Documented d(StorageOptions{.cache_bytes = 1});
      write_six(d);
      ASSERT_EQ(code_of(d.node.checkpoint(false)), "");
      d.write(insert("other"));
      ASSERT_TRUE(d.node.raise_floor(CommitId(row.floor)));
      ASSERT_EQ(code_of(d.node.checkpoint(false)), "");
      if (merged) {
        ASSERT_FALSE(d.node.compact());
      }
      EXPECT_EQ(d.list("x"), row.x);
      EXPECT_EQ(d.list("x", 4), row.below_4);
    }
  }
}

TEST(History, AFloorThatIsNotDurableYetCutsNothing) {
  Documented d;
  write_six(d);
  ASSERT_TRUE(d.node.engine->raise_floor(CommitId(5), {"g1", "ada", "old versions", std::nullopt}).outcome);
  EXPECT_EQ(d.list("x"), kX6 + kX4 + kX3 + kX1 + "complete");
  d.node.run();
  EXPECT_EQ(d.list("x"), kX6 + "complete");
}

TEST(History, IsTheSameFromRunsAndFromMemory) {
  constexpr int kIds = 5;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Documented memory, runs, cold(StorageOptions{.cache_bytes = 1});
    std::vector<std::string> expected(kIds);
    for (uint64_t commit = 1; commit <= 40; ++commit) {
      const uint64_t number = random.below(kIds);
      const std::string id(1, static_cast<char>('a' + number));
      const auto newest = expected[number].substr(0, expected[number].find(' '));
      const bool live = !newest.empty() && !newest.ends_with('-');
      const auto fields = fmt::format(R"("n":{})", commit);
      const Op op = !live ? insert(id, fields) : random.one_in(3) ? remove(id) : update(id, fields);
      for (auto* d : {&memory, &runs, &cold}) d->write(op);
      const auto document =
          op.op == wal::Operation::kDelete ? "-" : fmt::format(R"({{"_id":"{}","n":{}}})", id, commit);
      expected[number] = fmt::format("{}:{} ", commit, document) + expected[number];
      if (!random.one_in(6)) continue;
      const bool merge = random.one_in(2);
      ASSERT_EQ(code_of(runs.node.checkpoint(merge)), "");
      ASSERT_EQ(code_of(cold.node.checkpoint(merge)), "");
    }
    for (int i = 0; i < kIds; ++i) {
      const std::string id(1, static_cast<char>('a' + i));
      for (auto* d : {&memory, &runs, &cold}) EXPECT_EQ(d->list(id), expected[i] + "complete");
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
