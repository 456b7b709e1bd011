// One commit record, encoded and chained: the log's share of a write, without the disk.
#include <benchmark/benchmark.h>

#include <cstring>

#include "common/wal/record.h"
#include "tests/bench/sample.h"

namespace aerodb::bench {
namespace {

void record_encode_and_chain(benchmark::State& state) {
  const auto document = sample_canonical(1, static_cast<size_t>(state.range(0)));
  const auto id = sample_id(1);
  wal::CommitOperation operation;
  operation.collection = "c";
  operation.id = id;
  operation.schema_version = 1;
  operation.document = document;
  const wal::Commit commit{{operation}};
  wal::RecordHeader header;
  Bytes out;
  size_t bytes = 0;
  for (auto _ : state) {
    out.clear();
    header.lsn = Lsn(header.lsn.value() + 1);
    wal::encode_commit(header, commit, out);
    header.chain_before = wal::chain_over(out);
    bytes += out.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(record_encode_and_chain)->Arg(100)->Arg(1'000)->Arg(100'000);

// The limit beside it: the same bytes copied once.
void memory_copy(benchmark::State& state) {
  const Bytes from(static_cast<size_t>(state.range(0)), 1);
  Bytes to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * from.size()));
}
BENCHMARK(memory_copy)->Arg(100)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace aerodb::bench
