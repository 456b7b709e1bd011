// Walking ids and index entries of a run, both ways.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

struct IndexPair {
  int64_t n;
  std::string id;
  friend auto operator<=>(const IndexPair&, const IndexPair&) = default;
};

class RunCursor : public ::testing::Test, public RunKit {
 protected:
  // The firsts met from where the cursor stands.
  static std::vector<std::string> rest(EntryCursor& cursor, Blocks& blocks, CursorState state) {
    std::vector<std::string> met;
    for (; state == CursorState::kAt; state = cursor.next(blocks)) {
      met.emplace_back(as_text(cursor.key().first));
      EXPECT_TRUE(cursor.key().second.empty());
    }
    EXPECT_EQ(state, CursorState::kEnd);
    return met;
  }
  std::vector<std::string> from(std::string_view id, Direction direction) {
    TestBlocks blocks(disk());
    const auto cursor = run->cursor("c", "");
    return rest(*cursor, blocks, cursor->seek(blocks, {as_bytes(id), {}}, direction));
  }
  std::vector<std::string> from_end(Direction direction) {
    TestBlocks blocks(disk());
    const auto cursor = run->cursor("c", "");
    return rest(*cursor, blocks, cursor->seek_end(blocks, direction));
  }
};

using Names = std::vector<std::string>;

TEST_F(RunCursor, IdsAreMetOnceHoweverManyVersionsTheyHave) {
  write({put("a", 1), put("b", 2), put("b", 3), removed("b", 4), put("d", 5), put("d", 6)});
  EXPECT_EQ(from_end(Direction::kAscending), (Names{"a", "b", "d"}));
  EXPECT_EQ(from_end(Direction::kDescending), (Names{"d", "b", "a"}));
}

TEST_F(RunCursor, SeekAscendingBeginsAtTheKeyAndDescendingBelowIt) {
  write({put("a", 1), put("b", 2), put("b", 3), put("d", 5)});
  EXPECT_EQ(from("", Direction::kAscending), (Names{"a", "b", "d"}));
  EXPECT_EQ(from("b", Direction::kAscending), (Names{"b", "d"}));
  EXPECT_EQ(from("c", Direction::kAscending), (Names{"d"}));
  EXPECT_EQ(from("e", Direction::kAscending), (Names{}));
  EXPECT_EQ(from("", Direction::kDescending), (Names{}));
  EXPECT_EQ(from("a", Direction::kDescending), (Names{}));
  EXPECT_EQ(from("b", Direction::kDescending), (Names{"a"}));
  EXPECT_EQ(from("c", Direction::kDescending), (Names{"b", "a"}));
  EXPECT_EQ(from("e", Direction::kDescending), (Names{"d", "b", "a"}));
}

TEST_F(RunCursor, ThereIsNoneForASectionThatIsNot) {
  write({put("a", 1), put("b", 2)});
  EXPECT_EQ(run->cursor("c", "n"), nullptr);  // no document has the field
  EXPECT_EQ(run->cursor("d", ""), nullptr);
}

// Blocks, partitions, and an id that spans several of them.
class LargeRunCursor : public RunCursor {
 protected:
  static constexpr int kIds = 12'000;
  static std::string id(int i) { return fmt::format("{:06}", i * 2); }
  LargeRunCursor() {
    std::vector<TestVersion> versions;
    for (int i = 0; i < kIds; ++i) {
      versions.push_back(put(id(i), 7, i % 100, 170));
      ids.push_back(id(i));
      entries.insert({i % 100, id(i)});
    }
    for (uint64_t v = 2; v <= 12'000; ++v) versions.push_back(put(id(77), 10 * v, 1'000 + int64_t(v) % 3, 170));
    for (int64_t n : {1'000, 1'001, 1'002}) entries.insert({n, id(77)});
    write(std::move(versions));
  }
  Names ids;
  std::set<IndexPair> entries;
};

TEST_F(LargeRunCursor, AllIdsAreMetInOrderBothWays) {
  EXPECT_EQ(from_end(Direction::kAscending), ids);
  EXPECT_EQ(from_end(Direction::kDescending), Names(ids.rbegin(), ids.rend()));
}

TEST_F(LargeRunCursor, EverySeekLandsWhereItShould) {
  TestBlocks blocks(disk());
  const auto cursor = run->cursor("c", "");
  for (int i = 0; i < kIds; ++i) {
    const std::string between = id(i) + "!";  // behind id(i), before id(i + 1)
    ASSERT_EQ(cursor->seek(blocks, {as_bytes(id(i)), {}}, Direction::kAscending), CursorState::kAt);
    ASSERT_EQ(as_text(cursor->key().first), id(i));
    ASSERT_EQ(cursor->seek(blocks, {as_bytes(between), {}}, Direction::kDescending), CursorState::kAt);
    ASSERT_EQ(as_text(cursor->key().first), id(i));
    if (i + 1 == kIds) continue;
    ASSERT_EQ(cursor->seek(blocks, {as_bytes(between), {}}, Direction::kAscending), CursorState::kAt);
    ASSERT_EQ(as_text(cursor->key().first), id(i + 1));
    ASSERT_EQ(cursor->seek(blocks, {as_bytes(id(i + 1)), {}}, Direction::kDescending), CursorState::kAt);
    ASSERT_EQ(as_text(cursor->key().first), id(i));
  }
}

TEST_F(LargeRunCursor, ManyVersionsOfOneIdAreNotReadToPassIt) {
  for (const auto& [direction, start, next] :
       {std::tuple(Direction::kAscending, id(77), id(78)), std::tuple(Direction::kDescending, id(77) + "!", id(76))}) {
    TestBlocks blocks(disk());
    const auto cursor = run->cursor("c", "");
    ASSERT_EQ(cursor->seek(blocks, {as_bytes(start), {}}, direction), CursorState::kAt);
    ASSERT_EQ(cursor->next(blocks), CursorState::kAt);
    EXPECT_EQ(as_text(cursor->key().first), next);
    EXPECT_LE(blocks.read(BlockKind::kDocuments), 4u);
  }
}

TEST_F(LargeRunCursor, IndexEntriesAreMetInOrderBothWays) {
  std::vector<std::pair<Bytes, std::string>> expected;
  for (const auto& [n, name] : entries) expected.emplace_back(index_key_of_int(n), name);
  ASSERT_EQ(run->section("c", "n")->entries, expected.size());
  for (const auto direction : {Direction::kAscending, Direction::kDescending}) {
    TestBlocks blocks(disk());
    const auto cursor = run->cursor("c", "n");
    std::vector<std::pair<Bytes, std::string>> met;
    auto state = cursor->seek_end(blocks, direction);
    for (; state == CursorState::kAt; state = cursor->next(blocks)) {
      const TreeKey key = cursor->key();
      met.emplace_back(Bytes(key.first.begin(), key.first.end()), as_text(key.second));
    }
    EXPECT_EQ(state, CursorState::kEnd);
    EXPECT_TRUE(met == expected);
    std::reverse(expected.begin(), expected.end());
  }
}

TEST_F(LargeRunCursor, IndexSeeksAreByValueThenId) {
  TestBlocks blocks(disk());
  const auto cursor = run->cursor("c", "n");
  const Bytes five = index_key_of_int(5);
  const Bytes six = index_key_of_int(6);
  const Bytes negative = index_key_of_int(-1);
  ASSERT_EQ(cursor->seek(blocks, {five, {}}, Direction::kAscending), CursorState::kAt);
  EXPECT_EQ(as_text(cursor->key().second), id(5));
  ASSERT_EQ(cursor->seek(blocks, {five, as_bytes(id(105))}, Direction::kAscending), CursorState::kAt);
  EXPECT_EQ(as_text(cursor->key().second), id(105));
  ASSERT_EQ(cursor->seek(blocks, {five, as_bytes(id(105))}, Direction::kDescending), CursorState::kAt);
  EXPECT_EQ(as_text(cursor->key().second), id(5));
  ASSERT_EQ(cursor->seek(blocks, {six, {}}, Direction::kDescending), CursorState::kAt);
  EXPECT_EQ(as_text(cursor->key().second), id(kIds - 95));
  EXPECT_EQ(cursor->seek(blocks, {negative, {}}, Direction::kDescending), CursorState::kEnd);
}

// Whatever the step at which a block is missing, a new cursor that seeks again once it is there goes on.
TEST_F(LargeRunCursor, AMissingBlockIsSaidAtEveryStep) {
  for (const auto direction : {Direction::kAscending, Direction::kDescending}) {
    TestBlocks blocks(disk());
    blocks.allow(0);
    size_t cold = 0;
    Names met;
    std::string key = direction == Direction::kAscending ? id(kIds - 800) : id(800);
    auto cursor = run->cursor("c", "");
    auto state = cursor->seek(blocks, {as_bytes(key), {}}, direction);
    while (state != CursorState::kEnd) {
      if (state == CursorState::kCold) {
        ++cold;
        blocks.allow(1);
        cursor = run->cursor("c", "");
        state = cursor->seek(blocks, {as_bytes(key), {}}, direction);
        continue;
      }
      met.emplace_back(as_text(cursor->key().first));
      key = direction == Direction::kAscending ? met.back() + '\0' : met.back();
      state = cursor->next(blocks);
    }
    const Names expected =
        direction == Direction::kAscending ? Names(ids.end() - 800, ids.end()) : Names(ids.rend() - 800, ids.rend());
    EXPECT_EQ(met, expected);
    EXPECT_GT(cold, 20u);
  }
}

}  // namespace
}  // namespace aerodb::store
