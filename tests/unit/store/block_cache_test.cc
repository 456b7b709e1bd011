#include "common/store/block_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using testing::put;
using testing::RunKit;

BlockRef block_of(size_t bytes) { return std::make_shared<Block>(Block{Bytes(bytes), BlockKind::kDocuments}); }
BlockHandle at(uint64_t offset) { return {offset, 100, BlockKind::kDocuments}; }

TEST(BlockCache, LeastRecentlyUsedLeavesFirst) {
  BlockCache cache(4'000);
  for (uint64_t offset : {1, 2, 3}) cache.insert(7, at(offset), block_of(1'000));
  EXPECT_NE(cache.find(7, at(1)), nullptr);
  cache.insert(7, at(4), block_of(1'000));
  EXPECT_EQ(cache.find(7, at(2)), nullptr);
  for (uint64_t offset : {1, 3, 4}) EXPECT_NE(cache.find(7, at(offset)), nullptr) << offset;
  EXPECT_LE(cache.bytes(), cache.max_bytes());
  EXPECT_EQ(cache.counters().evicted, 1u);
  EXPECT_EQ(cache.counters().hits, 4u);
  EXPECT_EQ(cache.counters().misses, 1u);
}

TEST(BlockCache, WhatIsHeldStaysBeyondTheBound) {
  BlockCache cache(2'500);
  const auto held = block_of(1'000);
  cache.insert(1, at(1), held);
  for (uint64_t offset = 2; offset < 20; ++offset) cache.insert(1, at(offset), block_of(1'000));
  EXPECT_EQ(cache.find(1, at(1)), held);
  EXPECT_LE(cache.bytes(), 2'500u);

  std::vector<BlockRef> all;
  for (uint64_t offset = 20; offset < 30; ++offset) {
    all.push_back(block_of(1'000));
    cache.insert(1, at(offset), all.back());
  }
  EXPECT_GT(cache.bytes(), 11'000u);
  all.clear();
  cache.shrink();
  EXPECT_LE(cache.bytes(), 2'500u);
  EXPECT_EQ(cache.find(1, at(1)), held);
}

TEST(BlockCache, BlockLargerThanTheBoundIsNotKept) {
  BlockCache cache(1'000);
  cache.insert(1, at(1), block_of(5'000));
  EXPECT_EQ(cache.find(1, at(1)), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(BlockCache, ForgetsARunWholly) {
  BlockCache cache(1 << 20);
  for (RunNumber run : {1, 2, 3}) {
    for (uint64_t offset : {0, 64}) cache.insert(run, at(offset), block_of(100));
  }
  const uint64_t bytes = cache.bytes();
  cache.forget(2);
  EXPECT_EQ(cache.bytes() * 3, bytes * 2);
  EXPECT_EQ(cache.find(2, at(0)), nullptr);
  EXPECT_EQ(cache.find(2, at(64)), nullptr);
  EXPECT_NE(cache.find(1, at(64)), nullptr);
  EXPECT_NE(cache.find(3, at(0)), nullptr);
  EXPECT_EQ(cache.counters().evicted, 0u);
}

TEST(BlockCache, TheFirstBlockInsertedStays) {
  BlockCache cache(1 << 20);
  const auto first = block_of(100);
  cache.insert(1, at(1), first);
  const uint64_t bytes = cache.bytes();
  cache.insert(1, at(1), block_of(100));
  EXPECT_EQ(cache.find(1, at(1)), first);
  EXPECT_EQ(cache.bytes(), bytes);
}

// A run of a thousand documents, in many blocks.
struct Leases : RunKit {
  Leases() {
    std::vector<testing::TestVersion> versions;
    versions.reserve(1'000);
    for (int i = 0; i < 1'000; ++i) versions.push_back(put(id(i), static_cast<uint64_t>(i) + 1, i, 100));
    write(std::move(versions));
  }
  static std::string id(int i) { return "id-" + std::to_string(10'000 + i); }
  [[nodiscard]] std::optional<VersionView> find(Blocks& blocks, int i) const {
    return run->find(blocks, "c", id(i), CommitId(1'000'000));
  }
  // Runs what is under way.
  void settle() { ASSERT_TRUE(process().world().run_to_idle()); }
  void fetch(const std::shared_ptr<LeasedBlocks>& blocks) {
    bool done = false;
    blocks->fetch(process().jobs(), [blocks, &done] { done = true; });
    settle();
    EXPECT_TRUE(done);
  }
};

TEST(LeasedBlocks, MissingBlocksAreFetchedIntoCacheAndLease) {
  Leases node;
  BlockCache cache(1 << 20);
  const auto blocks = std::make_shared<LeasedBlocks>(cache);
  EXPECT_FALSE(blocks->cold());
  int fetches = 0;
  while (!node.find(*blocks, 500)) {
    ASSERT_TRUE(blocks->cold());
    node.fetch(blocks);
    EXPECT_FALSE(blocks->cold());
    ++fetches;
  }
  EXPECT_GE(fetches, 2);  // separators, then documents
  EXPECT_EQ(node.find(*blocks, 500)->commit, CommitId(501));
  const auto misses = cache.counters().misses;
  const auto hits = cache.counters().hits;
  EXPECT_EQ(misses, static_cast<uint64_t>(fetches));
  EXPECT_TRUE(node.find(*blocks, 500));
  EXPECT_EQ(cache.counters().hits, hits);  // the lease has them
  LeasedBlocks another(cache);
  EXPECT_TRUE(node.find(another, 500));
  EXPECT_EQ(cache.counters().hits, hits + static_cast<uint64_t>(fetches));
  EXPECT_EQ(cache.counters().misses, misses);
}

TEST(LeasedBlocks, LeaseOutlivesTheCachesMemory) {
  Leases node;
  BlockCache cache(1);  // holds nothing by itself
  const auto blocks = std::make_shared<LeasedBlocks>(cache);
  for (int i : {1, 500, 999}) {
    while (!node.find(*blocks, i)) node.fetch(blocks);
  }
  const auto found = node.find(*blocks, 1);
  ASSERT_TRUE(found.has_value());
  const Bytes document(found->document.begin(), found->document.end());
  EXPECT_EQ(document, put(Leases::id(1), 2, 1, 100).document);
  EXPECT_GT(cache.bytes(), 10'000u);
  blocks->release();
  cache.shrink();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(node.find(*blocks, 1), std::nullopt);
}

TEST(LeasedBlocks, EachMissingBlockIsNotedOnce) {
  Leases node;
  BlockCache cache(1 << 20);
  const auto blocks = std::make_shared<LeasedBlocks>(cache);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(node.find(*blocks, i), std::nullopt);
  EXPECT_EQ(cache.counters().misses, 1u);
  const uint64_t calls = node.process().disk_calls();
  node.fetch(blocks);
  EXPECT_LE(node.process().disk_calls() - calls, 3u);  // open, one read, and no more than another
}

TEST(LeasedBlocks, FailedFetchIsTold) {
  Leases node;
  node.flip(node.run->section("c", "")->top.offset + 3, 0x10);
  BlockCache cache(1 << 20);
  const auto blocks = std::make_shared<LeasedBlocks>(cache);
  EXPECT_EQ(node.find(*blocks, 1), std::nullopt);
  EXPECT_EQ(blocks->trouble(), std::nullopt);
  node.fetch(blocks);
  ASSERT_TRUE(blocks->trouble().has_value());
  EXPECT_EQ(blocks->trouble()->code, ErrorCode::kRunDamaged);
  EXPECT_EQ(node.find(*blocks, 1), std::nullopt);
  EXPECT_FALSE(blocks->cold());
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(LeasedBlocks, MissingFileIsTold) {
  Leases node;
  BlockCache cache(1 << 20);
  const auto blocks = std::make_shared<LeasedBlocks>(cache);
  EXPECT_EQ(node.find(*blocks, 1), std::nullopt);
  ASSERT_TRUE(node.disk().remove(node.path()));
  node.fetch(blocks);
  ASSERT_TRUE(blocks->trouble().has_value());
  EXPECT_EQ(blocks->trouble()->code, ErrorCode::kIo);
}

TEST(DirectBlocks, ReadsOnTheSpotWithinItsBound) {
  Leases node;
  DirectBlocks blocks(node.disk(), 40'000);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1'000; ++i) {
      const auto found = node.find(blocks, i);
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(found->commit, CommitId(static_cast<uint64_t>(i) + 1));
      if (i % 10 == 0) blocks.settle();
    }
  }
  EXPECT_EQ(blocks.trouble(), std::nullopt);
}

TEST(DirectBlocks, ViewsHoldUntilItIsSettled) {
  Leases node;
  DirectBlocks blocks(node.disk(), 1);
  const auto first = node.find(blocks, 0);
  for (int i = 1; i < 1'000; ++i) ASSERT_TRUE(node.find(blocks, i));
  EXPECT_TRUE(std::ranges::equal(first->document, put(Leases::id(0), 1, 0, 100).document));
}

TEST(DirectBlocks, DamageIsTold) {
  Leases node;
  node.flip(node.run->section("c", "")->top.offset + 3, 0x10);
  DirectBlocks blocks(node.disk(), 1 << 20);
  EXPECT_EQ(node.find(blocks, 1), std::nullopt);
  ASSERT_TRUE(blocks.trouble().has_value());
  EXPECT_EQ(blocks.trouble()->code, ErrorCode::kRunDamaged);
  DirectBlocks elsewhere(node.disk(), 1 << 20);
  ASSERT_TRUE(node.disk().remove(node.path()));
  EXPECT_EQ(node.find(elsewhere, 1), std::nullopt);
  EXPECT_EQ(elsewhere.trouble()->code, ErrorCode::kIo);
}

}  // namespace
}  // namespace aerodb::store
