// What the nodes say of themselves, shown unchanged: `status`, or one of a closed list of read methods of their client
// listeners. Nothing is kept, summed up or ranked. Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/daemon/controlplane_config.h"
#include "controlplane/daemon/node_calls.h"

namespace aerodb::controlplane {

// What can be viewed. Each is one read method of a node.
enum class View : uint8_t { kReplication, kPromotion, kAuthority, kWal, kSnapshots, kCheckpoints };
[[nodiscard]] std::optional<View> view_of_name(std::string_view what);
// Of the node's client listener.
[[nodiscard]] std::string_view view_method(View view);

// wire::NodeAnswer with the answer's bytes, which that one only views.
struct NodeAnswer {
  wire::NodeAnswer row;  // its `answer` is not set
  std::optional<Bytes> packed;
};

class Inspector {
 public:
  // Both must outlive this.
  Inspector(NodeCalls& calls, const ControlplaneConfig& config) : calls_(calls), config_(config) {}

  void node(const ControlledNode& node, std::move_only_function<void(wire::NodeView)> done);
  // All configured nodes at once; the views in the order of the configuration, unreached ones among them.
  void cluster(std::move_only_function<void(std::vector<wire::NodeView>)> done);

  // Each node's `status`, for the stamp, and then the view's method, once each. `only`: no other node is asked.
  void view(View view, const ControlledNode* only, std::move_only_function<void(std::vector<NodeAnswer>)> done);

 private:
  using AnswerDone = std::move_only_function<void(NodeAnswer)>;
  void view_node(View view, const ControlledNode& node, AnswerDone done);
  template <class Request, class Response>
  void ask(const ControlledNode& node, const wire::Method<Request, Response>& method, NodeAnswer answer,
           AnswerDone done);

  NodeCalls& calls_;
  const ControlplaneConfig& config_;
};

}  // namespace aerodb::controlplane
