// What the nodes say of themselves: one `status` call to each, shown unchanged. Nothing is kept, summed up or ranked.
// Thread: the loop's.
#pragma once

#include <functional>
#include <vector>

#include "controlplane/daemon/controlplane_config.h"
#include "controlplane/daemon/node_calls.h"

namespace aerodb::controlplane {

class Inspector {
 public:
  // Both must outlive this.
  Inspector(NodeCalls& calls, const ControlplaneConfig& config) : calls_(calls), config_(config) {}

  void node(const ControlledNode& node, std::move_only_function<void(wire::NodeView)> done);
  // All configured nodes at once; the views in the order of the configuration, unreached ones among them.
  void cluster(std::move_only_function<void(std::vector<wire::NodeView>)> done);

 private:
  NodeCalls& calls_;
  const ControlplaneConfig& config_;
};

}  // namespace aerodb::controlplane
