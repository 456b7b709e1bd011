#include "common/wal/writer.h"

#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "common/base/random.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using sim::FaultKind;
using testing::LogNode;
using testing::RecordMaker;
using testing::TurningLog;

std::vector<Bytes> make_records(size_t count, size_t document_bytes = 100) {
  RecordMaker maker;
  std::vector<Bytes> records;
  for (size_t i = 0; i < count; ++i) records.push_back(maker.next(document_bytes));
  return records;
}

TEST(Writer, WhatArrivesDuringASyncIsTheNextFrame) {
  LogNode node;
  node.open();
  const auto records = make_records(10);
  node.append(records[0]);
  node.writer->pump(runtime::Completion::kLater);
  for (size_t i = 1; i < records.size(); ++i) {
    node.append(records[i]);
    node.writer->pump(runtime::Completion::kLater);  // no effect while a frame is in flight
  }
  EXPECT_EQ(node.writer->durable(), Lsn(0));
  EXPECT_EQ(node.writer->appended(), Lsn(10));
  ASSERT_TRUE(node.world.run_to_idle());
  EXPECT_EQ(node.durable, (std::vector<Lsn>{Lsn(1), Lsn(10)}));
  EXPECT_EQ(node.writer->counters().syncs, 2u);
  EXPECT_TRUE(node.writer->idle());
  EXPECT_TRUE(node.world.violations().empty());
}

TEST(Writer, GroupCommitOrNotTheRecordsAreTheSame) {
  const auto records = make_records(60, 300);
  for (bool group_commit : {true, false}) {
    LogNode node;
    node.open({.group_commit = group_commit});
    for (const auto& record : records) node.append(record);
    node.writer->pump(runtime::Completion::kLater);
    ASSERT_TRUE(node.world.run_to_idle());
    EXPECT_EQ(node.writer->counters().syncs, group_commit ? 1u : 60u);
    node.restart(CrashKind::kPower);
    auto scan = node.scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(node.scanned, records);
    EXPECT_EQ(scan->end.frame_sequence, group_commit ? 1u : 60u);
  }
}

TEST(Writer, OneFrameIsInFlightWhateverTheCompletions) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    LogNode node(seed);
    node.open();
    RecordMaker maker;
    for (int i = 0; i < 100; ++i) {
      node.append(maker.next(node.world.random().below(600)));
      node.writer->pump(node.world.random().one_in(2) ? runtime::Completion::kInline : runtime::Completion::kLater);
      for (uint64_t step = node.world.random().below(4); step > 0; --step) node.world.step();
    }
    ASSERT_TRUE(node.world.run_to_idle());
    EXPECT_EQ(node.writer->durable(), Lsn(100));
    EXPECT_TRUE(std::ranges::is_sorted(node.durable));
    ASSERT_TRUE(node.world.violations().empty());
  }
}

#if AERODB_FAULTS
TEST(Writer, PlantedSecondFrameIsSeen) {
  LogNode node;
  node.open({.group_commit = false});
  for (const auto& record : make_records(3)) node.append(record);
  plant(Fault::kSecondFrameUnsynced);
  node.writer->pump(runtime::Completion::kLater);
  plant(Fault::kNone);
  EXPECT_FALSE(node.world.violations().empty());
}
#endif

TEST(Writer, InlineCompletionIsDurableWithinPump) {
  sim::SimOptions options;
  options.inline_percent = 100;
  LogNode node(1, options);
  node.open();
  const auto records = make_records(2);
  for (const auto& record : records) node.append(record);
  node.writer->pump(runtime::Completion::kInline);
  EXPECT_EQ(node.writer->durable(), Lsn(2));
  node.restart(CrashKind::kPower);
  ASSERT_TRUE(node.scan());
  EXPECT_EQ(node.scanned, records);
}

TEST(Writer, FailureStopsForGood) {
  for (auto kind : {FaultKind::kWriteError, FaultKind::kShortWrite, FaultKind::kSyncFailed}) {
    LogNode node;
    node.open();
    const auto records = make_records(4);
    node.write({records[0]});
    node.append(records[1]);
    node.world.options().rate(kind) = 1;
    node.writer->pump(runtime::Completion::kLater);
    node.append(records[2]);
    ASSERT_TRUE(node.world.run_to_idle());
    ASSERT_EQ(node.failures.size(), 1u);
    EXPECT_TRUE(node.writer->failed());
    // The disk is fine again: nothing is tried again all the same (WAL-5).
    node.world.options().rate(kind) = 0;
    const auto syncs = node.writer->counters().syncs;
    node.append(records[3]);
    node.writer->pump(runtime::Completion::kLater);
    ASSERT_TRUE(node.world.run_to_idle());
    EXPECT_EQ(node.writer->counters().syncs, syncs);
    EXPECT_EQ(node.writer->durable(), Lsn(1));
    EXPECT_EQ(node.durable, std::vector<Lsn>{Lsn(1)});
    EXPECT_EQ(node.failures.size(), 1u);
  }
}

TEST(Writer, DestroyedWriterHearsNothingOfItsFrame) {
  LogNode node;
  node.open();
  node.append(make_records(1)[0]);
  node.writer->pump(runtime::Completion::kLater);
  node.writer.reset();
  ASSERT_TRUE(node.world.run_to_idle());
  EXPECT_TRUE(node.durable.empty());
}

TEST(Writer, GoesOnBehindTheEndThatRecoveryFound) {
  LogNode node;
  RecordMaker maker;
  std::vector<Bytes> all;
  for (int start = 0; start < 8; ++start) {
    node.open();
    ASSERT_EQ(node.scanned, all);
    for (int i = 0; i < 5; ++i) {
      all.push_back(maker.next(4'000));
      node.write({all.back()});
    }
    node.restart(start % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
  }
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(node.scanned, all);
  EXPECT_EQ(scan->segments.size(), 3u);
}

// Random sizes until WAL_FULL: no assert of the account fires, and what was taken is what the ring holds.
TEST(Writer, FillsTheRingWithRandomSizesAndLosesNothing) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    LogNode node(seed);
    node.open({.group_commit = seed % 4 != 0});
    auto& random = node.world.random();
    RecordMaker maker;
    std::vector<Bytes> taken = {maker.next()};
    node.append(taken[0]);
    const uint64_t largest = 1 + random.below(random.one_in(2) ? 60'000 : 3'000);
    while (node.writer->has_room(RecordMaker::bytes_of(0), RoomFor::kCommit)) {
      const size_t bytes = random.below(largest);
      if (!node.writer->has_room(RecordMaker::bytes_of(bytes), RoomFor::kCommit)) {
        // Too large now; a small one finds a place, or waiting frees what the worst case holds.
        if (random.one_in(2)) {
          ASSERT_TRUE(node.world.run_to_idle());
        }
        if (!node.writer->has_room(RecordMaker::bytes_of(0), RoomFor::kCommit)) break;
        taken.push_back(maker.next(0));
      } else {
        taken.push_back(maker.next(bytes));
      }
      node.append(taken.back());
      if (random.one_in(3)) node.writer->pump(runtime::Completion::kLater);
      for (uint64_t step = random.below(3); step > 0; --step) node.world.step();
    }
    node.writer->pump(runtime::Completion::kLater);
    ASSERT_TRUE(node.world.run_to_idle());
    ASSERT_TRUE(node.writer->idle());
    ASSERT_TRUE(node.world.violations().empty());
    ASSERT_LE(node.writer->ring().end().segment_sequence, node.geometry.slots);
    node.restart(CrashKind::kPower);
    auto scan = node.scan();
    ASSERT_TRUE(scan);
    ASSERT_FALSE(scan->tail.discontinuity);
    ASSERT_FALSE(scan->tail.later_segment);
    ASSERT_EQ(node.scanned, taken) << "seed " << seed;
  }
}

TEST(Writer, FullForCommitsKeepsTheReserveForSeals) {
  LogNode node;
  node.open();
  RecordMaker maker;
  node.write({maker.next()});
  while (node.writer->has_room(RecordMaker::bytes_of(200), RoomFor::kCommit)) node.write({maker.next(200)});
  EXPECT_FALSE(node.writer->has_room(RecordMaker::bytes_of(200), RoomFor::kCommit));
  const uint64_t reserve = node.geometry.segment_bytes / 16;
  for (int seals = 0; seals < 4; ++seals) {
    ASSERT_TRUE(node.writer->has_room(reserve / 4 - kFrameHeaderBytes, RoomFor::kReserved)) << seals;
    node.write({maker.next(reserve / 4 - 200)});
  }
  EXPECT_TRUE(node.failures.empty());
}

TEST(Writer, RoomForSeveralCountsEachInAFrameOfItsOwn) {
  LogNode node(1, {}, {4, 16 * kSectorBytes});
  node.open();
  // Four segments of fifteen sectors: sixty small frames, not one more.
  EXPECT_TRUE(node.writer->has_room_for(std::vector<uint64_t>(60, 128)));
  EXPECT_FALSE(node.writer->has_room_for(std::vector<uint64_t>(61, 128)));
  EXPECT_TRUE(node.writer->has_room_for(std::vector<uint64_t>(4, 14 * kSectorBytes)));
  EXPECT_FALSE(node.writer->has_room_for(std::vector<uint64_t>(5, 14 * kSectorBytes)));
  EXPECT_FALSE(node.writer->has_room_for({16 * kSectorBytes}));
}

TEST(Writer, ReleaseOnlyMovesForward) {
  LogNode node;
  node.open();
  for (const auto& [through, released] : {std::pair{2u, 2u}, {1u, 2u}, {0u, 2u}, {3u, 3u}}) {
    node.writer->release_through(through);
    EXPECT_EQ(node.writer->ring().released(), released);
  }
}

TEST(Writer, SaltOfASegmentFollowsFromTheOneBefore) {
  TurningLog log;
  log.fill_to(7);
  const auto scan = log.scan();
  ASSERT_TRUE(scan);
  ASSERT_GE(scan->segments.size(), 3u);
  for (size_t i = 1; i < scan->segments.size(); ++i)
    EXPECT_EQ(scan->segments[i].header.salt, salt_after(scan->segments[i - 1].header));
  log.close(CrashKind::kPower);
  log.begin();
  const auto before = *log.scan()->end.segment;
  log.fill_to(8);
  EXPECT_EQ(log.scan()->end.segment->salt, salt_after(before));
}

TEST(Writer, ReleasedSegmentsAreUsedAgain) {
  LogNode node(1, {}, {4, 16 * kSectorBytes});
  node.released = 12;
  node.open();
  RecordMaker maker;
  node.write({maker.next()});
  while (node.writer->has_room(RecordMaker::bytes_of(1'000), RoomFor::kCommit)) node.write({maker.next(1'000)});
  EXPECT_EQ(node.writer->durable(), maker.lsn());
  EXPECT_EQ(node.writer->ring().end().segment_sequence, 16u);
}

}  // namespace
}  // namespace aerodb::wal
