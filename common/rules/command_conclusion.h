// The conclusion that every control.command explanation ends with, whichever command it is of.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/error.h"
#include "common/rules/explanation.h"

namespace aerodb::rules {

struct CommandConclusion {
  std::string_view command;
  std::string_view effect;
  std::string_view cannot_be_undone;
  std::optional<ErrorCode> refusal;              // what the kernel would answer; absent: it would accept
  std::optional<std::string_view> undetermined;  // the rule whose evidence is missing, and why
  // Names of evidence that moves under load without touching the decision; all other evidence of the rules is binding:
  // a change of it ends a confirmation.
  std::span<const std::string_view> observed;
  // "cost", for a command that has one: writes one map.
  std::function<void(document::PackWriter&)> cost;
};
void pack_command_conclusion(const CommandConclusion& conclusion, const std::vector<RuleEntry>& entries,
                             document::PackWriter& out);

}  // namespace aerodb::rules
