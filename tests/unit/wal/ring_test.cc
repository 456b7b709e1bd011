#include "common/wal/ring.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace aerodb::wal {
namespace {

constexpr RingGeometry kGeometry{4, 16 * kSectorBytes};

TEST(Ring, FirstFrameStartsSegmentOneBehindItsHeader) {
  const Ring ring(kGeometry, {}, 0);
  EXPECT_EQ(ring.place({}, 512), (RingCursor{1, 512}));
  EXPECT_EQ(ring.left_in_segment({}), 0u);
  EXPECT_EQ(ring.free_bytes({}), 4 * 15 * kSectorBytes);
}

TEST(Ring, FrameThatDoesNotFitStartsTheNextSegment) {
  const Ring ring(kGeometry, {}, 0);
  const RingCursor at{1, 14 * kSectorBytes};
  EXPECT_EQ(ring.place(at, 2 * kSectorBytes), at);
  EXPECT_EQ(ring.place(at, 3 * kSectorBytes), (RingCursor{2, 512}));
  EXPECT_EQ(ring.place({1, 16 * kSectorBytes}, 512), (RingCursor{2, 512}));
}

TEST(Ring, FrameLargerThanASegmentHasNoPlace) {
  const Ring ring(kGeometry, {}, 0);
  EXPECT_TRUE(ring.place({}, 15 * kSectorBytes));
  EXPECT_FALSE(ring.place({}, 16 * kSectorBytes));
}

TEST(Ring, SegmentStartsOnlyWhenTheOneItDisplacesIsReleased) {
  Ring ring(kGeometry, {}, 0);
  const RingCursor full{4, 16 * kSectorBytes};
  EXPECT_FALSE(ring.place(full, 512));
  EXPECT_EQ(ring.free_bytes(full), 0u);
  ring.release(2);
  EXPECT_EQ(ring.place(full, 512), (RingCursor{5, 512}));
  EXPECT_EQ(ring.free_bytes(full), 2 * 15 * kSectorBytes);
  EXPECT_FALSE(ring.place({6, 16 * kSectorBytes}, 512));
}

TEST(Ring, SlotsFollowOneAnotherRound) {
  const Ring ring(kGeometry, {}, 0);
  EXPECT_EQ(ring.slot_of(1), 0u);
  EXPECT_EQ(ring.slot_of(4), 3u);
  EXPECT_EQ(ring.slot_of(5), 0u);
}

TEST(Ring, RandomFramesNeverCrossASegmentAndNeverRunPastTheReleasedOnes) {
  SeededRandom random(11);
  for (int round = 0; round < 200; ++round) {
    Ring ring(kGeometry, {}, 0);
    uint64_t released = 0;
    while (true) {
      const uint64_t bytes = (1 + random.below(15)) * kSectorBytes;
      const auto end = ring.end();
      const auto place = ring.place(end, bytes);
      const bool fits_here = end.segment_sequence > 0 && end.offset + bytes <= kGeometry.segment_bytes;
      if (!place) {
        ASSERT_FALSE(fits_here);
        ASSERT_EQ(end.segment_sequence, released + kGeometry.slots);
        if (released >= 5) break;
        ring.release(++released);
        continue;
      }
      ASSERT_EQ(*place, fits_here ? end : (RingCursor{end.segment_sequence + 1, kSegmentHeaderBytes}));
      ASSERT_LE(place->offset + bytes, kGeometry.segment_bytes);
      ASSERT_LE(place->segment_sequence, released + kGeometry.slots);
      ASSERT_GE(ring.free_bytes(end), ring.free_bytes({place->segment_sequence, place->offset + bytes}) + bytes);
      ring.set_end({place->segment_sequence, place->offset + bytes});
    }
  }
}

TEST(Ring, PathsAreNumberedFromZero) {
  EXPECT_EQ(segment_paths("/data", 2), (std::vector<std::string>{"/data/wal/0000.seg", "/data/wal/0001.seg"}));
}

}  // namespace
}  // namespace aerodb::wal
