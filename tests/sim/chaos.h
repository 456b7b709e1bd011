// What goes wrong on purpose beyond what the network and disks roll by themselves: crashes, partitions, resets, clocks,
// a second shipper, failing syncs. One step at a time, at random moments.
#pragma once

#include <vector>

#include "tests/sim/fleet.h"

namespace aerodb::sim {

class Chaos {
 public:
  Chaos(Context& context, Fleet& fleet, std::vector<SimMachine*> machines);
  void start();
  void stop() { running_ = false; }

 private:
  void next();
  void step();
  void crash_node(CrashKind kind);
  void partition();
  void run_second_shipper();
  void storage_operation();
  void raise_floor();
  [[nodiscard]] bool rolls(uint32_t rate) { return rate > 0 && random_.one_in(rate); }
  [[nodiscard]] NodeHost& any_node() { return *context_.nodes[random_.below(context_.nodes.size())]; }
  [[nodiscard]] SimMachine& any_machine() { return *machines_[random_.below(machines_.size())]; }

  Context& context_;
  SeededRandom random_;
  Fleet& fleet_;
  std::vector<SimMachine*> machines_;
  bool running_ = true;
  uint64_t snapshots_ = 0;
};

}  // namespace aerodb::sim
