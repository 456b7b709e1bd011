// Whom a verb talks to: an address given, a name that a configuration knows, or the one configuration there is.
//
//   --node HOST:PORT | unix:PATH        that address
//   --node NAME                         the node of that name among the *.toml files of the configuration's directory
//   --config FILE | DIR                 a node's TOML, or a directory that holds one; else the environment variable
//                                       AERODB_CONFIG, else ./aerodb.toml
//
// What can't be found is USAGE, and says where was looked; a file that is refused is CONFIG_INVALID.
#pragma once

#include <string>

#include "common/node/node_config.h"
#include "common/runtime/network.h"
#include "controlplane/console/command_line.h"
#include "controlplane/console/session.h"

namespace aerodb::console {

// -o table|json|jsonl, on every verb that answers.
struct FormatOption {
  std::string format = "table";
  void declare(Options& options);
  void apply(Output& output) const;
};

// Which of a node's listeners a name in the configuration stands for. An address given is taken as it is.
enum class NodeListener : uint8_t {
  kClient,
  kReplication,
  kMaintenance,
  kObserved,  // a node's client listener, or what a shipper or explainer of that name serves
};

class NodeTarget {
 public:
  NodeTarget() = default;
  explicit NodeTarget(NodeListener listener) : listener_(listener) {}
  NodeTarget(std::string node, std::string config, uint64_t timeout_ms, NodeListener listener = NodeListener::kClient)
      : listener_(listener), node_(std::move(node)), config_(std::move(config)), timeout_ms_(timeout_ms) {}
  void declare(Options& options);
  [[nodiscard]] Result<runtime::Endpoint> endpoint() const;
  [[nodiscard]] Result<std::unique_ptr<Session>> connect() const;
  [[nodiscard]] const std::string& node() const { return node_; }
  [[nodiscard]] const std::string& config() const { return config_; }

 private:
  [[nodiscard]] runtime::Endpoint listener_of(const node::NodeConfig& config) const;
  NodeListener listener_ = NodeListener::kClient;
  std::string node_;
  std::string config_;
  uint64_t timeout_ms_ = 10'000;
};

// A process that is no node, found by its own option, an environment variable, or the one TOML of its kind in the
// configuration's directory.
class ServiceTarget {
 public:
  enum class Kind : uint8_t { kControlPlane, kExplainer };
  ServiceTarget(Kind kind, uint64_t timeout_ms) : kind_(kind), timeout_ms_(timeout_ms) {}
  void declare(Options& options);
  [[nodiscard]] Result<runtime::Endpoint> endpoint() const;
  [[nodiscard]] Result<std::unique_ptr<Session>> connect() const;
  [[nodiscard]] const std::string& config() const { return config_; }
  [[nodiscard]] uint64_t timeout_ms() const { return timeout_ms_; }

 private:
  Kind kind_;
  std::string address_;
  std::string config_;
  uint64_t timeout_ms_;
};

// The configuration that `given` (--config) or the environment names; empty where there is none.
[[nodiscard]] std::string config_path(const std::string& given);

// The configuration of the node `name` among those beside --config, or the one that --config leads to where it is
// empty. USAGE, CONFIG_INVALID.
[[nodiscard]] Result<node::NodeConfig> find_node_config(const std::string& name, const std::string& config);

// Every node's configuration in the directory that --config leads to, by file name. USAGE, CONFIG_INVALID.
[[nodiscard]] Result<std::vector<node::NodeConfig>> all_node_configs(const std::string& config);

// The replication listener of `node`: an address given, or that of a name found beside --config.
[[nodiscard]] Result<runtime::Endpoint> replication_listener(const std::string& node, const std::string& config);

// The *.toml files directly in `directory`, sorted. USAGE where it can't be listed.
[[nodiscard]] Result<std::vector<std::string>> config_files(const std::string& directory);

}  // namespace aerodb::console
