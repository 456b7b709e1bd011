#include "tests/sim/simulation.h"

#include <utility>

#include "tests/sim/chaos.h"
#include "tests/sim/client.h"
#include "tests/sim/hostile.h"
#include "tests/sim/operator.h"
#include "tests/sim/tamper.h"

namespace aerodb::sim {
namespace {

constexpr uint64_t kMaxEvents = 3'000'000;
constexpr uint64_t kAgreeWithinUs = 20'000'000;
constexpr uint64_t kLookEveryUs = 20'000;

ClusterId cluster_of(uint64_t seed) {
  ClusterId id;
  SeededRandom random(seed + 1);
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(random.next());
  return id;
}

class Simulation {
 public:
  Simulation(uint64_t seed, bool transcript);
  Outcome run();

 private:
  [[nodiscard]] bool over() const {
    return context_.model.failed() || !world_.violations().empty() || world_.events_run() > kMaxEvents;
  }
  // Runs events until `time_us`, or until `enough`.
  template <class Enough>
  void run_until(uint64_t time_us, Enough enough);
  void tend();
  void calm_down();
  void tick();
  void release_full_rings();
  void tamper();
  [[nodiscard]] bool agreed();
  // Who can serve the longest log.
  [[nodiscard]] std::optional<NodeIndex> longest();
  [[nodiscard]] std::string why_not_agreed();
  void final_check();
  [[nodiscard]] bool takes_part(NodeIndex node);

  SeedPlan plan_;
  SimWorld world_;
  Journal journal_;
  Outcome outcome_;
  Model model_;
  Context context_;
  std::array<std::unique_ptr<NodeHost>, kNodes> hosts_;
  std::unique_ptr<ShipperHost> shipper_;
  std::unique_ptr<ShipperHost> second_shipper_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<Hostile> hostile_;
  std::unique_ptr<Chaos> chaos_;
};

Simulation::Simulation(uint64_t seed, bool transcript)
    : plan_(seed),
      world_(seed, plan_.options),
      journal_(world_, transcript),
      model_(plan_.ids, plan_.geometry.max_wal_bytes(), outcome_.counters),
      context_{world_, plan_, outcome_.counters, model_, journal_} {
  static constexpr std::string_view kNames[] = {"p1", "r1", "r2"};
  const ClusterId cluster = cluster_of(seed);
  std::array<NodeHost*, kNodes> nodes{};
  // Nothing goes wrong while directories are made.
  for (NodeIndex i = 0; i < kNodes; ++i) {
    hosts_[i] = std::make_unique<NodeHost>(context_, i, world_.add_machine(std::string(kNames[i])), i == 0, cluster);
    nodes[i] = hosts_[i].get();
  }
  SimMachine& shippers = world_.add_machine("s");
  shipper_ = std::make_unique<ShipperHost>(context_, shippers, nodes, "s1", uint16_t{7101});
  second_shipper_ = std::make_unique<ShipperHost>(context_, shippers, nodes, "s2", uint16_t{7102});
  std::vector<SimMachine*> machines = {&hosts_[0]->machine(), &hosts_[1]->machine(), &hosts_[2]->machine(), &shippers};
  for (uint32_t i = 0; i < 2; ++i) {
    SimMachine& machine = world_.add_machine(i == 0 ? "c1" : "c2");
    machines.push_back(&machine);
    clients_.push_back(std::make_unique<Client>(context_, i, machine, nodes));
  }
  SimMachine& desk = world_.add_machine("o");
  machines.push_back(&desk);
  operator_ = std::make_unique<Operator>(context_, desk, nodes, *shipper_);
  if (plan_.hostile) hostile_ = std::make_unique<Hostile>(context_, world_.add_machine("h"), nodes);
  chaos_ = std::make_unique<Chaos>(context_, nodes, *shipper_, *second_shipper_, std::move(machines));
}

void Simulation::tend() {
  for (auto& host : hosts_) host->tend();
  shipper_->tend();
  second_shipper_->tend();
}

template <class Enough>
void Simulation::run_until(uint64_t time_us, Enough enough) {
  while (!over() && world_.now_us() < time_us && !enough() && world_.step()) tend();
}

Outcome Simulation::run() {
  for (auto& host : hosts_) host->start_later(0);
  shipper_->start(0);
  for (auto& client : clients_) client->start();
  operator_->start();
  if (hostile_) hostile_->start();
  chaos_->start();
  run_until(plan_.duration_us, [this] { return clients_[0]->done() && clients_[1]->done() && operator_->done(); });
  if (!over()) calm_down();
  if (!over()) final_check();

  outcome_.events = world_.events_run();
  outcome_.counters[static_cast<size_t>(Counter::kEvents)] = outcome_.events;
  outcome_.trace_hash = world_.trace_hash();
  for (size_t i = 0; i < kFaultKinds; ++i) outcome_.faults[i] = world_.hits(static_cast<FaultKind>(i));
  if (model_.failed()) {
    outcome_.verdict = Verdict::kWrong;
    outcome_.reason = model_.reason();
  } else if (!world_.violations().empty()) {
    outcome_.verdict = Verdict::kWrong;
    outcome_.reason = world_.violations().front();
  } else if (world_.events_run() > kMaxEvents) {
    outcome_.verdict = Verdict::kStuck;
    outcome_.reason = fmt::format("more than {} events", kMaxEvents);
  }
  return std::move(outcome_);
}

bool Simulation::takes_part(NodeIndex node) { return hosts_[node]->is_ready() && !hosts_[node]->facts().halted; }

std::optional<NodeIndex> Simulation::longest() {
  std::optional<NodeIndex> best;
  for (NodeIndex i = 0; i < kNodes; ++i) {
    if (!takes_part(i)) continue;
    if (!best || hosts_[i]->node()->engine()->visible().lsn > hosts_[*best]->node()->engine()->visible().lsn) best = i;
  }
  return best;
}

// Time goes on although nobody has anything to do.
void Simulation::tick() {
  world_.schedule(kLookEveryUs, EventKind::kScript, kWorld, [this] { tick(); });
}

void Simulation::calm_down() {
  journal_.note("calm: no more trouble");
  context_.calm = true;
  chaos_->stop();
  for (auto& rate : world_.options().one_in) rate = 0;
  world_.network().heal();
  second_shipper_->stop();
  shipper_->stop();
  for (auto& host : hosts_) host->make_calm();
  tick();
  const uint64_t deadline = world_.now_us() + kAgreeWithinUs;
  auto all_up = [this] {
    for (auto& host : hosts_) {
      if (!host->is_ready()) return false;
    }
    return true;
  };
  run_until(deadline, all_up);
  // Clients and operator may have something on its way; the log stands still only after that.
  uint64_t look_at = 0;
  std::optional<NodeIndex> source;
  run_until(deadline, [&] {
    if (world_.now_us() < look_at) return false;
    look_at = world_.now_us() + kLookEveryUs;
    // A former primary follows only under the replica's binary.
    const auto best = longest();
    if (!best || !all_up()) return false;
    for (auto& host : hosts_) {
      if (host->index() != *best && host->node()->binary() == node::Binary::kPrimary && !host->facts().halted) {
        host->restart(node::Binary::kReplica);
        return false;
      }
    }
    release_full_rings();
    if (agreed()) return clients_[0]->done() && clients_[1]->done();
    if (source != best || shipper_->has_stopped_target()) shipper_->start(*best);
    source = best;
    return false;
  });
  if (over() || (all_up() && agreed())) return;
  outcome_.verdict = Verdict::kStuck;
  outcome_.reason = why_not_agreed();
}

// A ring with no released segment left takes no more. A checkpoint is the operator's act.
void Simulation::release_full_rings() {
  for (auto& host : hosts_) {
    if (!takes_part(host->index())) continue;
    engine::Engine& engine = *host->node()->engine();
    const auto& ring = engine.writer().ring();
    if (ring.free_bytes(ring.end()) > 2 * ring.geometry().segment_bytes || engine.storage().running()) continue;
    if (!engine.storage().checkpoint(true)) continue;
    host->facts().was_full = true;
    journal_.note("{}: its ring is full; checkpoint", host->name());
  }
}

bool Simulation::agreed() {
  const auto best = longest();
  if (!best) return true;  // every node has halted
  const auto& end = hosts_[*best]->node()->engine()->visible();
  for (NodeIndex i = 0; i < kNodes; ++i) {
    if (!hosts_[i]->is_ready()) return false;
    const engine::Engine& engine = *hosts_[i]->node()->engine();
    if (hosts_[i]->facts().halted) continue;
    // Its source no longer has what it needs: it is for the operator to give it a snapshot.
    if (engine.visible().lsn.next() < hosts_[*best]->node()->engine()->reader().first_lsn()) {
      hosts_[i]->facts().left_behind = true;
      continue;
    }
    if (engine.visible().chain != end.chain || engine.visible().digest != end.digest) return false;
  }
  return true;
}

std::string Simulation::why_not_agreed() {
  std::string text = "not agreed in time:";
  for (auto& host : hosts_) {
    if (!host->is_ready()) {
      text += fmt::format(" {} is not up;", host->name());
      continue;
    }
    const engine::Engine& engine = *host->node()->engine();
    text += fmt::format(" {} {} {} at LSN {};", host->name(), rules::enum_name(engine.role()),
                        rules::enum_name(engine.state()), engine.visible().lsn.value());
  }
  return text + " " + shipper_->describe();
}

void Simulation::final_check() {
  bool full = false;
  for (NodeIndex i = 0; i < kNodes && !model_.failed(); ++i) {
    full = full || hosts_[i]->facts().was_full;
    if (hosts_[i]->facts().left_behind) context_.count(Counter::kNodesLeftBehind);
    if (!hosts_[i]->is_ready()) continue;
    model_.compare_whole(i, hosts_[i]->machine().disk());
    const auto& ring = hosts_[i]->node()->engine()->writer().ring();
    if (ring.end().segment_sequence > ring.geometry().slots) context_.count(Counter::kRingsReused);
  }
  if (full) context_.count(Counter::kSeedsWithFullRing);
  if (!model_.failed()) tamper();
}

// With a node that is of no more use.
void Simulation::tamper() {
  const auto node = static_cast<NodeIndex>(world_.seed() % kNodes);
  if (!takes_part(node)) return;
  bool tried = false;
  if (auto accepted = wrong_digest_is_accepted(*hosts_[node], world_, plan_.geometry, tried))
    model_.fail(std::move(*accepted));
  if (tried) context_.count(Counter::kTamperedLogsRefused);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  static constexpr std::string_view kNames[] = {"passed", "wrong", "stuck", "crash"};
  return kNames[static_cast<size_t>(verdict)];
}

Outcome simulate(uint64_t seed, bool transcript) { return Simulation(seed, transcript).run(); }

}  // namespace aerodb::sim
