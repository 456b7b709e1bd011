// Where a log ends: the labels T1, T2 and T4 as found on disk, and what T1 does. T3 needs a bound from outside the
// ring: see tests/unit/engine/recovery_test.cc.
#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::id_of;
using testing::kCluster;
using testing::kInstance;
using testing::label_of;
using testing::LogNode;
using testing::RecordMaker;
using testing::slice;

// A log of `frames` frames, one record each, then closed.
std::vector<Bytes> fill(LogNode& node, int frames, size_t document_bytes) {
  node.open();
  RecordMaker maker;
  std::vector<Bytes> records;
  for (int i = 0; i < frames; ++i) records.push_back(maker.next(document_bytes));
  node.write(records);
  node.restart(CrashKind::kPower);
  return records;
}

TEST(Tail, EmptyRingEndsBeforeItsFirstSegment) {
  LogNode node;
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT1);
  EXPECT_EQ(scan->end.lsn, Lsn(0));
  EXPECT_FALSE(scan->end.segment);
  EXPECT_FALSE(scan->last_frame);
}

TEST(Tail, CleanLogIsT1AndNothingIsSetAside) {
  LogNode node;
  const auto records = fill(node, 12, 700);
  node.open();
  EXPECT_EQ(node.scanned, records);
  EXPECT_EQ(node.quarantined, "");
  EXPECT_FALSE(node.machine.disk().exists("/d/quarantine"));
}

// The last frame reaches the disk as any prefix of its sectors, or without any one of them: T1 each time, what was
// there is copied aside and zeroed, and the log goes on.
void expect_torn_tail(bool last_starts_a_segment,
                      const std::function<bool(uint64_t sector, uint64_t sectors, uint64_t variant)>& kept,
                      uint64_t variant) {
  LogNode node;
  node.open();
  RecordMaker maker;
  std::vector<Bytes> records = {maker.next()};
  node.write(records);
  if (last_starts_a_segment) {
    records.push_back(maker.next(60'000));
    node.write({records.back()});
  }
  const uint32_t slot = last_starts_a_segment ? 1 : 0;
  const Bytes before = node.file(slot);
  node.write({maker.next(4'000)});
  const Bytes after = node.file(slot);
  const RingCursor end = node.writer->ring().end();
  const uint64_t begin =
      last_starts_a_segment ? 0 : end.offset - round_up(kFrameHeaderBytes + RecordMaker::bytes_of(4'000), kSectorBytes);
  const uint64_t sectors = (end.offset - begin) / kSectorBytes;
  ASSERT_GE(sectors, 9u);
  node.restart(CrashKind::kPower);

  uint64_t last_kept = 0;
  for (uint64_t sector = 0; sector < sectors; ++sector) {
    const uint64_t at = begin + sector * kSectorBytes;
    const bool keep = kept(sector, sectors, variant);
    node.put(slot, at, slice(keep ? after : before, at, at + kSectorBytes));
    if (keep) last_kept = sector + 1;
  }
  const Bytes torn = slice(node.file(slot), begin, begin + last_kept * kSectorBytes);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  ASSERT_EQ(label_of(*scan), TailLabel::kT1) << scan->tail.later_segment.value_or(0);
  ASSERT_EQ(node.scanned, records);
  node.open();
  if (last_kept > 0) {
    ASSERT_NE(node.quarantined, "");
    EXPECT_EQ(node.machine.disk().peek("/d/quarantine/" + node.quarantined), torn);
  } else {
    EXPECT_EQ(node.quarantined, "");
  }
  EXPECT_EQ(node.file(slot), before);
  RecordMaker again;
  for (size_t i = 0; i < records.size(); ++i) (void)again.next(i == 1 ? 60'000 : 16);
  records.push_back(again.next(4'000));
  node.write({records.back()});
  node.restart(CrashKind::kPower);
  node.open();
  EXPECT_EQ(node.scanned, records);
  EXPECT_EQ(node.quarantined, "");
}

TEST(Tail, FrameTornBehindAnySectorIsT1) {
  for (uint64_t variant = 0; variant < 8; ++variant) {
    expect_torn_tail(false, [](uint64_t sector, uint64_t, uint64_t cut) { return sector < cut; }, variant);
  }
}

TEST(Tail, FrameThatMissesAnySectorIsT1) {
  for (uint64_t variant = 0; variant < 8; ++variant) {
    expect_torn_tail(false, [](uint64_t sector, uint64_t, uint64_t missing) { return sector != missing; }, variant);
  }
}

TEST(Tail, FirstFrameOfASegmentTornAnywhereIsT1) {
  for (uint64_t variant = 0; variant < 9; ++variant) {
    expect_torn_tail(true, [](uint64_t sector, uint64_t, uint64_t cut) { return sector < cut; }, variant);
    expect_torn_tail(true, [](uint64_t sector, uint64_t, uint64_t missing) { return sector != missing; }, variant);
  }
}

TEST(Tail, SecondTornFrameAtOnePlaceReplacesTheFirstOneSetAside) {
  LogNode node;
  fill(node, 3, 100);
  node.open();
  const auto end = node.writer->ring().end();
  for (uint8_t round : {uint8_t{1}, uint8_t{2}}) {
    node.put(0, end.offset, Bytes(700, round));
    node.restart(CrashKind::kPower);
    node.open();
    const auto kept = node.machine.disk().peek("/d/quarantine/" + node.quarantined);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->size(), 2 * kSectorBytes);
    EXPECT_EQ((*kept)[699], round);
    EXPECT_EQ((*kept)[700], 0);
  }
}

TEST(Tail, BitFlipInTheMiddleIsT2WithBothPlaces) {
  LogNode node;
  fill(node, 12, 700);  // frames of two sectors from sector 3 on
  node.flip(0, kSegmentHeaderBytes + 512 + 1'024 * 4 + 300);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT2);
  EXPECT_EQ(scan->end.lsn, Lsn(5));
  EXPECT_EQ(scan->tail.end_offset, 1'024u + 4 * 1'024);
  EXPECT_EQ(scan->tail.later_segment, 1u);
  EXPECT_EQ(scan->tail.later_offset, 1'024u + 5 * 1'024);
  const auto error = tail_refusal(TailLabel::kT2, scan->tail);
  EXPECT_EQ(error.code, ErrorCode::kWalHole);
  EXPECT_NE(error.message.find("offset 5120"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("offset 6144"), std::string::npos) << error.message;
}

TEST(Tail, BitFlipInAnyByteOfAFrameThatOthersFollowIsT2) {
  LogNode node;
  fill(node, 4, 100);
  const uint64_t begin = kSegmentHeaderBytes + kSectorBytes;  // the second frame
  const uint64_t bytes = kFrameHeaderBytes + RecordMaker::bytes_of(100);
  for (uint64_t at = begin; at < begin + bytes; at += 7) {
    node.flip(0, at);
    auto scan = node.scan();
    ASSERT_TRUE(scan);
    ASSERT_EQ(label_of(*scan), TailLabel::kT2) << at;
    ASSERT_EQ(scan->end.lsn, Lsn(1));
    node.flip(0, at);
  }
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT1);
}

TEST(Tail, DamagedFirstSegmentHeaderIsT2) {
  LogNode node;
  fill(node, 4, 100);
  node.flip(0, 20);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT2);
  EXPECT_EQ(scan->end.lsn, Lsn(0));
  EXPECT_EQ(scan->tail.later_segment, 1u);
}

TEST(Tail, DamagedHeaderOfAMiddleSegmentIsT2) {
  LogNode node;
  fill(node, 40, 4'000);
  ASSERT_GE(node.scan()->segments.size(), 3u);
  node.flip(1, 70);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT2);
  EXPECT_EQ(scan->tail.later_segment, 3u);
}

TEST(Tail, RottenLastFrameIsT1BecauseNobodyCanTell) {
  LogNode node;
  const auto records = fill(node, 4, 100);
  node.flip(0, kSegmentHeaderBytes + 3 * kSectorBytes + 100);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT1);
  EXPECT_EQ(scan->tail.bytes_at_end, true);
  EXPECT_EQ(scan->end.lsn, Lsn(3));
}

TEST(Tail, GapBrokenChainAndRefusedRecordAreT4) {
  struct Case {
    std::function<void(RecordMaker&)> spoil;
    std::string_view text;
  };
  const Case cases[] = {{[](RecordMaker& maker) { maker.skip(1); }, "expected LSN 4, found 5"},
                        {[](RecordMaker& maker) { maker.break_chain(); }, "chain before LSN 4"}};
  for (const auto& bad : cases) {
    LogNode node;
    node.open();
    RecordMaker maker;
    for (int i = 0; i < 3; ++i) node.write({maker.next()});
    bad.spoil(maker);
    node.write({maker.next()});
    node.restart(CrashKind::kPower);
    auto scan = node.scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(label_of(*scan), TailLabel::kT4);
    EXPECT_EQ(scan->end.lsn, Lsn(3));
    EXPECT_NE(scan->tail.discontinuity->find(bad.text), std::string::npos) << *scan->tail.discontinuity;
    EXPECT_EQ(tail_refusal(TailLabel::kT4, scan->tail).code, ErrorCode::kWalDiscontinuity);
  }
  LogNode node;
  fill(node, 4, 100);
  auto scan = node.scan([](const RecordView& record) {
    return record.header.lsn == Lsn(3) ? std::optional<std::string>("not this one") : std::nullopt;
  });
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT4);
  EXPECT_EQ(scan->tail.discontinuity, "not this one");
  EXPECT_EQ(scan->end.lsn, Lsn(2));
}

TEST(Tail, LogThatDoesNotStartWithALineageIsT4) {
  LogNode node;
  node.open();
  RecordHeader header;
  header.lsn = Lsn(1);
  Bytes record;
  encode_record(header, SchemaRecord{}, record);
  node.write({record});
  node.restart(CrashKind::kPower);
  auto scan = node.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT4);
}

TEST(Tail, SegmentsOfAnotherNodeAreRefused) {
  LogNode node;
  fill(node, 2, 100);
  auto none = [](const RecordView&) { return std::optional<std::string>(); };
  for (bool other_cluster : {true, false}) {
    auto scan = scan_ring(node.disk(), "/d", node.geometry, other_cluster ? id_of<ClusterId>(1) : kCluster,
                          other_cluster ? kInstance : id_of<InstanceId>(1), {}, none);
    ASSERT_FALSE(scan);
    EXPECT_EQ(scan.error().code, ErrorCode::kWrongNode);
  }
}

TEST(Tail, MissingResizedAndSurplusSegmentFilesAreNamed) {
  LogNode node;
  fill(node, 2, 100);
  auto refused = [&](std::string_view name) {
    auto scan = node.scan();
    ASSERT_FALSE(scan);
    EXPECT_EQ(scan.error().code, ErrorCode::kWalSegmentMissing);
    EXPECT_NE(scan.error().message.find(name), std::string::npos) << scan.error().message;
  };
  ASSERT_TRUE(node.disk().rename("/d/wal/0002.seg", "/d/wal/kept"));
  refused("0002.seg is missing");
  ASSERT_TRUE(node.disk().rename("/d/wal/kept", "/d/wal/0002.seg"));
  node.put(3, node.geometry.segment_bytes, Bytes(1, 0));
  refused("0003.seg has 65537 bytes");
  node.geometry.slots = 3;
  refused("more than the 3 segments");
}

TEST(Tail, SegmentInAnotherSlotIsNamed) {
  LogNode node;
  fill(node, 2, 100);
  node.put(2, 0, slice(node.file(0), 0, kSectorBytes));
  auto scan = node.scan();
  ASSERT_FALSE(scan);
  EXPECT_EQ(scan.error().code, ErrorCode::kWalSegmentMissing);
}

}  // namespace
}  // namespace aerodb::wal
