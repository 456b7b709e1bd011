// The shippers of one seed: those that the operator means to run, arranged as the plan says, and one that somebody runs
// by mistake beside them, on one of the same targets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shipper/shipper.h"
#include "tests/sim/cluster.h"

namespace aerodb::sim {

// One shipper at a time, from a source to some of the other nodes.
class ShipperHost {
 public:
  ShipperHost(Context& context, SimMachine& machine, std::string name, uint16_t port);
  ~ShipperHost();
  ShipperHost(const ShipperHost&) = delete;
  ShipperHost& operator=(const ShipperHost&) = delete;

  // Replaces the one that runs.
  void start(NodeIndex source, std::vector<NodeIndex> targets);
  // The same one anew.
  void restart() { start(*source_, targets_); }
  void stop();
  void crash();
  void tend();
  [[nodiscard]] bool runs() const { return source_.has_value(); }
  // Whether a target was given up, which only a restart mends.
  [[nodiscard]] bool has_stopped_target() const;
  [[nodiscard]] std::string describe() const;

 private:
  void clear();
  Context& context_;
  SimMachine& machine_;
  std::string name_;
  uint16_t port_;
  std::optional<NodeIndex> source_;
  std::vector<NodeIndex> targets_;
  std::unique_ptr<SimProcess> process_;
  std::unique_ptr<shipper::Shipper> shipper_;
};

class Fleet {
 public:
  Fleet(Context& context, SimMachine& machine);

  // All of them anew, so that every node follows `source`; as one shipper where `plainly`.
  void follow(NodeIndex source, bool plainly = false);
  void run_by_mistake(NodeIndex source, NodeIndex target);
  void end_mistake() { mistake_->stop(); }
  void stop();
  void crash_one(SeededRandom& random);
  void tend();
  // Starts anew what gave a target up.
  void look_after();
  [[nodiscard]] std::optional<NodeIndex> source() const { return source_; }
  [[nodiscard]] bool is_plain() const { return plain_; }
  [[nodiscard]] bool has_stopped_target() const;
  [[nodiscard]] std::string describe() const;

 private:
  Context& context_;
  std::vector<std::unique_ptr<ShipperHost>> shippers_;
  std::unique_ptr<ShipperHost> mistake_;
  std::optional<NodeIndex> source_;
  bool plain_ = false;  // one shipper feeds all
};

}  // namespace aerodb::sim
