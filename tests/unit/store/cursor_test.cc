#include "common/store/cursor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/base/random.h"
#include "common/store/memory_cursor.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using testing::document_of;
using testing::index_key_of_int;
using Key = std::pair<std::string, std::string>;
using Keys = std::set<Key>;

// Memory tables and lists need none.
class NoBlocks final : public Blocks {
 public:
  const Block* find(const Run& /*run*/, const BlockHandle& /*handle*/) override { return nullptr; }
  [[nodiscard]] const std::optional<Error>& trouble() const override { return trouble_; }

 private:
  std::optional<Error> trouble_;
};

TreeKey tree_key(const Key& key) { return {as_bytes(key.first), as_bytes(key.second)}; }
Key key_at(const EntryCursor& cursor) {
  const TreeKey key = cursor.key();
  return {std::string(as_text(key.first)), std::string(as_text(key.second))};
}

// What is left from where the cursor stands.
std::vector<Key> rest(EntryCursor& cursor, CursorState state, size_t most = SIZE_MAX) {
  NoBlocks blocks;
  std::vector<Key> keys;
  for (; state == CursorState::kAt && keys.size() < most; state = cursor.next(blocks)) keys.push_back(key_at(cursor));
  return keys;
}

std::vector<Key> ascending_from(const Keys& keys, const Key& from) { return {keys.lower_bound(from), keys.end()}; }
std::vector<Key> descending_below(const Keys& keys, const Key& below) {
  std::vector<Key> found(keys.begin(), keys.lower_bound(below));
  std::ranges::reverse(found);
  return found;
}

void expect_equal(EntryCursor& cursor, const Keys& keys, const std::vector<Key>& probes) {
  NoBlocks blocks;
  EXPECT_EQ(rest(cursor, cursor.seek_end(blocks, Direction::kAscending)), ascending_from(keys, {}));
  std::vector<Key> backwards(keys.rbegin(), keys.rend());
  EXPECT_EQ(rest(cursor, cursor.seek_end(blocks, Direction::kDescending)), backwards);
  for (const auto& probe : probes) {
    EXPECT_EQ(rest(cursor, cursor.seek(blocks, tree_key(probe), Direction::kAscending)), ascending_from(keys, probe));
    EXPECT_EQ(rest(cursor, cursor.seek(blocks, tree_key(probe), Direction::kDescending)),
              descending_below(keys, probe));
  }
}

struct IndexedTable {
  MemoryTable table;
  uint64_t commit = 0;
  Keys ids;
  Keys values;

  IndexedTable() { table.add_index(table.add_collection("c"), "n"); }
  void put(const std::string& id, int64_t n) {
    table.put(*table.collection("c"), id, CommitId(++commit), 1, document_of(id, n));
    ids.insert({id, ""});
    values.insert({std::string(as_text(index_key_of_int(n))), id});
  }
};

std::string random_id(SeededRandom& random) { return std::to_string(random.below(300)); }
Key random_value(SeededRandom& random) {
  return {std::string(as_text(index_key_of_int(static_cast<int64_t>(random.below(12)) - 6))), random_id(random)};
}

TEST(MemoryCursor, WalksIdsAndIndexesBothWays) {
  SeededRandom random(1);
  IndexedTable t;
  for (int i = 0; i < 400; ++i) t.put(random_id(random), static_cast<int64_t>(random.below(10)) - 5);
  std::vector<Key> ids, values;
  for (int i = 0; i < 60; ++i) {
    ids.push_back({random_id(random), ""});
    values.push_back(random_value(random));
  }
  expect_equal(*memory_cursor(t.table, "c", ""), t.ids, ids);
  expect_equal(*memory_cursor(t.table, "c", "n"), t.values, values);
}

TEST(MemoryCursor, IsNoneWhereNothingIs) {
  IndexedTable t;
  EXPECT_EQ(memory_cursor(t.table, "c", ""), nullptr);
  EXPECT_EQ(memory_cursor(t.table, "c", "n"), nullptr);
  t.put("a", 1);
  EXPECT_EQ(memory_cursor(t.table, "d", ""), nullptr);
  EXPECT_EQ(memory_cursor(t.table, "c", "m"), nullptr);
}

TEST(MergedCursor, EqualsTheUnionOfItsPartsBothWays) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRandom random(seed);
    std::vector<IndexedTable> tables(1 + random.below(5));
    Keys ids, values;
    for (auto& t : tables) {
      for (uint64_t puts = 1 + random.below(80); puts > 0; --puts)
        t.put(random_id(random), static_cast<int64_t>(random.below(10)) - 5);
      ids.insert(t.ids.begin(), t.ids.end());
      values.insert(t.values.begin(), t.values.end());
    }
    auto merged = [&](std::string_view path) {
      std::vector<std::unique_ptr<EntryCursor>> parts;
      parts.reserve(tables.size());
      for (const auto& t : tables) parts.push_back(memory_cursor(t.table, "c", path));
      return MergedCursor(std::move(parts));
    };
    std::vector<Key> id_probes, value_probes;
    for (int i = 0; i < 20; ++i) {
      id_probes.push_back({random_id(random), ""});
      value_probes.push_back(random_value(random));
    }
    auto over_ids = merged("");
    auto over_values = merged("n");
    expect_equal(over_ids, ids, id_probes);
    expect_equal(over_values, values, value_probes);
  }
}

TEST(MergedCursor, OfNothingIsAtItsEnd) {
  NoBlocks blocks;
  MergedCursor cursor({});
  EXPECT_EQ(cursor.seek(blocks, {}, Direction::kAscending), CursorState::kEnd);
  EXPECT_EQ(cursor.seek_end(blocks, Direction::kDescending), CursorState::kEnd);
}

// Stands at each of its keys, and is cold at those that are marked.
class ScriptedCursor final : public EntryCursor {
 public:
  ScriptedCursor(std::vector<std::string> keys, std::set<std::string> cold, int& seeks)
      : keys_(std::move(keys)), cold_(std::move(cold)), seeks_(seeks) {}
  CursorState seek(Blocks& /*blocks*/, const TreeKey& key, Direction /*direction*/) override {
    ++seeks_;
    at_ = 0;
    while (at_ < keys_.size() && keys_[at_] < as_text(key.first)) ++at_;
    return state();
  }
  CursorState seek_end(Blocks& blocks, Direction direction) override { return seek(blocks, {}, direction); }
  CursorState next(Blocks& /*blocks*/) override {
    ++at_;
    return state();
  }
  [[nodiscard]] TreeKey key() const override { return {as_bytes(keys_[at_]), {}}; }

 private:
  [[nodiscard]] CursorState state() const {
    if (at_ == keys_.size()) return CursorState::kEnd;
    return cold_.contains(keys_[at_]) ? CursorState::kCold : CursorState::kAt;
  }
  std::vector<std::string> keys_;
  std::set<std::string> cold_;
  int& seeks_;
  size_t at_ = 0;
};

TEST(MergedCursor, IsColdWhereAnyPartIsAndStillAsksTheOthers) {
  NoBlocks blocks;
  int seeks = 0;
  std::vector<std::unique_ptr<EntryCursor>> parts;
  parts.push_back(std::make_unique<ScriptedCursor>(std::vector<std::string>{"b", "d"}, std::set<std::string>{}, seeks));
  parts.push_back(
      std::make_unique<ScriptedCursor>(std::vector<std::string>{"a", "b", "c"}, std::set<std::string>{"c"}, seeks));
  parts.push_back(std::make_unique<ScriptedCursor>(std::vector<std::string>{"e"}, std::set<std::string>{}, seeks));
  MergedCursor cursor(std::move(parts));
  EXPECT_EQ(cursor.seek_end(blocks, Direction::kAscending), CursorState::kAt);
  EXPECT_EQ(key_at(cursor).first, "a");
  EXPECT_EQ(cursor.next(blocks), CursorState::kAt);
  EXPECT_EQ(key_at(cursor).first, "b");
  EXPECT_EQ(cursor.next(blocks), CursorState::kCold);  // "d" and "e" are at hand, but "c" may come before them
  seeks = 0;
  EXPECT_EQ(cursor.seek(blocks, {as_bytes("c"), {}}, Direction::kAscending), CursorState::kCold);
  EXPECT_EQ(seeks, 3);
}

}  // namespace
}  // namespace aerodb::store
