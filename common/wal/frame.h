// Segment headers and frames: the physical layer of the log, node-local. Grammar in docs/spec/WAL_FORMAT.md.
#pragma once

#include <optional>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/wal/format.h"

namespace aerodb::wal {

struct SegmentHeader {
  uint64_t sequence = 0;  // of the ring, first is 1; slot = (sequence - 1) mod slots
  // Keys the checksums of this segment's frames, so that older bytes in the slot are not taken for them.
  uint64_t salt = 0;
  Lsn first_lsn;
  ClusterId cluster;
  InstanceId instance;
};

// Writes the sector.
void encode_segment_header(const SegmentHeader& header, std::span<uint8_t, kSegmentHeaderBytes> out);
enum class SegmentHeaderState : uint8_t { kValid, kInvalid, kNewerFormat };
[[nodiscard]] SegmentHeaderState read_segment_header(ByteSpan sector, SegmentHeader& out);

// Salt of the segment after `before`. Random only where no segment comes before: frames can so be checked even where
// their segment's header is lost, while no document can be made to look like one.
[[nodiscard]] uint64_t salt_after(const SegmentHeader& before);

struct FrameHeader {
  uint64_t segment_sequence = 0;
  uint64_t frame_sequence = 0;  // of the ring, first is 1, no gaps
  Lsn first_lsn;
  uint32_t count = 0;
  uint64_t body_bytes = 0;
  [[nodiscard]] uint64_t bytes_on_disk() const { return round_up(kFrameHeaderBytes + body_bytes, kSectorBytes); }
};

// Fills in the header of a frame whose body already stands behind it: `frame` is header, body and padding.
void seal_frame(const FrameHeader& header, uint64_t salt, std::span<uint8_t> frame);

// Reads the header at the start of `in` (64 bytes at least): magic, sequence and bounds only, the checksum is not
// looked at.
[[nodiscard]] std::optional<FrameHeader> peek_frame_header(ByteSpan in, uint64_t segment_sequence);
// True if `frame` (header and body, padding not needed) carries the checksum of its bytes.
[[nodiscard]] bool frame_checksum_holds(ByteSpan frame, const FrameHeader& header, uint64_t salt);

}  // namespace aerodb::wal
