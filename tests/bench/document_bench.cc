// Canonical form: what a node does with every document that a client gives it.
#include <benchmark/benchmark.h>

#include "common/document/canonical.h"
#include "tests/bench/sample.h"

namespace aerodb::bench {
namespace {

void canonicalize(benchmark::State& state) {
  const auto schema = sample_schema();
  const auto packed = sample_document(1, static_cast<size_t>(state.range(0)));
  document::Tape tape;
  Bytes out;
  for (auto _ : state) {
    out.clear();
    bool ok = tape.parse(packed).has_value();
    ok = ok && document::canonicalize(tape.root(), schema, document::kDefaultMaxDocumentBytes, out).has_value();
    if (!ok) state.SkipWithError("refused");
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * packed.size()));
}
BENCHMARK(canonicalize)->Arg(100)->Arg(1'000)->Arg(100'000);

// What a replica does instead.
void check_canonical(benchmark::State& state) {
  const auto schema = sample_schema();
  const auto canonical = sample_canonical(1, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    if (!document::check_canonical(canonical, schema, document::kDefaultMaxDocumentBytes))
      state.SkipWithError("refused");
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * canonical.size()));
}
BENCHMARK(check_canonical)->Arg(100)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace aerodb::bench
