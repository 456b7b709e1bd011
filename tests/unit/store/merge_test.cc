#include "common/store/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "common/base/fault.h"
#include "common/base/random.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using testing::put;
using testing::removed;
using testing::RunKit;
using testing::TestVersion;

class ListedVersions final : public VersionSource {
 public:
  explicit ListedVersions(std::vector<TestVersion> versions) : versions_(std::move(versions)) {
    testing::sort_versions(versions_);
  }
  Result<std::optional<RunVersion>> next() override {
    if (at_ == versions_.size()) return std::nullopt;
    answered_ = versions_[at_++];  // the one before is overwritten: its views are void
    return testing::view_of(answered_);
  }

 private:
  std::vector<TestVersion> versions_;
  TestVersion answered_;
  size_t at_ = 0;
};

TestVersion copy_of(const RunVersion& v) {
  EXPECT_EQ(v.schema_version == 0, v.document.empty());
  return {std::string(v.collection), std::string(v.id), v.commit.value(), Bytes(v.document.begin(), v.document.end())};
}

std::vector<TestVersion> all_of(VersionSource& source) {
  std::vector<TestVersion> versions;
  while (true) {
    auto version = source.next();
    EXPECT_TRUE(version) << version.error().message;
    if (!version || !*version) return versions;
    versions.push_back(copy_of(**version));
  }
}

using Layer = std::vector<TestVersion>;  // oldest layer first in what follows
std::vector<TestVersion> merged(const std::vector<Layer>& layers, const MergeOptions& options) {
  std::vector<std::unique_ptr<VersionSource>> sources;
  for (size_t i = layers.size(); i-- > 0;) sources.push_back(std::make_unique<ListedVersions>(layers[i]));
  return all_of(*merge_versions(std::move(sources), options));
}

// The document that a read at `bound` sees; empty: none.
Bytes seen(const std::vector<Layer>& layers, const std::string& id, uint64_t bound) {
  const TestVersion* newest = nullptr;
  for (const auto& layer : layers) {
    for (const auto& version : layer) {
      if (version.id != id || version.commit > bound) continue;
      if (newest == nullptr || newest->commit < version.commit) newest = &version;
    }
  }
  return newest == nullptr ? Bytes() : newest->document;
}

struct FloorCase {
  std::string name;
  std::vector<Layer> layers;
  uint64_t floor;
  bool bottom;
  std::vector<TestVersion> kept;
};

TEST(Merge, FloorLetsGoWhatNoReadCanSee) {
  const FloorCase cases[] = {
      {"floor 0 keeps all",
       {{put("a", 1), removed("a", 2)}, {put("a", 3)}},
       0,
       true,
       {put("a", 3), removed("a", 2), put("a", 1)}},
      {"newest at or below stays", {{put("a", 1), put("a", 3)}, {put("a", 5)}}, 4, true, {put("a", 5), put("a", 3)}},
      {"at the floor itself", {{put("a", 1), put("a", 3)}, {put("a", 5)}}, 3, true, {put("a", 5), put("a", 3)}},
      {"floor above all keeps one", {{put("a", 1)}, {put("a", 5)}}, 9, true, {put("a", 5)}},
      {"bottom drops a tombstone at the floor", {{put("a", 1)}, {removed("a", 3)}}, 3, true, {}},
      {"a tombstone above the floor stays",
       {{put("a", 1)}, {removed("a", 3)}},
       2,
       true,
       {removed("a", 3), put("a", 1)}},
      {"one above older runs stays", {{put("a", 1)}, {removed("a", 3)}}, 3, false, {removed("a", 3)}},
      {"what follows a dropped tombstone stays",
       {{put("a", 1), removed("a", 3)}, {put("a", 5)}},
       4,
       true,
       {put("a", 5)}},
      {"each document by itself",
       {{put("a", 1), put("b", 2), removed("c", 3)}, {put("a", 4), put("c", 5)}},
       4,
       true,
       {put("a", 4), put("b", 2), put("c", 5)}},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(merged(test.layers, {CommitId(test.floor), test.bottom}), test.kept) << test.name;
  }
}

TEST(Merge, CollectionsOfOneIdDoNotMix) {
  TestVersion other = put("a", 2);
  other.collection = "d";
  EXPECT_EQ(merged({{put("a", 1), other}, {put("a", 3)}}, {CommitId(9), true}),
            (std::vector<TestVersion>{put("a", 3), other}));
}

// Random layers: a merge of all or of the newest ones changes no answer at or above the floor, and keeps nothing that
// it need not.
TEST(Merge, ReadsAtOrAboveTheFloorAnswerAsBefore) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    std::vector<Layer> layers(1 + random.below(6));
    uint64_t commit = 0;
    std::map<std::string, bool> live;
    for (auto& layer : layers) {
      for (uint64_t count = random.below(25); count > 0; --count) {
        const std::string id = "id-" + std::to_string(random.below(8));
        const bool remove = live[id] && random.one_in(3);
        live[id] = !remove;
        ++commit;
        layer.push_back(remove ? removed(id, commit) : put(id, commit, static_cast<int64_t>(commit)));
      }
    }
    const uint64_t floor = random.below(commit + 2);
    const size_t below = random.below(layers.size());
    const std::vector<Layer> upper(layers.begin() + static_cast<ptrdiff_t>(below), layers.end());
    const auto kept = merged(upper, {CommitId(floor), below == 0});
    EXPECT_TRUE(std::ranges::is_sorted(kept, [](const TestVersion& a, const TestVersion& b) {
      return a.id != b.id ? a.id < b.id : a.commit > b.commit;
    }));
    std::vector<Layer> after(layers.begin(), layers.begin() + static_cast<ptrdiff_t>(below));
    after.push_back(kept);
    std::map<std::string, int> at_or_below;
    for (const auto& version : kept) at_or_below[version.id] += version.commit <= floor ? 1 : 0;
    for (const auto& [id, is_live] : live) {
      for (uint64_t bound = floor; bound <= commit; ++bound)
        ASSERT_EQ(seen(after, id, bound), seen(layers, id, bound)) << "seed " << seed << " " << id << " at " << bound;
      EXPECT_LE(at_or_below[id], 1);
    }
  }
}

TEST(Merge, PlantedFaultsChangeWhatIsKept) {
  const std::vector<Layer> layers = {{put("a", 1), removed("b", 2)}, {put("a", 3)}};
  const MergeOptions options{CommitId(2), false};
  const auto right = merged(layers, options);
  EXPECT_EQ(right, (std::vector<TestVersion>{put("a", 3), put("a", 1), removed("b", 2)}));
  plant(Fault::kFloorOffByOne);
  EXPECT_EQ(merged(layers, options), (std::vector<TestVersion>{put("a", 3), removed("b", 2)}));
  plant(Fault::kTombstoneDroppedEarly);
  EXPECT_EQ(merged(layers, options), (std::vector<TestVersion>{put("a", 3), put("a", 1)}));
  plant(Fault::kNone);
}

TEST(MergeDeathTest, OneVersionInTwoSourcesIsABug) { EXPECT_DEATH(merged({{put("a", 1)}, {put("a", 1)}}, {}), ""); }

TEST(Merge, TableGivesItsVersionsInRunOrder) {
  MemoryTable table;
  auto& d = table.add_collection("d");
  auto& c = table.add_collection("c");
  table.add_collection("empty");
  std::vector<TestVersion> versions;
  SeededRandom random(3);
  for (uint64_t commit = 1; commit <= 300; ++commit) {
    const std::string id = std::to_string(random.below(70));
    TestVersion version = random.one_in(5) ? removed(id, commit) : put(id, commit, static_cast<int64_t>(commit));
    if (random.one_in(3)) version.collection = "d";
    const auto view = testing::view_of(version);
    table.put(version.collection == "c" ? c : d, id, view.commit, view.schema_version, view.document);
    versions.push_back(std::move(version));
  }
  testing::sort_versions(versions);
  EXPECT_EQ(all_of(*versions_of(table)), versions);
  EXPECT_TRUE(all_of(*versions_of(MemoryTable())).empty());
}

TEST(Merge, RunsAreMergedFromDisk) {
  RunKit older, newer;
  older.write({put("a", 1), put("b", 2)});
  newer.write({put("a", 3), removed("c", 4)});
  auto source_of = [](RunKit& kit) {
    auto file = kit.disk().open(kit.path(), runtime::OpenMode::kRead);
    EXPECT_TRUE(file);
    return versions_of(kit.run, std::move(*file));
  };
  std::vector<std::unique_ptr<VersionSource>> sources;
  sources.push_back(source_of(newer));
  sources.push_back(source_of(older));
  EXPECT_EQ(all_of(*merge_versions(std::move(sources), {})),
            (std::vector<TestVersion>{put("a", 3), put("a", 1), put("b", 2), removed("c", 4)}));
}

TEST(Merge, DamagedRunEndsTheMerge) {
  RunKit kit;
  kit.write({put("a", 1), put("b", 2)});
  kit.flip(kRunHeaderBytes + 5, 1);
  auto file = kit.disk().open(kit.path(), runtime::OpenMode::kRead);
  ASSERT_TRUE(file);
  std::vector<std::unique_ptr<VersionSource>> sources;
  sources.push_back(std::make_unique<ListedVersions>(Layer{put("0", 9)}));
  sources.push_back(versions_of(kit.run, std::move(*file)));
  const auto source = merge_versions(std::move(sources), {});
  const auto version = source->next();
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, ErrorCode::kRunDamaged);
}

// --- which runs are merged

constexpr uint64_t kMiB = 1 << 20;

std::vector<RunInfo> runs_of(const std::vector<uint64_t>& bytes) {
  std::vector<RunInfo> runs;
  for (const uint64_t size : bytes) {
    runs.push_back({});
    runs.back().bytes = size;
  }
  return runs;
}

TEST(RunsToMerge, FollowsTheRule) {
  struct Case {
    std::string name;
    std::vector<uint64_t> mib;  // oldest first
    size_t merged;
  };
  const Case cases[] = {
      {"none", {}, 0},
      {"three of a class", {3, 3, 3}, 0},
      {"four of a class", {3, 3, 3, 3}, 4},
      {"older ones of a higher class stay", {100, 3, 3, 3, 3}, 4},
      {"all that are of the class", {100, 3, 2, 4, 3, 2, 3}, 6},
      {"a newer one of a higher class covers them", {3, 3, 3, 3, 100}, 0},
      {"lower ones between go along", {10, 1, 10, 3, 1, 10, 10, 1}, 8},
      {"and lower ones before", {100, 1, 3, 10, 10, 10, 10}, 6},
      {"size differs within a class", {5, 16, 9, 16}, 4},
      {"16 MiB is the last of its class", {5, 17, 9, 16}, 0},
      {"the run made completes a group", {10, 10, 10, 3, 3, 3, 3}, 7},
      {"and again", {200, 40, 40, 40, 10, 10, 10, 3, 3, 3, 3}, 10},
      {"a large one stays alone", {1'000, 1, 1, 1}, 0},
  };
  for (const auto& test : cases) {
    std::vector<uint64_t> bytes;
    bytes.reserve(test.mib.size());
    for (const uint64_t mib : test.mib) bytes.push_back(mib * kMiB);
    EXPECT_EQ(runs_to_merge(runs_of(bytes)), test.merged) << test.name;
  }
}

TEST(RunsToMerge, SizesAtTheEndsOfTheRangeAreClassed) {
  EXPECT_EQ(runs_to_merge(runs_of({0, 1, kMiB, 0})), 4u);
  EXPECT_EQ(runs_to_merge(runs_of({UINT64_MAX / 8, UINT64_MAX / 8, UINT64_MAX / 8, UINT64_MAX / 8})), 4u);
}

// Checkpoints of random sizes: what merges write stays within the bound that merge.h states, the number of runs stays
// small, and a second look finds nothing to do.
TEST(RunsToMerge, CostIsBoundedAndRepeatingItEnds) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    std::vector<uint64_t> runs;
    uint64_t total = 0, written = 0, checkpoints = 3'000;
    size_t most = 0;
    const uint64_t usual = 1 + random.below(16 * kMiB);
    for (uint64_t i = 0; i < checkpoints; ++i) {
      const uint64_t bytes = random.one_in(50) ? random.below(400 * kMiB) : usual / 2 + random.below(usual);
      total += bytes;
      runs.push_back(bytes);
      const size_t count = runs_to_merge(runs_of(runs));
      if (count > 0) {
        ASSERT_GE(count, 4u);
        ASSERT_LE(count, runs.size());
        const uint64_t merged = std::accumulate(runs.end() - static_cast<ptrdiff_t>(count), runs.end(), uint64_t{0});
        written += merged;
        runs.resize(runs.size() - count);
        runs.push_back(merged);
        ASSERT_EQ(runs_to_merge(runs_of(runs)), 0u);
      }
      most = std::max(most, runs.size());
    }
    const double classes = std::max(1.0, std::ceil(std::log2(static_cast<double>(total) / kMiB) / 2) + 1);
    EXPECT_LE(static_cast<double>(written),
              classes * static_cast<double>(total) + static_cast<double>(checkpoints * kMiB));
    EXPECT_LE(most, 100u) << seed;
  }
}

}  // namespace
}  // namespace aerodb::store
