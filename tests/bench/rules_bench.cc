// What deciding by rules costs: the visibility walk and the read gate beside the bare comparisons they stand for, and
// whole explanations, from the engine's evidence to the answer's bytes.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "common/engine/query_record.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"
#include "common/store/memory_table.h"
#include "tests/bench/sample.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::bench {
namespace {

// One document with `above` versions over the one that a read at commit 1 sees.
struct Chain {
  explicit Chain(uint64_t above) {
    auto& collection = table.add_collection("c");
    const auto document = sample_canonical(1, 100);
    for (uint64_t commit = 1; commit <= above + 1; ++commit) table.put(collection, "x", CommitId(commit), 1, document);
    newest = store::MemoryTable::find(collection, "x")->newest;
  }
  store::MemoryTable table;
  const store::Version* newest = nullptr;
};

void visibility_by_rule(benchmark::State& state) {
  const Chain chain(static_cast<uint64_t>(state.range(0)));
  CommitId bound(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bound);
    benchmark::DoNotOptimize(rules::visible_version<const store::Version*>(chain.newest, bound));
  }
}
void visibility_bare(benchmark::State& state) {
  const Chain chain(static_cast<uint64_t>(state.range(0)));
  CommitId bound(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(bound);
    const store::Version* version = chain.newest;
    while (version != nullptr && version->commit > bound) version = version->older;
    if (version != nullptr && version->schema_version == 0) version = nullptr;
    benchmark::DoNotOptimize(version);
  }
}
BENCHMARK(visibility_by_rule)->Arg(0)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(visibility_bare)->Arg(0)->Arg(1)->Arg(10)->Arg(100);

rules::ReadGateEvidence open_gate() {
  rules::ReadGateEvidence e;
  e.state = rules::NodeState::kReady;
  e.log_validated = true;
  e.applied_lsn = Lsn(20);
  e.applied_commit = e.commit = CommitId(15);
  e.receipt_lsn = Lsn(18);
  e.receipt_chain = e.own_chain_at_receipt = aerodb::Chain{};
  return e;
}
void gate_by_rules(benchmark::State& state) {
  auto evidence = open_gate();
  rules::NoTrace trace;
  for (auto _ : state) {
    benchmark::DoNotOptimize(evidence);
    benchmark::DoNotOptimize(rules::decide_read_gate(evidence, trace));
  }
}
void gate_bare(benchmark::State& state) {
  auto e = open_gate();
  for (auto _ : state) {
    benchmark::DoNotOptimize(e);
    const bool same =
        !e.receipt_lsn || (e.lineage_known && (!e.lineage_last_lsn || *e.receipt_lsn <= *e.lineage_last_lsn) &&
                           e.epoch_known && (!e.epoch_last_lsn || *e.receipt_lsn <= *e.epoch_last_lsn) &&
                           (!e.own_chain_at_receipt || e.own_chain_at_receipt == e.receipt_chain));
    bool open = e.state == rules::NodeState::kReady && !e.fenced && e.log_validated && same &&
                e.commit <= e.applied_commit && (!e.receipt_lsn || *e.receipt_lsn <= e.applied_lsn) &&
                e.commit >= e.floor;
    benchmark::DoNotOptimize(open);
  }
}
BENCHMARK(gate_by_rules);
BENCHMARK(gate_bare);

// A primary in memory, with documents of one collection and an index on their number.
class Primary final : public engine::EngineEvents {
 public:
  Primary() {
    engine::InitOptions init;
    init.data_dir = "/d";
    init.name = "p";
    init.geometry = kGeometry;
    init.primary = true;
    if (!engine::init_directory(process_.blocking_disk(), process_.random(), init)) std::abort();
    auto opened = engine::open_directory(process_.blocking_disk(), {"/d", kGeometry, "p"});
    if (!opened || !process_.log_device().open(wal::segment_paths("/d", kGeometry.slots))) std::abort();
    engine::EngineOptions options;
    options.data_dir = "/d";
    options.geometry = kGeometry;
    engine_ = std::make_unique<engine::Engine>(process_, std::move(*opened), options, *this);
    Bytes schema;
    document::encode_schema(sample_schema(), schema);
    document::Tape tape;
    if (!tape.parse(schema) || !engine_->register_schema(tape.root()).outcome) std::abort();
    settle();
  }
  ~Primary() override {
    process_.crash(sim::CrashKind::kProcess);
    engine_.reset();
  }
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  void write(wal::Operation op, uint64_t number) {
    const auto document = sample_canonical(number, 100);
    document::Tape tape;
    if (!tape.parse(document)) std::abort();
    const auto schema = sample_schema();
    engine::WriteOperation operation{op, schema.collection, {}, schema.version, std::nullopt, tape.root()};
    auto blocks = engine_->lease();
    if (const auto decided = engine_->write({&operation, 1}, std::nullopt, blocks); !decided || !decided->outcome)
      std::abort();
    settle();
  }
  [[nodiscard]] engine::Engine& engine() { return *engine_; }

 private:
  static constexpr wal::RingGeometry kGeometry{4, 16 << 20};
  void settle() {
    if (!world_.run_to_idle()) std::abort();
  }
  void on_durable(const engine::Position&) override {}
  void on_halt(const engine::Halt&) override {}
  sim::SimWorld world_{1, sim::SimOptions{}};
  sim::SimMachine& machine_ = world_.add_machine("p");
  sim::SimProcess process_{machine_, world_, {.name = "p"}};
  std::unique_ptr<engine::Engine> engine_;
};

// As explain.read: the chain, its hashes, the rules, the object and the hashes beside it.
void explain_read(benchmark::State& state) {
  Primary primary;
  primary.write(wal::Operation::kInsert, 1);
  for (int64_t i = 1; i < state.range(0); ++i) primary.write(wal::Operation::kUpdate, 1);
  auto& engine = primary.engine();
  const auto id = sample_id(1);
  auto blocks = engine.lease();
  for (auto _ : state) {
    rules::ReadVisibilityEvidence evidence;
    evidence.collection = sample_schema().collection;
    evidence.id = id;
    evidence.commit = engine.visible().commit;
    auto chain = engine.version_chain(evidence.collection, id, evidence.commit, blocks);
    if (!chain || !*chain || static_cast<int64_t>((*chain)->size()) != state.range(0))
      return state.SkipWithError("another chain");
    evidence.versions = std::move(**chain);
    benchmark::DoNotOptimize(rules::explain_visibility(std::move(evidence), engine.visible().lineage));
  }
}
BENCHMARK(explain_read)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);

// A hundred documents in order of their number, with and without the explanation of how they were found.
void query(benchmark::State& state) {
  Primary primary;
  for (uint64_t i = 0; i < 1'000; ++i) primary.write(wal::Operation::kInsert, i);
  const auto schema = sample_schema();
  engine::QueryRequest request;
  request.collection = schema.collection;
  request.schema_version = schema.version;
  request.sort = "number";
  request.limit = 100;
  auto blocks = primary.engine().lease();
  for (auto _ : state) {
    engine::QueryProgress progress;
    if (state.range(0) != 0) progress.record = engine::QueryRecord::of(request);
    const auto answer = primary.engine().query(request, progress, blocks);
    if (!answer || !*answer || (*answer)->versions.size() != 100) return state.SkipWithError("another answer");
    if (progress.record) benchmark::DoNotOptimize(progress.record->explain());
    benchmark::DoNotOptimize((*answer)->documents.data());
  }
}
BENCHMARK(query)->ArgName("explained")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace aerodb::bench
