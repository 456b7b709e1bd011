#include "common/rules/command_conclusion.h"

#include <algorithm>
#include <set>

namespace aerodb::rules {
namespace {

void pack_names(std::string_view key, const std::set<std::string>& names, document::PackWriter& out) {
  out.text(key);
  out.array(static_cast<uint32_t>(names.size()));
  for (const auto& name : names) out.text(name);
}

std::string_view status_of(const CommandConclusion& conclusion) {
  if (conclusion.undetermined) return "undetermined";
  return conclusion.refusal ? "would be rejected on this evidence" : "would be accepted on this evidence";
}

}  // namespace

void pack_command_conclusion(const CommandConclusion& conclusion, const std::vector<RuleEntry>& entries,
                             document::PackWriter& out) {
  std::set<std::string> binding, observed, rules_failed;
  for (const auto& entry : entries) {
    if (entry.evaluation != Evaluation::kTrue) rules_failed.emplace(rule(entry.rule).name);
    for (const auto& [name, value] : entry.evidence)
      (std::ranges::find(conclusion.observed, name) != conclusion.observed.end() ? observed : binding).insert(name);
  }
  out.map(8 + (conclusion.undetermined ? 1 : 0) + (conclusion.cost ? 1 : 0));
  out.field("status", status_of(conclusion));
  if (conclusion.undetermined) out.field("reason", *conclusion.undetermined);
  out.text("code");
  if (conclusion.refusal)
    out.text(error_row(*conclusion.refusal).name);
  else
    out.nil();
  out.field("command", conclusion.command);
  out.field("effect", conclusion.effect);
  out.field("cannot_be_undone", conclusion.cannot_be_undone);
  if (conclusion.cost) {
    out.text("cost");
    conclusion.cost(out);
  }
  pack_names("rules_not_holding", rules_failed, out);
  pack_names("binding", binding, out);
  pack_names("observed", observed, out);
}

}  // namespace aerodb::rules
