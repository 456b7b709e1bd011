// The operator: moves authority and repairs nodes, at good moments and at bad ones, once and twice, and moves the
// shippers after it. Knows what operators know: who is configured, and what nodes answered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/client.h"
#include "tests/sim/fleet.h"
#include "tests/sim/repair_desk.h"

namespace aerodb::sim {

class Operator {
 public:
  Operator(Context& context, SimMachine& machine, Fleet& fleet);

  void start();
  [[nodiscard]] RepairDesk& desk() { return desk_; }
  [[nodiscard]] bool done() const { return idle_ && (steps_left_ == 0 || context_.calm); }

 private:
  using Then = std::move_only_function<void(bool granted)>;
  void next_step();
  void step();
  void mistake();
  void repair();
  // The primary's disk is lost: whoever has most of its log goes on.
  void lose_primary();
  // Nobody hears the primary but its clients, and it is taken for lost.
  void lose_contact();
  void set_contact(NodeIndex node, bool contact);
  void go_on_without(NodeIndex lost, uint32_t attempts);
  [[nodiscard]] NodeIndex furthest_but(NodeIndex lost);
  // One attempt each: `then` learns whether it was granted; what was lost on the way counts as not.
  void demote(NodeIndex node, NodeIndex successor, std::optional<Bytes> decline, Then then);
  void promote(NodeIndex node, std::optional<Bytes> decline, Then then);
  void decline(NodeIndex node, Then then);
  void ask_outcome(NodeIndex node);
  void explain(NodeIndex node);
  // Demote, ship, promote, follow: each step tried a few times.
  void switch_over(NodeIndex from, NodeIndex to);
  // As if another node than its successor had declined the last seal.
  [[nodiscard]] std::optional<Bytes> foreign_statement(NodeIndex sealed, NodeIndex declining);
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
  [[nodiscard]] NodeIndex any_node() { return static_cast<NodeIndex>(random_.below(context_.nodes.size())); }
  [[nodiscard]] NodeIndex other_than(NodeIndex node) {
    const auto nodes = context_.nodes.size();
    return nodes == 1 ? node : static_cast<NodeIndex>((node + 1 + random_.below(nodes - 1)) % nodes);
  }

  Context& context_;
  SeededRandom random_;
  Fleet& fleet_;
  std::unique_ptr<SimProcess> process_;
  RepairDesk desk_;
  bool disk_lost_ = false;
  bool contact_lost_ = false;
  uint32_t steps_left_ = 0;
  bool idle_ = true;
  uint64_t requests_ = 0;
  std::optional<Bytes> statement_;  // of the last decline
};

}  // namespace aerodb::sim
