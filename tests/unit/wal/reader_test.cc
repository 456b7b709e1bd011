#include "common/wal/reader.h"

#include <gtest/gtest.h>

#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using testing::LogNode;
using testing::RecordMaker;
using testing::TurningLog;

// What a read must answer: whole records from `from` on without a gap, the first whatever its size, then as many as
// fit.
Records expected_records(const std::vector<Bytes>& all, Lsn from, uint64_t max_bytes, Lsn up_to) {
  Records records{from, 0, {}};
  for (uint64_t lsn = from.value(); lsn <= up_to.value(); ++lsn) {
    const Bytes& next = all[lsn - 1];
    if (records.count > 0 && records.bytes.size() + next.size() > max_bytes) break;
    records.bytes.insert(records.bytes.end(), next.begin(), next.end());
    ++records.count;
  }
  return records;
}

// A log of frames of several records each, with a reader on it.
struct ReadableLog : LogNode {
  explicit ReadableLog(uint64_t seed, uint64_t tail_bytes) : LogNode(seed) {
    open({.group_commit = true, .tail_bytes = tail_bytes});
    reader.emplace(*writer, process->jobs(), "/d", places);
    auto& random = world.random();
    while (writer->has_room(RecordMaker::bytes_of(9'000), RoomFor::kCommit)) {
      for (uint64_t count = 1 + random.below(6); count > 0; --count) {
        if (!writer->has_room(RecordMaker::bytes_of(9'000), RoomFor::kCommit)) break;
        all.push_back(maker.next(random.below(random.one_in(8) ? 9'000 : 400)));
        append(all.back());
      }
      writer->pump(runtime::Completion::kLater);
      EXPECT_TRUE(world.run_to_idle());
    }
  }
  ~ReadableLog() override { reader.reset(); }
  Result<Records> read(Lsn from, uint64_t max_bytes) {
    std::optional<Result<Records>> answer;
    reader->read(from, max_bytes, [&](Result<Records> records) { answer = std::move(records); });
    EXPECT_TRUE(world.run_to_idle());
    return answer ? std::move(*answer) : fail(ErrorCode::kInternal, "no answer");
  }
  RecordMaker maker;
  std::vector<Bytes> all;
  std::optional<Reader> reader;
};

void expect_same(const Result<Records>& got, const Records& expected, Lsn from, uint64_t max_bytes) {
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->first_lsn, expected.first_lsn);
  ASSERT_EQ(got->count, expected.count) << "from " << from.value() << " max " << max_bytes;
  ASSERT_EQ(got->bytes, expected.bytes) << "from " << from.value() << " max " << max_bytes;
}

TEST(Reader, MemoryAndDiskGiveTheSameBytesForAnyRangeAndLimit) {
  for (uint64_t tail_bytes : {uint64_t{1} << 30, uint64_t{1}, uint64_t{40'000}}) {
    ReadableLog log(5, tail_bytes);
    ASSERT_GT(log.all.size(), 100u);
    if (tail_bytes > (1u << 20)) {
      EXPECT_EQ(log.writer->tail().first_lsn(), Lsn(1));
    } else {
      EXPECT_GT(log.writer->tail().first_lsn(), Lsn(50));
    }
    auto& random = log.world.random();
    for (int i = 0; i < 600; ++i) {
      const Lsn from(1 + random.below(log.all.size()));
      const uint64_t max_bytes = random.below(random.one_in(2) ? 2'000 : 60'000);
      expect_same(log.read(from, max_bytes), expected_records(log.all, from, max_bytes, log.writer->durable()), from,
                  max_bytes);
    }
  }
}

TEST(Reader, NothingAboveTheDurableBoundaryIsShown) {
  ReadableLog log(6, 1 << 30);
  const Lsn durable = log.writer->durable();
  log.append(log.maker.next(10));
  log.writer->pump(runtime::Completion::kLater);
  std::optional<Records> answer;
  log.reader->read(durable, 1 << 20, [&](Result<Records> records) { answer = std::move(*records); });
  ASSERT_TRUE(answer);  // from memory, at once
  EXPECT_EQ(answer->count, 1u);
}

TEST(Reader, FindsEverythingAfterARestart) {
  ReadableLog log(7, 1 << 30);
  log.reader.reset();
  log.restart(sim::CrashKind::kPower);
  log.open();
  EXPECT_EQ(log.writer->tail().first_lsn(), Lsn(0));
  log.reader.emplace(*log.writer, log.process->jobs(), "/d", log.places);
  EXPECT_EQ(log.reader->first_lsn(), Lsn(1));
  for (uint64_t lsn = 1; lsn <= log.all.size(); lsn += 3) {
    expect_same(log.read(Lsn(lsn), 5'000), expected_records(log.all, Lsn(lsn), 5'000, log.writer->durable()), Lsn(lsn),
                5'000);
  }
}

TEST(Reader, SaysWhenTheRingNoLongerHoldsTheRecords) {
  LogNode node(8, {}, {4, 16 * kSectorBytes});
  node.released = 1'000;
  node.open({.tail_bytes = 1});
  Reader reader(*node.writer, node.process->jobs(), "/d", node.places);
  RecordMaker maker;
  std::vector<Bytes> all;
  for (int i = 0; i < 60; ++i) {
    all.push_back(maker.next(1'000));
    node.write({all.back()});
  }
  const Lsn first = reader.first_lsn();
  ASSERT_GT(first, Lsn(1));
  std::optional<ErrorCode> code;
  reader.read(Lsn(1), 1'000,
              [&](Result<Records> records) { code = records ? ErrorCode::kInternal : records.error().code; });
  EXPECT_EQ(code, ErrorCode::kLogReleased);
  std::optional<Result<Records>> held;
  reader.read(first, 1 << 20, [&](Result<Records> records) { held = std::move(records); });
  ASSERT_TRUE(node.world.run_to_idle());
  ASSERT_TRUE(held);
  expect_same(*held, expected_records(all, first, 1 << 20, node.writer->durable()), first, 1 << 20);
}

TEST(Reader, SegmentOverwrittenDuringTheReadIsReleasedNotGarbage) {
  LogNode node(9, {}, {4, 16 * kSectorBytes});
  node.open({.tail_bytes = 1});
  Reader reader(*node.writer, node.process->jobs(), "/d", node.places);
  RecordMaker maker;
  while (node.writer->has_room(RecordMaker::bytes_of(1'000), RoomFor::kCommit)) node.write({maker.next(1'000)});
  std::optional<Result<Records>> answer;
  reader.read(Lsn(1), 1 << 20, [&](Result<Records> records) { answer = std::move(records); });
  node.put(0, 0, Bytes(kSectorBytes, 0xab));  // stands for the start of segment 5
  ASSERT_TRUE(node.world.run_to_idle());
  ASSERT_TRUE(answer);
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kLogReleased);
}

TEST(Reader, NamesTheSegmentOfARecordThatItHolds) {
  TurningLog log;
  log.fill_to(6);
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  for (int start = 0; start < 2; ++start) {
    const Lsn first = log.reader->first_lsn();
    ASSERT_GT(first, Lsn(1));
    EXPECT_EQ(log.reader->segment_of(Lsn(first.value() - 1)), 0u);
    EXPECT_EQ(log.reader->segment_of(log.maker.lsn().next()), 0u);
    for (Lsn lsn = scan->segments.front().header.first_lsn; const auto& segment : scan->segments) {
      for (; lsn <= segment.last_lsn; lsn = lsn.next())
        ASSERT_EQ(log.reader->segment_of(lsn), segment.header.sequence) << lsn.value();
    }
    log.close(sim::CrashKind::kPower);
    log.begin();
  }
}

TEST(Reader, SegmentsThatAManifestCoversServeUntilTheyAreUsedAgain) {
  TurningLog log;
  log.fill_to(6);
  log.checkpoint();
  const Lsn first = log.reader->first_lsn();
  log.close(sim::CrashKind::kPower);
  log.begin();
  ASSERT_EQ(log.reader->first_lsn(), first);
  ASSERT_LT(first, log.log_start.lsn);
  for (Lsn lsn = first; lsn <= log.maker.lsn(); lsn = lsn.next())
    expect_same(log.read(lsn, 3'000), expected_records(log.all, lsn, 3'000, log.maker.lsn()), lsn, 3'000);
  log.fill_to(7);
  EXPECT_GT(log.reader->first_lsn(), first);
  const auto gone = log.read(first, 3'000);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kLogReleased);
}

TEST(Reader, PartlyOverwrittenSegmentGivesRightRecordsOrNone) {
  for (uint64_t sector = 1; sector < 14; ++sector) {
    TurningLog log;
    log.fill_to(4);
    log.checkpoint();
    log.close(sim::CrashKind::kPower);
    log.put(0, sector * kSectorBytes, Bytes(kSectorBytes, 0xab));
    log.begin();
    uint64_t refused = 0;
    for (Lsn lsn(1); lsn <= log.maker.lsn(); lsn = lsn.next()) {
      const auto records = log.read(lsn, 1'000'000);
      if (!records) {
        ASSERT_EQ(records.error().code, ErrorCode::kLogReleased);
        ++refused;
        continue;
      }
      ASSERT_GT(records->count, 0u);
      auto expected = expected_records(log.all, lsn, 1'000'000, Lsn(lsn.value() + records->count - 1));
      ASSERT_EQ(records->bytes, expected.bytes) << "from " << lsn.value();
    }
    EXPECT_GT(refused, 0u) << sector;
    EXPECT_LT(refused, 10u) << sector;
  }
}

TEST(Reader, DestroyedReaderDropsItsAnswer) {
  ReadableLog log(10, 1);
  bool answered = false;
  log.reader->read(Lsn(1), 1'000, [&](Result<Records>) { answered = true; });
  log.reader.reset();
  ASSERT_TRUE(log.world.run_to_idle());
  EXPECT_FALSE(answered);
}

std::unique_ptr<FrameBuffer> frame_of(Lsn first, size_t bytes) {
  auto frame = std::make_unique<FrameBuffer>();
  frame->bytes.reserve(bytes);
  frame->bytes.resize(bytes);
  frame->first_lsn = first;
  frame->count = 1;
  return frame;
}

TEST(LogTail, IsBoundedInBytesWhateverTheSizesOfItsFrames) {
  constexpr uint64_t kMax = 100'000;
  LogTail tail(kMax);
  SeededRandom random(4);
  std::vector<size_t> sizes;
  for (uint64_t lsn = 1; lsn <= 2'000; ++lsn) {
    sizes.push_back(lsn < 1'000 ? 600 : random.one_in(3) ? 30'000 : 1'000);
    (void)tail.push(frame_of(Lsn(lsn), sizes.back()));
    uint64_t held = 0;
    for (uint64_t at = tail.first_lsn().value(); at <= lsn; ++at) held += sizes[at - 1];
    ASSERT_LE(held, kMax) << "at frame " << lsn;
  }
}

TEST(LogTail, KeepsOneFrameThatAloneIsLarger) {
  LogTail tail(1'000);
  EXPECT_EQ(tail.push(frame_of(Lsn(1), 5'000)), nullptr);
  EXPECT_EQ(tail.first_lsn(), Lsn(1));
  auto recycled = tail.push(frame_of(Lsn(2), 5'000));
  ASSERT_NE(recycled, nullptr);
  EXPECT_EQ(recycled->first_lsn, Lsn(1));
  EXPECT_EQ(tail.first_lsn(), Lsn(2));
}

}  // namespace
}  // namespace aerodb::wal
