#include "common/rules/authority_rules.h"

#include <array>
#include <set>

#include "common/rules/enum_names.h"

namespace aerodb::rules {
namespace {

constexpr std::array<std::string_view, 3> kCommands = {"demote", "promote", "decline"};

// Evidence that moves under load without touching the decision.
constexpr std::array<std::string_view, 2> kObserved = {"commit", "durable_lsn"};

struct CommandText {
  std::string_view effect;
  std::string_view cannot_be_undone;
};
constexpr std::array<CommandText, 3> kTexts = {{
    {"appends a seal that names the successor as the last record of the epoch; this node then admits no write",
     "the epoch stays ended; only the successor named, or a record that answers its decline, continues the log"},
    {"appends an epoch_start that names this node; it then admits writes",
     "the epoch stays started; the former authority follows only as a replica"},
    {"keeps a decline of the seal beside the log and answers it as a statement; nothing is appended",
     "this node can't be promoted by that seal any more"},
}};

void pack_names(document::PackWriter& out, std::string_view key, const std::set<std::string>& names) {
  out.text(key);
  out.array(static_cast<uint32_t>(names.size()));
  for (const auto& name : names) out.text(name);
}

void pack_conclusion(document::PackWriter& out, const AuthorityEvidence& evidence, AuthorityDecision decision,
                     const std::vector<RuleEntry>& entries) {
  std::set<std::string> binding, observed, rules_failed;
  for (const auto& entry : entries) {
    if (entry.evaluation != Evaluation::kTrue) rules_failed.emplace(rule(entry.rule).name);
    for (const auto& [name, value] : entry.evidence)
      (std::ranges::find(kObserved, name) != kObserved.end() ? observed : binding).insert(name);
  }
  const auto& text = kTexts[static_cast<size_t>(evidence.command)];
  out.map(decision == AuthorityDecision::kUndetermined ? 9 : 8);
  switch (decision) {
    case AuthorityDecision::kGranted:
      out.field("status", "would be accepted on this evidence");
      break;
    case AuthorityDecision::kDenied:
      out.field("status", "would be rejected on this evidence");
      break;
    case AuthorityDecision::kUndetermined:
      out.field("status", "undetermined");
      out.field("reason",
                "AUTH-4: the log does not end with a seal, and nothing here proves that the authority it names ended");
      break;
  }
  out.text("code");
  if (decision == AuthorityDecision::kGranted)
    out.nil();
  else
    out.text(error_row(refusal_code(evidence.command, decision)).name);
  out.field("command", enum_name(evidence.command));
  out.field("effect", text.effect);
  out.field("cannot_be_undone", text.cannot_be_undone);
  pack_names(out, "rules_not_holding", rules_failed);
  pack_names(out, "binding", binding);
  pack_names(out, "observed", observed);
}

}  // namespace

std::string_view enum_name(AuthorityCommand command) { return kCommands[static_cast<size_t>(command)]; }

bool enum_from_name(std::string_view name, AuthorityCommand& command) { return from_name(kCommands, name, command); }

ErrorCode refusal_code(AuthorityCommand command, AuthorityDecision decision) {
  switch (command) {
    case AuthorityCommand::kDemote:
      return ErrorCode::kDemotionDenied;
    case AuthorityCommand::kDecline:
      return ErrorCode::kDeclineDenied;
    case AuthorityCommand::kPromote:
      break;
  }
  return decision == AuthorityDecision::kUndetermined ? ErrorCode::kPromotionUndetermined : ErrorCode::kPromotionDenied;
}

Explanation explain_authority_command(const AuthorityEvidence& evidence) {
  RecordingTrace trace;
  const auto decision = decide_authority(evidence, trace);
  // The inputs repeat the whole evidence, so that re-deriving has every member whichever rules the command applies.
  return render_explanation(
      ExplanationType::kControlCommand, {evidence.lineage.value_or(LineageId{}), evidence.commit},
      [&](document::PackWriter& out) { detail::pack_struct(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_conclusion(out, evidence, decision, trace.entries()); });
}

}  // namespace aerodb::rules
