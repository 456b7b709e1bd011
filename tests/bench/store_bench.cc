// The memory table at a million documents: the tree, a get, and the walk to the visible version.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "common/base/random.h"
#include "common/rules/read_visibility.h"
#include "common/store/memory_table.h"
#include "tests/bench/sample.h"

namespace aerodb::bench {
namespace {

constexpr uint64_t kDocuments = 1'000'000;

// Numbers 0 .. kDocuments - 1 in an order without neighbours, the same each time.
uint64_t scattered(uint64_t i) {
  constexpr uint64_t kStep = 618'033;  // odd and no multiple of 5: prime to a million
  return i * kStep % kDocuments;
}

std::vector<std::string> scattered_ids() {
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < kDocuments; ++i) ids.push_back(sample_id(scattered(i)));
  return ids;
}

struct Key {
  std::string text;
  [[nodiscard]] ByteSpan first() const { return as_bytes(text); }
  [[nodiscard]] ByteSpan second() const { return {}; }
};

std::vector<Key> scattered_keys() {
  std::vector<Key> keys;
  for (auto& id : scattered_ids()) keys.push_back({std::move(id)});
  return keys;
}

void btree_insert_to_1m(benchmark::State& state) {
  auto keys = scattered_keys();
  for (auto _ : state) {
    store::BTree<Key> tree;
    for (auto& key : keys) tree.insert(&key);
    benchmark::DoNotOptimize(tree.size());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * keys.size()));
}
BENCHMARK(btree_insert_to_1m)->Unit(benchmark::kMillisecond);

void btree_find_at_1m(benchmark::State& state) {
  auto keys = scattered_keys();
  store::BTree<Key> tree;
  for (auto& key : keys) tree.insert(&key);
  uint64_t i = 0;
  for (auto _ : state) {
    const auto& wanted = keys[scattered(++i)];
    if (tree.find({wanted.first(), {}}) != &wanted) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(btree_find_at_1m);

void memory_table_get_at_1m(benchmark::State& state) {
  const auto ids = scattered_ids();
  store::MemoryTable table;
  auto& collection = table.add_collection("c");
  const auto document = sample_canonical(1, 100);
  uint64_t commit = 0;
  for (const auto& id : ids) table.put(collection, id, CommitId(++commit), 1, document);
  const CommitId bound(commit);
  uint64_t i = 0;
  for (auto _ : state) {
    const auto* found = table.collection("c");
    const auto* entry = store::MemoryTable::find(*found, ids[scattered(++i)]);
    const auto* version =
        entry == nullptr ? nullptr : rules::visible_version<const store::Version*>(entry->newest, bound);
    if (version == nullptr) state.SkipWithError("lost");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(memory_table_get_at_1m);

// Down a chain with `range(0)` versions above the one that the read sees.
void visibility(benchmark::State& state) {
  store::MemoryTable table;
  auto& collection = table.add_collection("c");
  const auto document = sample_canonical(1, 100);
  const auto above = static_cast<uint64_t>(state.range(0));
  for (uint64_t commit = 1; commit <= above + 1; ++commit) table.put(collection, "x", CommitId(commit), 1, document);
  const auto* entry = store::MemoryTable::find(collection, "x");
  for (auto _ : state) {
    benchmark::DoNotOptimize(rules::visible_version<const store::Version*>(entry->newest, CommitId(1)));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(visibility)->Arg(0)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace aerodb::bench
