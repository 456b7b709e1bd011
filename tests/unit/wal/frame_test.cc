#include "common/wal/frame.h"

#include <gtest/gtest.h>

#include "common/base/checksum.h"
#include "common/base/random.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using testing::kCluster;
using testing::kInstance;
using testing::RecordMaker;

constexpr uint64_t kSalt = 0x1234'5678'9abc'def0;

struct Sealed {
  FrameHeader header;
  Bytes bytes;
};

Sealed sealed_frame(uint64_t salt = kSalt) {
  RecordMaker maker;
  Sealed frame;
  ByteWriter out(frame.bytes);
  out.zeros(kFrameHeaderBytes);
  for (int i = 0; i < 4; ++i) out.raw(maker.next(100));
  frame.header = {7, 42, Lsn(1), 4, frame.bytes.size() - kFrameHeaderBytes};
  frame.bytes.resize(frame.header.bytes_on_disk(), 0);
  seal_frame(frame.header, salt, frame.bytes);
  return frame;
}

bool valid(ByteSpan bytes, uint64_t segment_sequence, uint64_t salt) {
  auto header = peek_frame_header(bytes, segment_sequence);
  return header && header->bytes_on_disk() <= bytes.size() && frame_checksum_holds(bytes, *header, salt);
}

TEST(Frame, RoundTripsItsHeader) {
  const auto frame = sealed_frame();
  EXPECT_EQ(frame.bytes.size() % kSectorBytes, 0u);
  auto header = peek_frame_header(frame.bytes, 7);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->segment_sequence, 7u);
  EXPECT_EQ(header->frame_sequence, 42u);
  EXPECT_EQ(header->first_lsn, Lsn(1));
  EXPECT_EQ(header->count, 4u);
  EXPECT_EQ(header->body_bytes, frame.header.body_bytes);
  EXPECT_TRUE(frame_checksum_holds(frame.bytes, *header, kSalt));
}

TEST(Frame, ChecksumSeesAChangeOfEveryByteOfHeaderAndBody) {
  const auto frame = sealed_frame();
  for (size_t at = 0; at < kFrameHeaderBytes + frame.header.body_bytes; ++at) {
    for (uint8_t mask : {0x01, 0x80, 0xff}) {
      Bytes bytes = frame.bytes;
      bytes[at] ^= mask;
      ASSERT_FALSE(valid(bytes, 7, kSalt)) << "byte " << at;
    }
  }
}

TEST(Frame, ZeroedSectorsAreSeen) {
  const auto frame = sealed_frame();
  for (size_t at = 0; at < kFrameHeaderBytes + frame.header.body_bytes; at += kSectorBytes) {
    Bytes bytes = frame.bytes;
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at), kSectorBytes, uint8_t{0});
    EXPECT_FALSE(valid(bytes, 7, kSalt)) << at;
  }
}

TEST(Frame, OfAnotherSaltOrSegmentIsNotTaken) {
  const auto frame = sealed_frame();
  EXPECT_TRUE(valid(frame.bytes, 7, kSalt));
  EXPECT_FALSE(valid(frame.bytes, 7, kSalt + 1));
  EXPECT_FALSE(valid(frame.bytes, 8, kSalt));
}

TEST(Frame, ShorterThanItsBodyDoesNotHold) {
  const auto frame = sealed_frame();
  const auto header = *peek_frame_header(frame.bytes, 7);
  EXPECT_TRUE(frame_checksum_holds(ByteSpan(frame.bytes).first(kFrameHeaderBytes + header.body_bytes), header, kSalt));
  EXPECT_FALSE(
      frame_checksum_holds(ByteSpan(frame.bytes).first(kFrameHeaderBytes + header.body_bytes - 1), header, kSalt));
  for (size_t size = 0; size < 40; ++size) EXPECT_FALSE(peek_frame_header(ByteSpan(frame.bytes).first(size), 7));
}

TEST(Frame, HeaderBoundsAreChecked) {
  auto with = [](uint32_t count, uint64_t body_bytes) {
    Bytes bytes;
    ByteWriter out(bytes);
    out.u32(kFrameMagic);
    out.u32(count);
    out.u64(7);
    out.u64(42);
    out.u64(1);
    out.u64(body_bytes);
    out.zeros(24);
    return bytes;
  };
  EXPECT_TRUE(peek_frame_header(with(1, kRecordHeaderBytes), 7));
  EXPECT_TRUE(peek_frame_header(with(1, kMaxRecordBytes), 7));
  EXPECT_FALSE(peek_frame_header(with(0, kRecordHeaderBytes), 7));
  EXPECT_FALSE(peek_frame_header(with(1, kRecordHeaderBytes - 1), 7));
  EXPECT_FALSE(peek_frame_header(with(1, kMaxRecordBytes + 1), 7));
  EXPECT_FALSE(peek_frame_header(with(1, ~uint64_t{0}), 7));
}

Bytes segment_header(uint64_t sequence = 9) {
  Bytes sector(kSegmentHeaderBytes, 0xee);
  encode_segment_header({sequence, kSalt, Lsn(77), kCluster, kInstance},
                        std::span<uint8_t, kSegmentHeaderBytes>(sector.data(), kSegmentHeaderBytes));
  return sector;
}

TEST(SegmentHeader, RoundTrips) {
  const Bytes sector = segment_header();
  SegmentHeader header;
  ASSERT_EQ(read_segment_header(sector, header), SegmentHeaderState::kValid);
  EXPECT_EQ(header.sequence, 9u);
  EXPECT_EQ(header.salt, kSalt);
  EXPECT_EQ(header.first_lsn, Lsn(77));
  EXPECT_EQ(header.cluster, kCluster);
  EXPECT_EQ(header.instance, kInstance);
  EXPECT_EQ(Bytes(sector.begin() + 80, sector.end()), Bytes(kSegmentHeaderBytes - 80, 0));
}

TEST(SegmentHeader, ChangeOfAnyFieldOrOfTheChecksumIsSeen) {
  const Bytes sector = segment_header();
  SegmentHeader header;
  for (size_t at = 0; at < 80; ++at) {
    Bytes bad = sector;
    bad[at] ^= 4;
    ASSERT_EQ(read_segment_header(bad, header), SegmentHeaderState::kInvalid) << at;
  }
}

TEST(SegmentHeader, ZerosShortSectorsAndSequenceZeroAreInvalid) {
  SegmentHeader header;
  EXPECT_EQ(read_segment_header(Bytes(kSegmentHeaderBytes, 0), header), SegmentHeaderState::kInvalid);
  EXPECT_EQ(read_segment_header(ByteSpan(segment_header()).first(kSegmentHeaderBytes - 1), header),
            SegmentHeaderState::kInvalid);
  EXPECT_EQ(read_segment_header(segment_header(0), header), SegmentHeaderState::kInvalid);
}

TEST(SegmentHeader, NewerFormatIsNamedOnlyWithAWholeChecksum) {
  Bytes sector = segment_header();
  sector[4] = 2;
  SegmentHeader header;
  EXPECT_EQ(read_segment_header(sector, header), SegmentHeaderState::kInvalid);
  const auto checksum = xxh3_128(ByteSpan(sector).first(64));
  std::copy(checksum.begin(), checksum.end(), sector.begin() + 64);
  EXPECT_EQ(read_segment_header(sector, header), SegmentHeaderState::kNewerFormat);
}

}  // namespace
}  // namespace aerodb::wal
