// A phrase that a person types to confirm.
#pragma once

#include <optional>
#include <string>

#include "controlplane/console/output.h"

namespace aerodb::console {

// Whether there is a person to ask: a terminal at both ends, and no machine's format asked for.
[[nodiscard]] bool can_ask(const Output& output);
// Prints what is to be typed and reads a line. nullopt at the end of input.
[[nodiscard]] std::optional<std::string> ask_phrase(const std::string& form, Output& output);

}  // namespace aerodb::console
