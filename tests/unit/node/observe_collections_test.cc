// observe.mvcc and observe.indexes: what is where, compared with what was put there.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "common/document/json.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::document_bytes;
using ::testing::IsEmpty;
using testing::NodeTest;
using testing::schema_bytes;
using ::testing::SizeIs;
using testing::TestNode;

struct ObserveCollections : NodeTest {
  void SetUp() override { p.start(); }
  wire::ObserveMvccResponse mvcc(std::optional<std::string_view> after = std::nullopt, uint32_t limit = 1000) {
    auto client = connect(p);
    auto answer = call(*client, wire::kObserveMvcc, {after, limit});
    EXPECT_TRUE(answer) << answer.error().message;
    return *answer;
  }
  wire::ObserveIndexesResponse indexes(std::optional<std::string_view> after = std::nullopt, uint32_t limit = 1000) {
    auto client = connect(p);
    auto answer = call(*client, wire::kObserveIndexes, {after, limit});
    EXPECT_TRUE(answer) << answer.error().message;
    return *answer;
  }
  TestNode p{world, "p", true};
};

TEST_F(ObserveCollections, ANodeWithoutCollectionsHasNothingToShow) {
  const auto view = mvcc();
  EXPECT_EQ(view.visible_commit, CommitId());
  EXPECT_EQ(view.lowest_pin, std::nullopt);
  EXPECT_THAT(view.collections, IsEmpty());
  EXPECT_FALSE(view.more);
  EXPECT_THAT(indexes().collections, IsEmpty());
}

TEST_F(ObserveCollections, VersionsMoveFromMemoryToRuns) {
  fill(p, 100);
  auto client = connect(p);
  const auto again = document_bytes("d0", 7);
  ASSERT_TRUE(call(*client, wire::kDocUpdate, {"c", 1, std::nullopt, wire::Packed{again}}));
  ASSERT_TRUE(call(*client, wire::kDocDelete, {"c", "d1", std::nullopt}));
  ASSERT_TRUE(call(*client, wire::kPinTake, {CommitId(50)}));
  auto view = mvcc();
  EXPECT_EQ(view.visible_commit, CommitId(102));
  EXPECT_EQ(view.pins, 1u);
  EXPECT_EQ(view.lowest_pin, CommitId(50));
  EXPECT_EQ(view.live_documents, 99u);
  EXPECT_EQ(view.active_versions, 102u);
  EXPECT_EQ(view.active_tombstones, 1u);
  EXPECT_EQ(view.run_versions, 0u);
  ASSERT_THAT(view.collections, SizeIs(1));
  EXPECT_EQ(view.collections[0].collection, "c");
  EXPECT_EQ(view.collections[0].schema_version, 1u);
  EXPECT_EQ(view.collections[0].schema_lsn, Lsn(2));
  EXPECT_EQ(view.collections[0].active_ids, 100u);
  EXPECT_THAT(view.collections[0].runs, IsEmpty());

  checkpoint(p);
  view = mvcc();
  EXPECT_EQ(view.active_versions, 0u);
  EXPECT_EQ(view.frozen_bytes, 0u);
  EXPECT_EQ(view.run_versions, 102u);
  EXPECT_EQ(view.run_tombstones, 1u);
  EXPECT_EQ(view.collections[0].active_ids, 0u);
  ASSERT_THAT(view.collections[0].runs, SizeIs(1));
  EXPECT_EQ(view.collections[0].runs[0].run, 1u);
  EXPECT_EQ(view.collections[0].runs[0].entries, 102u);
  EXPECT_GT(view.collections[0].runs[0].bytes, 0u);
}

TEST_F(ObserveCollections, IndexEntriesAreShownPerPlace) {
  fill(p, 100);
  auto view = indexes();
  ASSERT_THAT(view.collections, SizeIs(1));
  ASSERT_THAT(view.collections[0].indexes, SizeIs(1));
  EXPECT_EQ(view.collections[0].indexes[0].path, "n");
  EXPECT_EQ(view.collections[0].indexes[0].active_entries, 100u);
  EXPECT_GT(view.collections[0].indexes[0].active_tree_bytes, 0u);
  checkpoint(p);
  view = indexes();
  EXPECT_EQ(view.visible_commit, CommitId(100));
  EXPECT_EQ(view.collections[0].indexes[0].active_entries, 0u);
  ASSERT_THAT(view.collections[0].indexes[0].runs, SizeIs(1));
  EXPECT_EQ(view.collections[0].indexes[0].runs[0].entries, 100u);
}

TEST_F(ObserveCollections, APageIsBoundedInBytes) {
  constexpr int kCollections = 16;
  constexpr int kFields = 1000;
  std::string fields = R"("_id":{"type":"string","required":true})";
  for (int i = 0; i < kFields; ++i) fields += fmt::format(R"(,"f{:04}":{{"type":"int","indexed":true}})", i);
  auto client = connect(p);
  for (int i = 0; i < kCollections; ++i) {
    auto schema =
        document::schema_from_json(fmt::format(R"({{"collection":"c{:02}","version":1,"fields":{{{}}}}})", i, fields));
    ASSERT_TRUE(schema);
    Bytes bytes;
    document::encode_schema(*schema, bytes);
    ASSERT_TRUE(call(*client, wire::kSchemaRegister, {wire::Packed{bytes}}));
  }
  std::vector<std::string> names;
  bool more = true;
  size_t pages = 0;
  for (; more; ++pages) {
    const auto after = names.empty() ? std::string() : names.back();
    const auto view = indexes(after);
    ASSERT_FALSE(view.collections.empty());
    Bytes packed;
    document::PackWriter out(packed);
    wire::encode(view, out);
    EXPECT_LT(packed.size(), (1u << 20) + 1000);
    for (const auto& collection : view.collections) {
      names.push_back(collection.collection);
      EXPECT_THAT(collection.indexes, SizeIs(kFields));
    }
    more = view.more;
  }
  EXPECT_GT(pages, 1u);
  EXPECT_THAT(names, SizeIs(kCollections));
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST_F(ObserveCollections, PagesGoOnBehindTheLastName) {
  auto client = connect(p);
  for (const auto* name : {"a", "b", "c"}) {
    auto schema = document::schema_from_json(fmt::format(
        R"({{"collection":"{}","version":1,"fields":{{"_id":{{"type":"string","required":true}}}}}})", name));
    ASSERT_TRUE(schema);
    Bytes bytes;
    document::encode_schema(*schema, bytes);
    ASSERT_TRUE(call(*client, wire::kSchemaRegister, {wire::Packed{bytes}}));
  }
  const auto first = mvcc(std::nullopt, 2);
  ASSERT_THAT(first.collections, SizeIs(2));
  EXPECT_TRUE(first.more);
  const auto second = mvcc("b", 2);
  ASSERT_THAT(second.collections, SizeIs(1));
  EXPECT_EQ(second.collections[0].collection, "c");
  EXPECT_FALSE(second.more);
  EXPECT_FALSE(indexes("a", 2).more);
  EXPECT_THAT(indexes("c").collections, IsEmpty());
  EXPECT_EQ(code_of(call(*client, wire::kObserveMvcc, {std::nullopt, 0})), "BAD_REQUEST");
  EXPECT_EQ(code_of(call(*client, wire::kObserveIndexes, {std::nullopt, 1001})), "BAD_REQUEST");
}

}  // namespace
}  // namespace aerodb::node
