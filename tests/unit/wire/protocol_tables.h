// The method tables of docs/spec/PROTOCOL.md, as the structs define them.
#pragma once

#include <string>

namespace aerodb::wire::testing {

// Markdown: the shared structures, then each listener with its methods, their request and response fields.
[[nodiscard]] std::string protocol_tables();

}  // namespace aerodb::wire::testing
