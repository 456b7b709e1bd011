// Slots that are used again: old frames lie behind the end, and a crash leaves new sectors among old ones.
#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::label_of;
using testing::label_with_manifest;
using testing::RecordMaker;
using testing::slice;
using testing::TurningLog;

enum class Where : uint8_t { kBehindAFrame, kStartOfASegment };

// A log in whose sixth or seventh segment (slots used before) the next frame of this size goes as asked.
std::unique_ptr<TurningLog> reused_log(Where where, size_t document_bytes = 1'000) {
  auto log = std::make_unique<TurningLog>();
  log->fill_to(6);
  if (where == Where::kStartOfASegment) {
    while (log->place_of(RecordMaker::bytes_of(document_bytes)).offset > 0) log->add();
  }
  log->checkpoint();
  return log;
}

// A frame's write, of which any sectors can be put on the disk.
struct Write {
  RingCursor at;  // offset 0: with a segment's header
  uint64_t sectors = 0;
  Bytes before;
  Bytes after;
  [[nodiscard]] uint64_t head_sector() const { return at.offset == 0 ? 1 : 0; }
};

// Writes the record, then takes it back: the log is closed, the disk as before.
Write write_and_take_back(TurningLog& log, const Bytes& record) {
  Write write;
  write.at = log.place_of(record.size());
  const uint32_t slot = log.slot_of(write.at.segment_sequence);
  write.before = log.file(slot);
  log.write({record});
  write.after = log.file(slot);
  write.sectors = (log.writer->ring().end().offset - write.at.offset) / kSectorBytes;
  log.close(CrashKind::kPower);
  log.put(slot, 0, write.before);
  return write;
}

void put_sector(TurningLog& log, const Write& write, uint64_t sector) {
  const uint64_t at = write.at.offset + sector * kSectorBytes;
  log.put(log.slot_of(write.at.segment_sequence), at, slice(write.after, at, at + kSectorBytes));
}

// The log opens, goes on with other records, and holds everything after one more power loss.
void expect_it_goes_on(TurningLog& log) {
  log.begin();
  ASSERT_EQ(log.scanned, log.live());
  for (int i = 0; i < 3; ++i) log.add(900);
  log.close(CrashKind::kPower);
  log.begin();
  ASSERT_EQ(log.scanned, log.live());
  ASSERT_EQ(log.quarantined, "");
}

TEST(Reuse, OldBytesBehindTheEndAreNotSetAside) {
  for (auto where : {Where::kBehindAFrame, Where::kStartOfASegment}) {
    auto log = reused_log(where);
    log->close(CrashKind::kPower);
    const Bytes before = log->file(1);
    const auto scan = log->scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(scan->tail.bytes_at_end, false);
    EXPECT_FALSE(scan->torn);
    log->begin();
    EXPECT_EQ(log->quarantined, "");
    EXPECT_FALSE(log->machine.disk().exists("/d/quarantine"));
    EXPECT_EQ(log->file(1), before);
  }
}

// Any prefix of the write's sectors, or all but one of them, over what the slot held before.
TEST(Reuse, TornFrameIsSetAsideByItsHeadAndNothingElseIs) {
  for (auto where : {Where::kBehindAFrame, Where::kStartOfASegment}) {
    for (bool prefix : {true, false}) {
      for (uint64_t variant = 0; variant < (where == Where::kBehindAFrame ? 3u : 4u); ++variant) {
        auto log = reused_log(where);
        auto maker = log->maker;
        const Write write = write_and_take_back(*log, maker.next(1'000));
        ASSERT_GT(write.at.segment_sequence, log->geometry.slots);
        ASSERT_GT(write.sectors, variant);
        for (uint64_t sector = 0; sector < write.sectors; ++sector) {
          if (prefix ? sector < variant : sector != variant) put_sector(*log, write, sector);
        }
        const uint32_t slot = log->slot_of(write.at.segment_sequence);
        const Bytes torn = log->file(slot);
        const auto scan = log->scan();
        ASSERT_TRUE(scan);
        ASSERT_EQ(label_with_manifest(*scan, log->log_start), TailLabel::kT1);
        const bool head = prefix ? variant > write.head_sector() : variant != write.head_sector();
        ASSERT_EQ(scan->tail.bytes_at_end, head);
        log->begin();
        const uint64_t end = write.at.offset + write.sectors * kSectorBytes;
        Bytes expected = torn;
        if (head) {
          ASSERT_NE(log->quarantined, "");
          EXPECT_EQ(log->machine.disk().peek("/d/quarantine/" + log->quarantined), slice(torn, write.at.offset, end));
          std::fill(expected.begin() + static_cast<ptrdiff_t>(write.at.offset),
                    expected.begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
        } else {
          ASSERT_EQ(log->quarantined, "");
        }
        EXPECT_EQ(log->file(slot), expected);
        log->close(CrashKind::kPower);
        expect_it_goes_on(*log);
      }
    }
  }
}

TEST(Reuse, GarbageInPlaceOfTheHeaderOfATornStartIsT1) {
  for (bool whole_frame : {true, false}) {
    auto log = reused_log(Where::kStartOfASegment);
    auto maker = log->maker;
    const Write write = write_and_take_back(*log, maker.next(1'000));
    for (uint64_t sector = 1; sector < write.sectors - (whole_frame ? 0 : 1); ++sector) put_sector(*log, write, sector);
    log->put(log->slot_of(write.at.segment_sequence), 0, Bytes(kSectorBytes, 0x3c));
    const auto scan = log->scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(label_with_manifest(*scan, log->log_start), TailLabel::kT1);
    ASSERT_TRUE(scan->torn);
    EXPECT_EQ(scan->torn->bytes, write.sectors * kSectorBytes);
    expect_it_goes_on(*log);
  }
}

TEST(Reuse, LengthInATornHeadReachesNoFurtherThanTheSegment) {
  auto log = reused_log(Where::kBehindAFrame);
  auto maker = log->maker;
  const Write write = write_and_take_back(*log, maker.next(1'000));
  put_sector(*log, write, 0);
  const uint32_t slot = log->slot_of(write.at.segment_sequence);
  log->put(slot, write.at.offset + 32, Bytes{0x00, 0x00, 0x80, 0x00});  // 8 MiB
  const auto scan = log->scan();
  ASSERT_TRUE(scan);
  ASSERT_TRUE(scan->torn);
  EXPECT_EQ(scan->torn->bytes, log->geometry.segment_bytes - write.at.offset);
  expect_it_goes_on(*log);
}

TEST(Reuse, HeadOfAnotherFrameNumberIsNoTornFrame) {
  auto log = reused_log(Where::kBehindAFrame);
  auto maker = log->maker;
  const Write write = write_and_take_back(*log, maker.next(1'000));
  put_sector(*log, write, 0);
  const uint32_t slot = log->slot_of(write.at.segment_sequence);
  ASSERT_TRUE(log->scan()->torn);
  log->flip(slot, write.at.offset + 16);
  const auto scan = log->scan();
  ASSERT_TRUE(scan);
  EXPECT_FALSE(scan->torn);
  EXPECT_EQ(scan->tail.bytes_at_end, false);
  expect_it_goes_on(*log);
}

// The header of a segment reached the disk, its frame's head did not; what comes next still fits into the segment
// before.
TEST(Reuse, HeaderOfATornStartIsWrittenAgainWhenItsTurnComes) {
  auto log = reused_log(Where::kStartOfASegment, 2'000);
  ASSERT_GT(log->place_of(RecordMaker::bytes_of(100)).offset, 0u);
  auto maker = log->maker;
  const Write write = write_and_take_back(*log, maker.next(2'000));
  put_sector(*log, write, 0);
  log->begin();
  log->add(100);
  ASSERT_LT(log->writer->ring().end().segment_sequence, write.at.segment_sequence);
  log->close(CrashKind::kPower);
  log->begin();
  ASSERT_EQ(log->scanned, log->live());
  log->fill_to(write.at.segment_sequence + 1);
  log->close(CrashKind::kPower);
  log->begin();
  EXPECT_EQ(log->scanned, log->live());
}

TEST(Reuse, SegmentUnderATornStartIsServedNoMore) {
  auto log = reused_log(Where::kStartOfASegment);
  const Lsn oldest = log->reader->first_lsn();
  auto maker = log->maker;
  const Write write = write_and_take_back(*log, maker.next(1'000));
  put_sector(*log, write, 1);
  log->begin();
  EXPECT_NE(log->quarantined, "");
  const Lsn first = log->reader->first_lsn();
  EXPECT_GT(first, oldest);
  EXPECT_EQ(log->read(oldest, 1'000).error().code, ErrorCode::kLogReleased);
  const auto records = log->read(first, 1);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->bytes, log->all[first.value() - 1]);
}

TEST(Reuse, HoleInAReusedSegmentIsT2) {
  auto log = reused_log(Where::kBehindAFrame);
  log->add();
  log->add();
  const auto end = log->writer->ring().end();
  log->close(CrashKind::kPower);
  log->flip(log->slot_of(end.segment_sequence), end.offset - 3 * 1'536 + 80);
  const auto scan = log->scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT2);
  EXPECT_EQ(scan->tail.later_segment, end.segment_sequence);
}

// The header of a reused segment is gone, by any means. A second frame behind it proves that it was durable.
TEST(Reuse, LostHeaderBehindWhichASecondFrameLiesIsT2) {
  for (int frames : {1, 2}) {
    for (std::string_view header : {"garbage", "zero", "old"}) {
      auto log = reused_log(Where::kStartOfASegment);
      const auto at = log->place_of(RecordMaker::bytes_of(1'000));
      const uint32_t slot = log->slot_of(at.segment_sequence);
      const Bytes old_header = slice(log->file(slot), 0, kSectorBytes);
      const size_t records = log->all.size();
      for (int i = 0; i < frames; ++i) log->add();
      ASSERT_EQ(log->writer->ring().end().segment_sequence, at.segment_sequence);
      log->close(CrashKind::kPower);
      log->put(slot, 0, header == "old" ? old_header : Bytes(kSectorBytes, header == "zero" ? 0 : 0x3c));
      const auto scan = log->scan();
      ASSERT_TRUE(scan);
      EXPECT_EQ(label_with_manifest(*scan, log->log_start), frames == 1 ? TailLabel::kT1 : TailLabel::kT2) << header;
      EXPECT_EQ(scan->end.lsn, Lsn(records));
      if (frames == 2) {
        EXPECT_EQ(scan->tail.later_segment, at.segment_sequence);
      }
    }
  }
}

// A document made to look like heads of later frames of the segment that it will start.
Bytes document_of_heads(uint64_t segment_sequence, uint64_t frame_sequence, Lsn lsn) {
  Bytes document(6'000, 0);
  const size_t first = kSectorBytes - kFrameHeaderBytes - RecordMaker::kDocumentAt;
  for (size_t at = first; at + kFrameHeaderBytes < document.size(); at += kSectorBytes) {
    Bytes head;
    ByteWriter out(head);
    out.u32(kFrameMagic);
    out.u32(1);
    out.u64(segment_sequence);
    out.u64(++frame_sequence);
    out.u64((lsn = lsn.next()).value());
    out.u64(128);
    std::ranges::copy(head, document.begin() + static_cast<ptrdiff_t>(at));
  }
  return document;
}

TEST(Reuse, DocumentThatLooksLikeLaterFramesIsNoHole) {
  for (bool reused : {true, false}) {
    auto log = reused ? reused_log(Where::kStartOfASegment, 6'000) : std::make_unique<TurningLog>();
    if (!reused) {
      while (log->all.empty() || log->place_of(RecordMaker::bytes_of(6'000)).offset > 0) log->add();
    }
    const auto at = log->place_of(RecordMaker::bytes_of(6'000));
    auto maker = log->maker;
    const auto document = document_of_heads(at.segment_sequence, log->all.size() + 1, log->maker.lsn());
    const Write write = write_and_take_back(*log, maker.next_with(document));
    for (uint64_t sector = 2; sector < write.sectors; ++sector) put_sector(*log, write, sector);
    const Bytes file = log->file(log->slot_of(at.segment_sequence));
    ASSERT_TRUE(peek_frame_header(ByteSpan(file).subspan(2 * kSectorBytes), at.segment_sequence));
    const auto scan = log->scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(label_of(*scan), TailLabel::kT1) << reused;
    expect_it_goes_on(*log);
  }
}

TEST(Reuse, FullRingOpensAgainWithNothingSetAside) {
  TurningLog log;
  while (log.writer->has_room(RecordMaker::bytes_of(1'000), RoomFor::kReserved)) {
    log.all.push_back(log.maker.next(1'000));
    log.write({log.all.back()});
  }
  ASSERT_EQ(log.writer->ring().end().segment_sequence, log.geometry.slots);
  log.close(CrashKind::kPower);
  log.begin();
  EXPECT_EQ(log.scanned, log.all);
  EXPECT_EQ(log.quarantined, "");
}

#if AERODB_FAULTS
TEST(Reuse, PlantedEarlyReuseIsRefusedAtTheNextStart) {
  for (auto fault : {Fault::kNone, Fault::kSegmentReusedEarly}) {
    TurningLog log;
    log.fill_to(3);
    plant(fault);
    log.checkpoint();
    plant(Fault::kNone);
    while (log.writer->has_room(RecordMaker::bytes_of(1'000), RoomFor::kCommit)) log.add();
    log.close(CrashKind::kPower);
    const auto scan = log.scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(label_with_manifest(*scan, log.log_start), fault == Fault::kNone ? TailLabel::kT1 : TailLabel::kT2);
  }
}
#endif

}  // namespace
}  // namespace aerodb::wal
