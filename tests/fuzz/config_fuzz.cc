// Text as a configuration file of a node.
//
// Holds: whatever is accepted prints as a configuration that is accepted and prints the same.
#include "common/base/assert.h"
#include "common/config/config.h"
#include "common/node/node_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using aerodb::node::NodeConfig;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = aerodb::config::parse<NodeConfig>(text, "fuzz.toml");
  if (!config) return 0;
  const std::string printed = aerodb::config::print(*config);
  const auto again = aerodb::config::parse<NodeConfig>(printed, "printed.toml");
  AERODB_ASSERT(again.has_value());
  AERODB_ASSERT(aerodb::config::print(*again) == printed);
  return 0;
}
