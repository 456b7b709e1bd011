// The operator: moves authority, at good moments and at bad ones, once and twice, and moves the shipper after it. Knows
// what operators know: who is configured, and what nodes answered.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/client.h"

namespace aerodb::sim {

class Operator {
 public:
  Operator(Context& context, SimMachine& machine, std::array<NodeHost*, kNodes> nodes, ShipperHost& shipper);

  void start();
  [[nodiscard]] bool done() const { return steps_left_ == 0 && idle_; }

 private:
  using Then = std::move_only_function<void(bool granted)>;
  void next_step();
  void step();
  // One attempt each: `then` learns whether it was granted; what was lost on the way counts as not.
  void demote(NodeIndex node, NodeIndex successor, std::optional<Bytes> decline, Then then);
  void promote(NodeIndex node, std::optional<Bytes> decline, Then then);
  void decline(NodeIndex node, Then then);
  void ask_outcome(NodeIndex node);
  void explain(NodeIndex node);
  // Demote, ship, promote, follow: each step tried a few times.
  void switch_over(NodeIndex from, NodeIndex to);
  void promote_until_granted(NodeIndex node, uint32_t attempts);
  void decline_and_pass_on(NodeIndex from);
  void decline_until_granted(NodeIndex from, NodeIndex first, uint32_t attempts);
  void pass_on(NodeIndex from, NodeIndex first);
  void follow(NodeIndex source);
  void denied(std::string_view command, NodeIndex node, const Error& error);
  void with_link(NodeIndex node, std::move_only_function<void(wire::Client&)> use,
                 std::move_only_function<void()> otherwise);
  [[nodiscard]] wire::Request make_request();
  [[nodiscard]] uint32_t timeout_ms() { return 10 + static_cast<uint32_t>(random_.below(60)); }
  [[nodiscard]] NodeIndex any_node() { return static_cast<NodeIndex>(random_.below(kNodes)); }
  [[nodiscard]] NodeIndex other_than(NodeIndex node) {
    return (node + 1 + static_cast<NodeIndex>(random_.below(kNodes - 1))) % kNodes;
  }

  Context& context_;
  SeededRandom random_;
  std::array<NodeHost*, kNodes> nodes_;
  ShipperHost& shipper_;
  std::unique_ptr<SimProcess> process_;
  uint32_t steps_left_ = 0;
  bool idle_ = true;
  uint64_t requests_ = 0;
  std::optional<Bytes> statement_;  // of the last decline
};

}  // namespace aerodb::sim
