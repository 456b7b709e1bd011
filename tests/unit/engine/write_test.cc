// Admission of writes: each refusal with its code, and what it leaves untouched.
#include <gtest/gtest.h>

#include "common/base/build.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

struct Primary {
  explicit Primary(uint64_t seed = 1, NodeSettings settings = {}) : world(seed, {}), node(world, settings) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
  }
  // Refused with `code`; spends no commit id and leaves the log alone.
  void expect_refused(const std::vector<Op>& ops, std::string_view code,
                      std::optional<ReceiptClaim> receipt = std::nullopt) {
    const auto before = node.engine->newest();
    const auto result = node.write(ops, receipt);
    EXPECT_EQ(code_of(result), code) << (result ? "" : result.error().message);
    EXPECT_EQ(node.engine->newest().lsn, before.lsn);
    EXPECT_EQ(node.engine->newest().digest, before.digest);
  }
  sim::SimWorld world;
  TestNode node;
};

TEST(Write, InsertUpdateDeleteAndTheirVersions) {
  Primary p;
  auto first = p.node.write({insert("x", R"("n":1)")});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->commit, CommitId(1));
  ASSERT_TRUE(p.node.write({update("x", R"("n":2)")}));
  ASSERT_TRUE(p.node.write({remove("x")}));
  ASSERT_TRUE(p.node.write({insert("x", R"("n":3)")}));
  EXPECT_EQ(*p.node.get("x", CommitId(0)), "");
  EXPECT_EQ(*p.node.get("x", CommitId(1)), R"({"_id":"x","n":1})");
  EXPECT_EQ(*p.node.get("x", CommitId(2)), R"({"_id":"x","n":2})");
  EXPECT_EQ(*p.node.get("x", CommitId(3)), "");
  EXPECT_EQ(*p.node.get("x"), R"({"_id":"x","n":3})");
  const auto chain = p.node.chain("x", CommitId(4));
  ASSERT_EQ(chain.size(), 4u);
  EXPECT_EQ(chain[1].kind, "tombstone");
  EXPECT_EQ(chain[1].lsn, Lsn(5));  // lineage_start, schema, three commits
  EXPECT_EQ(chain[0].prev_commit, CommitId(3));
  EXPECT_EQ(chain[3].prev_commit, CommitId(0));
  EXPECT_EQ(p.node.chain("x", CommitId(2)).size(), 2u);
}

TEST(Write, LiveDocumentIsNotInsertedAndAbsentOneNotChanged) {
  Primary p;
  ASSERT_TRUE(p.node.write({insert("x")}));
  p.expect_refused({insert("x")}, "DOCUMENT_EXISTS");
  p.expect_refused({update("y", R"("n":1)")}, "NO_SUCH_DOCUMENT");
  p.expect_refused({remove("y")}, "NO_SUCH_DOCUMENT");
  ASSERT_TRUE(p.node.write({remove("x")}));
  p.expect_refused({update("x", R"("n":1)")}, "NO_SUCH_DOCUMENT");
  p.expect_refused({remove("x")}, "NO_SUCH_DOCUMENT");
}

TEST(Write, DocumentIsCheckedAgainstItsSchema) {
  Primary p;
  p.expect_refused({insert("x", R"("n":"text")")}, "WRONG_TYPE");
  p.expect_refused({insert("x", R"("other":1)")}, "UNDECLARED_FIELD");
  p.expect_refused({insert("", "")}, "DOCUMENT_INVALID");
  p.expect_refused({insert(std::string(513, 'x'), "")}, "DOCUMENT_INVALID");
  p.expect_refused({remove(std::string(513, 'x'))}, "DOCUMENT_INVALID");
  Op unknown = insert("x");
  unknown.schema_version = 2;
  p.expect_refused({unknown}, "UNKNOWN_SCHEMA");
  unknown.collection = "other";
  p.expect_refused({unknown}, "UNKNOWN_COLLECTION");
  Op gone = remove("x");
  gone.collection = "other";
  p.expect_refused({gone}, "UNKNOWN_COLLECTION");
}

TEST(Write, PreconditionNamesTheCommitLastSeen) {
  Primary p;
  ASSERT_TRUE(p.node.write({insert("x")}));
  ASSERT_TRUE(p.node.write({insert("y")}));
  auto with = [](Op op, uint64_t commit) {
    op.if_commit = CommitId(commit);
    return op;
  };
  p.expect_refused({with(update("x", R"("n":2)"), 2)}, "PRECONDITION_FAILED");
  p.expect_refused({with(update("x", R"("n":2)"), 0)}, "PRECONDITION_FAILED");
  p.expect_refused({with(insert("z"), 1)}, "PRECONDITION_FAILED");
  EXPECT_TRUE(p.node.write({with(update("x", R"("n":2)"), 1)}));
  EXPECT_TRUE(p.node.write({with(insert("z"), 0)}));
  ASSERT_TRUE(p.node.write({with(remove("x"), 3)}));
  // A tombstone counts as no live document.
  p.expect_refused({with(insert("x"), 5)}, "PRECONDITION_FAILED");
  EXPECT_TRUE(p.node.write({with(insert("x"), 0)}));
}

TEST(Write, BatchIsOneCommitAllOrNothing) {
  Primary p;
  ASSERT_TRUE(p.node.write({insert("old")}));
  p.expect_refused({insert("a"), insert("b"), update("missing", R"("n":1)")}, "NO_SUCH_DOCUMENT");
  EXPECT_EQ(*p.node.get("a"), "");
  auto done = p.node.write({insert("a"), update("old", R"("n":9)"), insert("b")});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->commit, CommitId(2));
  for (auto id : {"a", "b", "old"}) EXPECT_EQ(p.node.chain(id, CommitId(2)).front().commit, CommitId(2));
  EXPECT_EQ(*p.node.get("a", CommitId(1)), "");
}

TEST(Write, BatchNamesEachIdOnceAndHasAtLeastOneAndAtMostAThousand) {
  Primary p;
  ASSERT_TRUE(p.node.write({insert("x")}));
  p.expect_refused({}, "BATCH_INVALID");
  p.expect_refused({insert("a"), insert("b"), insert("a")}, "BATCH_INVALID");
  p.expect_refused({update("x", R"("n":2)"), remove("x")}, "BATCH_INVALID");
  std::vector<Op> many;
  for (int i = 0; i < 1'001; ++i) many.push_back(insert("m" + std::to_string(i)));
  p.expect_refused(many, "BATCH_INVALID");
  many.pop_back();
  EXPECT_TRUE(p.node.write(many));
}

TEST(Write, SameIdInTwoCollectionsIsTwoDocuments) {
  Primary p;
  std::string other(kSchema1);
  other.replace(other.find("\"c\""), 3, "\"d\"");
  ASSERT_TRUE(p.node.register_schema(other));
  Op second = insert("x", R"("n":2)");
  second.collection = "d";
  EXPECT_TRUE(p.node.write({insert("x"), second}));
}

TEST(Write, RefusalWaitsForWhatItWasDecidedOn) {
  Primary p;
  std::vector<std::string> order;
  auto answer = [&](std::string name) {
    return [&order, name](Result<Position> result) { order.push_back(name + " " + std::string(code_of(result))); };
  };
  p.node.engine->hold<Position>(p.node.submit({insert("x")}), answer("insert"));
  p.node.engine->hold<Position>(p.node.submit({insert("x")}), answer("again"));
  EXPECT_TRUE(order.empty());
  p.node.run();
  EXPECT_EQ(order, (std::vector<std::string>{"insert ", "again DOCUMENT_EXISTS"}));
}

TEST(Write, PendingWritesAreSeenByAdmissionAndByNoRead) {
  Primary p;
  (void)p.node.submit({insert("x")});
  EXPECT_EQ(*p.node.get("x"), "");
  EXPECT_EQ(code_of(p.node.get("x", CommitId(1))), "BEHIND");
  EXPECT_EQ(code_of(p.node.submit({insert("x")}).outcome), "DOCUMENT_EXISTS");
  p.node.run();
  EXPECT_NE(*p.node.get("x"), "");
}

#if AERODB_FAULTS
TEST(Write, PlantedEarlyAnswersAreEarly) {
  Primary p;
  int answered = 0;
  plant(Fault::kEarlyAcknowledgement);
  p.node.engine->hold<Position>(p.node.submit({insert("x")}), [&](Result<Position>) { ++answered; });
  plant(Fault::kRefusalNotHeld);
  p.node.engine->hold<Position>(p.node.submit({insert("x")}), [&](Result<Position>) { ++answered; });
  plant(Fault::kNone);
  EXPECT_EQ(answered, 2);
}
#endif

TEST(Write, GroupCommitTakesWhatOneTurnAdmitted) {
  for (bool group : {true, false}) {
    NodeSettings settings;
    settings.writer.group_commit = group;
    Primary p(3, settings);
    const auto syncs = p.node.engine->writer().counters().syncs;
    for (int i = 0; i < 20; ++i) (void)p.node.submit({insert("x" + std::to_string(i))});
    p.node.run();
    EXPECT_EQ(p.node.engine->writer().counters().syncs - syncs, group ? 1u : 20u);
    EXPECT_EQ(p.node.engine->visible().commit, CommitId(20));
  }
}

TEST(Write, WalFullRefusesCommitsButLeavesRoomForASeal) {
  NodeSettings settings;
  settings.geometry = {4, 32 << 10};
  Primary p(1, settings);
  const std::string text = R"("s":")" + std::string(3'000, 'x') + '"';
  std::optional<Error> refused;
  int written = 0;
  for (; !refused && written < 100; ++written) {
    auto result = p.node.write({insert("x" + std::to_string(written), text)});
    if (!result) refused = result.error();
  }
  EXPECT_EQ(code_of(refused), "WAL_FULL");
  EXPECT_GT(written, 20);
  while (p.node.write({insert("small" + std::to_string(written++))})) {
  }
  p.expect_refused({insert("one more")}, "WAL_FULL");
  EXPECT_NE(*p.node.get("x0"), "");  // reads go on
  TestNode successor(p.world, {.name = "b", .instance = 2, .primary = false});
  EXPECT_TRUE(p.node.demote(demotion(successor)));
}

TEST(Write, MemoryFullRefusesWritesAndReadsGoOn) {
  NodeSettings settings;
  settings.max_memory_bytes = 600 << 10;
  Primary p(1, settings);
  const std::string text = R"("s":")" + std::string(10'000, 'x') + '"';
  int written = 0;
  Result<Position> result;
  while ((result = p.node.write({insert("x" + std::to_string(written), text)}))) ++written;
  EXPECT_EQ(code_of(result), "MEMORY_FULL");
  EXPECT_GT(written, 20);
  EXPECT_NE(*p.node.get("x0"), "");
  p.expect_refused({remove("x0")}, "MEMORY_FULL");
}

TEST(Write, BatchLargerThanARecordMayBeIsRefused) {
  NodeSettings settings;
  settings.geometry = {4, 16 << 20};
  Primary p(1, settings);
  const std::string text = R"("s":")" + std::string(1'000'000, 'x') + '"';
  std::vector<Op> ops;
  for (int i = 0; i < 13; ++i) ops.push_back(insert("x" + std::to_string(i), text));
  p.expect_refused(ops, "BATCH_INVALID");
  ops.resize(12);
  EXPECT_TRUE(p.node.write(ops));
}

TEST(Write, ReceiptFromTheFutureOrAnotherHistoryIsRefused) {
  Primary p;
  ASSERT_TRUE(p.node.write({insert("x")}));
  const auto good = p.node.receipt();
  EXPECT_TRUE(p.node.write({insert("y")}, good));
  auto claim = good;
  claim.lsn = Lsn(99);
  p.expect_refused({insert("z")}, "BEHIND", claim);
  claim = good;
  claim.chain.bytes[0] ^= 1;
  p.expect_refused({insert("z")}, "LINEAGE_UNKNOWN", claim);
  claim = good;
  claim.lineage.bytes[0] ^= 1;
  p.expect_refused({insert("z")}, "LINEAGE_UNKNOWN", claim);
  claim = good;
  claim.epoch = Epoch(2);
  p.expect_refused({insert("z")}, "BEHIND", claim);
}

}  // namespace
}  // namespace aerodb::engine
