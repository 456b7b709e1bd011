// The memory table as it grows: what a put and a get cost, and how much memory stands on top of each document. The tree
// alone, and the walk to the visible version.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "common/rules/read_visibility.h"
#include "common/store/memory_table.h"
#include "tests/bench/sample.h"

namespace aerodb::bench {
namespace {

// Numbers 0 .. count - 1 in an order without neighbours, the same each time. `count` is a power of ten.
uint64_t scattered(uint64_t i, uint64_t count) {
  constexpr uint64_t kStep = 618'033;  // prime to ten
  return i * kStep % count;
}

// What the process holds of the machine's memory: everything counts, the allocator's own share and unused ends too.
uint64_t resident_bytes() {
  malloc_trim(0);
  uint64_t all_pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Documents of about 200 bytes with one indexed field, the number.
struct Filled {
  explicit Filled(uint64_t count) {
    auto& collection = table->add_collection("c");
    table->add_index(collection, "number");
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t number = scattered(i, count);
      const auto document = sample_canonical(number, kTextBytes);
      document_bytes += document.size();
      table->put(collection, sample_id(number), CommitId(i + 1), 1, document);
    }
  }
  static constexpr size_t kTextBytes = 155;
  std::unique_ptr<store::MemoryTable> table = std::make_unique<store::MemoryTable>();
  uint64_t document_bytes = 0;
};

// New ids among those that are there.
void memory_table_put(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  constexpr uint64_t kPuts = 50'000;
  std::vector<Bytes> documents;
  std::vector<std::string> ids;
  for (uint64_t i = 0; i < kPuts; ++i) {
    documents.push_back(sample_canonical(scattered(i, count), Filled::kTextBytes));
    ids.push_back(sample_id(scattered(i, count)) + "x");
  }
  for (auto _ : state) {
    state.PauseTiming();
    auto filled = std::make_optional<Filled>(count);
    auto& collection = *filled->table->collection("c");
    state.ResumeTiming();
    for (uint64_t i = 0; i < kPuts; ++i)
      filled->table->put(collection, ids[i], CommitId(count + i + 1), 1, documents[i]);
    state.PauseTiming();
    filled.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kPuts));
}
BENCHMARK(memory_table_put)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void memory_table_get(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  const uint64_t before = resident_bytes();
  const Filled filled(count);
  const uint64_t on_top = resident_bytes() - before - filled.document_bytes;
  state.counters["overhead_bytes"] = static_cast<double>(on_top) / static_cast<double>(count);
  std::vector<std::string> ids;
  constexpr uint64_t kAsked = 100'000;
  for (uint64_t i = 0; i < kAsked; ++i) ids.push_back(sample_id(scattered(i * 7919, count)));
  const CommitId bound(count);
  uint64_t i = 0;
  for (auto _ : state) {
    const auto* collection = filled.table->collection("c");
    const auto* entry = store::MemoryTable::find(*collection, ids[i++ % kAsked]);
    const auto* version =
        entry == nullptr ? nullptr : rules::visible_version<const store::Version*>(entry->newest, bound);
    if (version == nullptr) return state.SkipWithError("lost");
    benchmark::DoNotOptimize(version->document().back());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(memory_table_get)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);

struct Key {
  std::string text;
  [[nodiscard]] ByteSpan first() const { return as_bytes(text); }
  [[nodiscard]] ByteSpan second() const { return {}; }
};

std::vector<Key> scattered_keys(uint64_t count) {
  std::vector<Key> keys;
  for (uint64_t i = 0; i < count; ++i) keys.push_back({sample_id(scattered(i, count))});
  return keys;
}

void btree_insert(benchmark::State& state) {
  auto keys = scattered_keys(static_cast<uint64_t>(state.range(0)));
  for (auto _ : state) {
    store::Arena nodes;
    store::BTree<Key> tree(nodes);
    for (auto& key : keys) tree.insert(&key);
    benchmark::DoNotOptimize(tree.size());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * keys.size()));
}
BENCHMARK(btree_insert)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);

void btree_find(benchmark::State& state) {
  const auto count = static_cast<uint64_t>(state.range(0));
  auto keys = scattered_keys(count);
  store::Arena nodes;
  store::BTree<Key> tree(nodes);
  for (auto& key : keys) tree.insert(&key);
  uint64_t i = 0;
  for (auto _ : state) {
    const auto& wanted = keys[scattered(++i, count)];
    if (tree.find({wanted.first(), {}}) != &wanted) return state.SkipWithError("lost");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(btree_find)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000);

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
