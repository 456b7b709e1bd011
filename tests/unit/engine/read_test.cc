// Reads: schemas and their evolution, queries and their plans, receipts across epochs.
#include <gtest/gtest.h>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

struct Readable {
  Readable() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
  }
  // Ids of the answer, or the code of the refusal.
  std::string query(std::vector<Predicate> where, std::function<void(QueryRequest&)> change = [](QueryRequest&) {}) {
    QueryRequest request;
    request.collection = "c";
    request.schema_version = 1;
    request.where = std::move(where);
    request.limit = 100;
    change(request);
    auto answer = node.query(request);
    if (!answer) return std::string(code_of(answer));
    index = answer->index;
    bound = answer->bound_entries;
    std::string ids;
    for (const auto& version : answer->versions)
      ids += std::string(document::document_id(answer->document(version))) + ' ';
    return ids;
  }
  sim::SimWorld world;
  TestNode node;
  std::string index;
  uint64_t bound = 0;
};

TEST(Schema, SameAgainIsNoChangeAndAnotherContentIsRefused) {
  Readable r;
  const auto before = r.node.engine->newest().lsn;
  EXPECT_TRUE(r.node.register_schema(kSchema1));
  EXPECT_EQ(r.node.engine->newest().lsn, before);
  std::string other(kSchema1);
  other.replace(other.find("\"n\""), 3, "\"q\"");
  EXPECT_EQ(code_of(r.node.register_schema(other)), "SCHEMA_EXISTS");
}

TEST(Schema, NextVersionIsAdditiveAndTheNextNumber) {
  Readable r;
  std::string third(kSchema2);
  third.replace(third.find("\"version\":2"), 11, "\"version\":3");
  EXPECT_EQ(code_of(r.node.register_schema(third)), "SCHEMA_INVALID");
  std::string narrower(kSchema1);
  narrower.replace(narrower.find("\"version\":1"), 11, "\"version\":2");
  narrower.replace(narrower.find("\"s\":{\"type\":\"string\""), 20, "\"s\":{\"type\":\"int\"");
  EXPECT_EQ(code_of(r.node.register_schema(narrower)), "SCHEMA_INVALID");
  EXPECT_TRUE(r.node.register_schema(kSchema2));
  EXPECT_TRUE(r.node.register_schema(third));
}

TEST(Schema, ReadUnderAnOlderVersionNeverTrimsANewerDocument) {
  Readable r;
  ASSERT_TRUE(r.node.write({insert("old")}));
  ASSERT_TRUE(r.node.register_schema(kSchema2));
  Op newer = insert("new", R"("n":1,"m":5)");
  newer.schema_version = 2;
  ASSERT_TRUE(r.node.write({newer}));
  EXPECT_EQ(code_of(r.node.get("new", std::nullopt, 1)), "SCHEMA_NEWER");
  EXPECT_EQ(*r.node.get("new", std::nullopt, 2), R"({"_id":"new","m":5,"n":1})");
  EXPECT_EQ(*r.node.get("old", std::nullopt, 2), R"({"_id":"old","n":1})");
  EXPECT_EQ(code_of(r.node.get("old", std::nullopt, 3)), "UNKNOWN_SCHEMA");
  EXPECT_EQ(code_of(r.node.get("old", std::nullopt, 0)), "UNKNOWN_SCHEMA");
  const Packed one("1");
  EXPECT_EQ(r.query({{"n", Comparison::kEqual, one.root()}}), "SCHEMA_NEWER");
  auto under_2 = [](QueryRequest& q) { q.schema_version = 2; };
  EXPECT_EQ(r.query({{"n", Comparison::kEqual, one.root()}}, under_2), "new old ");
  const Packed five("5");
  EXPECT_EQ(r.query({{"m", Comparison::kEqual, five.root()}}, under_2), "new ");
  EXPECT_EQ(r.query({{"m", Comparison::kEqual, five.root()}}), "QUERY_UNBOUNDED");  // version 1 has no such field
  // An older writer goes on under its own version.
  EXPECT_TRUE(r.node.write({insert("late")}));
}

TEST(Schema, IsUnknownToReadsUntilItIsDurable) {
  Readable r;
  auto schema = document::schema_from_json(kSchema2);
  Bytes packed;
  document::encode_schema(*schema, packed);
  document::Tape tape;
  ASSERT_TRUE(tape.parse(packed));
  ASSERT_TRUE(r.node.engine->register_schema(tape.root()).outcome);
  EXPECT_EQ(code_of(r.node.get("x", std::nullopt, 2)), "UNKNOWN_SCHEMA");
  r.node.run();
  EXPECT_EQ(code_of(r.node.get("x", std::nullopt, 2)), "");
}

TEST(Get, UnknownCollectionAndCommitOfTheFuture) {
  Readable r;
  EXPECT_EQ(code_of(r.node.get_raw({"none", "x", 1, std::nullopt, std::nullopt})), "UNKNOWN_COLLECTION");
  EXPECT_EQ(code_of(r.node.get("x", CommitId(1))), "BEHIND");
  EXPECT_EQ(*r.node.get("x", CommitId(0)), "");
}

struct Queries : ::testing::Test, Readable {
  Queries() {
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(node.write({insert("d" + std::to_string(i),
                                     "\"n\":" + std::to_string(i / 2) + ",\"s\":\"v" + std::to_string(9 - i) + '"')}));
    }
    EXPECT_TRUE(node.write({insert("without", "")}));
  }
  Packed two{"2"};
  Packed three{"3"};
  Packed text{R"("d7")"};
};

TEST_F(Queries, RangesOnAnIndexedField) {
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}), "d4 d5 ");
  EXPECT_EQ(index, "n");
  EXPECT_EQ(query({{"n", Comparison::kGreater, two.root()}, {"n", Comparison::kLessOrEqual, three.root()}}), "d6 d7 ");
  EXPECT_EQ(query({{"n", Comparison::kGreaterOrEqual, three.root()}, {"n", Comparison::kLess, two.root()}}), "");
  EXPECT_EQ(query({{"n", Comparison::kGreater, two.root()}, {"n", Comparison::kEqual, two.root()}}), "");
  EXPECT_EQ(query({{"n", Comparison::kLess, two.root()}}), "d0 d1 d2 d3 ");
  EXPECT_EQ(query({{"n", Comparison::kLess, two.root()}}, [](QueryRequest& q) { q.descending = true; }),
            "d3 d2 d1 d0 ");
}

TEST_F(Queries, SortAloneAndLimit) {
  auto by = [](std::string_view field, uint32_t limit, bool descending) {
    return [=](QueryRequest& q) {
      q.sort = field;
      q.limit = limit;
      q.descending = descending;
    };
  };
  EXPECT_EQ(query({}, by("s", 3, false)), "d9 d8 d7 ");
  EXPECT_EQ(bound, 4u);
  EXPECT_EQ(query({}, by("s", 3, true)), "d0 d1 d2 ");
  EXPECT_EQ(query({}, by("_id", 2, true)), "without d9 ");
  EXPECT_EQ(query({}, by("n", 100, false)),
            "d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 ");  // what lacks the field is not in its index
}

TEST_F(Queries, ByIdIsAPoint) {
  EXPECT_EQ(query({{"_id", Comparison::kEqual, text.root()}}), "d7 ");
  EXPECT_EQ(bound, 1u);
  EXPECT_EQ(query({{"_id", Comparison::kGreater, text.root()}}), "d8 d9 without ");
}

TEST_F(Queries, RefusalsByName) {
  EXPECT_EQ(query({}), "QUERY_UNBOUNDED");
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}, [](QueryRequest& q) { q.limit.reset(); }), "LIMIT_REQUIRED");
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}, [](QueryRequest& q) { q.limit = 0; }), "LIMIT_REQUIRED");
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}, [](QueryRequest& q) { q.limit = kMaxQueryLimit + 1; }),
            "BAD_REQUEST");
  EXPECT_EQ(query({{"none", Comparison::kEqual, two.root()}}), "QUERY_UNBOUNDED");
  EXPECT_EQ(query({{"n", Comparison::kEqual, text.root()}}), "WRONG_TYPE");
  EXPECT_EQ(query({{"_id", Comparison::kEqual, two.root()}}), "WRONG_TYPE");
  EXPECT_EQ(query({{"n", Comparison::kLess, three.root()}}, [](QueryRequest& q) { q.max_entries = 0; }), "BAD_REQUEST");
  EXPECT_EQ(query({{"n", Comparison::kLess, three.root()}}, [](QueryRequest& q) { q.max_entries = 5; }),
            "QUERY_BOUND_EXCEEDED");
  EXPECT_EQ(query({{"n", Comparison::kLess, three.root()}}, [](QueryRequest& q) { q.max_entries = 6; }),
            "d0 d1 d2 d3 d4 d5 ");
}

TEST_F(Queries, IndexOnlyProposes) {
  ASSERT_TRUE(node.write({update("d4", R"("n":9)"), remove("d5")}));
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}), "");
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}, [](QueryRequest& q) { q.at_commit = CommitId(11); }),
            "d4 d5 ");
  ASSERT_TRUE(node.write({update("d4", R"("n":2)")}));
  EXPECT_EQ(query({{"n", Comparison::kEqual, two.root()}}), "d4 ");
}

TEST(Receipts, AreJudgedByAncestry) {
  sim::SimWorld world(1, {});
  TestNode a(world, {.name = "a", .instance = 1}), b(world, {.name = "b", .instance = 2, .primary = false});
  ASSERT_FALSE(a.start());
  ASSERT_FALSE(b.start());
  ASSERT_TRUE(a.register_schema(kSchema1));
  ASSERT_TRUE(a.write({insert("x")}));
  const auto first = a.receipt();
  ASSERT_TRUE(a.demote(demotion(b)));
  const auto at_seal = a.receipt();
  ASSERT_FALSE(ship(a, b));
  ASSERT_TRUE(b.promote(promotion()));
  ASSERT_TRUE(b.write({insert("y")}));
  auto get = [&](TestNode& node, ReceiptClaim receipt) {
    return code_of(node.get_raw({"c", "x", 1, std::nullopt, receipt}));
  };
  EXPECT_EQ(get(b, first), "");
  EXPECT_EQ(get(b, at_seal), "");
  EXPECT_EQ(get(b, b.receipt()), "");
  EXPECT_EQ(get(a, b.receipt()), "BEHIND");  // an epoch that this log has not reached
  // Epoch 1 ended with the seal: nothing of it lies beyond.
  auto beyond = at_seal;
  beyond.lsn = beyond.lsn.next();
  EXPECT_EQ(get(b, beyond), "EPOCH_ENDED");
  auto foreign = first;
  foreign.lineage.bytes[0] ^= 1;
  EXPECT_EQ(get(b, foreign), "LINEAGE_UNKNOWN");
}

TEST(Receipts, ChainIsComparedWhereItIsHeld) {
  Readable r;
  ASSERT_TRUE(r.node.write({insert("x")}));
  const auto at = r.node.engine->visible();
  EXPECT_EQ(r.node.engine->chain_at(at.lsn), at.chain);
  EXPECT_FALSE(r.node.engine->chain_at(at.lsn.next()));
  r.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(r.node.engine->chain_at(at.lsn), at.chain);
  EXPECT_FALSE(r.node.engine->chain_at(Lsn(1)));  // not known any more: no verdict on it
}

}  // namespace
}  // namespace aerodb::engine
