// The states that decisions look at, with their stable names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace aerodb::rules {

// Of a process that holds a data directory.
enum class NodeState : uint8_t {
  kInitializing,  // not yet opened its directory
  kRecovering,    // replaying its log
  kReady,         // log validated in this process
  kHalted,        // stopped for a named reason; stays so until an operator's act
};

// A function of the log: what its last authority record says of this node.
enum class Role : uint8_t {
  kPrimary,  // names this node
  kSealed,   // this node's authority ended by a seal that nothing has answered
  kReplica,  // another node's, or none yet
};

[[nodiscard]] std::string_view enum_name(NodeState state);
[[nodiscard]] bool enum_from_name(std::string_view name, NodeState& state);
[[nodiscard]] std::string_view enum_name(Role role);
[[nodiscard]] bool enum_from_name(std::string_view name, Role& role);

}  // namespace aerodb::rules
