// What one seed is going to be like. Each seed switches kinds of trouble on and off and draws how often they happen, so
// that rare combinations come up, and calm stretches in which a plan can succeed.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/random.h"
#include "common/wal/ring.h"
#include "tests/sim/runtime/options.h"

namespace aerodb::sim {

struct SeedPlan {
  explicit SeedPlan(uint64_t seed);

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
};

}  // namespace aerodb::sim
