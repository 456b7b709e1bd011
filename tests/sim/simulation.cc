#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "common/base/build.h"
#include "tests/sim/chaos.h"
#include "tests/sim/client.h"
#include "tests/sim/fleet.h"
#include "tests/sim/hostile.h"
#include "tests/sim/operator.h"
#include "tests/sim/tamper.h"

namespace aerodb::sim {
namespace {

constexpr uint64_t kMaxEvents = 3'000'000;
constexpr uint64_t kAgreeWithinUs = 20'000'000;
constexpr uint64_t kLookEveryUs = 20'000;
constexpr uint32_t kHealsMax = 20;  // of one node, until its operator gives up

ClusterId cluster_of(uint64_t seed) {
  ClusterId id;
  SeededRandom random(seed + 1);
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(random.next());
  return id;
}

class Simulation {
 public:
  Simulation(uint64_t seed, const SimulateOptions& options);
  Outcome run();

 private:
  [[nodiscard]] bool over() const {
    return context_.model.failed() || !world_.violations().empty() || world_.events_run() > kMaxEvents;
  }
  // Runs events until `time_us`, or until `enough`.
  template <class Enough>
  void run_until(uint64_t time_us, Enough enough);
  void tend();
  void tick();
  void conclude();
  // The end: no more trouble, and everything that is not gone must come to one log and one state.
  void calm_down();
  void look(NodeIndex best);
  [[nodiscard]] bool all_up();
  [[nodiscard]] bool agreed();
  [[nodiscard]] bool takes_part(NodeIndex node);
  // Who can serve the longest log of the newest lineage.
  [[nodiscard]] std::optional<NodeIndex> longest();
  [[nodiscard]] bool needs_healing(NodeIndex node, NodeIndex best);
  void heal_one(NodeIndex best);
  void release_full_rings();
  [[nodiscard]] std::string why_not_agreed();
  void final_check();
  void tamper();

  SeedPlan plan_;
  SimWorld world_;
  Journal journal_;
  Outcome outcome_;
  Model model_;
  Context context_;
  std::vector<std::unique_ptr<NodeHost>> hosts_;
  std::unique_ptr<Fleet> fleet_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::unique_ptr<Operator> operator_;
  std::unique_ptr<Hostile> hostile_;
  std::unique_ptr<Chaos> chaos_;
  // of the end
  uint32_t given_up_ = 0;  // how often a shipper had stopped feeding a target
  bool healing_ = false;
  std::vector<uint32_t> healed_;  // how often, by node
};

Simulation::Simulation(uint64_t seed, const SimulateOptions& options)
    : plan_(seed, options.small, options.cut),
      world_(seed, plan_.options),
      journal_(world_, options.transcript),
      model_(plan_.nodes, plan_.ids, plan_.geometry.max_wal_bytes(), outcome_.counters),
      context_{world_, plan_, outcome_.counters, model_, journal_} {
  static constexpr std::string_view kNames[kNodesMax] = {"p1", "r1", "r2", "r3", "r4"};
  const ClusterId cluster = cluster_of(seed);
  std::vector<SimMachine*> machines;
  // Nothing goes wrong while directories are made.
  for (NodeIndex i = 0; i < plan_.nodes; ++i) {
    machines.push_back(&world_.add_machine(std::string(kNames[i])));
    hosts_.push_back(std::make_unique<NodeHost>(context_, i, *machines.back(), i == 0, cluster));
    context_.nodes.push_back(hosts_.back().get());
  }
  healed_.resize(plan_.nodes);
  machines.push_back(&world_.add_machine("s"));
  fleet_ = std::make_unique<Fleet>(context_, *machines.back());
  for (uint32_t i = 0; i < 2; ++i) {
    machines.push_back(&world_.add_machine(i == 0 ? "c1" : "c2"));
    clients_.push_back(std::make_unique<Client>(context_, i, *machines.back()));
  }
  machines.push_back(&world_.add_machine("o"));
  operator_ = std::make_unique<Operator>(context_, *machines.back(), *fleet_);
  if (plan_.hostile) hostile_ = std::make_unique<Hostile>(context_, world_.add_machine("h"));
  chaos_ = std::make_unique<Chaos>(context_, *fleet_, std::move(machines));
}

void Simulation::tend() {
  for (auto& host : hosts_) host->tend();
  fleet_->tend();
}

template <class Enough>
void Simulation::run_until(uint64_t time_us, Enough enough) {
  while (!over() && world_.now_us() < time_us && !enough() && world_.step()) tend();
}

Outcome Simulation::run() {
  for (auto& host : hosts_) host->start_later(0);
  fleet_->follow(0);
  for (auto& client : clients_) client->start();
  operator_->start();
  if (hostile_) hostile_->start();
  chaos_->start();
  run_until(plan_.duration_us, [this] { return clients_[0]->done() && clients_[1]->done() && operator_->done(); });
  if (!over()) calm_down();
  if (!over()) final_check();

  conclude();
  return std::move(outcome_);
}

void Simulation::conclude() {
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
}

bool Simulation::takes_part(NodeIndex node) {
  const NodeFacts& facts = hosts_[node]->facts();
  return hosts_[node]->is_ready() && !facts.gone && !facts.halted && !facts.stay().fenced;
}

std::optional<NodeIndex> Simulation::longest() {
  std::optional<NodeIndex> best;
  const auto rank = [&](NodeIndex i) {
    const Stay& stay = hosts_[i]->facts().stay();
    // A node whose log ends before the fork is on both.
    const bool on_it = stay.durable.lsn > model_.branch(stay.branch).fork;
    return std::pair(on_it ? stay.branch : 0, stay.durable.lsn);
  };
  for (NodeIndex i = 0; i < plan_.nodes; ++i) {
    if (takes_part(i) && (!best || rank(i) > rank(*best))) best = i;
  }
  return best;
}

// Time goes on although nobody has anything to do.
void Simulation::tick() {
  world_.schedule(kLookEveryUs, EventKind::kScript, kWorld, [this] { tick(); });
}

bool Simulation::all_up() {
  return std::ranges::all_of(hosts_, [](auto& host) { return host->is_ready() || host->facts().gone; });
}

void Simulation::calm_down() {
  journal_.note("calm: no more trouble");
  context_.calm = true;
  chaos_->stop();
  for (auto& rate : world_.options().one_in) rate = 0;
  world_.network().heal();
  fleet_->end_mistake();
  fleet_->stop();
  for (auto& host : hosts_) host->make_calm();
  tick();
  const uint64_t deadline = world_.now_us() + kAgreeWithinUs;
  // Clients and operator may have something on its way; the log stands still only after that.
  uint64_t look_at = 0;
  bool quiet = false;
  run_until(deadline, [&] {
    if (world_.now_us() < look_at) return false;
    look_at = world_.now_us() + kLookEveryUs;
    if (!all_up()) return false;
    if (agreed()) {
      quiet = clients_[0]->done() && clients_[1]->done() && operator_->done() && !healing_;
      return quiet;
    }
    if (const auto best = longest()) look(*best);
    return false;
  });
  if (over() || quiet) return;
  outcome_.verdict = Verdict::kStuck;
  outcome_.reason = why_not_agreed();
}

// What an operator does, one thing at a time.
void Simulation::look(NodeIndex best) {
  // A former primary follows only under the replica's binary, which does not open a directory that holds authority.
  for (auto& host : hosts_) {
    if (host->index() == best || host->facts().gone || host->node()->binary() == node::Binary::kReplica) continue;
    if (host->node()->engine()->role() == rules::Role::kPrimary && !host->facts().stay().fenced) continue;
    host->restart(node::Binary::kReplica);
    return;
  }
  release_full_rings();
  bool all_take_part = true;
  for (NodeIndex i = 0; i < plan_.nodes; ++i) all_take_part = all_take_part && takes_part(i);
  // A node that feeds another may hold less of its log than the source: then one shipper feeds all.
  const bool gave_up = fleet_->has_stopped_target();
  if (gave_up) ++given_up_;
  const bool plainly = !all_take_part || given_up_ > 3;
  // What the operator had begun before may still have set another source, or led over a node that is gone.
  if (fleet_->source() != best || gave_up || (plainly && !fleet_->is_plain())) fleet_->follow(best, plainly);
  heal_one(best);
}

bool Simulation::needs_healing(NodeIndex node, NodeIndex best) {
  NodeHost& host = *hosts_[node];
  if (node == best || !host.is_ready()) return false;
  const Stay& stay = host.facts().stay();
  const Stay& to = hosts_[best]->facts().stay();
  if (host.facts().halted || stay.fenced) return true;
  if (stay.durable.lsn > model_.common_end(stay.branch, to.branch)) return true;
  if (stay.durable.lsn > Lsn() && stay.durable.lineage != to.durable.lineage && stay.durable.lsn < to.durable.lsn)
    return true;
  return stay.durable.lsn < to.durable.lsn && !hosts_[best]->holds_log_behind(stay.durable.lsn);
}

void Simulation::heal_one(NodeIndex best) {
  if (healing_) return;
  for (NodeIndex i = 0; i < plan_.nodes; ++i) {
    if (!needs_healing(i, best)) continue;
    if (++healed_[i] > kHealsMax) {
      // An authority that nothing on its own disk disproves, or that every other log still names, is ended by hand.
      const auto& refusal = operator_->desk().last_refusal();
      if (refusal != "NOT_A_REPLICA" && refusal != "NO_SNAPSHOT") continue;
      context_.count(Counter::kDirectoriesMadeAnew);
      hosts_[i]->lose_disk(true);
      healed_[i] = 0;
      return;
    }
    healing_ = true;
    auto then = [this](bool done) {
      healing_ = false;
      if (done) context_.count(Counter::kNodesHealed);
    };
    // A halt may be over by itself; everything else takes the other's log or its snapshot. So may a halted node at
    // once.
    const bool discards = (world_.seed() + i) % 3 == 0;
    if (hosts_[i]->facts().halted && healed_[i] == 1 && !discards) return operator_->desk().resume(i, best, then);
    return operator_->desk().heal(i, best, then);
  }
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
  const auto& end = hosts_[*best]->facts().durable();
  for (auto& host : hosts_) {
    if (host->facts().gone) continue;
    if (!takes_part(host->index())) return false;
    const auto& own = host->facts().durable();
    if (own.lsn != end.lsn || own.chain != end.chain || own.digest != end.digest) return false;
  }
  return true;
}

std::string Simulation::why_not_agreed() {
  std::string text = "not agreed in time:";
  for (auto& host : hosts_) {
    const NodeFacts& facts = host->facts();
    if (facts.gone) continue;
    if (!host->is_ready()) {
      text += fmt::format(" {} is not up;", host->name());
      continue;
    }
    const engine::Engine& engine = *host->node()->engine();
    text += fmt::format(" {} {} {}{} at LSN {} of branch {};", host->name(), rules::enum_name(engine.role()),
                        rules::enum_name(engine.state()), facts.stay().fenced ? " fenced" : "",
                        engine.visible().lsn.value(), facts.stay().branch);
  }
  return text + fleet_->describe() + (healing_ ? " healing" : "") + " last refusal " + operator_->desk().last_refusal();
}

void Simulation::final_check() {
  bool full = false;
  for (NodeIndex i = 0; i < plan_.nodes && !model_.failed(); ++i) {
    full = full || hosts_[i]->facts().was_full;
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
  const auto node = static_cast<NodeIndex>(world_.seed() % plan_.nodes);
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

Outcome simulate(uint64_t seed, const SimulateOptions& options) {
#if AERODB_FAULTS
  clear_tallies();
#endif
  Outcome outcome = Simulation(seed, options).run();
#if AERODB_FAULTS
  for (size_t i = 0; i < outcome.tallies.size(); ++i)
    outcome.tallies[i] = tallied(static_cast<Tally>(i / kTallyRows), i % kTallyRows);
#endif
  return outcome;
}

}  // namespace aerodb::sim
