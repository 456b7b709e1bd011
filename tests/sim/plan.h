// What one seed is going to be like. Each seed switches kinds of trouble on and off and draws how often they happen, so
// that rare combinations come up, and calm stretches in which a plan can succeed. A cut takes parts away again: by that
// a failing seed is made small.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/random.h"
#include "common/wal/ring.h"
#include "tests/sim/runtime/options.h"

namespace aerodb::sim {

// How the operator arranges the shippers that feed everybody.
enum class Topology : uint8_t {
  kOne,      // one shipper feeds every node
  kShared,   // several, each with some of the targets
  kCascade,  // one feeds from the source, the next from a node that it feeds
};

// A part of a plan that can be taken away by its name.
enum class Part : uint8_t {
  kCrash,      // of processes
  kPower,      // losses
  kStop,       // clean stops
  kShipper,    // crashes of shippers
  kPartition,  // of machines
  kReset,      // of connections, and what else a network does by itself
  kClock,      // jumps
  kSecond,     // a second shipper on a target, by mistake
  kStorage,    // checkpoints, merges, snapshots
  kFloor,      // rising floors
  kDisk,       // faults of a disk
  kHostile,    // a stranger
  kLoss,       // of a primary's disk, or of contact to it
  kRepair,     // resume, bootstrap, export, end-lineage at any moment
  kAuthority,  // what an operator does with seals
  kTopology,   // more than one shipper
  kCount,
};
inline constexpr size_t kParts = static_cast<size_t>(Part::kCount);
inline constexpr std::array<std::string_view, kParts> kPartNames = {
    "crash",   "power", "stop", "shipper", "partition", "reset",  "clock",     "second",
    "storage", "floor", "disk", "hostile", "loss",      "repair", "authority", "topology"};

// What is taken away from a plan.
struct Cut {
  uint32_t without = 0;  // a bit each Part
  std::optional<uint32_t> nodes{};
  std::optional<uint32_t> steps{};   // of the operator
  std::optional<uint32_t> bursts{};  // of each client
  std::optional<uint64_t> until_us{};
  [[nodiscard]] bool lacks(Part part) const { return (without >> static_cast<unsigned>(part) & 1) != 0; }
  void drop(Part part) { without |= 1u << static_cast<unsigned>(part); }
};
// As options of aerodb-sim, each with a space before it; empty where nothing is taken away.
[[nodiscard]] std::string to_options(const Cut& cut);
// A list of names with commas between them; false: one is no part.
[[nodiscard]] bool parse_parts(std::string_view names, Cut& cut);

struct SeedPlan {
  // `small`: fewer nodes, clients and steps, for many cheap seeds.
  SeedPlan(uint64_t seed, bool small, const Cut& cut = {});

  uint32_t nodes = 3;
  Topology topology = Topology::kOne;
  uint32_t shippers = 1;
  wal::RingGeometry geometry;
  bool group_commit = true;
  uint32_t max_in_flight = 1024;
  uint64_t cache_bytes = 0;
  bool compress = false;
  SimOptions options;  // rates of what the network and the clocks do by themselves

  uint32_t client_operations = 0;  // bursts of each client
  uint32_t burst_max = 1;          // requests of one burst
  uint32_t ids = 8;                // documents of each collection
  uint32_t operator_steps = 0;
  uint64_t duration_us = 0;

  // Once in so many chaos steps; 0: never.
  uint64_t chaos_step_us = 5'000;
  uint32_t process_crash = 0;
  uint32_t power_crash = 0;
  uint32_t clean_stop = 0;
  uint32_t shipper_restart = 0;
  uint32_t partition = 0;
  uint32_t reset = 0;
  uint32_t clock_jump = 0;
  uint32_t second_shipper = 0;
  uint32_t storage_operation = 0;
  uint32_t floor = 0;
  std::optional<FaultKind> disk_fault;  // that one node's disk shows for a while
  bool hostile = false;
  // Of 100 operator's steps, how many are repairs at a random moment; and whether a primary's disk is lost once.
  uint32_t repair_percent = 0;
  bool authority = true;
  bool disk_loss = false;
  // Once nobody hears the primary, and an operator takes it for lost although it goes on.
  bool contact_loss = false;

 private:
  void draw_disk(uint64_t seed);
  void draw_shape(uint64_t seed);
  void make_small();
  void take_away(const Cut& cut);
};

}  // namespace aerodb::sim
