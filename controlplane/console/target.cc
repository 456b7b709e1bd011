#include "controlplane/console/target.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "common/config/config.h"
#include "common/uv/posix_disk.h"
#include "controlplane/daemon/controlplane_config.h"
#include "explainer/explainer_config.h"
#include "shipper/shipper_config.h"

namespace aerodb::console {
namespace {

constexpr const char* kConfigVariable = "AERODB_CONFIG";
constexpr const char* kDefaultConfig = "aerodb.toml";
constexpr uint64_t kMaxTimeoutMs = 3'600'000;

std::string from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string() : std::string(value);
}

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

std::string directory_of(const std::string& path) {
  if (is_directory(path)) return path;
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Every configuration of one kind in a directory. Files that are no configuration of ours are passed over.
template <class Config>
Result<std::vector<Config>> all_of_kind(const std::string& directory, config::ConfigKind kind) {
  auto files = config_files(directory);
  if (!files) return fail(std::move(files.error()));
  std::vector<Config> found;
  for (const std::string& path : *files) {
    auto text = config::read_config_file(path);
    if (!text) return fail(std::move(text.error()));
    const auto own = config::kind_of_config(*text);
    if (!own || *own != kind) continue;
    auto config = config::parse<Config>(*text, path);
    if (!config) return fail(std::move(config.error()));
    found.push_back(std::move(*config));
  }
  return found;
}

// The one configuration of a kind that `path` leads to: that file, or the only one in that directory.
template <class Config>
Result<Config> the_one(const std::string& path, config::ConfigKind kind) {
  if (!is_directory(path)) return config::load<Config>(path);
  auto all = all_of_kind<Config>(path, kind);
  if (!all) return fail(std::move(all.error()));
  if (all->size() == 1) return std::move(all->front());
  return fail(ErrorCode::kUsage, fmt::format("{}: it holds {} {} configurations, so which one is meant must be said",
                                             path, all->size(), config::config_kind_name(kind)));
}

struct ServiceWords {
  const char* option;
  const char* variable;
  const char* help;
};
ServiceWords words_of(ServiceTarget::Kind kind) {
  if (kind == ServiceTarget::Kind::kControlPlane) {
    return {"--control-plane", "AERODB_CONTROL_PLANE", "listener of the control plane (else AERODB_CONTROL_PLANE)"};
  }
  return {"--explainer", "AERODB_EXPLAINER", "listener of the explainer (else AERODB_EXPLAINER)"};
}

// Where the shipper or explainer of that name is served; nullopt where none has it.
Result<std::optional<runtime::Endpoint>> listener_of_no_node(const std::string& name, const std::string& config) {
  const std::string path = config_path(config);
  if (path.empty()) return std::optional<runtime::Endpoint>();
  const std::string directory = directory_of(path);
  auto shippers = all_of_kind<shipper::ShipperConfig>(directory, config::ConfigKind::kShipper);
  if (!shippers) return fail(std::move(shippers.error()));
  for (const auto& shipper : *shippers) {
    if (shipper.name == name) return std::optional(shipper.listen_shipper);
  }
  auto explainers = all_of_kind<explainer::ExplainerConfig>(directory, config::ConfigKind::kExplainer);
  if (!explainers) return fail(std::move(explainers.error()));
  for (const auto& explainer : *explainers) {
    if (explainer.name == name) return std::optional(explainer.listen_explainer);
  }
  return std::optional<runtime::Endpoint>();
}

void declare_config(Options& options, std::string& config) {
  options.text("--config", "PATH", config, "a TOML file or a directory of them (else AERODB_CONFIG, ./aerodb.toml)");
}

}  // namespace

void FormatOption::declare(Options& options) {
  options.choice("-o,--format", {"table", "json", "jsonl"}, format, "form of the answer");
}

void FormatOption::apply(Output& output) const {
  output.set_format(format == "json" ? Format::kJson : format == "jsonl" ? Format::kJsonl : Format::kTable);
}

std::string config_path(const std::string& given) {
  if (!given.empty()) return given;
  if (auto variable = from_environment(kConfigVariable); !variable.empty()) return variable;
  std::error_code ignored;
  return std::filesystem::exists(kDefaultConfig, ignored) ? kDefaultConfig : std::string();
}

Result<std::vector<std::string>> config_files(const std::string& directory) {
  uv::PosixDisk disk;
  auto names = disk.list(directory);
  if (!names) return fail(ErrorCode::kUsage, names.error().message);
  std::vector<std::string> files;
  for (const std::string& name : *names) {
    if (name.ends_with(".toml")) files.push_back(fmt::format("{}/{}", directory, name));
  }
  return files;
}

Result<node::NodeConfig> find_node_config(const std::string& name, const std::string& config) {
  const std::string path = config_path(config);
  if (path.empty()) {
    return fail(ErrorCode::kUsage,
                "no node is named: give --node HOST:PORT or unix:PATH, --config with a node's TOML, or set "
                "AERODB_CONFIG; there is no ./aerodb.toml either");
  }
  if (name.empty()) return the_one<node::NodeConfig>(path, config::ConfigKind::kNode);
  const std::string directory = directory_of(path);
  auto nodes = all_of_kind<node::NodeConfig>(directory, config::ConfigKind::kNode);
  if (!nodes) return fail(std::move(nodes.error()));
  for (auto& node : *nodes) {
    if (node.name == name) return std::move(node);
  }
  return fail(ErrorCode::kUsage, fmt::format("--node {}: no configuration in {} is of that node", name, directory));
}

Result<std::vector<node::NodeConfig>> all_node_configs(const std::string& config) {
  const std::string path = config_path(config);
  if (path.empty()) return fail(ErrorCode::kUsage, "no configuration: give --config, or set AERODB_CONFIG");
  return all_of_kind<node::NodeConfig>(directory_of(path), config::ConfigKind::kNode);
}

Result<runtime::Endpoint> replication_listener(const std::string& node, const std::string& config) {
  return NodeTarget(node, config, 0, NodeListener::kReplication).endpoint();
}

// --- nodes

void NodeTarget::declare(Options& options) {
  options.text("--node", "NODE", node_, "HOST:PORT, unix:PATH, or a name found in the configuration's directory");
  declare_config(options, config_);
  options.number("--timeout-ms", timeout_ms_, 1, kMaxTimeoutMs, "an answer that has not come by then is unknown");
}

runtime::Endpoint NodeTarget::listener_of(const node::NodeConfig& config) const {
  switch (listener_) {
    case NodeListener::kClient:
    case NodeListener::kObserved:
      return config.listen_client;
    case NodeListener::kReplication:
      return config.listen_replication;
    case NodeListener::kMaintenance:
      return config.listen_maintenance;
  }
  return {};
}

Result<runtime::Endpoint> NodeTarget::endpoint() const {
  if (node_.find(':') != std::string::npos) {
    auto endpoint = runtime::Endpoint::parse(node_);
    if (!endpoint) return fail(ErrorCode::kUsage, fmt::format("--node: {}", endpoint.error().message));
    return endpoint;
  }
  if (listener_ == NodeListener::kObserved && !node_.empty()) {
    auto other = listener_of_no_node(node_, config_);
    if (!other) return fail(std::move(other.error()));
    if (*other) return std::move(**other);
  }
  auto config = find_node_config(node_, config_);
  if (!config) return fail(std::move(config.error()));
  return listener_of(*config);
}

Result<std::unique_ptr<Session>> NodeTarget::connect() const {
  auto where = endpoint();
  if (!where) return fail(std::move(where.error()));
  return Session::connect(*where, timeout_ms_);
}

// --- the others

void ServiceTarget::declare(Options& options) {
  const auto words = words_of(kind_);
  options.text(words.option, "ENDPOINT", address_, words.help);
  declare_config(options, config_);
  options.number("--timeout-ms", timeout_ms_, 1, kMaxTimeoutMs, "an answer that has not come by then is unknown");
}

Result<runtime::Endpoint> ServiceTarget::endpoint() const {
  const auto words = words_of(kind_);
  const std::string address = address_.empty() ? from_environment(words.variable) : address_;
  if (!address.empty()) {
    auto endpoint = runtime::Endpoint::parse(address);
    if (!endpoint) return fail(ErrorCode::kUsage, fmt::format("{}: {}", words.option, endpoint.error().message));
    return endpoint;
  }
  const std::string path = config_path(config_);
  if (path.empty()) {
    return fail(ErrorCode::kUsage, fmt::format("no address: give {} ENDPOINT, set {}, or give --config with its TOML",
                                               words.option, words.variable));
  }
  if (kind_ == Kind::kControlPlane) {
    auto config = the_one<controlplane::ControlplaneConfig>(path, config::ConfigKind::kControlplane);
    if (!config) return fail(std::move(config.error()));
    return config->listen_control_plane;
  }
  auto config = the_one<explainer::ExplainerConfig>(path, config::ConfigKind::kExplainer);
  if (!config) return fail(std::move(config.error()));
  return config->listen_explainer;
}

Result<std::unique_ptr<Session>> ServiceTarget::connect() const {
  auto where = endpoint();
  if (!where) return fail(std::move(where.error()));
  return Session::connect(*where, timeout_ms_);
}

}  // namespace aerodb::console
