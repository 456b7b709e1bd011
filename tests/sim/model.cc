// Nodes: what each may show when its durable boundary moves and when its directory was opened.
#include "tests/sim/model.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::sim {

Model::Model(NodeIndex nodes, uint32_t ids, uint64_t max_wal_bytes, Counters& counters)
    : ids_(ids), max_wal_bytes_(max_wal_bytes), counters_(counters), nodes_(nodes) {
  branches_.emplace_back(ids);
}

void Model::fail(std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
}

Asked Model::ask(NodeIndex index) const {
  const NodeFacts& facts = nodes_[index];
  Asked asked;
  asked.node = index;
  asked.incarnation = facts.incarnation;
  asked.openings = facts.openings;
  asked.stay = facts.stays.size() - 1;
  asked.lsn = facts.durable().lsn;
  asked.commit = facts.durable().commit;
  asked.ready = facts.engine != nullptr;
  if (facts.engine == nullptr) return asked;
  asked.manifest = facts.engine->storage().manifest().number;
  const auto& newest = facts.engine->newest();
  if (facts.engine->newest_role() == rules::Role::kPrimary) asked.primary_in = Term{newest.lineage, newest.epoch};
  return asked;
}

std::optional<NodeIndex> Model::epoch_owner() const {
  if (main().epochs.empty()) return std::nullopt;
  for (NodeIndex i = 0; i < nodes(); ++i) {
    if (nodes_[i].instance() == main().epochs.back().instance) return i;
  }
  return std::nullopt;
}

Lsn Model::common_end(BranchIndex a, BranchIndex b) const {
  const auto& left = branches_[a].entries;
  const auto& right = branches_[b].entries;
  size_t end = std::min(left.size(), right.size());
  while (end > 1 && left[end - 1].chain != right[end - 1].chain) --end;
  return Lsn(end - 1);
}

std::optional<CommitId> Model::live(uint32_t collection, uint32_t id) const {
  const Version* version = main().visible(collection, id, main().last_commit());
  return version == nullptr ? std::nullopt : std::optional(version->commit);
}

void Model::initialized(NodeIndex index, const InstanceId& instance) {
  NodeFacts& facts = nodes_[index];
  if (facts.stay().instance != InstanceId()) facts.stays.emplace_back();
  facts.stay().instance = instance;
  facts.permits = {};
  facts.export_files.clear();
  facts.halt_recorded = false;
}

bool Model::was_fenced(const Asked& asked) const {
  const NodeFacts& facts = nodes_[asked.node];
  for (size_t i = asked.stay; i < facts.stays.size(); ++i) {
    if (facts.stays[i].fenced) return true;
  }
  return false;
}

bool Model::lies_on(const History& history, const engine::Position& position) {
  if (position.lsn > history.last_lsn()) return false;
  return position.lsn == Lsn() || history.at(position.lsn).chain == position.chain;
}

std::optional<BranchIndex> Model::branch_of(const engine::Position& position) const {
  for (BranchIndex i = 0; i < branches_.size(); ++i) {
    if (lies_on(branches_[i], position)) return i;
  }
  return std::nullopt;
}

void Model::recovered(NodeIndex index, const SimDisk& disk) {
  NodeFacts& facts = nodes_[index];
  count(Counter::kRecoveriesChecked);
  ++facts.openings;
  const bool halted = facts.engine->state() == rules::NodeState::kHalted;
  if (is_replaced(facts)) take_replacement(index, disk);
  if (failed()) return;
  if (facts.halt_recorded && !halted) {
    if (facts.permits.resumes == 0)
      return fail(fmt::format("{}: halted, and READY after a restart (FAIL-2)", facts.name));
    --facts.permits.resumes;
    count(Counter::kHaltsResumed);
  }
  facts.halt_recorded = halted;
  observe(index, disk);
}

// Whether what the node holds can't be what it held before, with perhaps more behind its end.
bool Model::is_replaced(const NodeFacts& facts) const {
  const engine::Engine& engine = *facts.engine;
  const auto& visible = engine.visible();
  const auto& before = facts.durable();
  if (visible.lsn < before.lsn || engine.storage().manifest().lsn > before.lsn) return true;
  if (visible.lsn == before.lsn && visible.lsn > Lsn() && visible.chain != before.chain) return true;
  const auto now_on = branch_of(visible);
  if (now_on && !lies_on(branches_[*now_on], before)) return true;
  const bool halt_ended = facts.halt_recorded && engine.state() != rules::NodeState::kHalted;
  const bool fence_ended = facts.stay().fenced && !engine.fence_reason();
  return !facts.permits.snapshots.empty() && (fence_ended || (halt_ended && facts.permits.resumes == 0));
}

// What the node got lies on the branch that the source asked was on, which counts where several have it in common.
std::optional<BranchIndex> Model::branch_of_snapshot(NodeIndex index, const engine::Position& visible) const {
  const BranchIndex own = nodes_[index].stay().branch;
  std::optional<BranchIndex> found;
  for (const NodeIndex source : nodes_[index].permits.snapshots) {
    for (const Stay& stay : nodes_[source].stays) {
      if (lies_on(branches_[stay.branch], visible) && (!found || stay.branch == own)) found = stay.branch;
    }
  }
  return found ? found : branch_of(visible);
}

void Model::take_replacement(NodeIndex index, const SimDisk& disk) {
  NodeFacts& facts = nodes_[index];
  const auto& visible = facts.engine->visible();
  const engine::Position before = facts.durable();
  const auto now_on = branch_of_snapshot(index, visible);
  if (facts.permits.snapshots.empty() || !now_on) {
    return fail(fmt::format(
        "{}: it had called LSN {} (commit {}) durable; after its restart the log ends at LSN {} (commit {})",
        facts.name, before.lsn.value(), before.commit.value(), visible.lsn.value(), visible.commit.value()));
  }
  const Lsn common = common_end(facts.stay().branch, *now_on);
  if (before.lsn > common && !is_exported(index, before, disk)) {
    return fail(fmt::format("{}: LSN {} to {} were discarded, and no export holds them (REPL-12)", facts.name,
                            common.value() + 1, before.lsn.value()));
  }
  count(Counter::kSnapshotsTaken);
  if (before.lsn > common) count(Counter::kOrphansDiscarded);
  if (facts.halt_recorded) count(Counter::kHaltsReplaced);
  if (facts.stay().fenced) count(Counter::kFencesReplaced);
  const InstanceId instance = facts.instance();
  facts.stays.push_back({*now_on, instance, visible, false, 0});
  facts.permits.snapshots.erase(facts.permits.snapshots.begin());
  facts.permits.lineages.clear();
  facts.halt_recorded = false;
  facts.was_full = false;
}

void Model::check_halt(NodeIndex index) {
  NodeFacts& facts = nodes_[index];
  const engine::Engine& engine = *facts.engine;
  const bool halted = engine.state() == rules::NodeState::kHalted;
  if (halted && !facts.disk_faulty) {
    return fail(fmt::format("{}: halted without a disk fault: {} ({})", facts.name, engine.halt_reason()->rule,
                            engine.halt_reason()->reason));
  }
  if (facts.halted && !halted) return fail(fmt::format("{}: was halted, and no longer is", facts.name));
  if (halted && !facts.halted) count(Counter::kHalts);
  if (facts.halted && engine.visible().lsn > facts.durable().lsn)
    return fail(fmt::format("{}: went on after its halt", facts.name));
  facts.halted = halted;
}

void Model::observe(NodeIndex index, const SimDisk& disk) {
  NodeFacts& facts = nodes_[index];
  const auto& visible = facts.engine->visible();
  check_halt(index);
  if (failed()) return;
  if (visible.lsn < facts.durable().lsn)
    return fail(fmt::format("{}: its durable boundary fell to LSN {}", facts.name, visible.lsn.value()));
  find_place(index, disk);
  if (failed()) return;
  count(Counter::kPrefixesCompared);
  const History& history = branches_[facts.stay().branch];
  if (visible.lsn > history.last_lsn())
    return fail(fmt::format("{}: LSN {} is durable, and its records can't be read", facts.name, visible.lsn.value()));
  const auto& entry = history.at(visible.lsn);
  if (visible.lsn > Lsn() && (entry.chain != visible.chain || entry.commit != visible.commit ||
                              entry.epoch != visible.epoch || entry.lineage != visible.lineage)) {
    return fail(fmt::format(
        "{}: its log departs from the history at or before LSN {} (epoch {}, commit {}; history: epoch {}, commit {})",
        facts.name, visible.lsn.value(), visible.epoch.value(), visible.commit.value(), entry.epoch.value(),
        entry.commit.value()));
  }
  if (entry.digest != visible.digest)
    return fail(fmt::format("{}: another state digest at LSN {}", facts.name, visible.lsn.value()));
  facts.stay().durable = visible;
  if (visible.lsn == Lsn()) facts.stay().branches_when_empty = branches_.size();
  check_fence(index);
}

// FENCED stays until the log that it is about is replaced, and only a lineage that really forked brings it about.
void Model::check_fence(NodeIndex index) {
  NodeFacts& facts = nodes_[index];
  const auto& fence = facts.engine->fence_reason();
  if (!fence) {
    if (facts.stay().fenced) fail(fmt::format("{}: was fenced, and no longer is (AUTH-3)", facts.name));
    return;
  }
  if (facts.stay().fenced) return;
  facts.stay().fenced = true;
  count(Counter::kFences);
  const History& own = branches_[facts.stay().branch];
  const auto other = std::ranges::find_if(branches_, [&](const History& h) {
    return h.last_lsn() > fence->fork_lsn && h.at(fence->fork_lsn.next()).lineage == fence->lineage;
  });
  if (other == branches_.end() || fence->fork_lsn > facts.durable().lsn ||
      own.at(fence->fork_lsn).chain != fence->fork_chain || other->at(fence->fork_lsn).chain != fence->fork_chain ||
      (own.last_lsn() > fence->fork_lsn && own.at(fence->fork_lsn.next()).lineage == fence->lineage)) {
    fail(fmt::format("{}: fenced by a lineage that does not fork from its log (AUTH-3)", facts.name));
  }
}

bool Model::may_follow(NodeIndex index, BranchIndex to) const {
  const NodeFacts& facts = nodes_[index];
  if (facts.durable().lsn == Lsn() || to < facts.stay().branches_when_empty) return true;
  const auto& entries = branches_[to].entries;
  for (size_t i = facts.durable().lsn.value() + 1; i < entries.size(); ++i) {
    if (facts.permits.lineages.contains(entries[i].lineage)) return true;
  }
  return false;
}

// Moves the node to a branch that holds this record. False: it is on none but, perhaps, its own. Branches that have the
// record in common are told apart by what the operator accepted; a lineage on the way to the accepted one needs no
// acceptance of its own.
bool Model::follow(NodeIndex index, Lsn lsn, const Chain& chain) {
  NodeFacts& facts = nodes_[index];
  bool elsewhere = false;
  for (BranchIndex i = 0; i < branches_.size(); ++i) {
    const bool holds_it = lsn <= branches_[i].last_lsn() && branches_[i].at(lsn).chain == chain;
    if (!holds_it || !lies_on(branches_[i], facts.durable())) continue;
    elsewhere = true;
    if (!may_follow(index, i)) continue;
    count(Counter::kLineagesFollowed);
    facts.stay().branch = i;
    return true;
  }
  if (elsewhere) fail(fmt::format("{}: follows another lineage, which no operator accepted (REPL-10)", facts.name));
  return elsewhere;
}

void Model::find_place(NodeIndex index, const SimDisk& disk) {
  const auto& visible = nodes_[index].engine->visible();
  if (lies_on(branches_[nodes_[index].stay().branch], visible)) return;
  if (!follow(index, visible.lsn, visible.chain)) grow(index, disk);
}

}  // namespace aerodb::sim
