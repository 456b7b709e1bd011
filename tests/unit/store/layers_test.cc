#include "common/store/layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/random.h"
#include "common/store/block_cache.h"
#include "common/store/merge.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using testing::document_of;
using testing::index_key_of_int;
using testing::RunKit;
using Key = std::pair<std::string, std::string>;

// Layers with runs on a simulated disk, beside the plain map of all versions that they must equal.
class Stack {
 public:
  Stack() {
    auto& active = layers.active();
    active.add_index(active.add_collection("c"), "n");
    active.add_collection("d");
  }
  void put(const std::string& collection, const std::string& id, std::optional<int64_t> n, size_t pad_bytes = 0) {
    add(collection, id, document_of(id, n, pad_bytes));
    if (n && collection == "c") values.insert({std::string(as_text(index_key_of_int(*n))), id});
  }
  void remove(const std::string& collection, const std::string& id) { add(collection, id, {}); }

  void freeze() {
    layers.freeze();
    frozen_at_ = commit;
  }
  // What a checkpoint does with a frozen table.
  void write_frozen() {
    auto source = versions_of(*layers.frozen());
    auto runs = layers.runs();
    runs.push_back(write(*source, CommitId(written_ + 1), CommitId(frozen_at_)));
    written_ = frozen_at_;
    const auto table = layers.replace_frozen(std::move(runs));
    EXPECT_EQ(table.use_count(), 1);
    EXPECT_EQ(layers.frozen(), nullptr);
  }
  void merge_newest(size_t count) {
    auto runs = layers.runs();
    const std::vector<std::shared_ptr<const Run>> merged(runs.end() - static_cast<ptrdiff_t>(count), runs.end());
    std::vector<std::unique_ptr<VersionSource>> sources;
    for (size_t i = count; i-- > 0;) {
      auto file = kit.disk().open(merged[i]->path(), runtime::OpenMode::kRead);
      ASSERT_TRUE(file);
      sources.push_back(versions_of(merged[i], std::move(*file)));
    }
    const auto source = merge_versions(std::move(sources), {CommitId(), count == runs.size()});
    runs.resize(runs.size() - count);
    runs.push_back(write(*source, merged.front()->info().first_commit, merged.back()->info().last_commit));
    layers.replace_runs(std::move(runs));
  }

  // What find() should answer: commit and document; nullopt where there is none.
  [[nodiscard]] std::optional<std::pair<uint64_t, Bytes>> expected(const Key& document, uint64_t bound) const {
    const auto versions = model.find(document);
    if (versions == model.end()) return std::nullopt;
    auto above = versions->second.upper_bound(bound);
    if (above == versions->second.begin()) return std::nullopt;
    return *std::prev(above);
  }
  void expect_equal_at(Blocks& blocks, const Key& document, uint64_t bound) const {
    const auto found = layers.find(blocks, document.first, document.second, CommitId(bound));
    ASSERT_TRUE(found.has_value());
    const auto wanted = expected(document, bound);
    ASSERT_EQ(static_cast<bool>(*found), wanted.has_value()) << document.second << " at " << bound;
    if (!wanted) return;
    ASSERT_EQ(found->commit, CommitId(wanted->first));
    ASSERT_EQ(found->tombstone(), wanted->second.empty());
    ASSERT_TRUE(std::ranges::equal(found->document, wanted->second));
  }
  void expect_equal_walks(Blocks& blocks) const {
    for (const std::string collection : {"c", "d"}) {
      std::set<Key> ids;
      for (const auto& [key, versions] : model) {
        if (key.first == collection) ids.insert({key.second, ""});
      }
      expect_walk(blocks, collection, "", ids);
    }
    expect_walk(blocks, "c", "n", values);
  }

  RunKit kit;
  Layers layers;
  uint64_t commit = 0;
  std::map<Key, std::map<uint64_t, Bytes>> model;  // by (collection, id), then commit; empty: tombstone
  std::set<Key> values;                            // of index n of c

 private:
  void add(const std::string& collection, const std::string& id, const Bytes& document) {
    ++commit;
    auto& active = layers.active();
    active.put(*active.collection(collection), id, CommitId(commit), document.empty() ? 0 : 1, document);
    model[{collection, id}][commit] = document;
  }
  std::shared_ptr<const Run> write(VersionSource& source, CommitId first, CommitId last) {
    RunWriterOptions options;
    options.number = next_run_++;
    options.first_commit = first;
    options.last_commit = last;
    options.indexes = {{"c", {"n"}}, {"d", {}}};
    auto writer = RunWriter::create(kit.disk(), "/d", options);
    EXPECT_TRUE(writer) << writer.error().message;
    while (true) {
      auto version = source.next();
      EXPECT_TRUE(version) << version.error().message;
      if (!version || !*version) break;
      EXPECT_TRUE((*writer)->add(**version));
    }
    auto info = (*writer)->finish();
    EXPECT_TRUE(info) << info.error().message;
    auto run = Run::open(kit.disk(), run_path("/d", info->number), *info);
    EXPECT_TRUE(run) << run.error().message;
    return *run;
  }
  // Where a cursor has the version at hand, it is the one that a search finds.
  void expect_version_at(const EntryCursor& cursor, const Key& document) const {
    for (const uint64_t bound : {commit, commit - commit / 8, commit / 2}) {
      const auto found = cursor.version_at(CommitId(bound));
      if (!found) continue;
      const auto wanted = expected(document, bound);
      ASSERT_TRUE(wanted.has_value());
      ASSERT_EQ(found.commit, CommitId(wanted->first));
      ASSERT_TRUE(std::ranges::equal(found.document, wanted->second));
    }
  }
  void expect_walk(Blocks& blocks, const std::string& collection, const std::string& path,
                   const std::set<Key>& keys) const {
    const auto cursor = layers.cursor(collection, path);
    ASSERT_NE(cursor, nullptr);
    auto walk = [&](CursorState state) {
      std::vector<Key> found;
      for (; state == CursorState::kAt; state = cursor->next(blocks)) {
        const TreeKey key = cursor->key();
        found.emplace_back(as_text(key.first), as_text(key.second));
        expect_version_at(*cursor, {collection, path.empty() ? found.back().first : found.back().second});
        const std::string id(as_text(path.empty() ? key.first : key.second));
        for (const uint64_t bound : {commit / 2, commit}) {
          if (const auto at_hand = cursor->version_at(CommitId(bound))) {
            EXPECT_EQ(at_hand.commit.value(), expected({collection, id}, bound)->first);
          }
        }
      }
      EXPECT_EQ(state, CursorState::kEnd);
      return found;
    };
    EXPECT_EQ(walk(cursor->seek_end(blocks, Direction::kAscending)), std::vector<Key>(keys.begin(), keys.end()));
    EXPECT_EQ(walk(cursor->seek_end(blocks, Direction::kDescending)), std::vector<Key>(keys.rbegin(), keys.rend()));
    if (keys.empty()) return;
    auto middle = keys.begin();
    std::advance(middle, keys.size() / 2);
    const TreeKey from{as_bytes(middle->first), as_bytes(middle->second)};
    EXPECT_EQ(walk(cursor->seek(blocks, from, Direction::kAscending)), std::vector<Key>(middle, keys.end()));
    EXPECT_EQ(walk(cursor->seek(blocks, from, Direction::kDescending)),
              std::vector<Key>(std::make_reverse_iterator(middle), keys.rend()));
  }

  uint64_t frozen_at_ = 0;
  uint64_t written_ = 0;  // runs cover commits up to here
  RunNumber next_run_ = 1;
};

struct Choice {
  Key document;
  uint64_t bound;
};
Choice choose(SeededRandom& random, const Stack& stack) {
  return {{random.one_in(3) ? "d" : "c", "id-" + std::to_string(random.below(90))}, random.below(stack.commit + 2)};
}

// One step of a random life: writes, and now and then a freeze, a run written, a merge.
void step(SeededRandom& random, Stack& stack) {
  const auto [document, bound] = choose(random, stack);
  if (random.one_in(5))
    stack.remove(document.first, document.second);
  else
    stack.put(document.first, document.second,
              random.one_in(4) ? std::nullopt : std::optional(static_cast<int64_t>(random.below(9)) - 4),
              random.one_in(3) ? random.below(3'000) : 0);
  if (stack.layers.frozen() == nullptr && random.one_in(40)) stack.freeze();
  if (stack.layers.frozen() != nullptr && random.one_in(20)) stack.write_frozen();
  const size_t runs = stack.layers.runs().size();
  if (runs >= 2 && random.one_in(100)) stack.merge_newest(2 + random.below(runs - 1));
}

TEST(Layers, EqualTheMapWhateverLiesWhere) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SeededRandom random(seed);
    Stack stack;
    DirectBlocks blocks(stack.kit.disk(), 64 << 10);
    for (int i = 0; i < 1'500; ++i) {
      step(random, stack);
      const auto [document, bound] = choose(random, stack);
      stack.expect_equal_at(blocks, document, bound);
      if (random.one_in(150)) stack.expect_equal_walks(blocks);
      blocks.settle();
    }
    for (const auto& [document, versions] : stack.model) {
      for (const auto& [commit, bytes] : versions) {
        stack.expect_equal_at(blocks, document, commit);
        stack.expect_equal_at(blocks, document, commit - 1);
      }
      blocks.settle();
    }
    EXPECT_EQ(blocks.trouble(), std::nullopt);
    EXPECT_GE(stack.layers.runs().size(), 2u);
  }
}

TEST(Layers, RestartedLookupsEqualTheMap) {
  SeededRandom random(7);
  Stack stack;
  for (int i = 0; i < 1'000; ++i) step(random, stack);
  ASSERT_GE(stack.layers.runs().size(), 2u);
  BlockCache cache(48 << 10);
  uint64_t fetches = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto [document, bound] = choose(random, stack);
    auto blocks = std::make_shared<LeasedBlocks>(cache);
    while (!stack.layers.find(*blocks, document.first, document.second, CommitId(bound))) {
      ASSERT_TRUE(blocks->cold());
      blocks->fetch(stack.kit.process().jobs(), [blocks, &fetches] { ++fetches; });
      ASSERT_TRUE(stack.kit.process().world().run_to_idle());
    }
    stack.expect_equal_at(*blocks, document, bound);
  }
  EXPECT_GT(fetches, 100u);
  EXPECT_GT(cache.counters().hits, 100u);
  EXPECT_GT(cache.counters().evicted, 0u);
}

TEST(Layers, LookupsInMemoryAskForNoBlock) {
  Stack stack;
  stack.put("c", "a", 1);
  stack.freeze();
  stack.write_frozen();
  stack.put("c", "b", 1);
  stack.freeze();
  stack.put("c", "d", 1);
  BlockCache cache(1 << 20);
  LeasedBlocks blocks(cache);
  EXPECT_TRUE(stack.layers.find(blocks, "c", "b", CommitId(3))->live());
  EXPECT_TRUE(stack.layers.find(blocks, "c", "d", CommitId(3))->live());
  EXPECT_FALSE(blocks.cold());
  EXPECT_EQ(stack.layers.find(blocks, "c", "a", CommitId(3)), std::nullopt);
  EXPECT_TRUE(blocks.cold());
}

TEST(Layers, RunsAboveTheBoundAreNotAsked) {
  Stack stack;
  stack.put("c", "a", 1);
  stack.freeze();
  stack.write_frozen();
  stack.put("c", "a", 2);
  stack.freeze();
  stack.write_frozen();
  BlockCache cache(1 << 20);
  LeasedBlocks blocks(cache);
  const auto found = stack.layers.find(blocks, "c", "a", CommitId(0));
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(*found);
  EXPECT_FALSE(blocks.cold());
}

TEST(Layers, FrozenTableStaysUntilItIsReplaced) {
  Stack stack;
  stack.put("c", "a", 1);
  const uint64_t bytes = stack.layers.memory_bytes();
  stack.freeze();
  EXPECT_EQ(stack.layers.memory_bytes(), bytes);
  ASSERT_NE(stack.layers.active().collection("c"), nullptr);
  EXPECT_NE(stack.layers.active().collection("c")->index("n"), nullptr);
  stack.put("c", "a", 2);
  EXPECT_EQ(stack.layers.versions(), 2u);
  EXPECT_EQ(stack.layers.index_entries(), 2u);
  const uint64_t index_bytes = stack.layers.index_bytes();
  stack.layers.replace_runs({});  // a checkpoint that failed
  ASSERT_NE(stack.layers.frozen(), nullptr);
  stack.write_frozen();
  EXPECT_EQ(stack.layers.versions(), 2u);
  EXPECT_EQ(stack.layers.index_entries(), 2u);
  EXPECT_GT(stack.layers.index_bytes(), 0u);
  EXPECT_NE(stack.layers.index_bytes(), index_bytes);
  EXPECT_EQ(stack.layers.memory_bytes(), stack.layers.active().bytes());
}

TEST(Layers, CursorHasVersionsOfTheNewestLayerAtHand) {
  Stack stack;
  stack.put("c", "a", 1);
  stack.put("c", "a", 2);
  stack.put("c", "b", 1);
  BlockCache cache(1 << 20);
  LeasedBlocks blocks(cache);
  auto at_hand = [&](const std::string& path, uint64_t bound) {
    const auto cursor = stack.layers.cursor("c", path);
    EXPECT_EQ(cursor->seek_end(blocks, Direction::kAscending), CursorState::kAt);
    return cursor->version_at(CommitId(bound)).commit.value();
  };
  for (const std::string path : {"", "n"}) {
    EXPECT_EQ(at_hand(path, 3), 2u);
    EXPECT_EQ(at_hand(path, 1), 1u);
    EXPECT_EQ(at_hand(path, 0), 0u);  // an older layer may know
  }
  stack.freeze();
  EXPECT_EQ(at_hand("n", 3), 0u);  // a newer layer may know better
}

TEST(LayersDeathTest, FreezingTwiceIsABug) {
  Layers layers;
  layers.freeze();
  EXPECT_DEATH(layers.freeze(), "");
}

}  // namespace
}  // namespace aerodb::store
