// Lookups of versions in a run: which one is answered, what has to be read for it, and that nothing present is ever
// called absent.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/document/msgpack.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

constexpr uint64_t kAll = 1'000'000;

class RunLookup : public ::testing::TestWithParam<Compression>, public RunKit {
 protected:
  void write(std::vector<TestVersion> versions) { RunKit::write(std::move(versions), with(GetParam())); }
  // The commit found; 0: none.
  uint64_t commit(std::string_view id, uint64_t bound, std::string_view collection = "c") {
    TestBlocks blocks(disk());
    const auto found = run->find(blocks, collection, id, CommitId(bound));
    EXPECT_TRUE(found);
    EXPECT_FALSE(blocks.trouble());
    return found ? found->commit.value() : 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Compressions, RunLookup, ::testing::Values(Compression::kNone, Compression::kZstd));

TEST_P(RunLookup, AnswersTheNewestVersionAtOrBelowTheBound) {
  write({put("a", 5, 1), put("b", 3, 1), put("b", 7, 2), removed("b", 9), put("d", 6)});
  struct Case {
    std::string_view id;
    uint64_t bound, commit;
  };
  for (const auto& c : std::vector<Case>{{"a", kAll, 5},
                                         {"a", 5, 5},
                                         {"a", 4, 0},
                                         {"b", kAll, 9},
                                         {"b", 9, 9},
                                         {"b", 8, 7},
                                         {"b", 6, 3},
                                         {"b", 2, 0},
                                         {"c", kAll, 0},
                                         {"d", 6, 6},
                                         {"", kAll, 0},
                                         {"bb", kAll, 0},
                                         {"e", kAll, 0}}) {
    EXPECT_EQ(commit(c.id, c.bound), c.commit) << c.id << " at " << c.bound;
  }
}

TEST_P(RunLookup, AnswersDocumentsAndTombstonesAsWritten) {
  write({put("a", 5, 1), removed("b", 9)});
  TestBlocks blocks(disk());
  const auto live = run->find(blocks, "c", "a", CommitId(kAll));
  ASSERT_TRUE(live && live->live());
  EXPECT_EQ(Bytes(live->document.begin(), live->document.end()), document_of("a", 1));
  const auto gone = run->find(blocks, "c", "b", CommitId(kAll));
  ASSERT_TRUE(gone && *gone);
  EXPECT_TRUE(gone->tombstone());
  EXPECT_TRUE(gone->document.empty());
}

TEST_P(RunLookup, CollectionsDoNotMix) {
  write({{"c", "a", 5, document_of("a", 1)}, {"d", "a", 6, document_of("a", 2)}, {"d", "b", 7, {}}});
  EXPECT_EQ(commit("a", kAll, "c"), 5u);
  EXPECT_EQ(commit("a", kAll, "d"), 6u);
  EXPECT_EQ(commit("b", kAll, "c"), 0u);
  EXPECT_EQ(commit("a", kAll, "e"), 0u);
  EXPECT_EQ(commit("a", kAll, ""), 0u);
}

TEST_P(RunLookup, ARunWithoutVersionsHoldsNothing) {
  write({});
  EXPECT_EQ(info.versions, 0u);
  EXPECT_EQ(commit("a", kAll), 0u);
  EXPECT_EQ(run->cursor("c", ""), nullptr);
  EXPECT_TRUE(scan().empty());
  EXPECT_TRUE(verify());
}

// Ids of many blocks and partitions, and one whose versions fill several partitions by themselves.
class LargeRun : public RunLookup {
 protected:
  static constexpr uint64_t kIds = 12'000;
  static constexpr uint64_t kVersions = 12'000;
  static std::string id(uint64_t i) { return fmt::format("id-{:08}", i * 2); }
  LargeRun() {
    std::vector<TestVersion> versions;
    for (uint64_t i = 0; i < kIds; ++i) versions.push_back(put(id(i), 7, std::nullopt, 170));
    for (uint64_t v = 1; v <= kVersions; ++v) versions.push_back(put("id-00000010+", 10 * v, std::nullopt, 170));
    write(std::move(versions));
  }
};
INSTANTIATE_TEST_SUITE_P(Compressions, LargeRun, ::testing::Values(Compression::kNone, Compression::kZstd));

TEST_P(LargeRun, EveryIdIsFoundByReadingOneBlockOfEachLevel) {
  const RunSection* section = run->section("c", "");
  ASSERT_NE(section, nullptr);
  ASSERT_EQ(section->height, 2u);
  TestBlocks blocks(disk());
  for (uint64_t i = 0; i < kIds; ++i) {
    if (i % 40 == 0) blocks.clear();
    const size_t before = blocks.read(BlockKind::kDocuments);
    const auto found = run->find(blocks, "c", id(i), CommitId(kAll));
    ASSERT_TRUE(found && found->commit == CommitId(7)) << i;
    EXPECT_LE(blocks.read(BlockKind::kDocuments), before + 1) << i;
    EXPECT_EQ(run->find(blocks, "c", id(i), CommitId(6))->commit, CommitId());
  }
  blocks.clear();
  ASSERT_TRUE(run->find(blocks, "c", id(kIds / 2), CommitId(kAll)));
  EXPECT_EQ(blocks.read(BlockKind::kInner), 1u);
  EXPECT_EQ(blocks.read(BlockKind::kPartition), 1u);
  EXPECT_EQ(blocks.read(BlockKind::kDocuments), 1u);
}

TEST_P(LargeRun, EveryVersionOfOneIdIsFoundByReadingOneBlock) {
  TestBlocks blocks(disk());
  for (uint64_t v = 1; v <= kVersions; v += 7) {
    for (const uint64_t bound : {10 * v, 10 * v + 9}) {
      blocks.clear();
      const auto found = run->find(blocks, "c", "id-00000010+", CommitId(bound));
      ASSERT_TRUE(found);
      ASSERT_EQ(found->commit, CommitId(10 * v));
      ASSERT_EQ(blocks.read(BlockKind::kDocuments), 1u);
    }
  }
  EXPECT_EQ(commit("id-00000010+", 9), 0u);
}

TEST_P(LargeRun, AbsentIdsSeldomCostABlock) {
  TestBlocks blocks(disk());
  for (uint64_t i = 0; i < 2'000; ++i) {
    const auto found = run->find(blocks, "c", fmt::format("id-{:08}", 2 * i * (kIds / 2'000) + 1), CommitId(kAll));
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
  }
  EXPECT_LT(blocks.read(BlockKind::kDocuments), 100u);
}

TEST_P(LargeRun, AMissingBlockIsSaidAtEachLevel) {
  for (size_t at_hand = 0; at_hand < 3; ++at_hand) {
    TestBlocks blocks(disk());
    blocks.allow(at_hand);
    EXPECT_EQ(run->find(blocks, "c", id(5), CommitId(kAll)), std::nullopt) << at_hand;
    blocks.allow(3);
    EXPECT_TRUE(run->find(blocks, "c", id(5), CommitId(kAll)));
  }
}

TEST_P(LargeRun, IsCompleteByItsOwnVerification) {
  const auto verified = verify();
  EXPECT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(scan().size(), kIds + kVersions);
}

TEST_P(RunLookup, DocumentsOfEightMebibytesAreFoundAmongSmallOnes) {
  constexpr size_t kLarge = (8u << 20) - 64;
  write({put("a", 1), put("b", 2, 1, kLarge), put("b", 5, 2, kLarge), put("c", 3), put("d", 4, 3, kLarge)});
  EXPECT_EQ(commit("a", kAll), 1u);
  EXPECT_EQ(commit("c", kAll), 3u);
  EXPECT_EQ(commit("b", 4), 2u);
  TestBlocks blocks(disk());
  const auto found = run->find(blocks, "c", "b", CommitId(kAll));
  ASSERT_TRUE(found);
  EXPECT_EQ(Bytes(found->document.begin(), found->document.end()), document_of("b", 2, kLarge));
  EXPECT_TRUE(verify());
}

TEST_P(RunLookup, IdsOfAnyBytesAndLengthAreKept) {
  const std::vector<std::string> ids = {std::string(1, '\0'),  std::string(2, '\0'),  "\xff",
                                        std::string(512, 'a'), std::string(511, 'a'), std::string(511, 'a') + '\0'};
  std::vector<TestVersion> versions;
  for (size_t i = 0; i < ids.size(); ++i) versions.push_back({"c", ids[i], i + 1, document_of("any", 1)});
  write(versions);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(commit(ids[i], kAll), i + 1);
  EXPECT_TRUE(verify());
}

// Long ids fill the levels above soon; indexed values of 3 MiB leave two children to a node.
TEST_P(RunLookup, NodesOfLongKeysMakeMoreLevels) {
  std::vector<TestVersion> versions;
  for (uint64_t i = 0; i < 7; ++i) {
    Bytes document;
    document::PackWriter out(document);
    out.map(1);
    out.field("n", std::string_view(std::string(3u << 20, 'v') + std::to_string(i)));
    versions.push_back({"c", std::to_string(i), i + 1, document});
  }
  write(versions);
  const RunSection* index = run->section("c", "n");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->height, 3u);
  EXPECT_EQ(index->entries, 7u);
  EXPECT_EQ(commit("3", kAll), 4u);
  TestBlocks blocks(disk());
  const auto cursor = run->cursor("c", "n");
  std::string ids;
  for (auto at = cursor->seek_end(blocks, Direction::kDescending); at == CursorState::kAt; at = cursor->next(blocks))
    ids += as_text(cursor->key().second);
  EXPECT_EQ(ids, "6543210");
  EXPECT_TRUE(verify());
}

}  // namespace
}  // namespace aerodb::store
