// The simulated log device and Jobs: what a crash takes and what it must leave.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/sim/runtime_kit.h"

namespace aerodb::sim {
namespace {

using runtime::OpenMode;

// The log device.

struct LogResult {
  int calls = 0;
  bool ok = false;
};

struct WithLog : OneMachine {
  explicit WithLog(uint64_t seed, const SimOptions& options = {}) : OneMachine(seed, options) {
    put("/d/log", filled(64 * 1024, 0));
    AERODB_ASSERT(process->log_device().open({"/d/log"}).has_value());
  }
  void submit(uint64_t offset, const Bytes& data, LogResult& result,
              runtime::Completion completion = runtime::Completion::kLater) {
    process->log_device().submit(0, offset, data, completion, [&result](Result<void> outcome) {
      ++result.calls;
      result.ok = outcome.has_value();
    });
  }
};

TEST(SimLogDevice, CompletedWriteSurvivesPowerLoss) {
  WithLog log(3, with_power(PowerFate::kAllLost));
  const Bytes frame = filled(1024, 4);
  LogResult result;
  log.submit(512, frame, result);
  EXPECT_EQ(result.calls, 0);
  ASSERT_TRUE(log.world.run_to_idle());
  EXPECT_EQ(result.calls, 1);
  EXPECT_TRUE(result.ok);
  log.restart(CrashKind::kPower);
  const Bytes left = log.content("/d/log");
  EXPECT_TRUE(std::equal(frame.begin(), frame.end(), left.begin() + 512));
}

TEST(SimLogDevice, CrashInBetweenDropsTheCompletion) {
  bool kept = false;
  bool lost = false;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    WithLog log(seed);
    const Bytes frame = filled(512, 4);
    LogResult result;
    log.submit(0, frame, result);
    for (uint64_t step = 0; step < seed % 3; ++step) log.world.step();
    log.restart(seed % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
    ASSERT_TRUE(log.world.run_to_idle());
    ASSERT_EQ(result.calls, 0);
    (log.content("/d/log")[0] == 4 ? kept : lost) = true;
  }
  EXPECT_TRUE(kept);
  EXPECT_TRUE(lost);
}

TEST(SimLogDevice, InlineIsDurableWithinSubmit) {
  SimOptions options = with_power(PowerFate::kAllLost);
  options.inline_percent = 100;
  WithLog log(1, options);
  const Bytes frame = filled(512, 1);
  LogResult result;
  log.submit(0, frame, result, runtime::Completion::kInline);
  EXPECT_EQ(result.calls, 1);
  EXPECT_TRUE(result.ok);
  log.restart(CrashKind::kPower);
  EXPECT_EQ(log.content("/d/log")[511], 1);
}

TEST(SimLogDevice, SecondWriteInFlightIsCarriedOutAndReported) {
  WithLog log(1);
  const Bytes first = filled(512, 1);
  const Bytes second = filled(512, 2);
  LogResult result;
  log.submit(0, first, result);
  EXPECT_TRUE(log.world.violations().empty());
  log.submit(512, second, result);
  ASSERT_EQ(log.world.violations().size(), 1u);
  EXPECT_EQ(log.world.violations()[0], "p: second frame unsynced");
  ASSERT_TRUE(log.world.run_to_idle());
  EXPECT_EQ(result.calls, 2);
  EXPECT_EQ(log.content("/d/log")[512], 2);
}

TEST(SimLogDevice, ErrorsOfWriteAndSyncAreAnswered) {
  for (auto kind : {FaultKind::kWriteError, FaultKind::kSyncFailed}) {
    WithLog log(1);
    log.world.options().rate(kind) = 1;
    const Bytes frame = filled(512, 1);
    LogResult result;
    log.submit(0, frame, result);
    ASSERT_TRUE(log.world.run_to_idle());
    EXPECT_EQ(result.calls, 1);
    EXPECT_FALSE(result.ok);
  }
}

TEST(SimLogDevice, WriteAndSyncAreCallsThatCanBeMadeToFail) {
  for (const auto& [call, kind] : {std::pair(1u, FaultKind::kWriteError), std::pair(2u, FaultKind::kSyncFailed)}) {
    WithLog log(1);
    log.process->fail_at_call(call);
    const Bytes frame = filled(512, 1);
    LogResult result;
    log.submit(0, frame, result);
    ASSERT_TRUE(log.world.run_to_idle());
    EXPECT_EQ(result.calls, 1);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(log.world.hits(kind), 1u);
  }
}

// Jobs.

TEST(SimJobs, JobsInterleaveAtTheirDiskCalls) {
  bool interleaved = false;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    OneMachine one(seed);
    std::string order;
    for (char name : {'a', 'b'}) {
      one.process->jobs().run(
          [&order, name](runtime::Disk& disk) {
            for (int i = 0; i < 4; ++i) {
              order += name;
              EXPECT_TRUE(disk.exists("/d"));
            }
          },
          [&order, name] { order += static_cast<char>(name - 'a' + 'A'); });
    }
    EXPECT_TRUE(order.empty());
    ASSERT_TRUE(one.world.run_to_idle());
    ASSERT_EQ(std::ranges::count(order, 'a'), 4);
    ASSERT_EQ(std::ranges::count(order, 'b'), 4);
    ASSERT_GT(order.find('A'), order.rfind('a'));
    ASSERT_NE(order.find('B'), std::string::npos);
    interleaved = interleaved || (order.find('b') < order.rfind('a') && order.find('a') < order.rfind('b'));
  }
  EXPECT_TRUE(interleaved);
}

TEST(SimJobs, CrashRunsJobsToTheirEndWithFailingCalls) {
  OneMachine one(1);
  std::vector<bool> outcomes;
  bool destroyed_late = false;
  bool done = false;
  bool never_started = true;
  one.process->jobs().run(
      [&](runtime::Disk& disk) {
        auto file = disk.open("/d/out", OpenMode::kCreate);
        for (int i = 0; i < 5; ++i) outcomes.push_back((*file)->write(0, filled(100, 1)).has_value());
        destroyed_late = true;
      },
      [&] { done = true; });
  for (int i = 0; i < 3; ++i) one.world.step();
  ASSERT_EQ(outcomes, std::vector<bool>{true});
  one.process->jobs().run([&](runtime::Disk&) { never_started = false; }, [] {});
  one.process->crash(CrashKind::kProcess);
  EXPECT_TRUE(destroyed_late);
  EXPECT_EQ(outcomes, (std::vector<bool>{true, false, false, false, false}));
  one.process.reset();
  ASSERT_TRUE(one.world.run_to_idle());
  EXPECT_FALSE(done);
  EXPECT_TRUE(never_started);
}

TEST(SimJobs, FuseInsideAJobKillsAllJobsOfTheMachine) {
  OneMachine one(1);
  SimProcess neighbour(one.machine, one.world, {.name = "neighbour"});
  int ended = 0;
  auto work = [&ended](runtime::Disk& disk) {
    for (int i = 0; i < 50; ++i) {
      if (!disk.exists("/d")) break;
    }
    ++ended;
  };
  one.process->jobs().run(work, [] { FAIL(); });
  one.process->jobs().run(work, [] { FAIL(); });
  neighbour.jobs().run(work, [] { FAIL(); });
  one.process->crash_at_call(7, CrashKind::kPower);
  while (one.process->alive()) ASSERT_TRUE(one.world.step());
  EXPECT_EQ(ended, 3);
  EXPECT_FALSE(neighbour.alive());
  EXPECT_FALSE(one.machine.up());
  ASSERT_TRUE(one.world.run_to_idle());
}

TEST(SimJobs, CutWriteLeavesWholePagesInThePageCache) {
  bool partial = false;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    OneMachine one(seed);
    one.put("/d/f", filled(4 * 4096, 0));
    const Bytes data = filled(4 * 4096, 1);
    one.process->jobs().run(
        [&data](runtime::Disk& disk) {
          auto file = disk.open("/d/f", OpenMode::kReadWrite);
          if (file) static_cast<void>((*file)->write(0, data));
        },
        [] {});
    one.world.step();
    one.world.step();  // opened; the write is under way
    one.restart(CrashKind::kProcess);
    const Bytes left = one.content("/d/f");
    const auto count = std::ranges::count(left, 1);
    ASSERT_EQ(count % 4096, 0);
    partial = partial || (count > 0 && count < 4 * 4096);
  }
  EXPECT_TRUE(partial);
}

}  // namespace
}  // namespace aerodb::sim
