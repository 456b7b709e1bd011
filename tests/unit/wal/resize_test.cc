#include "common/wal/resize.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::kCluster;
using testing::kInstance;
using testing::label_with_manifest;
using testing::RecordMaker;
using testing::TurningLog;

constexpr RingGeometry kOld = TurningLog::kSmall;  // 4 segments of 16 sectors

// Scans, repairs and resizes, as the command does behind a recovery.
Result<Resized> resize(TurningLog& log, const RingGeometry& to) {
  auto scan = log.scan();
  if (!scan) return fail(std::move(scan.error()));
  EXPECT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT1);
  if (auto repaired = repair_tail(log.disk(), "/d", log.geometry, *scan); !repaired)
    return fail(std::move(repaired.error()));
  return resize_ring(log.disk(), log.process->random(), "/d", log.geometry, to, log.log_start, *scan);
}

// Which of the two rings is there, and whole.
void expect_holds(TurningLog& log, const RingGeometry& geometry) {
  const auto found = ring_geometry(log.disk(), "/d");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(*found, geometry);
  log.geometry = geometry;
  log.begin();
  ASSERT_EQ(log.scanned, log.live());
  ASSERT_FALSE(log.machine.disk().exists("/d/wal.new"));
  ASSERT_FALSE(log.machine.disk().exists("/d/wal.old"));
}

TEST(Resize, LiveRecordsMoveToAnyGeometryThatHoldsThem) {
  const RingGeometry geometries[] = {{2, 32 * kSectorBytes},  {3, 16 * kSectorBytes}, {4, 16 * kSectorBytes},
                                     {5, 11 * kSectorBytes},  {9, 8 * kSectorBytes},  {13, 20 * kSectorBytes},
                                     {1, 128 * kSectorBytes}, {40, 4 * kSectorBytes}};
  for (const auto& geometry : geometries) {
    for (uint64_t behind : {0, 3, 7}) {
      TurningLog log;
      log.fill_to(6);
      log.checkpoint(Lsn(log.maker.lsn().value() - behind));
      log.close(CrashKind::kPower);
      const auto resized = resize(log, geometry);
      ASSERT_TRUE(resized) << resized.error().message;
      EXPECT_EQ(resized->frames, behind + 1);
      EXPECT_EQ(resized->records, behind + 1);
      EXPECT_EQ(resized->first_segment, log.log_start.segment_sequence);
      expect_holds(log, geometry);
      // The manifest is still true of the segment, and the log goes on round the new ring.
      EXPECT_EQ(log.reader->segment_of(log.log_start.lsn), log.log_start.segment_sequence);
      const auto scan = log.scan();
      EXPECT_EQ(scan->end.frame_sequence, log.all.size());
      for (size_t i = 1; i < scan->segments.size(); ++i)
        EXPECT_EQ(scan->segments[i].header.salt, salt_after(scan->segments[i - 1].header));
      if (geometry.slots == 1) continue;
      log.fill_to(log.log_start.segment_sequence + 2 * geometry.slots);
      log.close(CrashKind::kPower);
      log.begin();
      EXPECT_EQ(log.scanned, log.live());
    }
  }
}

TEST(Resize, LogWithoutAManifestMovesWhole) {
  TurningLog log;
  log.fill_to(4);
  log.close(CrashKind::kPower);
  const auto resized = resize(log, {6, 12 * kSectorBytes});
  ASSERT_TRUE(resized) << resized.error().message;
  EXPECT_EQ(resized->first_segment, 1u);
  EXPECT_EQ(resized->records, log.all.size());
  expect_holds(log, {6, 12 * kSectorBytes});
  EXPECT_EQ(log.scanned, log.all);
}

TEST(Resize, EmptyRingsAreMadeAnew) {
  for (bool restored : {false, true}) {
    TurningLog log;
    if (restored) log.log_start = {Lsn(40), Chain{}, 0};
    log.close(CrashKind::kPower);
    const auto scan = log.scan();
    ASSERT_TRUE(scan);
    const RingGeometry to{2, 32 * kSectorBytes};
    const auto resized = resize_ring(log.disk(), log.process->random(), "/d", kOld, to, log.log_start, *scan);
    ASSERT_TRUE(resized) << resized.error().message;
    EXPECT_EQ(resized->first_segment, 0u);
    EXPECT_EQ(*ring_geometry(log.disk(), "/d"), to);
    log.geometry = to;
    const auto again = log.scan();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->end.lsn, log.log_start.lsn);
  }
}

TEST(Resize, RingThatCannotHoldTheLiveRecordsIsRefusedAndNothingChanges) {
  TurningLog log;
  log.fill_to(4);
  log.close(CrashKind::kPower);
  const auto tree = log.machine.disk().tree();
  const Bytes first = log.file(0);
  // Too few segments; segments in which a frame does not fit; no room left for the reserve.
  const uint64_t sectors = log.scan()->end.frame_sequence * 3;
  for (const RingGeometry& to :
       {RingGeometry{3, 16 * kSectorBytes}, {400, 3 * kSectorBytes}, {1, sectors * kSectorBytes}}) {
    const auto resized = resize(log, to);
    ASSERT_FALSE(resized) << to.slots;
    EXPECT_EQ(resized.error().code, ErrorCode::kWalFull);
    EXPECT_EQ(log.machine.disk().tree(), tree);
    EXPECT_EQ(log.file(0), first);
  }
  expect_holds(log, kOld);
}

TEST(Resize, FullDiskLeavesTheOldRing) {
  TurningLog log;
  log.fill_to(3);
  log.close(CrashKind::kPower);
  log.machine.disk().set_full(true);
  const auto resized = resize(log, {8, 16 * kSectorBytes});
  log.machine.disk().set_full(false);
  ASSERT_FALSE(resized);
  EXPECT_EQ(resized.error().code, ErrorCode::kIo);
  expect_holds(log, kOld);
}

// Dies at every call of the resize, then at every call of the start that finishes it: the log is whole in the old ring
// or in the new one.
TEST(Resize, CrashAtAnyCallLeavesOneWholeRing) {
  constexpr RingGeometry kNew{7, 8 * kSectorBytes};
  std::map<ResizeFinish, int> seen;
  int old_rings = 0;
  for (uint64_t round = 0; round < 8; ++round) {
    const auto kind = round == 0 ? CrashKind::kProcess : CrashKind::kPower;
    for (uint64_t call = 1;; ++call) {
      TurningLog log(call + 1'000 * round);
      log.fill_to(5);
      log.checkpoint(Lsn(log.maker.lsn().value() - 5));
      log.close(CrashKind::kPower);
      log.process->crash_at_call(call, kind);
      const bool whole = resize(log, kNew).has_value();
      log.close(kind);
      // The start dies too, a few calls in, and is repeated.
      log.process->crash_at_call(1 + call % 11, kind);
      const auto interrupted = finish_resize(log.disk(), "/d");
      log.close(kind);
      const auto finish = finish_resize(log.disk(), "/d");
      ASSERT_TRUE(finish) << finish.error().message;
      ++seen[*finish];
      if (interrupted) {
        ++seen[*interrupted];
      }
      const auto found = ring_geometry(log.disk(), "/d");
      ASSERT_TRUE(found) << found.error().message << " at call " << call;
      if (whole) {
        ASSERT_EQ(*found, kNew);
      }
      old_rings += *found == kOld ? 1 : 0;
      expect_holds(log, *found);
      ASSERT_EQ(*finish_resize(log.disk(), "/d"), ResizeFinish::kNothing);
      if (whole) break;
    }
  }
  EXPECT_GT(seen[ResizeFinish::kUndone], 10);
  EXPECT_GT(seen[ResizeFinish::kCompleted], 3);
  EXPECT_GT(old_rings, 10);
}

// The new name of a ring may still be in memory alone when the next process goes by it, and loses the power on the way.
TEST(Resize, CompletedAfterAKillItOutlivesThePower) {
  constexpr RingGeometry kNew{7, 8 * kSectorBytes};
  bool whole = false;
  for (uint64_t call = 1; !whole; ++call) {
    for (uint64_t later = 1; later <= 20; ++later) {
      TurningLog log(100 * call + later);
      log.fill_to(5);
      log.checkpoint(Lsn(log.maker.lsn().value() - 5));
      log.close(CrashKind::kPower);
      log.process->crash_at_call(call, CrashKind::kProcess);
      whole = resize(log, kNew).has_value();
      log.close(CrashKind::kProcess);
      log.process->crash_at_call(later, CrashKind::kPower);
      const bool ended = finish_resize(log.disk(), "/d").has_value();
      log.close(CrashKind::kPower);
      ASSERT_TRUE(finish_resize(log.disk(), "/d"));
      const auto found = ring_geometry(log.disk(), "/d");
      ASSERT_TRUE(found) << found.error().message << " at call " << call << ", " << later;
      expect_holds(log, *found);
      if (ended) break;
    }
  }
}

TEST(Resize, NamesAloneSayHowItIsFinished) {
  constexpr RingGeometry kOther{2, 32 * kSectorBytes};
  struct Case {
    bool ring, old_ring, new_ring;
    ResizeFinish finish;
    std::optional<RingGeometry> left;
  };
  // The ring under "wal" has the geometry kOld, the one under "wal.old" too, that under "wal.new" another.
  const Case cases[] = {
      {true, false, false, ResizeFinish::kNothing, kOld},    {true, false, true, ResizeFinish::kUndone, kOld},
      {false, true, true, ResizeFinish::kCompleted, kOther}, {false, true, false, ResizeFinish::kUndone, kOld},
      {true, true, false, ResizeFinish::kCompleted, kOld},   {true, true, true, ResizeFinish::kCompleted, kOld},
      {false, false, true, ResizeFinish::kNothing, {}},      {false, false, false, ResizeFinish::kNothing, {}},
  };
  for (const auto& c : cases) {
    TurningLog log;
    log.close(CrashKind::kPower);
    auto& disk = log.disk();
    ASSERT_TRUE(create_ring_in(disk, "/d/wal.new", kOther));
    ASSERT_TRUE(create_ring_in(disk, "/d/wal.old", kOld));
    if (!c.ring) {
      ASSERT_TRUE(disk.rename("/d/wal", "/d/elsewhere"));
    }
    if (!c.old_ring) {
      ASSERT_TRUE(disk.rename("/d/wal.old", "/d/elsewhere.old"));
    }
    if (!c.new_ring) {
      ASSERT_TRUE(disk.rename("/d/wal.new", "/d/elsewhere.new"));
    }
    const auto finish = finish_resize(disk, "/d");
    ASSERT_TRUE(finish) << finish.error().message;
    EXPECT_EQ(*finish, c.finish);
    const auto left = ring_geometry(disk, "/d");
    ASSERT_EQ(left.has_value(), c.left.has_value());
    if (left) {
      EXPECT_EQ(*left, *c.left);
    }
    EXPECT_FALSE(log.machine.disk().exists("/d/wal.old"));
    if (c.left) {
      EXPECT_FALSE(log.machine.disk().exists("/d/wal.new"));
    }
  }
}

TEST(Resize, GeometryIsReadOffTheFiles) {
  TurningLog log;
  log.close(CrashKind::kPower);
  EXPECT_EQ(*ring_geometry(log.disk(), "/d"), kOld);
  log.put(2, kOld.segment_bytes, Bytes(512, 0));
  EXPECT_EQ(ring_geometry(log.disk(), "/d").error().code, ErrorCode::kWalSegmentMissing);
  ASSERT_TRUE(log.disk().remove("/d/wal/0002.seg"));
  EXPECT_EQ(ring_geometry(log.disk(), "/d").error().code, ErrorCode::kWalSegmentMissing);
}

}  // namespace
}  // namespace aerodb::wal
