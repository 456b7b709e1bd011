#include "common/rules/halt_rules.h"

#include <array>
#include <span>
#include <vector>

namespace aerodb::rules {
namespace {

struct Refused {
  std::string_view requests;
  ErrorCode code;
  RuleId rule;
};

// What each state refuses, beside reads and writes, whose codes the decision finds.
constexpr std::array kWhenHalted = {
    Refused{"records of a source", ErrorCode::kHalted, RuleId::kFail2},
    Refused{"storage operations", ErrorCode::kHalted, RuleId::kFail2},
    Refused{"demote", ErrorCode::kDemotionDenied, RuleId::kAuth7},
    Refused{"promote", ErrorCode::kPromotionDenied, RuleId::kAuth7},
    Refused{"decline", ErrorCode::kDeclineDenied, RuleId::kAuth7},
    Refused{"end-lineage", ErrorCode::kEndLineageDenied, RuleId::kAuth15},
};
constexpr std::array kWhenFenced = {
    Refused{"records of a source", ErrorCode::kFenced, RuleId::kAuth3},
    Refused{"demote", ErrorCode::kDemotionDenied, RuleId::kAuth3},
    Refused{"end-lineage", ErrorCode::kEndLineageDenied, RuleId::kAuth15},
};

std::optional<std::string> name_of(std::optional<ErrorCode> code) {
  return code ? std::optional(std::string(error_row(*code).name)) : std::nullopt;
}

void pack_refused(document::PackWriter& out, std::string_view requests, std::string_view code, std::string_view rule) {
  out.map(3);
  out.field("requests", requests);
  out.field("code", code);
  out.field("rule", rule);
}

void pack_refusals(const HaltEvidence& e, std::span<const Refused> others, document::PackWriter& out) {
  const auto by = rule(e.state == NodeState::kHalted ? RuleId::kFail2 : RuleId::kAuth3).name;
  out.text("refused");
  out.array(static_cast<uint32_t>(others.size() + (e.read_refusal ? 1 : 0) + (e.write_refusal ? 1 : 0)));
  if (e.read_refusal) pack_refused(out, "document reads", *e.read_refusal, by);
  if (e.write_refusal) pack_refused(out, "writes", *e.write_refusal, by);
  for (const auto& row : others) pack_refused(out, row.requests, error_row(row.code).name, rule(row.rule).name);
}

void pack_inputs(const HaltEvidence& e, document::PackWriter& out) {
  out.map(12);
  out.field("node", e.node);
  out.field("instance", e.instance);
  out.field("role", enum_name(e.role));
  out.field("log_validated", e.log_validated);
  out.field("applied_lsn", e.applied_lsn);
  out.field("commit", e.commit);
  detail::pack_field("halt_rule", e.halt_rule, out);
  detail::pack_field("halt_code", e.halt_code, out);
  detail::pack_field("halt_reason", e.halt_reason, out);
  detail::pack_field("halt_lsn", e.halt_lsn, out);
  detail::pack_field("halt_expected", e.halt_expected, out);
  detail::pack_field("halt_found", e.halt_found, out);
}

void pack_conclusion(const HaltEvidence& e, document::PackWriter& out) {
  const bool halted = e.state == NodeState::kHalted;
  if (!halted && !e.fenced) {
    out.map(1);
    out.field("status", "not halted");
    return;
  }
  out.map(halted ? 5 : 3);
  out.field("status", halted ? (e.fenced ? "halted and fenced" : "halted") : "fenced");
  if (halted) {
    detail::pack_field("rule", e.halt_rule, out);
    detail::pack_field("code", e.halt_code, out);
  }
  pack_refusals(e, halted ? std::span<const Refused>(kWhenHalted) : std::span<const Refused>(kWhenFenced), out);
  // A fence goes with the log that it is about, so resume alone does not end it.
  const bool by_resume = halted && !e.fenced;
  out.text("until");
  out.array(by_resume ? 2 : 1);
  if (by_resume) out.text("aerodb resume");
  out.text("aerodb bootstrap");
}

}  // namespace

void decide_halt(HaltEvidence& e, RecordingTrace& trace) {
  NoTrace untraced;
  ReadGateEvidence gate;
  gate.state = e.state;
  gate.fenced = e.fenced;
  gate.log_validated = e.log_validated;
  e.read_refusal = name_of(decide_read_gate(gate, untraced));
  // Who holds authority is another question.
  const WriteAdmissionEvidence admission{e.state, e.fenced, Role::kPrimary};
  e.write_refusal = name_of(decide_write_admission(admission, untraced));

  const bool halted = e.state == NodeState::kHalted;
  trace.apply(RuleId::kFail2, evaluation(!halted), e, "halt_rule", "read_refusal", "state", "write_refusal");
  const Evaluation may_end = e.cause_gone ? evaluation(*e.cause_gone) : Evaluation::kUndetermined;
  trace.apply(RuleId::kFail4, halted ? may_end : Evaluation::kTrue, e, "cause_gone", "halt_code", "halt_rule", "state");
  trace.apply(RuleId::kAuth3, evaluation(!e.fenced), e, "fence_instance", "fence_lineage", "fence_node", "fenced",
              "fork_chain", "fork_lsn", "own_chain_at_fork");
  // A rule that this binary does not know stays what it is: a name in the inputs.
  const auto failing = halted && e.halt_rule ? rule_from_name(*e.halt_rule) : std::nullopt;
  if (!failing) return;
  trace.apply(*failing, Evaluation::kFalse, e, "halt_code", "halt_expected", "halt_found", "halt_lsn", "halt_reason");
}

Explanation explain_halt(HaltEvidence evidence, LineageId lineage) {
  RecordingTrace trace;
  decide_halt(evidence, trace);
  return render_explanation(
      ExplanationType::kHalt, {lineage, evidence.commit},
      [&](document::PackWriter& out) { pack_inputs(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_conclusion(evidence, out); });
}

}  // namespace aerodb::rules
