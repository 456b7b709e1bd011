// Going on in a lineage of its own where the primary's disk is lost. The decision is in common/rules/lineage_rules.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

std::unexpected<Error> refused(const rules::EndLineageEvidence& e, rules::EndLineageDecision decision) {
  const bool denied = decision == rules::EndLineageDecision::kDenied;
  Error error{denied ? ErrorCode::kEndLineageDenied : ErrorCode::kEndLineageUndetermined, "", {}};
  rules::RecordingTrace trace;
  (void)rules::decide_end_lineage(e, trace);
  std::vector<std::string_view> rules_not_holding;
  for (const auto& entry : trace.entries()) {
    if (entry.evaluation != rules::Evaluation::kTrue) rules_not_holding.push_back(rules::rule(entry.rule).name);
  }
  std::vector<std::string> why;
  std::vector<std::string_view> unheard;
  if (const auto& holder = rules::authority_to_end(e); e.lost != holder)
    why.push_back(fmt::format("the log {} {}, not {}", e.seal_lsn ? "is sealed for" : "names", holder, e.lost));
  for (const auto& peer : e.peers) {
    if (auto objection = rules::peer_objects(e, peer)) why.push_back(std::move(*objection));
    if (!peer.answered && !peer.absent) unheard.push_back(peer.name);
  }
  error.message = fmt::format("end-lineage on {}: {} {}", e.node, error.row().meaning, fmt::join(why, "; "));
  error.with("rules_not_holding", fmt::format("{}", fmt::join(rules_not_holding, " ")))
      .with("role", rules::enum_name(e.role))
      .with("own_lsn", e.own_lsn.value());
  if (e.seal_lsn) error.with("seal_lsn", e.seal_lsn->value());
  if (!unheard.empty()) error.with("not_answered", fmt::format("{}", fmt::join(unheard, " ")));
  return fail(std::move(error));
}

}  // namespace

rules::EndLineageEvidence Engine::end_lineage_evidence(std::string lost, std::vector<rules::PeerEvidence> peers) const {
  rules::EndLineageEvidence e;
  e.node = node().name;
  e.state = state();
  e.fenced = fenced();
  e.log_validated = true;  // see gate_evidence
  e.role = newest_role();
  e.own_lsn = newest().lsn;
  const auto& authority = state_().authority();
  if (const auto* current = authority.current()) {
    e.lineage = current->lineage;
    e.epoch = current->epoch;
    e.authority_node = current->node;
    e.authority_instance = current->instance;
  }
  if (const auto& seal = authority.seal()) {
    e.seal_lsn = seal->lsn;
    e.seal_successor = seal->successor;
  }
  e.lost = std::move(lost);
  e.peers = std::move(peers);
  return e;
}

std::optional<Decided<LineageEnd>> Engine::lineage_ended_by(const std::string& request_id) const {
  const auto outcome = state_().authority().outcome(request_id);
  if (!outcome || outcome->type != wal::RecordType::kLineageStart) return std::nullopt;
  for (const auto& entry : state_().authority().ancestry()) {
    if (entry.first_lsn != outcome->lsn || entry.instance != node().instance || entry.reason != "end") continue;
    return Decided<LineageEnd>{LineageEnd{newest(), entry.lineage, entry.parent.value_or(LineageId{}),
                                          Lsn(entry.first_lsn.value() - 1), entry.first_commit, true},
                               decided_on()};
  }
  return std::nullopt;
}

Decided<LineageEnd> Engine::end_lineage(const rules::EndLineageEvidence& evidence, const wal::WhoAndWhy& who,
                                        LineageId lineage) {
  if (auto before = lineage_ended_by(who.request_id)) return std::move(*before);
  rules::NoTrace trace;
  if (auto decision = rules::decide_end_lineage(evidence, trace); decision != rules::EndLineageDecision::kGranted)
    return {refused(evidence, decision), decided_on()};

  const Position fork = newest();
  const wal::LineageStart record{lineage,     fork.lineage,    fork.lsn,
                                 fork.commit, fork.chain,      wal::LineageReason::kEnd,
                                 node().name, node().instance, who};
  auto header = next_header(fork.epoch.next());
  header.type = wal::RecordType::kLineageStart;
  Bytes size_probe;
  wal::encode_record(header, record, size_probe);
  if (!writer_.has_room(size_probe.size(), wal::RoomFor::kReserved))
    return {fail(ErrorCode::kWalFull, "end-lineage: no room for the lineage_start (WAL-6)"), decided_on()};
  const wal::Payload payload = record;
  auto [record_view, after] = append_own(header, payload);
  after.lineage = lineage;
  state_().take_authority(record_view, payload, after);
  pending_authority_.push_back({after.lsn, state_().authority()});
  decisions_.emplace(after.lsn, Unkept{{after.lsn, after.chain, evidence}, {}});
  appended(after);
  return {LineageEnd{after, lineage, fork.lineage, fork.lsn, fork.commit, false}, after.lsn};
}

}  // namespace aerodb::engine
