#include "common/wal/frame.h"

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"

namespace aerodb::wal {
namespace {

constexpr size_t kSegmentChecksumAt = 64;
constexpr size_t kFrameChecksumAt = 40;

std::array<uint8_t, 16> frame_checksum(ByteSpan frame, uint64_t length, uint64_t salt) {
  // The checksum field counts as zero: header and body are hashed apart from it, each keyed by the salt.
  std::array<uint8_t, kFrameHeaderBytes + 16> head{};
  std::copy_n(frame.begin(), kFrameHeaderBytes, head.begin());
  std::fill_n(head.begin() + kFrameChecksumAt, 16, uint8_t{0});
  auto body = xxh3_128_seeded(frame.subspan(kFrameHeaderBytes, length), salt);
  std::copy(body.begin(), body.end(), head.begin() + kFrameHeaderBytes);
  return xxh3_128_seeded(head, salt);
}

}  // namespace

void encode_segment_header(const SegmentHeader& header, std::span<uint8_t, kSegmentHeaderBytes> out) {
  Bytes bytes;
  bytes.reserve(kSegmentHeaderBytes);
  ByteWriter writer(bytes);
  writer.u32(kSegmentMagic);
  writer.u32(kSegmentFormat);
  writer.u64(header.sequence);
  writer.u64(header.salt);
  writer.u64(header.first_lsn.value());
  writer.id(header.cluster);
  writer.id(header.instance);
  AERODB_ASSERT(bytes.size() == kSegmentChecksumAt);
  writer.raw(xxh3_128(bytes));
  bytes.resize(kSegmentHeaderBytes, 0);
  std::ranges::copy(bytes, out.begin());
}

SegmentHeaderState read_segment_header(ByteSpan sector, SegmentHeader& out) {
  if (sector.size() < kSegmentHeaderBytes) return SegmentHeaderState::kInvalid;
  ByteReader reader(sector);
  const uint32_t magic = reader.u32();
  const uint32_t format = reader.u32();
  out.sequence = reader.u64();
  out.salt = reader.u64();
  out.first_lsn = Lsn(reader.u64());
  out.cluster = reader.id<ClusterId>();
  out.instance = reader.id<InstanceId>();
  auto checksum = xxh3_128(sector.first(kSegmentChecksumAt));
  if (magic != kSegmentMagic || !std::ranges::equal(checksum, reader.raw(16))) return SegmentHeaderState::kInvalid;
  if (format > kSegmentFormat) return SegmentHeaderState::kNewerFormat;
  return out.sequence > 0 ? SegmentHeaderState::kValid : SegmentHeaderState::kInvalid;
}

uint64_t salt_after(const SegmentHeader& before) {
  Bytes next;
  ByteWriter(next).u64(before.sequence + 1);
  return ByteReader(xxh3_128_seeded(next, before.salt)).u64();
}

void seal_frame(const FrameHeader& header, uint64_t salt, std::span<uint8_t> frame) {
  AERODB_ASSERT(frame.size() == header.bytes_on_disk());
  Bytes bytes;
  bytes.reserve(kFrameHeaderBytes);
  ByteWriter writer(bytes);
  writer.u32(kFrameMagic);
  writer.u32(header.count);
  writer.u64(header.segment_sequence);
  writer.u64(header.frame_sequence);
  writer.u64(header.first_lsn.value());
  writer.u64(header.body_bytes);
  bytes.resize(kFrameHeaderBytes, 0);
  std::ranges::copy(bytes, frame.begin());
  auto checksum = frame_checksum(frame, header.body_bytes, salt);
  std::ranges::copy(checksum, frame.begin() + kFrameChecksumAt);
}

std::optional<FrameHeader> peek_frame_header(ByteSpan in, uint64_t segment_sequence) {
  ByteReader reader(in);
  FrameHeader header;
  const uint32_t magic = reader.u32();
  header.count = reader.u32();
  header.segment_sequence = reader.u64();
  header.frame_sequence = reader.u64();
  header.first_lsn = Lsn(reader.u64());
  header.body_bytes = reader.u64();
  if (!reader.ok() || magic != kFrameMagic || header.segment_sequence != segment_sequence) return std::nullopt;
  if (header.count == 0 || header.body_bytes < kRecordHeaderBytes ||
      header.body_bytes > kMaxFrameBytes - kFrameHeaderBytes)
    return std::nullopt;
  return header;
}

bool frame_checksum_holds(ByteSpan frame, const FrameHeader& header, uint64_t salt) {
  if (frame.size() < kFrameHeaderBytes + header.body_bytes) return false;
  auto checksum = frame_checksum(frame, header.body_bytes, salt);
  return std::ranges::equal(checksum, frame.subspan(kFrameChecksumAt, 16)) &&
         std::ranges::all_of(frame.subspan(56, 8), [](uint8_t byte) { return byte == 0; });
}

}  // namespace aerodb::wal
