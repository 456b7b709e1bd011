#include "common/wal/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace aerodb::wal {

Result<ByteSpan> SegmentReader::bytes_at(uint64_t offset, uint64_t count) {
  if (offset >= segment_bytes_) return ByteSpan();
  count = std::min(count, segment_bytes_ - offset);
  const bool held = offset >= window_at_ && offset + count <= window_at_ + window_.size();
  if (!held) {
    if (auto moved = move_window(offset, count); !moved) return fail(std::move(moved.error()));
  }
  return ByteSpan(window_).subspan(offset - window_at_, count);
}

// What the window holds of the new place is not read again.
Result<void> SegmentReader::move_window(uint64_t offset, uint64_t count) {
  const uint64_t window_end = window_at_ + window_.size();
  const uint64_t kept = offset >= window_at_ && offset < window_end ? window_end - offset : 0;
  if (kept > 0) std::memmove(window_.data(), window_.data() + (offset - window_at_), kept);
  window_.resize(std::min(std::max(count, window_bytes_), segment_bytes_ - offset));
  window_at_ = offset;
  auto read = file_.read(offset + kept, std::span(window_).subspan(kept));
  window_.resize(read ? kept + *read : 0);
  if (!read) return fail(std::move(read.error()));
  if (window_.size() < count) {
    return fail(ErrorCode::kIo, fmt::format("read log segment {} at {}: {} of {} bytes", header_.sequence, offset,
                                            window_.size(), count));
  }
  return {};
}

Result<std::optional<SegmentReader::Frame>> SegmentReader::frame_at(uint64_t offset) {
  auto head = bytes_at(offset, kFrameHeaderBytes);
  if (!head) return fail(std::move(head.error()));
  auto header = peek_frame_header(*head, header_.sequence);
  if (!header || header->bytes_on_disk() > segment_bytes_ - offset) return std::optional<Frame>();
  auto whole = bytes_at(offset, header->bytes_on_disk());
  if (!whole) return fail(std::move(whole.error()));
  if (!frame_checksum_holds(*whole, *header, header_.salt)) return std::optional<Frame>();
  return Frame{*header, *whole};
}

Result<std::optional<uint64_t>> SegmentReader::find_frame(uint64_t offset, uint64_t from_sequence) {
  for (; offset < segment_bytes_; offset += kSectorBytes) {
    auto head = bytes_at(offset, kFrameHeaderBytes);
    if (!head) return fail(std::move(head.error()));
    if (!peek_frame_header(*head, header_.sequence)) continue;
    auto frame = frame_at(offset);
    if (!frame) return fail(std::move(frame.error()));
    if (*frame && (*frame)->header.frame_sequence >= from_sequence) return std::optional(offset);
  }
  return std::optional<uint64_t>();
}

}  // namespace aerodb::wal
