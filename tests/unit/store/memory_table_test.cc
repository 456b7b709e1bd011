#include "common/store/memory_table.h"

#include <gtest/gtest.h>

#include "common/document/canonical.h"
#include "common/document/msgpack.h"

namespace aerodb::store {
namespace {

// Canonical {"_id": id, "n": n, "tag": tag}; what is absent is left out.
Bytes document(std::string_view id, std::optional<int64_t> n, std::optional<std::string_view> tag = std::nullopt) {
  Bytes bytes;
  document::PackWriter out(bytes);
  out.map(1 + (n ? 1 : 0) + (tag ? 1 : 0));
  out.field("_id", id);
  if (n) out.field("n", *n);
  if (tag) out.field("tag", *tag);
  return bytes;
}

Bytes index_key(const Bytes& packed, std::string_view path) {
  Bytes key;
  EXPECT_TRUE(document::index_key_of(packed, path, key));
  return key;
}

struct Table {
  MemoryTable table;
  CollectionTable& c = table.add_collection("c");
  void put(std::string_view id, uint64_t commit, const Bytes& bytes) { table.put(c, id, CommitId(commit), 1, bytes); }
  void remove(std::string_view id, uint64_t commit) { table.put(c, id, CommitId(commit), 0, {}); }
};

TEST(MemoryTable, CollectionsAreFoundByTheirExactName) {
  Table t;
  EXPECT_EQ(t.table.collection("c"), &t.c);
  EXPECT_EQ(t.table.collection("C"), nullptr);
  EXPECT_EQ(std::as_const(t.table).collection(""), nullptr);
  EXPECT_EQ(t.table.collections(), 1u);
}

TEST(MemoryTable, VersionsStandNewestFirstWithTheirContent) {
  Table t;
  const Bytes first = document("a", 1);
  const Bytes second = document("a", 2);
  t.put("a", 3, first);
  t.put("a", 5, second);
  t.remove("a", 9);
  const auto* entry = MemoryTable::find(t.c, "a");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->id(), "a");
  const Version* version = entry->newest;
  EXPECT_EQ(version->commit, CommitId(9));
  EXPECT_TRUE(version->tombstone());
  EXPECT_TRUE(version->document().empty());
  version = version->older;
  EXPECT_EQ(version->commit, CommitId(5));
  EXPECT_EQ(Bytes(version->document().begin(), version->document().end()), second);
  version = version->older;
  EXPECT_EQ(version->schema_version, 1u);
  EXPECT_EQ(Bytes(version->document().begin(), version->document().end()), first);
  EXPECT_EQ(version->older, nullptr);
  EXPECT_EQ(MemoryTable::find(t.c, "b"), nullptr);
}

TEST(MemoryTable, CountsLiveDocumentsAndVersions) {
  Table t;
  t.put("a", 1, document("a", 1));
  t.put("b", 2, document("b", 1));
  t.put("a", 3, document("a", 2));
  EXPECT_EQ(t.table.live_documents(), 2u);
  t.remove("a", 4);
  EXPECT_EQ(t.table.live_documents(), 1u);
  t.put("a", 5, document("a", 3));
  EXPECT_EQ(t.table.live_documents(), 2u);
  EXPECT_EQ(t.table.versions(), 5u);
  EXPECT_GT(t.table.bytes(), 0u);
}

TEST(MemoryTable, IndexProposesEveryValueThatSomeVersionHas) {
  Table t;
  t.table.add_index(t.c, "n");
  t.put("a", 1, document("a", 1));
  t.put("a", 2, document("a", 2));
  t.put("b", 3, document("b", 1));
  t.remove("a", 4);
  const auto* index = t.c.index("n");
  ASSERT_NE(index, nullptr);
  std::vector<std::pair<Bytes, std::string>> found;
  for (auto at = index->entries.first(); at.get() != nullptr; at.next()) {
    found.emplace_back(Bytes(at.get()->first().begin(), at.get()->first().end()), at.get()->document->id());
  }
  const Bytes one = index_key(document("x", 1), "n");
  const Bytes two = index_key(document("x", 2), "n");
  EXPECT_EQ(found, (std::vector<std::pair<Bytes, std::string>>{{one, "a"}, {one, "b"}, {two, "a"}}));
}

TEST(MemoryTable, SameValueIsProposedOnce) {
  Table t;
  t.table.add_index(t.c, "n");
  for (uint64_t commit = 1; commit <= 10; ++commit) t.put("a", commit, document("a", commit % 2 == 0 ? 7 : 8));
  EXPECT_EQ(t.table.index_entries(), 2u);
}

TEST(MemoryTable, DocumentsWithoutTheFieldAreNotProposed) {
  Table t;
  t.table.add_index(t.c, "n");
  t.table.add_index(t.c, "tag");
  t.put("a", 1, document("a", std::nullopt, "x"));
  EXPECT_EQ(t.c.index("n")->entries.size(), 0u);
  EXPECT_EQ(t.c.index("tag")->entries.size(), 1u);
}

TEST(MemoryTable, AddingAnIndexTwiceChangesNothing) {
  Table t;
  t.table.add_index(t.c, "n");
  t.put("a", 1, document("a", 1));
  t.table.add_index(t.c, "n");
  EXPECT_EQ(t.c.indexes.size(), 1u);
  EXPECT_EQ(t.c.index("n")->entries.size(), 1u);
  EXPECT_EQ(t.c.index("m"), nullptr);
}

TEST(MemoryTable, CollectionsDoNotMix) {
  Table t;
  auto& other = t.table.add_collection("other");
  t.put("a", 1, document("a", 1));
  EXPECT_EQ(MemoryTable::find(other, "a"), nullptr);
  t.table.put(other, "a", CommitId(2), 1, document("a", 2));
  EXPECT_EQ(MemoryTable::find(t.c, "a")->newest->commit, CommitId(1));
  EXPECT_EQ(t.table.live_documents(), 2u);
}

TEST(MemoryTableDeathTest, CommitThatDoesNotAscendIsABug) {
  Table t;
  t.put("a", 5, document("a", 1));
  EXPECT_DEATH(t.put("a", 5, document("a", 2)), "");
}

}  // namespace
}  // namespace aerodb::store
