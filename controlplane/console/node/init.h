// Makes a node of an empty data directory: for `init` and for `local --init-primary`. Offline; holds the directory's
// lock.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "common/engine/node_directory.h"
#include "common/node/node_config.h"

namespace aerodb::console {

struct InitReport {
  std::string node;
  std::string data_dir;
  std::string role;
  ClusterId cluster;
  InstanceId instance;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "name of the node");
    visit("data_dir", self.data_dir, "its directory");
    visit("role", self.role, "primary or replica");
    visit("cluster", self.cluster, "cluster id");
    visit("instance", self.instance, "id of this data directory");
  }
};

// ALREADY_INITIALIZED, LOCKED, IO, CONFIG_INVALID for a geometry out of bounds, USAGE for a replica without cluster id.
[[nodiscard]] Result<InitReport> init_node(const engine::InitOptions& options);

// What a node's TOML says about its directory; role, ids and who remain to be set.
[[nodiscard]] engine::InitOptions init_options_of(const node::NodeConfig& config);

// The account that runs this program, for the first record.
[[nodiscard]] std::string account_name();

// CONFIG_INVALID where the ring is outside the bounds that a node's TOML has too. `verb` is for the message.
[[nodiscard]] Result<void> check_geometry(std::string_view verb, const wal::RingGeometry& geometry);

// An option's 32 hex digits; an empty text leaves `id` as it is. USAGE otherwise.
template <class Id>
[[nodiscard]] Result<void> read_id(std::string_view option, const std::string& text, std::optional<Id>& id) {
  if (text.empty()) return {};
  id = id_from_hex<Id>(text);
  if (id) return {};
  return fail(ErrorCode::kUsage, fmt::format("{} \"{}\": expected 32 hex digits", option, text));
}

}  // namespace aerodb::console
