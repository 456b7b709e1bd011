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

TEST(MemoryTable, CountsVersionsAndTombstones) {
  Table t;
  EXPECT_EQ(t.table.bytes(), 0u);
  t.put("a", 1, document("a", 1));
  t.put("b", 2, document("b", 1));
  t.put("a", 3, document("a", 2));
  EXPECT_EQ(t.table.tombstones(), 0u);
  t.remove("a", 4);
  t.remove("only known to an older layer", 5);
  EXPECT_EQ(t.table.tombstones(), 2u);
  EXPECT_EQ(t.table.versions(), 5u);
  EXPECT_GT(t.table.bytes(), 0u);
}

// Where the id is, and where it is not within the document: a deletion of what lies in an older layer, and a field
// before `_id` in canonical order.
TEST(MemoryTable, DocumentsAreFoundByIdWhereverTheIdLies) {
  Table t;
  Bytes late;
  document::PackWriter out(late);
  out.map(2);
  out.field("A", std::string_view("some text before it"));
  out.field("_id", std::string_view("late"));
  t.put("late", 1, late);
  t.remove("gone", 2);
  t.put("other", 3, document("not other", 1));
  t.put("gone", 4, document("gone", 1));
  for (const std::string id : {"late", "gone", "other"}) {
    const auto* entry = MemoryTable::find(t.c, id);
    ASSERT_NE(entry, nullptr) << id;
    EXPECT_EQ(entry->id(), id);
  }
  EXPECT_TRUE(MemoryTable::find(t.c, "gone")->newest->older->tombstone());
  EXPECT_EQ(Bytes(MemoryTable::find(t.c, "late")->newest->document().begin(),
                  MemoryTable::find(t.c, "late")->newest->document().end()),
            late);
}

TEST(MemoryTable, EmptyLikeHasTheCollectionsAndIndexesButNoDocument) {
  Table t;
  t.table.add_index(t.c, "n");
  t.table.add_index(t.c, "tag");
  t.table.add_collection("d");
  t.put("a", 1, document("a", 1, "x"));
  const auto empty = t.table.empty_like();
  ASSERT_EQ(empty->collections(), 2u);
  ASSERT_NE(empty->collection("d"), nullptr);
  const auto* c = std::as_const(*empty).collection("c");
  ASSERT_NE(c, nullptr);
  ASSERT_EQ(c->indexes.size(), 2u);
  EXPECT_EQ(c->indexes[0]->path, "n");
  EXPECT_EQ(c->indexes[1]->path, "tag");
  EXPECT_EQ(c->documents.size() + c->indexes[0]->entries.size() + c->indexes[1]->entries.size(), 0u);
  EXPECT_EQ(empty->versions(), 0u);
  EXPECT_EQ(MemoryTable::find(t.c, "a")->newest->commit, CommitId(1));
}

// Documents of 200 bytes with one indexed string of 12, ids in any order.
TEST(MemoryTable, TakesAtMost120BytesOnTopOfADocument) {
  Table t;
  t.table.add_index(t.c, "tag");
  constexpr uint64_t kDocuments = 50'000;
  uint64_t document_bytes = 0;
  for (uint64_t i = 0; i < kDocuments; ++i) {
    const std::string number = std::to_string(10'000'000 + i * 30'011 % kDocuments);
    Bytes bytes;
    document::PackWriter out(bytes);
    out.map(3);
    out.field("_id", "document-" + number);
    out.field("tag", "tag-" + std::to_string(10'000'000 + i * 17'011 % kDocuments));
    out.field("text", std::string(200 - 47, 'x'));
    EXPECT_EQ(bytes.size(), 200u);
    document_bytes += bytes.size();
    t.put("document-" + number, i + 1, bytes);
  }
  EXPECT_LE(t.table.bytes() - document_bytes, 120 * kDocuments);
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
  EXPECT_EQ(MemoryTable::find(other, "a")->newest->commit, CommitId(2));
}

TEST(MemoryTableDeathTest, CommitThatDoesNotAscendIsABug) {
  Table t;
  t.put("a", 5, document("a", 1));
  EXPECT_DEATH(t.put("a", 5, document("a", 2)), "");
}

}  // namespace
}  // namespace aerodb::store
