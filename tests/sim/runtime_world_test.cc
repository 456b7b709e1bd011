// The simulated loop and clock, and that all of it follows from the seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/sim/runtime_kit.h"

namespace aerodb::sim {
namespace {

using runtime::Connection;
using runtime::Endpoint;

TEST(SimLoop, PostsRunInOrderAndTimersAtTheirTime) {
  SimWorld world(1, {});
  SimProcess process(world.add_machine("a"), world, {.name = "p"});
  std::string order;
  process.loop().post([&] {
    order += 'a';
    process.loop().post([&] { order += 'c'; });
  });
  process.loop().post([&] { order += 'b'; });
  process.loop().after(5'000, [&] { order += 'e'; });
  process.loop().after(1'000, [&] { order += 'd'; });
  auto cancelled = process.loop().after(2'000, [&] { order += 'x'; });
  process.loop().cancel(cancelled);
  process.loop().cancel(cancelled);
  EXPECT_TRUE(order.empty());
  world.run_until(4'000);
  EXPECT_EQ(order, "abcd");
  world.run_for(2'000);
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(world.now_us(), 6'000u);
}

TEST(SimLoop, CancelledSlotIsNotTakenForItsSuccessor) {
  SimWorld world(1, {});
  SimProcess process(world.add_machine("a"), world, {.name = "p"});
  bool ran = false;
  auto first = process.loop().after(10, [] {});
  process.loop().cancel(first);
  process.loop().after(10, [&] { ran = true; });
  process.loop().cancel(first);
  ASSERT_TRUE(world.run_to_idle());
  EXPECT_TRUE(ran);
}

TEST(SimLoop, CallbacksOfADeadProcessAreDestroyedWithItUnrun) {
  SimWorld world(1, {});
  auto process = std::make_unique<SimProcess>(world.add_machine("a"), world, ProcessOptions{.name = "p"});
  auto watched = std::make_shared<int>(0);
  process->loop().after(10, [watched] { ++*watched; });
  process->loop().post([watched, &process] { process->crash(CrashKind::kProcess); });
  EXPECT_EQ(watched.use_count(), 3);
  ASSERT_TRUE(world.step());
  EXPECT_EQ(watched.use_count(), 2);
  process->loop().post([watched] { ++*watched; });
  ASSERT_TRUE(world.run_to_idle());
  EXPECT_EQ(*watched, 0);
  process.reset();
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(SimClock, MonotonicGoesOnAndWallClocksDiffer) {
  SimWorld world(1, {});
  SimMachine& machine = world.add_machine("a");
  SimProcess exact(machine, world, {.name = "exact"});
  SimProcess skewed(machine, world, {.name = "skewed", .wall_skew_us = -5'000'000});
  EXPECT_EQ(exact.clock().wall_us() - skewed.clock().wall_us(), 5'000'000u);
  const uint64_t before = exact.clock().monotonic_us();
  world.run_for(1'234);
  EXPECT_EQ(exact.clock().monotonic_us() - before, 1'234u);
  world.options().rate(FaultKind::kWallJump) = 1;
  const uint64_t wall = exact.clock().wall_us();
  EXPECT_NE(wall, exact.clock().wall_us());
}

// Everything at once, twice.

std::array<uint8_t, 16> busy_run(uint64_t seed, std::vector<std::string>* tree) {
  SimOptions options;
  for (auto kind : {FaultKind::kConnectionReset, FaultKind::kSlowDelivery, FaultKind::kHalfOpen})
    options.rate(kind) = 30;
  for (auto kind : {FaultKind::kSyncFailed, FaultKind::kWriteError, FaultKind::kShortWrite}) options.rate(kind) = 20;
  TwoMachines two(seed, options);
  two.connect(*two.client_process);
  std::function<void()> chatter = [&] {
    if (two.client.connection) two.client.connection->send(counted(1 + two.client_process->random().next() % 3000));
    if (!two.client.connection || two.client.closed) {
      two.client.closed.reset();
      two.connect(*two.client_process);
    }
    two.client_process->loop().after(700, [&] { chatter(); });
  };
  chatter();
  for (int round = 0; round < 8; ++round) {
    two.client_process->jobs().run(
        [round](runtime::Disk& disk) {
          if (!disk.make_directory("/d")) return;
          static_cast<void>(runtime::replace_file(disk, "/d", std::to_string(round % 3), counted(9000)));
        },
        [] {});
    two.world.run_for(3'000);
  }
  two.client_process->crash(CrashKind::kPower);
  two.world.run_for(1'000'000);
  *tree = two.a.disk().tree();
  return two.world.trace_hash();
}

TEST(SimWorld, SameSeedSameTraceOtherSeedOtherTrace) {
  std::vector<std::array<uint8_t, 16>> hashes;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::string> first;
    std::vector<std::string> second;
    hashes.push_back(busy_run(seed, &first));
    ASSERT_EQ(hashes.back(), busy_run(seed, &second));
    ASSERT_EQ(first, second);
  }
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

}  // namespace
}  // namespace aerodb::sim
