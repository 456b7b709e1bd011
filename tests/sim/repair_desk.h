// What an operator does about nodes that halted, were left behind, fenced, or lost their primary, by the maintenance
// listeners and on dead directories: one act each, at any moment, right or wrong. What comes of it goes to the model.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/client.h"

namespace aerodb::sim {

class RepairDesk {
 public:
  // Runs once, with whether it was done.
  using Then = std::move_only_function<void(bool done)>;
  RepairDesk(Context& context, SimProcess& process)
      : context_(context), process_(process), random_(context.world.seed() * 6'271 + 9) {}

  void resume(NodeIndex node, std::optional<NodeIndex> source, Then then);
  void accept_lineage(NodeIndex node, NodeIndex source, LineageId lineage, Then then);
  void bootstrap(NodeIndex node, NodeIndex source, bool discard, Then then);
  void export_orphans(NodeIndex node, std::optional<NodeIndex> source, Then then);
  // `absent`: besides the nodes that are gone.
  void end_lineage(NodeIndex node, NodeIndex lost, const std::vector<NodeIndex>& absent, Then then);
  // All that it takes for `node` to follow `source`, whatever is the matter with it.
  void heal(NodeIndex node, NodeIndex source, Then then);
  // On the directory of a node that is down: DEMOTION_DENIED and its like are fine, a seal is found by the next start.
  void seal_offline(NodeIndex node, NodeIndex successor);
  [[nodiscard]] const std::string& last_refusal() const { return refusal_; }

 private:
  struct Repair;
  template <class Request>
  void begin(NodeIndex node, const wire::Method<Request, wire::RepairStatusResponse>& method, Request request,
             std::move_only_function<void(const wire::RepairStatusResponse* ended)> then);
  void poll(std::shared_ptr<Repair> repair);
  void checkpoint_then(NodeIndex source, std::move_only_function<void()> then);
  void connect(NodeIndex node, std::move_only_function<void(std::shared_ptr<wire::Client>)> use);
  void burn_fuse(NodeIndex node, uint64_t calls, uint64_t one_in);
  [[nodiscard]] wire::Request make_request();
  [[nodiscard]] std::string address_of(NodeIndex node) const;

  Context& context_;
  SimProcess& process_;
  SeededRandom random_;
  uint64_t requests_ = 0;
  uint64_t files_ = 0;
  std::string refusal_;  // code of the last act that was not done
};

}  // namespace aerodb::sim
