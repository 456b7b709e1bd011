#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/rules/rules_kit.h"

namespace aerodb::rules {

// A chain of nodes as the store has it, for the hot path.
struct ChainNode {
  CommitId commit;
  bool tombstone = false;
  const ChainNode* older = nullptr;
};
CommitId commit_of(const ChainNode* node) { return node->commit; }
const ChainNode* older_than(const ChainNode* node) { return node->older; }
bool is_tombstone(const ChainNode* node) { return node->tombstone; }

namespace {

using testing::Names;
using testing::not_holding;

struct Chains {
  std::vector<ChainNode> nodes;  // oldest first
  ReadVisibilityEvidence evidence;
  [[nodiscard]] const ChainNode* newest() const { return nodes.empty() ? nullptr : &nodes.back(); }
};

// The same random chain twice: as nodes and as evidence, newest first.
Chains random_chains(SeededRandom& random) {
  Chains chains;
  const uint64_t count = random.below(8);
  chains.nodes.reserve(count);
  uint64_t commit = 0;
  for (uint64_t i = 0; i < count; ++i) {
    commit += 1 + random.below(5);
    chains.nodes.push_back({CommitId(commit), random.one_in(3), chains.newest()});
  }
  for (auto node = chains.nodes.rbegin(); node != chains.nodes.rend(); ++node) {
    VersionEvidence version;
    version.commit = node->commit;
    version.kind = node->tombstone ? "tombstone" : "document";
    version.prev_commit = node->older == nullptr ? CommitId() : node->older->commit;
    chains.evidence.versions.push_back(version);
  }
  chains.evidence.commit = CommitId(random.below(commit + 4));
  return chains;
}

TEST(Visibility, HotPathEqualsRecordedPathOnRandomChains) {
  SeededRandom random(21);
  size_t visible = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto chains = random_chains(random);
    const auto* seen = visible_version(chains.newest(), chains.evidence.commit);
    RecordingTrace trace;
    const auto decided = decide_visibility(chains.evidence, trace);
    ASSERT_EQ(decided == Visibility::kVisible, seen != nullptr);
    if (seen != nullptr) {
      ++visible;
      ASSERT_EQ(chains.evidence.candidate_commit, seen->commit);
    }
    // Against the definition: the newest with commit <= bound.
    const ChainNode* newest = nullptr;
    for (const auto& node : chains.nodes) {
      if (node.commit <= chains.evidence.commit) newest = &node;
    }
    ASSERT_EQ(seen, newest != nullptr && !newest->tombstone ? newest : nullptr);
  }
  EXPECT_GT(visible, 5'000u);
}

ReadVisibilityEvidence two_versions() {
  ReadVisibilityEvidence e;
  e.collection = "c";
  e.id = "x";
  e.commit = CommitId(9);
  e.floor = CommitId(2);
  e.versions = {{CommitId(8), Lsn(10), "document", 1, {}, CommitId(4)},
                {CommitId(4), Lsn(6), "document", 1, {}, CommitId()}};
  return e;
}

struct VisibilityOutcome {
  Visibility visibility;
  Names failing;
};
VisibilityOutcome decide(ReadVisibilityEvidence e) {
  RecordingTrace trace;
  const auto visibility = decide_visibility(e, trace);
  EXPECT_EQ(trace.entries().size(), 4u);
  return {visibility, not_holding(trace)};
}

TEST(Visibility, NewestVersionWithinTheBoundIsSeen) {
  auto e = two_versions();
  EXPECT_EQ(decide(e).visibility, Visibility::kVisible);
  EXPECT_TRUE(decide(e).failing.empty());
  e.commit = CommitId(7);
  RecordingTrace trace;
  EXPECT_EQ(decide_visibility(e, trace), Visibility::kVisible);
  EXPECT_EQ(e.candidate_commit, CommitId(4));
}

TEST(Visibility, EachRuleAloneIsNamed) {
  auto e = two_versions();
  e.commit = CommitId(3);
  EXPECT_EQ(decide(e).visibility, Visibility::kNoVisibleVersion);
  EXPECT_EQ(decide(e).failing, (Names{"MVCC-1", "MVCC-3"}));  // no candidate, so no document either

  e = two_versions();
  e.versions[0].kind = "tombstone";
  EXPECT_EQ(decide(e).visibility, Visibility::kNoVisibleVersion);
  EXPECT_EQ(decide(e).failing, Names{"MVCC-3"});

  e = two_versions();
  e.floor = CommitId(10);
  EXPECT_EQ(decide(e).visibility, Visibility::kBelowFloor);
  EXPECT_EQ(decide(e).failing, Names{"MVCC-4"});

  e = two_versions();
  e.versions[0].prev_commit = CommitId(3);
  EXPECT_EQ(decide(e).failing, Names{"MVCC-5"});
  e = two_versions();
  std::swap(e.versions[0].commit, e.versions[1].commit);
  EXPECT_EQ(decide(e).failing, Names{"MVCC-5"});
}

TEST(Visibility, BoundAtTheFloorIsReadable) {
  auto e = two_versions();
  e.floor = e.commit;
  EXPECT_EQ(decide(e).visibility, Visibility::kVisible);
}

}  // namespace
}  // namespace aerodb::rules
