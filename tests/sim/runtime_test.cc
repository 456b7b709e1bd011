// The simulated disk, log device and Jobs: what a crash takes and what it must leave.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "common/base/assert.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {
namespace {

using runtime::OpenMode;

SimOptions with_power(PowerFate fate) {
  SimOptions options;
  options.power_weights = {0, 0, 0, 0};
  options.power_weights[static_cast<size_t>(fate)] = 1;
  return options;
}

Bytes filled(size_t count, uint8_t value) { return Bytes(count, value); }

// A machine with a process on it that can be killed and started again.
struct OneMachine {
  explicit OneMachine(uint64_t seed, const SimOptions& options = {})
      : world(seed, options), machine(world.add_machine("a")) {
    start();
    AERODB_ASSERT(disk().make_directory("/d").has_value());
    AERODB_ASSERT(disk().sync_directory("/").has_value());
  }
  void start() { process = std::make_unique<SimProcess>(machine, world, ProcessOptions{.name = "p"}); }
  void restart(CrashKind kind) {
    process->crash(kind);
    process.reset();
    start();
  }
  runtime::Disk& disk() { return process->blocking_disk(); }
  // A file of `content`, synced together with its name.
  void put(const std::string& path, ByteSpan content) {
    auto file = disk().open(path, OpenMode::kAppend);
    AERODB_ASSERT(file && (*file)->write(0, content) && (*file)->sync() && disk().sync_directory("/d"));
  }
  Bytes content(const std::string& path) { return machine.disk().peek(path).value_or(Bytes{}); }

  SimWorld world;
  SimMachine& machine;
  std::unique_ptr<SimProcess> process;
};

TEST(SimDisk, UnsyncedDataIsLostWithThePower) {
  OneMachine one(1, with_power(PowerFate::kAllLost));
  one.put("/d/f", filled(2000, 1));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(500, filled(3000, 2)));
  EXPECT_TRUE(one.machine.disk().at_risk());
  one.restart(CrashKind::kPower);
  EXPECT_EQ(one.content("/d/f"), filled(2000, 1));
  EXPECT_FALSE(one.machine.disk().at_risk());
}

TEST(SimDisk, SyncedDataSurvivesEveryFate) {
  for (auto fate : {PowerFate::kAllKept, PowerFate::kAllLost, PowerFate::kSubset, PowerFate::kPrefix}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      OneMachine one(seed, with_power(fate));
      one.put("/d/f", filled(9000, 7));
      one.restart(CrashKind::kPower);
      ASSERT_EQ(one.content("/d/f"), filled(9000, 7));
    }
  }
}

TEST(SimDisk, PageCacheSurvivesTheProcessAndStaysUnsynced) {
  OneMachine one(1, with_power(PowerFate::kAllLost));
  one.put("/d/f", filled(512, 1));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(0, filled(512, 2)));
  file->reset();
  one.restart(CrashKind::kProcess);
  EXPECT_EQ(one.content("/d/f"), filled(512, 2));
  one.restart(CrashKind::kPower);
  EXPECT_EQ(one.content("/d/f"), filled(512, 1));
}

TEST(SimDisk, UnsyncedSectorsAreLostInAnySubset) {
  bool later_without_earlier = false;
  bool torn = false;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    OneMachine one(seed, with_power(PowerFate::kSubset));
    one.put("/d/f", filled(4 * 512, 0));
    auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write(0, filled(1024, 1)));
    ASSERT_TRUE((*file)->write(1024, filled(1024, 2)));
    file->reset();
    one.restart(CrashKind::kPower);
    const Bytes left = one.content("/d/f");
    for (size_t sector = 0; sector < 4; ++sector) {
      // Whole sectors, old or new.
      ASSERT_EQ(std::count(left.begin() + sector * 512, left.begin() + (sector + 1) * 512, left[sector * 512]), 512);
    }
    torn = torn || left[0] != left[512];
    later_without_earlier = later_without_earlier || (left[0] == 0 && left[512] == 0 && left[1024] == 2);
  }
  EXPECT_TRUE(torn);
  EXPECT_TRUE(later_without_earlier);
}

TEST(SimDisk, PrefixFateKeepsTheFirstSectors) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    OneMachine one(seed, with_power(PowerFate::kPrefix));
    one.put("/d/f", filled(8 * 512, 0));
    auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write(0, filled(8 * 512, 1)));
    file->reset();
    one.restart(CrashKind::kPower);
    const Bytes left = one.content("/d/f");
    ASSERT_TRUE(std::ranges::is_sorted(left, std::greater<>()));
  }
}

TEST(SimDisk, TearsAtTheSectorSizeOfTheDiskAndCountsIt) {
  for (const uint32_t sector_bytes : {512u, 4096u}) {
    std::array<uint64_t, kFaultKinds> hits{};
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      SimOptions options = with_power(seed % 2 == 0 ? PowerFate::kSubset : PowerFate::kPrefix);
      options.sector_bytes = sector_bytes;
      OneMachine one(seed, options);
      one.put("/d/f", filled(5 * 4096, 0));
      auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
      ASSERT_TRUE((*file)->write(1024, filled(3 * 4096, 1)));
      ASSERT_TRUE((*file)->write(512, filled(1024, 2)));
      file->reset();
      one.restart(CrashKind::kPower);
      // A sector is as the file had it at one time: before, after the first write, after both.
      const Bytes left = one.content("/d/f");
      for (size_t at = 0; at < left.size(); at += sector_bytes) {
        const ByteSpan sector = ByteSpan(left).subspan(at, sector_bytes);
        Bytes states[3] = {filled(sector_bytes, 0), filled(sector_bytes, 0), filled(sector_bytes, 0)};
        for (size_t i = 0; i < sector_bytes; ++i) {
          const bool in_first = at + i >= 1024 && at + i < 1024 + 3 * 4096;
          states[1][i] = in_first ? 1 : 0;
          states[2][i] = at + i >= 512 && at + i < 1536 ? 2 : states[1][i];
        }
        const bool known = std::ranges::any_of(states, [&](const Bytes& s) { return std::ranges::equal(s, sector); });
        ASSERT_TRUE(known) << "offset " << at << ", seed " << seed;
      }
      for (size_t kind = 0; kind < kFaultKinds; ++kind) hits[kind] += one.world.hits(static_cast<FaultKind>(kind));
    }
    const auto count = [&](FaultKind kind) { return hits[static_cast<size_t>(kind)]; };
    EXPECT_GT(count(sector_bytes == 512 ? FaultKind::kTorn512 : FaultKind::kTorn4096), 10u);
    EXPECT_EQ(count(sector_bytes == 512 ? FaultKind::kTorn4096 : FaultKind::kTorn512), 0u);
    EXPECT_GT(count(FaultKind::kReordered), 5u);
    EXPECT_LT(count(FaultKind::kReordered), 31u);  // a prefix is in order
  }
}

TEST(SimDisk, SectorWrittenTwiceCanEndAsEitherWrite) {
  std::array<int, 3> seen{};
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    OneMachine one(seed, with_power(PowerFate::kSubset));
    one.put("/d/f", filled(512, 0));
    auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write(0, filled(512, 1)));
    ASSERT_TRUE((*file)->write(0, filled(512, 2)));
    file->reset();
    one.restart(CrashKind::kPower);
    ++seen[one.content("/d/f")[0]];
  }
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
  EXPECT_GT(seen[2], 20);  // half of them: losing an older write takes nothing from a newer one that was kept
}

TEST(SimDisk, FailedSyncLeavesDataReadableButNoLaterSyncSavesIt) {
  OneMachine one(1, with_power(PowerFate::kAllLost));
  one.put("/d/f", filled(2048, 1));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(0, filled(1024, 2)));
  one.world.options().rate(FaultKind::kSyncFailed) = 1;
  EXPECT_FALSE((*file)->sync());
  one.world.options().rate(FaultKind::kSyncFailed) = 0;
  EXPECT_EQ(one.world.hits(FaultKind::kSyncFailed), 1u);
  Bytes seen(1024);
  ASSERT_TRUE((*file)->read(0, seen));
  EXPECT_EQ(seen, filled(1024, 2));
  ASSERT_TRUE((*file)->write(512, filled(512, 3)));  // written again: this sector the next sync does write
  EXPECT_TRUE((*file)->sync());
  file->reset();
  one.restart(CrashKind::kPower);
  Bytes expected = filled(2048, 1);
  std::fill(expected.begin() + 512, expected.begin() + 1024, uint8_t{3});
  EXPECT_EQ(one.content("/d/f"), expected);
}

TEST(SimDisk, GrownFileFallsBackToItsSyncedLength) {
  OneMachine one(1, with_power(PowerFate::kAllLost));
  one.put("/d/f", filled(700, 1));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(700, filled(9000, 2)));
  file->reset();
  one.restart(CrashKind::kPower);
  EXPECT_EQ(one.content("/d/f"), filled(700, 1));
  file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(5000, filled(1, 3)));
  Bytes gap(4300);
  ASSERT_EQ((*file)->read(700, gap), 4300u);
  EXPECT_EQ(gap, filled(4300, 0));
}

TEST(SimDisk, BytesBeyondALostLengthNeverComeBack) {
  int shrunk = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    OneMachine one(seed, with_power(PowerFate::kSubset));
    one.put("/d/f", filled(700, 1));
    auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write(700, filled(9000, 2)));
    file->reset();
    one.restart(CrashKind::kPower);
    if (one.content("/d/f").size() != 700) continue;
    ++shrunk;
    file = one.disk().open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write(12'000, filled(1, 3)));
    Bytes gap(11'300);
    ASSERT_TRUE((*file)->read(700, gap));
    ASSERT_EQ(gap, filled(11'300, 0));
  }
  EXPECT_GT(shrunk, 5);
}

TEST(SimDisk, FillZeroIsReadAsZerosAndErasesWhatWasThere) {
  OneMachine one(1);
  one.put("/d/f", filled(700, 1));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->fill_zero(64 << 20));
  EXPECT_EQ((*file)->size(), uint64_t{64 << 20});
  Bytes seen(1000, 9);
  ASSERT_EQ((*file)->read(0, seen), 1000u);
  EXPECT_EQ(seen, filled(1000, 0));
}

TEST(SimDisk, RenameWithoutDirectorySyncMayBeLost) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    OneMachine one(seed);
    one.put("/d/f", filled(10, 1));
    one.put("/d/f.tmp", filled(10, 2));
    ASSERT_TRUE(one.disk().rename("/d/f.tmp", "/d/f"));
    one.restart(CrashKind::kPower);
    const bool old = one.content("/d/f") == filled(10, 1);
    ASSERT_EQ(old, one.machine.disk().exists("/d/f.tmp"));
    if (!old) {
      ASSERT_EQ(one.content("/d/f"), filled(10, 2));
    }
    lost += old ? 1 : 0;
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 35);
}

TEST(SimDisk, DirectorySyncMakesRenameDurable) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    OneMachine one(seed);
    one.put("/d/f", filled(10, 1));
    ASSERT_TRUE(runtime::replace_file(one.disk(), "/d", "f", filled(10, 2)));
    one.restart(CrashKind::kPower);
    ASSERT_EQ(one.content("/d/f"), filled(10, 2));
  }
}

TEST(SimDisk, LostDirectoryChangesAreTheNewestOfADirectory) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    OneMachine one(seed);
    for (char name = 'a'; name < 'f'; ++name)
      ASSERT_TRUE(one.disk().open(std::string("/d/") + name, OpenMode::kCreate));
    one.restart(CrashKind::kPower);
    auto names = one.disk().list("/d");
    ASSERT_TRUE(names);
    for (size_t i = 0; i < names->size(); ++i) ASSERT_EQ((*names)[i], std::string(1, static_cast<char>('a' + i)));
  }
}

TEST(SimDisk, RenameBetweenDirectoriesNeverLosesTheFile) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    OneMachine one(seed);
    ASSERT_TRUE(one.disk().make_directory("/e"));
    ASSERT_TRUE(one.disk().sync_directory("/"));
    one.put("/d/f", filled(10, 1));
    ASSERT_TRUE(one.disk().open("/e/g", OpenMode::kCreate));
    ASSERT_TRUE(one.disk().rename("/d/f", "/e/g"));
    if (seed % 2 == 0) {
      ASSERT_TRUE(one.disk().sync_directory("/d"));
    }
    one.restart(CrashKind::kPower);
    ASSERT_NE(one.content("/d/f") == filled(10, 1), one.content("/e/g") == filled(10, 1));
    if (seed % 2 == 0) {
      ASSERT_FALSE(one.machine.disk().exists("/d/f"));
    }
  }
}

TEST(SimDisk, LinkIsASecondNameOfTheSameFile) {
  OneMachine one(1);
  one.put("/d/f", filled(10, 1));
  ASSERT_TRUE(one.disk().link("/d/f", "/d/g"));
  auto file = one.disk().open("/d/g", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(0, filled(10, 2)));
  EXPECT_EQ(one.content("/d/f"), filled(10, 2));
  ASSERT_TRUE(one.disk().remove("/d/f"));
  EXPECT_FALSE(one.machine.disk().exists("/d/f"));
  EXPECT_EQ(one.content("/d/g"), filled(10, 2));
  EXPECT_FALSE(one.disk().link("/d/f", "/d/h"));
  EXPECT_FALSE(one.disk().link("/d", "/d/h"));
  one.put("/d/h", filled(1, 1));
  EXPECT_FALSE(one.disk().link("/d/g", "/d/h"));
  EXPECT_EQ(one.content("/d/h"), filled(1, 1));
}

TEST(SimDisk, LinkIsDurableWithTheSyncOfItsOwnDirectory) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    OneMachine one(seed);
    ASSERT_TRUE(one.disk().make_directory("/e"));
    ASSERT_TRUE(one.disk().sync_directory("/"));
    one.put("/d/f", filled(10, 1));
    ASSERT_TRUE(one.disk().link("/d/f", "/e/g"));
    ASSERT_TRUE(one.disk().sync_directory(seed % 2 == 0 ? "/e" : "/d"));
    one.restart(CrashKind::kPower);
    ASSERT_EQ(one.content("/d/f"), filled(10, 1));
    if (seed % 2 == 0) {
      ASSERT_EQ(one.content("/e/g"), filled(10, 1));
    } else {
      lost += one.machine.disk().exists("/e/g") ? 0 : 1;
    }
  }
  EXPECT_GT(lost, 2);
  EXPECT_LT(lost, 18);
}

TEST(SimDisk, ErrorsOfPathsAndModes) {
  OneMachine one(1);
  EXPECT_FALSE(one.disk().open("/d/none", OpenMode::kRead));
  EXPECT_FALSE(one.disk().open("/none/f", OpenMode::kCreate));
  one.put("/d/f", filled(3, 1));
  EXPECT_FALSE(one.disk().open("/d/f", OpenMode::kCreate));
  EXPECT_FALSE(one.disk().open("/d", OpenMode::kRead));
  EXPECT_FALSE(one.disk().remove("/d"));
  EXPECT_FALSE(one.disk().rename("/d", "/d/inside"));
  auto file = one.disk().open("/d/f", OpenMode::kRead);
  EXPECT_FALSE((*file)->write(0, filled(1, 1)));
  Bytes seen(10);
  EXPECT_EQ((*file)->read(1, seen), 2u);
  EXPECT_EQ((*file)->read(3, seen), 0u);
}

TEST(SimDisk, LockIsExclusiveUntilItsHolderDies) {
  OneMachine one(1);
  auto lock = one.disk().lock("/d");
  ASSERT_TRUE(lock);
  SimProcess other(one.machine, one.world, {.name = "other"});
  auto refused = other.blocking_disk().lock("/d");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLocked);
  one.process->crash(CrashKind::kProcess);
  auto taken = other.blocking_disk().lock("/d");
  ASSERT_TRUE(taken);
  lock->reset();  // the dead holder's handle frees nothing
  EXPECT_FALSE(SimProcess(one.machine, one.world, {.name = "third"}).blocking_disk().lock("/d"));
}

TEST(SimDisk, FullDiskRefusesGrowthButNotOverwriting) {
  OneMachine one(1);
  one.put("/d/f", filled(1024, 1));
  one.machine.disk().set_full(true);
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  EXPECT_TRUE((*file)->write(0, filled(1024, 2)));
  EXPECT_FALSE((*file)->write(1, filled(1024, 2)));
  EXPECT_FALSE(one.disk().open("/d/g", OpenMode::kCreate));
}

TEST(SimDisk, RolledFaultsHappenAndAreCounted) {
  OneMachine one(1);
  one.put("/d/f", filled(1024, 0));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  auto only = [&](FaultKind kind) {
    one.world.options().one_in = {};
    one.world.options().rate(kind) = 1;
  };
  Bytes seen(1024);
  only(FaultKind::kReadError);
  EXPECT_FALSE((*file)->read(0, seen));
  only(FaultKind::kBitFlip);
  EXPECT_TRUE((*file)->read(0, seen));
  EXPECT_EQ(
      std::accumulate(seen.begin(), seen.end(), 0, [](int sum, uint8_t byte) { return sum + std::popcount(byte); }), 1);
  EXPECT_EQ(one.content("/d/f"), filled(1024, 0));
  only(FaultKind::kWriteError);
  EXPECT_FALSE((*file)->write(0, filled(1024, 5)));
  EXPECT_EQ(one.content("/d/f"), filled(1024, 0));
  only(FaultKind::kShortWrite);
  EXPECT_FALSE((*file)->write(0, filled(1024, 5)));
  EXPECT_NE(one.content("/d/f"), filled(1024, 0));
  EXPECT_NE(one.content("/d/f"), filled(1024, 5));
  for (auto kind : {FaultKind::kReadError, FaultKind::kBitFlip, FaultKind::kWriteError, FaultKind::kShortWrite}) {
    EXPECT_EQ(one.world.hits(kind), 1u);
  }
  one.machine.disk().set_faulty(false);
  EXPECT_TRUE((*file)->write(0, filled(1024, 6)));
}

TEST(SimDisk, EachCallCanBeMadeToFailAloneAndThenChangesNothing) {
  using Step = std::function<bool(runtime::Disk&, runtime::File&)>;
  const std::pair<FaultKind, Step> steps[] = {
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.open("/d/new", OpenMode::kCreate).has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.make_directory("/d/e").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.link("/d/f", "/d/e/f").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.rename("/d/e/f", "/d/g").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.remove("/d/g").has_value(); }},
      {FaultKind::kSyncFailed, [](auto& disk, auto&) { return disk.sync_directory("/d").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.exists("/d/f").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.list("/d").has_value(); }},
      {FaultKind::kCallError, [](auto& disk, auto&) { return disk.lock("/d").has_value(); }},
      {FaultKind::kWriteError, [](auto&, auto& file) { return file.write(0, filled(512, 2)).has_value(); }},
      {FaultKind::kSyncFailed, [](auto&, auto& file) { return file.sync().has_value(); }},
      {FaultKind::kCallError, [](auto&, auto& file) { return file.size().has_value(); }},
      {FaultKind::kWriteError, [](auto&, auto& file) { return file.fill_zero(512).has_value(); }},
      {FaultKind::kReadError,
       [](auto&, auto& file) {
         Bytes out(512);
         return file.read(0, out).has_value();
       }},
  };
  for (size_t failing = 0; failing < std::size(steps); ++failing) {
    OneMachine one(1);
    one.put("/d/f", filled(512, 1));
    auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
    for (size_t i = 0; i < failing; ++i) static_cast<void>(steps[i].second(one.disk(), **file));
    const auto tree = one.machine.disk().tree();
    const Bytes content = one.content("/d/f");
    one.process->fail_at_call(1);
    EXPECT_FALSE(steps[failing].second(one.disk(), **file)) << failing;
    EXPECT_EQ(one.world.hits(steps[failing].first), 1u) << failing;
    EXPECT_EQ(one.machine.disk().tree(), tree) << failing;
    EXPECT_EQ(one.content("/d/f"), content) << failing;
    EXPECT_TRUE(steps[failing].second(one.disk(), **file)) << failing << ", tried again";
  }
}

TEST(SimDisk, ArmedFaultHitsOnceAtItsCall) {
  OneMachine one(1);
  one.put("/d/f", filled(1024, 0));
  auto file = one.disk().open("/d/f", OpenMode::kReadWrite);
  one.world.arm(FaultKind::kShortWrite, 3);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ((*file)->write(0, filled(1024, 1)).has_value(), i != 3) << i;
  EXPECT_EQ(one.world.hits(FaultKind::kShortWrite), 1u);
  one.process->fail_at_call(2);
  one.process->fail_at_call(0);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE((*file)->write(0, filled(1024, 1)));
}

TEST(SimDisk, DeadProcessGetsIoForEver) {
  OneMachine one(1);
  auto file = one.disk().open("/d/f", OpenMode::kCreate);
  one.process->crash_at_call(2, CrashKind::kProcess);
  EXPECT_TRUE((*file)->write(0, filled(10, 1)));
  EXPECT_TRUE(one.process->alive());
  auto failed = (*file)->sync();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_FALSE(one.process->alive());
  EXPECT_FALSE((*file)->size());
  EXPECT_FALSE(one.disk().exists("/d"));
  EXPECT_TRUE(one.machine.disk().at_risk());
}

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
