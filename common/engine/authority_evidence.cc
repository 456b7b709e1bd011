#include "common/engine/authority_evidence.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::engine {

rules::AuthorityEvidence authority_evidence_of(rules::AuthorityCommand command, const NodeFile& node,
                                               const Authority& authority,
                                               std::span<const DeclinedSeal> declined_seals) {
  rules::AuthorityEvidence e;
  e.command = command;
  e.node = node.name;
  e.instance = node.instance;
  e.role = authority.role_of(node.instance);
  if (const auto* current = authority.current()) {
    e.lineage = current->lineage;
    e.epoch = current->epoch;
    e.authority_node = current->node;
  }
  if (const auto& seal = authority.seal()) {
    e.seal_lsn = seal->lsn;
    e.seal_successor = seal->successor;
    e.seal_successor_instance = seal->successor_instance;
    const DeclinedSeal here{seal->lsn, seal->chain_after};
    e.declined_here = std::ranges::find(declined_seals, here) != declined_seals.end();
  }
  return e;
}

std::unexpected<Error> authority_refused(const rules::AuthorityEvidence& e, rules::AuthorityDecision decision) {
  Error error{rules::refusal_code(e.command, decision), "", {}};
  error.message = fmt::format("{} {}: {}", rules::enum_name(e.command), e.node, error.row().meaning);
  rules::RecordingTrace trace;
  (void)rules::decide_authority(e, trace);
  std::string rules_not_holding;
  for (const auto& entry : trace.entries()) {
    if (entry.evaluation == rules::Evaluation::kTrue) continue;
    if (!rules_not_holding.empty()) rules_not_holding += ' ';
    rules_not_holding += rules::rule(entry.rule).name;
  }
  error.with("rules_not_holding", rules_not_holding)
      .with("role", rules::enum_name(e.role))
      .with("epoch", e.epoch.value());
  if (e.seal_lsn) error.with("seal_lsn", e.seal_lsn->value()).with("seal_successor", e.seal_successor.value_or(""));
  return fail(std::move(error));
}

}  // namespace aerodb::engine
