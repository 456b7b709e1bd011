#include "tests/sim/chaos.h"

#include <fmt/format.h>

#include <utility>

namespace aerodb::sim {

Chaos::Chaos(Context& context, Fleet& fleet, std::vector<SimMachine*> machines)
    : context_(context), random_(context.world.seed() * 65'537 + 11), fleet_(fleet), machines_(std::move(machines)) {}

void Chaos::start() {
  next();
  if (!context_.plan.disk_fault) return;
  context_.world.schedule(10'000 + random_.below(150'000), EventKind::kScript, kWorld, [this] {
    if (running_) any_node().arm_disk_fault(*context_.plan.disk_fault);
  });
}

void Chaos::next() {
  context_.world.schedule(1 + random_.below(2 * context_.plan.chaos_step_us), EventKind::kScript, kWorld, [this] {
    if (!running_) return;
    step();
    next();
  });
}

void Chaos::step() {
  const SeedPlan& plan = context_.plan;
  if (rolls(plan.process_crash)) crash_node(CrashKind::kProcess);
  if (rolls(plan.power_crash)) crash_node(CrashKind::kPower);
  if (rolls(plan.clean_stop)) {
    NodeHost& host = any_node();
    if (host.node() != nullptr) host.restart(host.node()->binary());
  }
  if (rolls(plan.shipper_restart)) fleet_.crash_one(random_);
  if (rolls(plan.partition)) partition();
  if (rolls(plan.reset)) {
    context_.count(Counter::kStreamsReset);
    SimMachine& a = any_machine();
    context_.world.network().reset_between(a, any_machine());
  }
  if (rolls(plan.clock_jump)) {
    NodeHost& host = any_node();
    if (host.process() != nullptr) {
      context_.count(Counter::kClockJumps);
      host.process()->set_wall_skew(static_cast<int64_t>(random_.below(7'200'000'000)) - 3'600'000'000);
    }
  }
  if (rolls(plan.second_shipper)) run_second_shipper();
  if (rolls(plan.storage_operation)) storage_operation();
  if (rolls(plan.floor)) raise_floor();
  // The operator looks after a shipper that gave a target up.
  if (random_.one_in(3)) fleet_.look_after();
}

void Chaos::crash_node(CrashKind kind) {
  NodeHost& host = any_node();
  if (host.process() == nullptr) return;
  if (random_.one_in(2)) return host.crash(kind);
  host.process()->crash_at_call(1 + random_.below(12), kind);
}

// On any node at any moment, twice at once too; now and then the node dies of it.
void Chaos::storage_operation() {
  NodeHost& host = any_node();
  if (!host.is_ready()) return;
  auto& storage = host.node()->engine()->storage();
  const uint64_t kind = random_.below(12);
  const auto started = kind < 6    ? storage.checkpoint(!random_.one_in(4))
                       : kind < 8  ? storage.compact()
                       : kind < 10 ? storage.snapshot(fmt::format("s{}", ++snapshots_))
                                   : storage.diagnose();
  if (!started) return;
  const auto begun = storage.operations().back().kind;
  context_.journal.note("{}: {} begins", host.name(), engine::operation_kind_name(begun));
  constexpr Counter kByKind[] = {Counter::kCheckpoints, Counter::kCompactions, Counter::kSnapshots,
                                 Counter::kDiagnoses};
  context_.count(kByKind[static_cast<size_t>(begun)]);
  if (context_.plan.process_crash == 0 && context_.plan.power_crash == 0) return;
  if (!random_.one_in(3)) return;
  const bool power = context_.plan.process_crash == 0 || (context_.plan.power_crash > 0 && random_.one_in(2));
  host.process()->crash_at_call(1 + random_.below(60), power ? CrashKind::kPower : CrashKind::kProcess);
}

void Chaos::raise_floor() {
  NodeHost& host = any_node();
  if (!host.is_ready()) return;
  auto& engine = *host.node()->engine();
  const uint64_t commit = engine.visible().commit.value();
  // Denied on replicas and below the present floor; what is granted turns up in the history.
  engine.hold<engine::Position>(
      engine.raise_floor(CommitId(random_.below(commit + 2)), {"gc", "sim", "", std::nullopt}),
      [](const Result<engine::Position>&) {});
}

void Chaos::partition() {
  SimMachine& a = any_machine();
  SimMachine& b = any_machine();
  if (&a == &b) return;
  context_.count(Counter::kPartitions);
  SimNetwork& network = context_.world.network();
  const bool one_way = random_.one_in(2);
  context_.journal.note("partition: {} to {}{}", a.name(), b.name(), one_way ? "" : " and back");
  network.block(a, b);
  if (!one_way) network.block(b, a);
  context_.world.schedule(2'000 + random_.below(50'000), EventKind::kScript, kWorld, [this, &a, &b] {
    context_.world.network().unblock(a, b);
    context_.world.network().unblock(b, a);
  });
}

void Chaos::run_second_shipper() {
  const auto source = static_cast<NodeIndex>(random_.below(context_.nodes.size()));
  const auto nodes = context_.nodes.size();
  if (nodes == 1) return;
  fleet_.run_by_mistake(source, static_cast<NodeIndex>((source + 1 + random_.below(nodes - 1)) % nodes));
  context_.world.schedule(5'000 + random_.below(40'000), EventKind::kScript, kWorld, [this] { fleet_.end_mistake(); });
}

}  // namespace aerodb::sim
