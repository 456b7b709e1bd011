// Names on the simulated disk, its locks, and how its calls fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "tests/sim/runtime_kit.h"

namespace aerodb::sim {
namespace {

using runtime::OpenMode;

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

}  // namespace
}  // namespace aerodb::sim
