// What a directory of configurations asks to be started on this machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/node/node_config.h"
#include "controlplane/console/output.h"

namespace aerodb::console {

struct LocalRole {
  config::ConfigKind kind = config::ConfigKind::kNode;
  std::string name;
  std::string config_path;
  std::optional<node::NodeConfig> node;  // kNode only
};

// Every *.toml directly in `directory`, checked as its program would check it, in order of file name. CONFIG_INVALID
// where one is refused or two have one name; USAGE where there is none.
[[nodiscard]] Result<std::vector<LocalRole>> read_roles(const std::string& directory);

// A node's directory that init made just now, and as what.
struct InitialisedNode {
  std::string name;
  bool primary = false;
};

// Makes nodes of those whose data directories are empty or absent: `primary` first, then replicas with its cluster id.
// A directory that holds a node already stays as it is. A line is printed for each node made. USAGE where no node is
// called `primary`.
[[nodiscard]] Result<std::vector<InitialisedNode>> init_empty_nodes(const std::vector<LocalRole>& roles,
                                                                    const std::string& primary, Output& output);

}  // namespace aerodb::console
