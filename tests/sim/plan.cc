#include "tests/sim/plan.h"

#include <iterator>

namespace aerodb::sim {
namespace {

constexpr wal::RingGeometry kGeometries[] = {{8, 16 << 10}, {8, 32 << 10}, {8, 64 << 10}};
constexpr wal::RingGeometry kSmallGeometry = {4, 8 << 10};

// Never in one of two seeds, else once in a number between the two.
uint32_t rate(SeededRandom& random, uint32_t often, uint32_t seldom) {
  return random.one_in(2) ? 0 : often + static_cast<uint32_t>(random.below(seldom - often + 1));
}

}  // namespace

SeedPlan::SeedPlan(uint64_t seed) {
  SeededRandom random(seed * 0x9E3779B97F4A7C15ull + 17);
  // A full ring, which refuses every further write, is tried in one seed of ten.
  const bool small = random.one_in(4);
  geometry = small ? kSmallGeometry : kGeometries[random.below(std::size(kGeometries))];
  group_commit = !random.one_in(4);
  max_in_flight = random.one_in(4) ? 2 : 1024;

  options.rate(FaultKind::kConnectionReset) = rate(random, 100, 1'000);
  options.rate(FaultKind::kHalfOpen) = rate(random, 300, 2'000);
  options.rate(FaultKind::kSlowDelivery) = rate(random, 30, 500);
  options.rate(FaultKind::kConnectFailed) = rate(random, 5, 50);
  options.rate(FaultKind::kPartitionBreaks) = rate(random, 2, 8);
  options.rate(FaultKind::kWallJump) = rate(random, 5, 100);
  for (uint32_t& weight : options.power_weights) weight = 1 + static_cast<uint32_t>(random.below(4));
  options.inline_percent = static_cast<uint32_t>(random.below(3)) * 50;
  options.sync_delay_us = {50, 200 + random.below(3'000)};
  options.network_delay_us = {20, 100 + random.below(600)};
  options.slow_delay_us = {2'000, 40'000};
  options.connect_timeout_us = {5'000, 30'000};
  options.silence_us = {5'000, 200'000};
  options.silence_after_send_us = {1'000, 50'000};

  client_operations = 20 + static_cast<uint32_t>(random.below(40));
  burst_max = 1 + static_cast<uint32_t>(random.below(8));
  ids = 3 + static_cast<uint32_t>(random.below(14));
  operator_steps = random.one_in(3) ? 0 : 3 + static_cast<uint32_t>(random.below(10));
  duration_us = 1'500'000;

  chaos_step_us = 2'000 + random.below(10'000);
  process_crash = rate(random, 2, 20);
  power_crash = rate(random, 2, 20);
  clean_stop = rate(random, 5, 30);
  shipper_restart = rate(random, 3, 30);
  partition = rate(random, 3, 20);
  reset = rate(random, 3, 20);
  clock_jump = rate(random, 3, 20);
  second_shipper = rate(random, 5, 30);
  storage_operation = random.one_in(4) ? 0 : 1 + static_cast<uint32_t>(random.below(6));
  floor = rate(random, 5, 25);
  cache_bytes = random.one_in(2) ? 1 : 1 << 20;
  compress = random.one_in(4);
  // From a source of its own, so that disks can change without changing everything else of a seed.
  SeededRandom disk(seed * 0x2545F4914F6CDD1Dull + 3);
  constexpr FaultKind kDiskFaults[] = {FaultKind::kReadError, FaultKind::kBitFlip,    FaultKind::kWriteError,
                                       FaultKind::kCallError, FaultKind::kShortWrite, FaultKind::kDiskFull,
                                       FaultKind::kSyncFailed};
  options.sector_bytes = disk.one_in(2) ? 512 : 4096;
  if (random.one_in(6)) disk_fault = kDiskFaults[disk.below(std::size(kDiskFaults))];
  hostile = random.one_in(2);
}

}  // namespace aerodb::sim
