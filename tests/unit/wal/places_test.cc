#include "common/wal/places.h"

#include <gtest/gtest.h>

namespace aerodb::wal {
namespace {

TEST(Places, KeepOneInSixtyFourKibibytesAndEachSegmentsFirst) {
  Places places;
  uint64_t lsn = 0;
  for (uint64_t segment : {1, 2, 3}) {
    for (uint64_t offset = kSegmentHeaderBytes; offset < (200u << 10); offset += 4'096)
      places.note({Lsn(++lsn), {segment, offset}});
  }
  EXPECT_EQ(places.size(), 3 * 4u);
  EXPECT_EQ(places.first_lsn(), Lsn(1));
  EXPECT_EQ(places.before(Lsn(1)), (RingCursor{1, kSegmentHeaderBytes}));
  EXPECT_EQ(places.before(Lsn(16)), (RingCursor{1, kSegmentHeaderBytes}));
  EXPECT_EQ(places.before(Lsn(17)), (RingCursor{1, kSegmentHeaderBytes + (64u << 10)}));
  EXPECT_EQ(places.before(Lsn(50)), (RingCursor{1, kSegmentHeaderBytes + (192u << 10)}));
  EXPECT_EQ(places.before(Lsn(51)), (RingCursor{2, kSegmentHeaderBytes}));
  EXPECT_EQ(places.before(Lsn(9'999))->segment_sequence, 3u);
}

TEST(Places, DroppedSegmentsAnswerNothing) {
  Places places;
  EXPECT_FALSE(places.before(Lsn(1)));
  EXPECT_EQ(places.first_lsn(), Lsn());
  for (uint64_t segment : {4, 5, 6}) places.note({Lsn(segment * 10), {segment, kSegmentHeaderBytes}});
  places.drop_below(5);
  EXPECT_EQ(places.first_lsn(), Lsn(50));
  EXPECT_FALSE(places.before(Lsn(49)));
  EXPECT_EQ(places.before(Lsn(50))->segment_sequence, 5u);
  places.drop_below(99);
  EXPECT_EQ(places.size(), 0u);
}

}  // namespace
}  // namespace aerodb::wal
