#include "common/rules/authority_rules.h"

#include <array>

#include "common/rules/command_conclusion.h"
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

CommandConclusion conclusion_of(const AuthorityEvidence& evidence, AuthorityDecision decision) {
  const auto& text = kTexts[static_cast<size_t>(evidence.command)];
  CommandConclusion conclusion;
  conclusion.command = enum_name(evidence.command);
  conclusion.effect = text.effect;
  conclusion.cannot_be_undone = text.cannot_be_undone;
  if (decision != AuthorityDecision::kGranted) conclusion.refusal = refusal_code(evidence.command, decision);
  if (decision == AuthorityDecision::kUndetermined)
    conclusion.undetermined =
        "AUTH-4: the log does not end with a seal, and nothing here proves that the authority it names ended";
  conclusion.observed = kObserved;
  return conclusion;
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
  const auto conclusion = conclusion_of(evidence, decide_authority(evidence, trace));
  // The inputs repeat the whole evidence, so that re-deriving has every member whichever rules the command applies.
  return render_explanation(
      ExplanationType::kControlCommand, {evidence.lineage.value_or(LineageId{}), evidence.commit},
      [&](document::PackWriter& out) { detail::pack_struct(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_command_conclusion(conclusion, trace.entries(), out); });
}

}  // namespace aerodb::rules
