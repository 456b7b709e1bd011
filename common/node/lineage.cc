#include "common/node/lineage.h"

#include <fmt/format.h>

#include "common/node/own_chain.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::EventId;

// A claim under decision: one foreign lineage of a peer's ancestry.
struct Claim {
  rules::FenceEvidence evidence;
  std::string node;  // that it names
  std::string peer;  // that showed it
};

std::optional<Claim> claim_of(engine::Engine& engine, const wire::ReplicaOpenRequest& request) {
  const auto own = history_of(engine.visible_authority().ancestry());
  const auto foreign = rules::first_foreign(own, history_of(request.ancestry));
  if (!foreign) return std::nullopt;
  const auto& entry = request.ancestry[*foreign];
  Claim claim;
  claim.node = entry.node.substr(0, kMaxNameBytes);
  claim.peer = request.source_node;
  auto& e = claim.evidence;
  e.instance = engine.node().instance;
  e.own_lsn = engine.visible().lsn;
  e.other_lineage = entry.lineage;
  e.other_reason = entry.reason;
  e.other_instance = entry.instance;
  e.fork_lsn = Lsn(entry.first_lsn.value() == 0 ? 0 : entry.first_lsn.value() - 1);
  e.fork_chain = entry.chain;
  e.own_chain_at_fork = known_chain_after(engine, e.fork_lsn);
  return claim;
}

void conclude(Node& node, const Claim& claim, std::move_only_function<void(Result<void>)> done) {
  const auto& e = claim.evidence;
  rules::NoTrace trace;
  const auto verdict = rules::decide_fence(e, trace);
  if (verdict != rules::FenceVerdict::kProven) {
    const bool released = verdict == rules::FenceVerdict::kUndetermined;
    node.events().record(
        EventId::kFenceUnproven,
        {{"lineage", to_hex(e.other_lineage)},
         {"fork_lsn", e.fork_lsn.value()},
         {"peer", claim.peer},
         {"why", std::string(released ? "this log does not hold the chain at the fork any more"
                                      : "this log does not show that it was given up at the fork (AUTH-3)")}});
    return done({});
  }
  const engine::Fence fence{e.other_lineage, e.fork_lsn, e.fork_chain, claim.node, e.other_instance};
  node.engine()->fence(fence, [&node, fence, peer = claim.peer, done = std::move(done)](Result<void> written) mutable {
    if (!written) return done(std::move(written));
    node.events().record(EventId::kFenced, {{"lineage", to_hex(fence.lineage)},
                                            {"fork_lsn", fence.fork_lsn.value()},
                                            {"node", fence.node},
                                            {"instance", to_hex(fence.instance)},
                                            {"peer", peer}});
    done(fail(fenced_error(node, fence)));
  });
}

}  // namespace

Error fenced_error(const Node& node, const engine::Fence& fence) {
  Error error{ErrorCode::kFenced,
              fmt::format("{}: lineage {} went on from LSN {} on {} (AUTH-3)", node.config().name,
                          to_hex(fence.lineage), fence.fork_lsn.value(), fence.node),
              {}};
  error.with("lineage", to_hex(fence.lineage)).with("fork_lsn", fence.fork_lsn.value()).with("node", fence.node);
  return error;
}

void hear_ancestry(Node& node, const wire::ReplicaOpenRequest& request,
                   std::move_only_function<void(Result<void>)> done) {
  auto& engine = *node.engine();
  if (const auto& fence = engine.fence_reason()) return done(fail(fenced_error(node, *fence)));
  if (engine.role() == rules::Role::kReplica || request.cluster != engine.node().cluster) return done({});
  auto claim = claim_of(engine, request);
  if (!claim) return done({});
  rules::NoTrace trace;
  const Lsn fork = claim->evidence.fork_lsn;
  const bool to_read = rules::decide_fence(claim->evidence, trace) == rules::FenceVerdict::kUndetermined;
  if (!to_read) return conclude(node, *claim, std::move(done));
  own_chain_after(engine, fork,
                  [&node, alive = node.alive(), claim = std::move(*claim),
                   done = std::move(done)](const std::optional<Chain>& chain) mutable {
                    const auto held = alive.lock();
                    if (!held || !*held) return;
                    if (!node.engine()) return done(fail(node.not_ready()));
                    claim.evidence.own_chain_at_fork = chain;
                    conclude(node, claim, std::move(done));
                  });
}

}  // namespace aerodb::node
