// One control command and where it is in its life. The stages are those of the audit log.
//
//   ASKED ----> EXPLAINED ----> CONFIRMED ----> DISPATCHED ----> ANSWERED   the node answered or rejected it
//     |             |               |               |---------> UNKNOWN    sent, no answer seen: never sent again
//     +-------------+---------------+---------------+---------> REFUSED    ended here; the node took nothing
//
// A command that is EXPLAINED and never confirmed stays so; nothing happens to it by waiting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/wire/messages_controlplane.h"
#include "controlplane/daemon/binding.h"
#include "controlplane/daemon/controlplane_config.h"
#include "controlplane/daemon/operator.h"

namespace aerodb::controlplane {

inline constexpr size_t kMaxReasonBytes = 1024;
inline constexpr size_t kMaxDeclineBytes = 16 * 1024;

enum class CommandKind : uint8_t { kDemote, kPromote, kDecline, kDiagnose };
[[nodiscard]] std::string_view command_name(CommandKind kind);

enum class CommandStage : uint8_t { kAsked, kExplained, kConfirmed, kDispatched, kAnswered, kUnknown, kRefused };

struct Command {
  CommandKind kind = CommandKind::kDemote;
  std::string node;
  std::optional<std::string> successor;          // demote
  std::optional<InstanceId> successor_instance;  // demote; from the successor's own status
  std::optional<Bytes> decline;                  // a successor's statement, as handed over
  std::string reason;
  Operator who;
  std::string request_id;
  std::optional<bool> interactive;  // from the confirmation
  Binding binding;                  // of the explanation shown

  [[nodiscard]] CommandStage stage() const { return stage_; }
  // To the next stage; a step that the picture above does not have is a bug (assert).
  void advance(CommandStage next);
  // What the operator has to type.
  [[nodiscard]] std::string phrase() const;

 private:
  CommandStage stage_ = CommandStage::kAsked;
};

// Whether a request has the form of a command: one of the closed list, nodes that the configuration lists, a reason
// (rule CTRL-1). Says nothing about what a node would answer. BAD_REQUEST, UNKNOWN_NODE, REASON_REQUIRED.
[[nodiscard]] Result<Command> read_command(const wire::CommandExplainRequest& request,
                                           const ControlplaneConfig& config);

// nullptr where the configuration lists no such node.
[[nodiscard]] const ControlledNode* find_node(const ControlplaneConfig& config, std::string_view name);
[[nodiscard]] Error unknown_node(std::string_view operation, std::string_view name);
// Without spaces, tabs and line ends around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace aerodb::controlplane
