// The simulated disk: what a crash takes and what it must leave.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "tests/sim/runtime_kit.h"

namespace aerodb::sim {
namespace {

using runtime::OpenMode;

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

}  // namespace
}  // namespace aerodb::sim
