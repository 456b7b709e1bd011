// Where the manifest covers the older part of the log: the scan begins in the manifest's segment and visits what comes
// behind it.
#include <gtest/gtest.h>

#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::kCluster;
using testing::kInstance;
using testing::label_of;
using testing::label_with_manifest;
using testing::LogNode;
using testing::RecordMaker;
using testing::TurningLog;

TEST(Start, RecordsThatTheManifestCoversAreNotVisitedWhereverItEnds) {
  TurningLog log;
  log.fill_to(3);
  for (uint64_t lsn = 1; lsn <= log.all.size(); ++lsn) {
    log.checkpoint(Lsn(lsn));
    auto scan = log.scan();
    ASSERT_TRUE(scan) << scan.error().message;
    ASSERT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT1) << scan->tail.discontinuity.value_or("");
    ASSERT_EQ(log.scanned, log.live()) << lsn;
    ASSERT_EQ(scan->end.lsn, log.maker.lsn());
    ASSERT_EQ(scan->end.frame_sequence, log.all.size());
    ASSERT_EQ(scan->end.cursor, log.writer->ring().end());
    ASSERT_EQ(scan->segments.front().header.sequence, log.log_start.segment_sequence);
    ASSERT_EQ(scan->released_sequence, log.log_start.segment_sequence - 1);
    ASSERT_EQ(scan->places.first_lsn(), Lsn(1));  // older segments still serve readers
  }
}

TEST(Start, WriterGoesOnBehindAManifestThatCoversEverything) {
  TurningLog log;
  log.fill_to(3);
  for (int round = 0; round < 10; ++round) {
    log.checkpoint();
    log.close(round % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
    log.begin();
    ASSERT_TRUE(log.scanned.empty());
    ASSERT_EQ(log.quarantined, "");
    ASSERT_EQ(log.writer->durable(), log.maker.lsn());
    for (int i = 0; i < 3; ++i) log.add();
  }
  EXPECT_GT(log.writer->ring().end().segment_sequence, 2u * log.geometry.slots);
}

// Random sizes, checkpoints at random places, clean and unclean ends: every start visits what is behind the manifest,
// and nothing durable is lost over many turns of the ring.
TEST(Start, NothingIsLostOverManyTurnsOfTheRing) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    TurningLog log(seed);
    auto& random = log.world.random();
    while (log.writer->ring().end().segment_sequence < 20) {
      for (uint64_t count = random.below(12); count > 0; --count) log.add(random.below(3'000));
      if (random.one_in(3) && !log.all.empty()) {
        // Anywhere between the last one and now.
        const uint64_t from = log.log_start.lsn.value();
        log.checkpoint(Lsn(from + std::max<uint64_t>(random.below(log.all.size() - from + 1), from == 0 ? 1 : 0)));
      }
      if (random.one_in(2)) {
        // A record that nobody was told about: it may be found or not.
        if (log.writer->has_room(RecordMaker::bytes_of(2'000), RoomFor::kCommit)) {
          auto next = log.maker;
          log.append(next.next(2'000));
          log.writer->pump(runtime::Completion::kLater);
          for (uint64_t step = random.below(4); step > 0; --step) log.world.step();
        }
        log.close(random.one_in(2) ? CrashKind::kPower : CrashKind::kProcess);
        log.begin();
        const auto live = log.live();
        ASSERT_GE(log.scanned.size(), live.size()) << "seed " << seed;
        ASSERT_LE(log.scanned.size(), live.size() + 1);
        if (log.scanned.size() > live.size()) {
          log.all.push_back(log.maker.next(2'000));
          log.chains.push_back(log.maker.chain());
        }
        ASSERT_EQ(log.scanned, log.live());
      }
    }
  }
}

TEST(Start, ManifestOfAnotherLogIsT4) {
  TurningLog log;
  log.fill_to(3);
  log.checkpoint(Lsn(8));
  log.log_start.chain.bytes[3] ^= 1;
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT4);
  EXPECT_NE(scan->tail.discontinuity->find("chain after LSN 8"), std::string::npos) << *scan->tail.discontinuity;
  EXPECT_TRUE(log.scanned.empty());
}

TEST(Start, SegmentThatBeginsBehindTheManifestIsT4) {
  TurningLog log;
  log.fill_to(3);
  log.checkpoint(Lsn(3));
  ASSERT_EQ(log.log_start.segment_sequence, 1u);
  log.log_start.segment_sequence = 2;
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT4);
  EXPECT_NE(scan->tail.discontinuity->find("the manifest ends at LSN 3"), std::string::npos)
      << *scan->tail.discontinuity;
}

TEST(Start, SegmentMayBeginWithTheRecordBehindTheManifest) {
  TurningLog log;
  log.fill_to(3);
  const auto first = log.scan()->segments[1].header.first_lsn;
  log.log_start = {Lsn(first.value() - 1), log.chains[first.value() - 2], 2};
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT1);
  EXPECT_EQ(log.scanned, log.live());
  log.log_start.chain.bytes[0] ^= 1;
  EXPECT_EQ(label_of(*log.scan()), TailLabel::kT4);
}

TEST(Start, FirstLsnOfAHeaderThatItsFrameDoesNotHaveIsT4) {
  TurningLog log;
  log.fill_to(2);
  auto header = log.scan()->segments[1].header;
  header.first_lsn = header.first_lsn.next();
  Bytes sector(kSegmentHeaderBytes);
  encode_segment_header(header, std::span<uint8_t, kSegmentHeaderBytes>(sector));
  log.put(1, 0, sector);
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_of(*scan), TailLabel::kT4);
}

TEST(Start, LostStartSegmentIsNeverASuccess) {
  struct Case {
    std::string_view what;
    bool others_follow;
    std::function<void(TurningLog&, uint32_t slot)> damage;
    TailLabel label;
  };
  const auto header = [](TurningLog& log, uint32_t slot) { log.flip(slot, 20); };
  const auto frames = [](TurningLog& log, uint32_t slot) {
    log.put(slot, kSegmentHeaderBytes, Bytes(log.geometry.segment_bytes - kSegmentHeaderBytes, 0));
  };
  const auto all = [](TurningLog& log, uint32_t slot) { log.put(slot, 0, Bytes(log.geometry.segment_bytes, 0)); };
  const auto first_frame = [](TurningLog& log, uint32_t slot) { log.flip(slot, kSegmentHeaderBytes + 100); };
  const Case cases[] = {
      {"header, several frames", false, header, TailLabel::kT2},
      {"header, others follow", true, header, TailLabel::kT2},
      {"frames", false, frames, TailLabel::kT3},
      {"frames, others follow", true, frames, TailLabel::kT2},
      {"all", false, all, TailLabel::kT3},
      {"all, others follow", true, all, TailLabel::kT2},
      {"first frame", false, first_frame, TailLabel::kT2},
  };
  for (const auto& bad : cases) {
    TurningLog log;
    log.fill_to(6);
    for (int i = 0; i < 3; ++i) log.add();
    log.checkpoint();
    const uint64_t start = log.log_start.segment_sequence;
    if (bad.others_follow) log.fill_to(start + 2);
    log.close(CrashKind::kPower);
    bad.damage(log, log.slot_of(start));
    auto scan = log.scan();
    ASSERT_TRUE(scan) << scan.error().message;
    EXPECT_EQ(scan->end.lsn, Lsn(0)) << bad.what;
    EXPECT_EQ(scan->tail.end_segment, start) << bad.what;
    EXPECT_EQ(label_with_manifest(*scan, log.log_start), bad.label) << bad.what;
    EXPECT_TRUE(log.scanned.empty());
  }
}

TEST(Start, LogThatEndsBelowTheManifestIsT3) {
  TurningLog log;
  log.fill_to(6);
  for (int i = 0; i < 3; ++i) log.add();
  log.checkpoint();
  const auto last = *log.scan()->last_frame;
  log.close(CrashKind::kPower);
  log.flip(log.slot_of(last.segment_sequence), last.offset + 100);
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->end.lsn.value(), log.log_start.lsn.value() - 1);
  EXPECT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT3);
}

TEST(Start, OlderSegmentsAreNoPartOfTheWalk) {
  TurningLog log;
  log.fill_to(4);
  log.checkpoint();
  log.close(CrashKind::kPower);
  log.put(1, kSegmentHeaderBytes, Bytes(2'000, 0xee));
  log.flip(1, 70);
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT1);
  // The second one has no header any more: only what lies behind it is without a gap before the start.
  EXPECT_EQ(scan->places.before(scan->places.first_lsn())->segment_sequence, 3u);
}

// A directory made by restore or bootstrap: a manifest, and a ring in which nothing was logged.
struct RestoredLog : LogNode {
  RestoredLog() {
    Chain chain;
    chain.bytes.fill(0x5a);
    log_start = {Lsn(40), chain, 0};
    maker.continue_behind(log_start.lsn, log_start.chain);
  }
  RecordMaker maker;
};

TEST(Start, EmptyRingBehindAManifestEndsWhereTheManifestDoes) {
  RestoredLog log;
  auto scan = log.scan();
  ASSERT_TRUE(scan);
  EXPECT_EQ(label_with_manifest(*scan, log.log_start), TailLabel::kT1);
  EXPECT_EQ(scan->end.lsn, Lsn(40));
  EXPECT_EQ(scan->end.cursor, RingCursor());
  EXPECT_EQ(scan->released_sequence, 0u);
}

TEST(Start, FreshRingGoesOnBehindTheManifest) {
  RestoredLog log;
  std::vector<Bytes> records;
  for (int start = 0; start < 4; ++start) {
    log.open();
    ASSERT_EQ(log.scanned, records);
    for (int i = 0; i < 5; ++i) {
      records.push_back(log.maker.next(4'000));
      log.write({records.back()});
    }
    ASSERT_EQ(log.writer->durable(), log.maker.lsn());
    log.restart(CrashKind::kPower);
  }
}

TEST(Start, FreshRingThatDoesNotFollowTheManifestIsT4) {
  for (bool gap : {true, false}) {
    RestoredLog log;
    log.open();
    gap ? log.maker.skip(1) : log.maker.break_chain();
    log.write({log.maker.next()});
    log.restart(CrashKind::kPower);
    auto scan = log.scan();
    ASSERT_TRUE(scan);
    EXPECT_EQ(label_of(*scan), TailLabel::kT4);
    EXPECT_EQ(scan->end.lsn, Lsn(40));
  }
}

}  // namespace
}  // namespace aerodb::wal
