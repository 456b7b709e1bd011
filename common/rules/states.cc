#include "common/rules/states.h"

#include <array>

#include "common/rules/enum_names.h"

namespace aerodb::rules {
namespace {

constexpr std::array<std::string_view, 4> kNodeStates = {"INITIALIZING", "RECOVERING", "READY", "HALTED"};
constexpr std::array<std::string_view, 3> kRoles = {"primary", "sealed", "replica"};

}  // namespace

std::string_view enum_name(NodeState state) { return kNodeStates[static_cast<size_t>(state)]; }
bool enum_from_name(std::string_view name, NodeState& state) { return from_name(kNodeStates, name, state); }
std::string_view enum_name(Role role) { return kRoles[static_cast<size_t>(role)]; }
bool enum_from_name(std::string_view name, Role& role) { return from_name(kRoles, name, role); }

}  // namespace aerodb::rules
