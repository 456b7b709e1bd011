#include "controlplane/daemon/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "common/base/assert.h"

namespace aerodb::controlplane {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"demote", "promote", "decline", "diagnose"};

bool may_follow(CommandStage from, CommandStage to) {
  switch (to) {
    case CommandStage::kAsked:
      return false;
    case CommandStage::kExplained:
      return from == CommandStage::kAsked;
    case CommandStage::kConfirmed:
      return from == CommandStage::kExplained;
    case CommandStage::kDispatched:
      return from == CommandStage::kConfirmed;
    case CommandStage::kAnswered:
    case CommandStage::kUnknown:
      return from == CommandStage::kDispatched;
    case CommandStage::kRefused:
      return from <= CommandStage::kDispatched;
  }
  return false;
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorCode::kBadRequest, fmt::format("command.explain: {}", what));
}

}  // namespace

std::string_view command_name(CommandKind kind) { return kNames[static_cast<size_t>(kind)]; }

void Command::advance(CommandStage next) {
  AERODB_ASSERT(may_follow(stage_, next));
  stage_ = next;
}

std::string Command::phrase() const { return fmt::format("{} {}", command_name(kind), node); }

const ControlledNode* find_node(const ControlplaneConfig& config, std::string_view name) {
  const auto found = std::ranges::find(config.nodes, name, &ControlledNode::name);
  return found == config.nodes.end() ? nullptr : &*found;
}

Error unknown_node(std::string_view operation, std::string_view name) {
  return {ErrorCode::kUnknownNode,
          fmt::format("{}: the configuration lists no node \"{}\"", operation, name.substr(0, 64)),
          {}};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<Command> read_command(const wire::CommandExplainRequest& request, const ControlplaneConfig& config) {
  const auto name = std::ranges::find(kNames, request.command);
  if (name == kNames.end()) return bad(fmt::format("command is one of {}", fmt::join(kNames, ", ")));
  Command command;
  command.kind = static_cast<CommandKind>(name - kNames.begin());
  command.reason = trimmed(request.reason);
  if (command.reason.empty()) {
    return fail(ErrorCode::kReasonRequired, fmt::format("{} {}: no reason was given", *name, request.node));
  }
  if (command.reason.size() > kMaxReasonBytes)
    return bad(fmt::format("reason has more than {} bytes", kMaxReasonBytes));
  if (find_node(config, request.node) == nullptr) return fail(unknown_node(*name, request.node));
  command.node = request.node;

  const bool demote = command.kind == CommandKind::kDemote;
  if (demote != request.successor.has_value()) return bad("demote names a successor, no other command does");
  if (demote && find_node(config, *request.successor) == nullptr) {
    return fail(unknown_node(*name, *request.successor));
  }
  command.successor = request.successor;
  if (request.decline) {
    if (command.kind == CommandKind::kDecline) return bad("decline takes no statement, it makes one");
    if (command.kind == CommandKind::kDiagnose) return bad("diagnose takes no statement");
    if (request.decline->empty() || request.decline->size() > kMaxDeclineBytes) {
      return bad(fmt::format("a decline statement has 1 to {} bytes", kMaxDeclineBytes));
    }
    command.decline.emplace(request.decline->begin(), request.decline->end());
  }
  return command;
}

}  // namespace aerodb::controlplane
