// The nodes under test, each a real Node on a simulated process, and what starts, kills and restarts them.
//
// A node host lives as long as the seed; its incarnations come and go. Death is noticed by tend(), which the simulation
// calls after every event, so that a process that died of a fuse is cleared away before anything else happens.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/node/node.h"
#include "replica/intake.h"
#include "tests/sim/journal.h"
#include "tests/sim/model.h"
#include "tests/sim/plan.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {

inline constexpr uint16_t kClientPort = 7001;
inline constexpr uint16_t kReplicationPort = 7002;
inline constexpr uint16_t kControlPort = 7003;
inline constexpr uint16_t kMaintenancePort = 7004;

class NodeHost;

// What the parts of one seed share.
struct Context {
  SimWorld& world;
  const SeedPlan& plan;
  Counters& counters;
  Model& model;
  Journal& journal;
  std::vector<NodeHost*> nodes{};
  bool calm = false;  // no more trouble is made on purpose: the end must be reached
  void count(Counter counter) { ++counters[static_cast<size_t>(counter)]; }
};

[[nodiscard]] runtime::Endpoint endpoint_of(const SimMachine& machine, uint16_t port);

class NodeHost {
 public:
  enum class State : uint8_t { kDown, kStarting, kUp, kStopping };

  NodeHost(Context& context, NodeIndex index, SimMachine& machine, bool primary, const ClusterId& cluster);
  ~NodeHost();
  NodeHost(const NodeHost&) = delete;
  NodeHost& operator=(const NodeHost&) = delete;

  [[nodiscard]] SimMachine& machine() { return machine_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] NodeIndex index() const { return index_; }
  [[nodiscard]] const std::string& name() const { return machine_.name(); }
  [[nodiscard]] node::Node* node() { return node_.get(); }
  [[nodiscard]] SimProcess* process() { return process_.get(); }
  [[nodiscard]] NodeFacts& facts() { return context_.model.node(index_); }
  // Serves, halted or not.
  // Whether it can still ship what follows `lsn`. An installed snapshot leaves an empty log. Only where it is ready.
  [[nodiscard]] bool holds_log_behind(Lsn lsn);
  [[nodiscard]] bool is_ready() const { return state_ == State::kUp && context_.model.node(index_).engine != nullptr; }

  // Starts in `delay_us`, unless it is up by then.
  void start_later(uint64_t delay_us);
  void crash(CrashKind kind);
  // Ends in good order and starts again, under `binary` from now on.
  void restart(node::Binary binary);
  // Its disk is lost for good: the directory is made anew, as that of a fresh replica, or nothing takes its place.
  void lose_disk(bool come_back);
  // Notices a death; schedules the next start.
  void tend();
  // Syncs on this machine fail now and then, until the node halts or dies.
  void arm_disk_fault(FaultKind kind);
  // Only halts can keep it from being up at the end.
  void make_calm();

 private:
  void make_directory(bool primary);
  void check_operations();
  void start();
  void started(Result<void> result);
  void refused(const Error& error);
  void engine_ends();
  void lost(const Error& error);
  void progress();
  void clear();
  [[nodiscard]] node::NodeConfig config() const;

  Context& context_;
  NodeIndex index_;
  SimMachine& machine_;
  SeededRandom random_;
  ClusterId cluster_;
  node::Binary binary_;
  State state_ = State::kDown;
  bool start_scheduled_ = false;
  uint64_t failed_operation_ = 0;  // of this incarnation, counted already
  bool disk_fault_ = false;
  bool crash_was_power_ = false;
  bool binary_turned_ =
      false;  // the other binary was tried since the last start that worked, or since the operator chose
  uint64_t start_number_ = 0;
  std::unique_ptr<SimProcess> process_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<replica::Intake> intake_;
};

}  // namespace aerodb::sim
