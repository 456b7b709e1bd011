#include "tests/sim/plan.h"

#include <fmt/format.h>

#include <algorithm>
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

std::string to_options(const Cut& cut) {
  std::string names;
  for (size_t i = 0; i < kParts; ++i) {
    if (cut.lacks(static_cast<Part>(i))) names += fmt::format("{}{}", names.empty() ? "" : ",", kPartNames[i]);
  }
  std::string text = names.empty() ? "" : " --without " + names;
  if (cut.nodes) text += fmt::format(" --nodes {}", *cut.nodes);
  if (cut.steps) text += fmt::format(" --steps {}", *cut.steps);
  if (cut.bursts) text += fmt::format(" --bursts {}", *cut.bursts);
  if (cut.until_us) text += fmt::format(" --until {}", *cut.until_us);
  return text;
}

bool parse_parts(std::string_view names, Cut& cut) {
  while (!names.empty()) {
    const auto comma = names.find(',');
    const auto at = std::ranges::find(kPartNames, names.substr(0, comma));
    if (at == kPartNames.end()) return false;
    cut.drop(static_cast<Part>(at - kPartNames.begin()));
    names = comma == std::string_view::npos ? std::string_view() : names.substr(comma + 1);
  }
  return true;
}

SeedPlan::SeedPlan(uint64_t seed, bool small_seed, const Cut& cut) {
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
  draw_disk(seed);
  hostile = random.one_in(2);
  draw_shape(seed);
  if (small_seed) make_small();
  take_away(cut);
}

// From a source of its own, so that disks can change without changing everything else of a seed.
void SeedPlan::draw_disk(uint64_t seed) {
  SeededRandom disk(seed * 0x2545F4914F6CDD1Dull + 3);
  constexpr FaultKind kDiskFaults[] = {FaultKind::kReadError, FaultKind::kBitFlip,    FaultKind::kWriteError,
                                       FaultKind::kCallError, FaultKind::kShortWrite, FaultKind::kDiskFull,
                                       FaultKind::kSyncFailed};
  options.sector_bytes = disk.one_in(2) ? 512 : 4096;
  if (disk.one_in(6)) disk_fault = kDiskFaults[disk.below(std::size(kDiskFaults))];
}

// Who is there, and who feeds whom. Most seeds have three nodes and one shipper.
void SeedPlan::draw_shape(uint64_t seed) {
  SeededRandom shape(seed * 0xD6E8FEB86659FD93ull + 7);
  constexpr uint32_t kNodes[] = {1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5};
  nodes = kNodes[shape.below(std::size(kNodes))];
  const uint64_t kind = shape.below(6);
  topology = kind == 0 ? Topology::kShared : kind == 1 ? Topology::kCascade : Topology::kOne;
  shippers = 2 + static_cast<uint32_t>(shape.below(2));
  disk_loss = shape.one_in(5);
  contact_loss = shape.one_in(6);
  repair_percent = shape.one_in(2) ? 0 : 10 + static_cast<uint32_t>(shape.below(30));
}

void SeedPlan::make_small() {
  nodes = std::min(nodes, 3u);
  client_operations = 4 + client_operations % 8;
  operator_steps = std::min(operator_steps, 4u);
  duration_us = 300'000;
}

void SeedPlan::take_away(const Cut& cut) {
  if (cut.lacks(Part::kCrash)) process_crash = 0;
  if (cut.lacks(Part::kPower)) power_crash = 0;
  if (cut.lacks(Part::kStop)) clean_stop = 0;
  if (cut.lacks(Part::kShipper)) shipper_restart = 0;
  if (cut.lacks(Part::kPartition)) partition = 0;
  if (cut.lacks(Part::kReset)) {
    reset = 0;
    options.one_in = {};
  }
  if (cut.lacks(Part::kClock)) {
    clock_jump = 0;
    options.rate(FaultKind::kWallJump) = 0;
  }
  if (cut.lacks(Part::kSecond)) second_shipper = 0;
  if (cut.lacks(Part::kStorage)) storage_operation = 0;
  if (cut.lacks(Part::kFloor)) floor = 0;
  if (cut.lacks(Part::kDisk)) disk_fault.reset();
  if (cut.lacks(Part::kHostile)) hostile = false;
  if (cut.lacks(Part::kLoss)) disk_loss = contact_loss = false;
  if (cut.lacks(Part::kRepair)) repair_percent = 0;
  if (cut.lacks(Part::kAuthority)) authority = false;
  if (cut.lacks(Part::kTopology)) topology = Topology::kOne;
  nodes = std::min(nodes, cut.nodes.value_or(nodes));
  operator_steps = std::min(operator_steps, cut.steps.value_or(operator_steps));
  client_operations = std::min(client_operations, cut.bursts.value_or(client_operations));
  duration_us = std::min(duration_us, cut.until_us.value_or(duration_us));
}

}  // namespace aerodb::sim
