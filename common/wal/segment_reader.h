// Reads frames of one segment file through a window, so that memory stays bounded whatever the segment's size.
// Blocking.
#pragma once

#include <memory>
#include <optional>

#include "common/runtime/disk.h"
#include "common/wal/frame.h"

namespace aerodb::wal {

class SegmentReader {
 public:
  // Reads at least `window_bytes` at a time where the segment has them.
  SegmentReader(runtime::File& file, uint64_t segment_bytes, SegmentHeader header, uint64_t window_bytes = 1u << 20)
      : file_(file), segment_bytes_(segment_bytes), header_(header), window_bytes_(window_bytes) {}

  struct Frame {
    FrameHeader header;
    ByteSpan bytes;  // header, body and padding; valid until the next call
    [[nodiscard]] ByteSpan body() const { return bytes.subspan(kFrameHeaderBytes, header.body_bytes); }
  };
  // The valid frame at `offset` (a sector boundary), or nullopt where there is none. IO where the file can't be read.
  Result<std::optional<Frame>> frame_at(uint64_t offset);
  // Offset of the first valid frame at or after `offset` with a frame sequence of at least `from_sequence`.
  Result<std::optional<uint64_t>> find_frame(uint64_t offset, uint64_t from_sequence);
  // Raw bytes, fewer at the end of the segment.
  Result<ByteSpan> bytes_at(uint64_t offset, uint64_t count);
  [[nodiscard]] const SegmentHeader& header() const { return header_; }

 private:
  [[nodiscard]] Result<void> move_window(uint64_t offset, uint64_t count);
  runtime::File& file_;
  uint64_t segment_bytes_;
  SegmentHeader header_;
  uint64_t window_bytes_;
  Bytes window_;
  uint64_t window_at_ = 0;
};

}  // namespace aerodb::wal
