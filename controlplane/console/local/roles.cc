#include "controlplane/console/local/roles.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/uv/posix_disk.h"
#include "controlplane/console/node/init.h"
#include "controlplane/console/target.h"
#include "controlplane/daemon/controlplane_config.h"
#include "explainer/explainer_config.h"
#include "shipper/shipper_config.h"

namespace aerodb::console {
namespace {

Result<LocalRole> read_role(const std::string& path) {
  auto text = config::read_config_file(path);
  if (!text) return fail(std::move(text.error()));
  auto kind = config::kind_of_config(*text);
  if (!kind) {
    kind.error().message = fmt::format("{}: {}", path, kind.error().message);
    return fail(std::move(kind.error()));
  }
  LocalRole role{*kind, {}, path, std::nullopt};
  auto take_name = [&role](auto config) -> Result<LocalRole> {
    if (!config) return fail(std::move(config.error()));
    role.name = config->name;
    return role;
  };
  switch (*kind) {
    case config::ConfigKind::kNode: {
      auto config = config::parse<node::NodeConfig>(*text, path);
      if (config) role.node = *config;
      return take_name(std::move(config));
    }
    case config::ConfigKind::kShipper:
      return take_name(config::parse<shipper::ShipperConfig>(*text, path));
    case config::ConfigKind::kExplainer:
      return take_name(config::parse<explainer::ExplainerConfig>(*text, path));
    case config::ConfigKind::kControlplane:
      return take_name(config::parse<controlplane::ControlplaneConfig>(*text, path));
  }
  return fail(ErrorCode::kInternal, fmt::format("{}: a kind of configuration without a program", path));
}

// Nothing but what a fresh file system or an init that was refused leaves.
Result<bool> is_empty(const std::string& data_dir) {
  uv::PosixDisk disk;
  auto present = disk.exists(data_dir);
  if (!present || !*present) return present ? Result<bool>(true) : fail(std::move(present.error()));
  auto names = disk.list(data_dir);
  if (!names) return fail(std::move(names.error()));
  return std::ranges::all_of(*names, [](const auto& name) { return name == "lost+found" || name == "LOCK"; });
}

// The cluster of a node: of its directory, made now where it is empty.
Result<ClusterId> cluster_of(const node::NodeConfig& config, bool primary, std::optional<ClusterId> cluster,
                             std::vector<InitialisedNode>& made, Output& output) {
  auto empty = is_empty(config.data_dir);
  if (!empty) return fail(std::move(empty.error()));
  if (!*empty) {
    uv::PosixDisk disk;
    auto node = engine::read_node_file(disk, config.data_dir);
    if (!node) return fail(std::move(node.error()));
    return node->cluster;
  }
  auto options = init_options_of(config);
  if (!options.cluster) options.cluster = cluster;
  options.primary = primary;
  options.operator_name = account_name();
  options.reason = "local";
  auto report = init_node(options);
  if (!report) return fail(std::move(report.error()));
  made.push_back({report->node, primary});
  output.line(fmt::format("init {} {} cluster {} instance {}", report->node, report->role, to_hex(report->cluster),
                          to_hex(report->instance)));
  return report->cluster;
}

}  // namespace

Result<std::vector<LocalRole>> read_roles(const std::string& directory) {
  auto files = config_files(directory);
  if (!files) return fail(std::move(files.error()));
  std::vector<LocalRole> roles;
  for (const std::string& path : *files) {
    auto role = read_role(path);
    if (!role) return fail(std::move(role.error()));
    const auto twin = std::ranges::find(roles, role->name, &LocalRole::name);
    if (twin != roles.end()) {
      return fail(ErrorCode::kConfigInvalid,
                  fmt::format("{} and {}: both are called {}", twin->config_path, path, role->name));
    }
    roles.push_back(std::move(*role));
  }
  if (roles.empty()) return fail(ErrorCode::kUsage, fmt::format("{}: it holds no *.toml", directory));
  return roles;
}

Result<std::vector<InitialisedNode>> init_empty_nodes(const std::vector<LocalRole>& roles, const std::string& primary,
                                                      Output& output) {
  const auto first = std::ranges::find(roles, primary, &LocalRole::name);
  if (first == roles.end() || !first->node) {
    return fail(ErrorCode::kUsage, fmt::format("--init-primary {}: no node of that name is configured", primary));
  }
  std::vector<InitialisedNode> made;
  auto cluster = cluster_of(*first->node, true, std::nullopt, made, output);
  if (!cluster) return fail(std::move(cluster.error()));
  for (const auto& role : roles) {
    if (!role.node || role.name == primary) continue;
    auto same = cluster_of(*role.node, false, *cluster, made, output);
    if (!same) return fail(std::move(same.error()));
  }
  return made;
}

}  // namespace aerodb::console
