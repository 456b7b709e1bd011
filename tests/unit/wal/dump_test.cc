#include "common/wal/dump.h"

#include <gtest/gtest.h>

#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::RecordMaker;
using testing::TurningLog;

// Keeps everything shown.
struct Shown : RingVisitor {
  struct Record {
    Lsn lsn;
    RecordOrder order;
    FrameState frame;
    uint64_t offset;
    Bytes bytes;
  };
  void on_segment(const DumpedSegment& segment) override { segments.push_back(segment); }
  void on_frame(const DumpedFrame& frame) override { frames.push_back(frame); }
  void on_record(const DumpedRecord& record) override {
    const auto bytes = record.record.bytes;
    records.push_back(
        {record.record.header.lsn, record.order, record.frame, record.offset, Bytes(bytes.begin(), bytes.end())});
  }
  void on_trouble(const std::string& path, uint64_t offset, const Error& error) override {
    troubles.push_back({path, offset});
    (void)error;
  }
  [[nodiscard]] std::vector<Bytes> bytes() const {
    std::vector<Bytes> all;
    for (const auto& record : records) {
      if (record.frame == FrameState::kValid) all.push_back(record.bytes);
    }
    return all;
  }
  [[nodiscard]] size_t frames_in(FrameState state) const {
    return static_cast<size_t>(std::ranges::count(frames, state, &DumpedFrame::state));
  }
  std::vector<DumpedSegment> segments;
  std::vector<DumpedFrame> frames;
  std::vector<Record> records;
  std::vector<std::pair<std::string, uint64_t>> troubles;
};

Shown dump(TurningLog& log, RingDump* totals = nullptr) {
  Shown shown;
  auto dumped = dump_ring(log.disk(), "/d", shown);
  EXPECT_TRUE(dumped) << dumped.error().message;
  if (totals != nullptr) *totals = *dumped;
  return shown;
}

TEST(Dump, ShowsARingUsedAgainInOrderOfItsSequences) {
  TurningLog log;
  log.fill_to(6);
  RingDump totals;
  const auto shown = dump(log, &totals);
  ASSERT_EQ(shown.segments.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(shown.segments[i].state, SlotState::kValid);
    EXPECT_EQ(shown.segments[i].header.sequence, 3 + i);
    EXPECT_EQ(shown.segments[i].slot, (2 + i) % 4);
    EXPECT_EQ(shown.segments[i].file_bytes, log.geometry.segment_bytes);
  }
  const Lsn first = shown.segments[0].header.first_lsn;
  EXPECT_EQ(shown.bytes(),
            std::vector<Bytes>(log.all.begin() + static_cast<ptrdiff_t>(first.value() - 1), log.all.end()));
  for (const auto& record : shown.records)
    EXPECT_EQ(record.order, record.lsn == first ? RecordOrder::kApart : RecordOrder::kFollows);
  EXPECT_TRUE(shown.troubles.empty());
  EXPECT_EQ(totals.segments, 4u);
  EXPECT_EQ(totals.frames, shown.frames.size());
  EXPECT_EQ(totals.records, shown.records.size());
  EXPECT_EQ(totals.broken_frames + totals.unchecked_frames + totals.breaks + totals.troubles, 0u);
}

TEST(Dump, PlacesAreThoseInTheFile) {
  TurningLog log;
  log.add();
  log.add(100);
  const auto shown = dump(log);
  ASSERT_EQ(shown.frames.size(), 2u);
  EXPECT_EQ(shown.frames[0].offset, kSegmentHeaderBytes);
  EXPECT_EQ(shown.frames[0].header.first_lsn, Lsn(1));
  EXPECT_EQ(shown.records[0].offset, kSegmentHeaderBytes + kFrameHeaderBytes);
  EXPECT_EQ(shown.frames[1].offset, kSegmentHeaderBytes + shown.frames[0].header.bytes_on_disk());
  EXPECT_EQ(shown.segments[1].state, SlotState::kUnused);
  EXPECT_EQ(shown.segments[1].header.sequence, 2u);
}

TEST(Dump, FramesBehindABrokenOneAreShown) {
  TurningLog log;
  log.fill_to(3);
  log.close(CrashKind::kPower);
  const uint64_t second = kSegmentHeaderBytes + kSectorBytes;  // the first record is a small one
  log.flip(0, second + 1'100);                                 // in the last bytes of its record
  RingDump totals;
  const auto shown = dump(log, &totals);
  EXPECT_EQ(totals.frames, log.all.size() - 1);
  EXPECT_EQ(totals.broken_frames, 1u);
  ASSERT_EQ(shown.frames[1].state, FrameState::kBroken);
  EXPECT_EQ(shown.frames[1].offset, second);
  // Its record can still be read, and the chain says which of the two is wrong.
  ASSERT_EQ(shown.records.size(), log.all.size());
  EXPECT_EQ(shown.records[1].frame, FrameState::kBroken);
  EXPECT_EQ(shown.records[1].order, RecordOrder::kFollows);
  EXPECT_EQ(shown.records[2].order, RecordOrder::kBreaks);
  EXPECT_EQ(shown.records[3].order, RecordOrder::kFollows);
  EXPECT_EQ(totals.breaks, 1u);
}

TEST(Dump, BrokenHeadHidesOneFrameOnly) {
  TurningLog log;
  log.fill_to(3);
  log.close(CrashKind::kPower);
  log.flip(0, kSegmentHeaderBytes + kSectorBytes);
  RingDump totals;
  const auto shown = dump(log, &totals);
  EXPECT_EQ(totals.frames, log.all.size() - 1);
  EXPECT_EQ(totals.broken_frames, 0u);
  EXPECT_EQ(shown.records[1].lsn, Lsn(3));
  EXPECT_EQ(shown.records[1].order, RecordOrder::kApart);
}

TEST(Dump, SegmentWithoutItsHeaderIsCheckedByTheOneBefore) {
  TurningLog log;
  log.fill_to(6);
  log.close(CrashKind::kPower);
  const auto whole = dump(log);
  log.flip(log.slot_of(5), 30);
  RingDump totals;
  const auto shown = dump(log, &totals);
  EXPECT_EQ(totals.segments, 3u);
  EXPECT_EQ(totals.frames, whole.frames.size());
  EXPECT_EQ(shown.segments.back().state, SlotState::kBadHeader);
  EXPECT_EQ(shown.segments.back().header.sequence, 5u);
  EXPECT_EQ(shown.records.size(), whole.records.size());
}

TEST(Dump, FramesThatNothingCanCheckAreNamedAsSuch) {
  TurningLog log;
  log.fill_to(2);
  log.close(CrashKind::kPower);
  const auto whole = dump(log);
  log.flip(0, 30);
  RingDump totals;
  const auto shown = dump(log, &totals);
  EXPECT_EQ(totals.unchecked_frames, whole.frames.size() - 1);
  EXPECT_EQ(totals.frames, 1u);  // of segment 2
  EXPECT_EQ(shown.records.size(), whole.records.size());
  ASSERT_EQ(shown.segments[1].slot, 0u);  // behind the only one with a header
  EXPECT_EQ(shown.segments[1].state, SlotState::kBadHeader);
  EXPECT_EQ(shown.segments[1].header.sequence, 0u);
}

TEST(Dump, FrameOfNoSegmentIsNeverValid) {
  TurningLog log;
  log.add();
  log.close(CrashKind::kPower);
  // What a document could hold that knows no salt.
  Bytes frame(kFrameHeaderBytes, 0);
  const auto& record = log.all[0];
  frame.insert(frame.end(), record.begin(), record.end());
  const FrameHeader header{0, 1, Lsn(1), 1, record.size()};
  frame.resize(header.bytes_on_disk(), 0);
  seal_frame(header, 0, frame);
  log.put(3, kSegmentHeaderBytes, frame);
  RingDump totals;
  (void)dump(log, &totals);
  EXPECT_EQ(totals.frames, 1u);
}

TEST(Dump, MissingStrangeAndMisplacedFilesAreNamedAndTheRestIsShown) {
  TurningLog log;
  log.fill_to(4);
  log.close(CrashKind::kPower);
  const auto whole = dump(log);
  auto& disk = log.disk();
  ASSERT_TRUE(disk.rename("/d/wal/0001.seg", "/d/wal/0001.seg.kept"));
  const auto missing = dump(log);
  EXPECT_EQ(missing.segments.size(), 4u);
  EXPECT_EQ(missing.segments.back().state, SlotState::kMissing);
  EXPECT_EQ(missing.segments.back().path, "/d/wal/0001.seg");
  ASSERT_EQ(missing.troubles.size(), 1u);
  EXPECT_EQ(missing.troubles[0].first, "/d/wal/0001.seg.kept");
  EXPECT_LT(missing.frames.size(), whole.frames.size());
  // Found again, but in another place.
  ASSERT_TRUE(disk.rename("/d/wal/0001.seg.kept", "/d/wal/0004.seg"));
  const auto misplaced = dump(log);
  EXPECT_EQ(misplaced.segments.back().state, SlotState::kWrongSlot);
  EXPECT_EQ(misplaced.frames.size(), whole.frames.size());
}

TEST(Dump, TornEndIsShownAsBroken) {
  TurningLog log;
  log.add();
  log.add();
  const auto end = log.writer->ring().end();
  log.add(2'000);
  log.close(CrashKind::kPower);
  log.put(0, end.offset + 3 * kSectorBytes, Bytes(3 * kSectorBytes, 0));
  RingDump totals;
  const auto shown = dump(log, &totals);
  EXPECT_EQ(totals.frames, 2u);
  EXPECT_EQ(totals.broken_frames, 1u);
  EXPECT_EQ(shown.frames.back().offset, end.offset);
}

TEST(Dump, DirectoryWithoutARingIsAnError) {
  TurningLog log;
  log.close(CrashKind::kPower);
  Shown shown;
  const auto dumped = dump_ring(log.disk(), "/elsewhere", shown);
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().code, ErrorCode::kIo);
}

// A disk on which one sector of one file can't be read.
class BadSector final : public runtime::Disk {
 public:
  BadSector(runtime::Disk& disk, std::string path, uint64_t offset)
      : disk_(disk), path_(std::move(path)), offset_(offset) {}
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override {
    auto file = disk_.open(path, mode);
    if (!file || path != path_) return file;
    return std::make_unique<BadFile>(std::move(*file), offset_);
  }
  Result<void> make_directory(const std::string& path) override { return disk_.make_directory(path); }
  Result<void> sync_directory(const std::string& path) override { return disk_.sync_directory(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return disk_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return disk_.remove(path); }
  Result<void> link(const std::string& from, const std::string& made) override { return disk_.link(from, made); }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& path) override { return disk_.lock(path); }
  Result<bool> locked(const std::string& path) override { return disk_.locked(path); }

 private:
  class BadFile final : public runtime::File {
   public:
    BadFile(std::unique_ptr<runtime::File> file, uint64_t offset) : file_(std::move(file)), offset_(offset) {}
    Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
      if (offset < offset_ + kSectorBytes && offset + out.size() > offset_) return fail(ErrorCode::kIo, "bad sector");
      return file_->read(offset, out);
    }
    Result<void> write(uint64_t offset, ByteSpan data) override { return file_->write(offset, data); }
    Result<void> sync() override { return file_->sync(); }
    Result<uint64_t> size() override { return file_->size(); }
    Result<void> fill_zero(uint64_t bytes) override { return file_->fill_zero(bytes); }

   private:
    std::unique_ptr<runtime::File> file_;
    uint64_t offset_;
  };
  runtime::Disk& disk_;
  std::string path_;
  uint64_t offset_;
};

TEST(Dump, SectorThatCannotBeReadHidesOneFrameOnly) {
  TurningLog log;
  log.fill_to(4);
  log.close(CrashKind::kPower);
  const auto whole = dump(log);
  const std::string path = "/d/wal/0001.seg";
  for (uint64_t sector = 0; sector < 16; ++sector) {
    BadSector disk(log.disk(), path, sector * kSectorBytes);
    Shown shown;
    const auto dumped = dump_ring(disk, "/d", shown);
    ASSERT_TRUE(dumped);
    // The header's loss hides nothing: the segment before has the salt. A head that can be read names its frame.
    EXPECT_GE(dumped->frames, whole.frames.size() - (sector == 0 ? 0 : 1)) << sector;
    ASSERT_GE(dumped->troubles, 1u) << sector;
    EXPECT_EQ(shown.troubles[0].first, path);
    EXPECT_LE(shown.troubles[0].second, sector * kSectorBytes);
    for (const auto& frame : shown.frames)
      EXPECT_FALSE(frame.slot == 1 && frame.offset == sector * kSectorBytes) << "a head that nobody read";
  }
}

}  // namespace
}  // namespace aerodb::wal
