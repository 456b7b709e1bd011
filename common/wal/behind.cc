#include "common/wal/behind.h"

#include <algorithm>

#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

// The one segment behind the end's whose header, or whose own, is lost or not written yet; nullopt: it may not start.
std::optional<uint64_t> headless_segment(const OpenRing& ring, const RingScan& scan) {
  uint64_t sequence = std::max<uint64_t>(scan.end.cursor.segment_sequence, 1);
  if (ring.segments.contains(sequence)) ++sequence;
  if (ring.segments.contains(sequence) || sequence > scan.released_sequence + ring.geometry.slots) return std::nullopt;
  return sequence;
}

Result<std::optional<uint64_t>> find_second_head(SegmentReader& reader, uint64_t segment_bytes, uint64_t last_frame) {
  for (uint64_t offset = kSegmentHeaderBytes; offset < segment_bytes; offset += kSectorBytes) {
    auto head = reader.bytes_at(offset, kFrameHeaderBytes);
    if (!head) return fail(std::move(head.error()));
    auto frame = peek_frame_header(*head, reader.header().sequence);
    if (frame && frame->frame_sequence > last_frame + 1) return std::optional(offset);
  }
  return std::optional<uint64_t>();
}

Result<std::optional<uint64_t>> find_in_headless(const OpenRing& ring, uint64_t sequence, uint64_t last_frame) {
  const uint64_t bytes = ring.geometry.segment_bytes;
  SegmentHeader lost;
  lost.sequence = sequence;
  const auto before = ring.segments.find(sequence - 1);
  if (before != ring.segments.end()) lost.salt = salt_after(before->second);
  SegmentReader reader(ring.file_of(sequence), bytes, lost);
  if (before != ring.segments.end()) return reader.find_frame(kSegmentHeaderBytes, last_frame + 2);
  return find_second_head(reader, bytes, last_frame);
}

Result<void> find_later_frame(const OpenRing& ring, RingScan& scan) {
  const RingCursor end = scan.end.cursor;
  auto found = [&](uint64_t sequence, uint64_t offset) {
    scan.tail.later_segment = sequence;
    scan.tail.later_offset = offset;
  };
  for (auto segment = ring.segments.lower_bound(end.segment_sequence); segment != ring.segments.end(); ++segment) {
    const auto& [sequence, header] = *segment;
    SegmentReader reader(ring.file_of(sequence), ring.geometry.segment_bytes, header);
    const uint64_t from = sequence == end.segment_sequence ? end.offset : kSegmentHeaderBytes;
    auto later = reader.find_frame(from, scan.end.frame_sequence + 1);
    if (!later) return fail(std::move(later.error()));
    if (*later) {
      found(sequence, **later);
      return {};
    }
  }
  if (const auto sequence = headless_segment(ring, scan)) {
    auto later = find_in_headless(ring, *sequence, scan.end.frame_sequence);
    if (!later) return fail(std::move(later.error()));
    if (*later) found(*sequence, **later);
  }
  return {};
}

// Up to the last sector that is not zero, as far as one frame may reach.
Result<uint64_t> bytes_not_zero(runtime::File& file, uint64_t segment_bytes, uint64_t offset) {
  constexpr uint64_t kPieceBytes = 1u << 20;
  const uint64_t end = std::min(segment_bytes, offset + kSegmentHeaderBytes + round_up(kMaxFrameBytes, kSectorBytes));
  Bytes piece;
  uint64_t bytes = 0;
  for (uint64_t at = offset; at < end; at += piece.size()) {
    piece.resize(std::min(kPieceBytes, end - at));
    auto count = file.read(at, piece);
    if (!count) return fail(std::move(count.error()));
    if (*count != piece.size()) return fail(ErrorCode::kIo, "read log: a segment file became shorter");
    const auto last = std::find_if(piece.rbegin(), piece.rend(), [](uint8_t byte) { return byte != 0; });
    if (last != piece.rend()) bytes = round_up(at - offset + static_cast<uint64_t>(piece.rend() - last), kSectorBytes);
  }
  return bytes;
}

Result<uint64_t> torn_bytes_at(const OpenRing& ring, RingCursor at, uint64_t next_frame) {
  runtime::File& file = ring.file_of(at.segment_sequence);
  const uint64_t segment_bytes = ring.geometry.segment_bytes;
  const bool used_before = at.segment_sequence > ring.geometry.slots;
  if (!used_before) return bytes_not_zero(file, segment_bytes, at.offset);
  const uint64_t frame_at = std::max(at.offset, kSegmentHeaderBytes);
  Bytes bytes(kFrameHeaderBytes);
  auto count = file.read(frame_at, bytes);
  if (!count) return fail(std::move(count.error()));
  bytes.resize(*count);
  const auto head = peek_frame_header(bytes, at.segment_sequence);
  if (!head || head->frame_sequence != next_frame) return uint64_t{0};
  return std::min(frame_at + head->bytes_on_disk(), segment_bytes) - at.offset;
}

// Behind the end, or at the start of the next segment where the frame did not fit: at most one was unsynced (WAL-3).
Result<void> find_torn_frame(const OpenRing& ring, RingScan& scan) {
  const RingCursor end = scan.end.cursor;
  std::vector<RingCursor> places;
  if (end.segment_sequence > 0) places.push_back(end);
  if (end.segment_sequence < scan.released_sequence + ring.geometry.slots)
    places.push_back({end.segment_sequence + 1, 0});
  for (const RingCursor at : places) {
    auto bytes = torn_bytes_at(ring, at, scan.end.frame_sequence + 1);
    if (!bytes) return fail(std::move(bytes.error()));
    if (*bytes == 0) continue;
    scan.torn = TornBytes{at, *bytes};
    scan.tail.bytes_at_end = true;
    scan.tail.torn_segment = at.segment_sequence;
    scan.tail.torn_offset = at.offset;
    scan.tail.torn_bytes = *bytes;
    return {};
  }
  return {};
}

}  // namespace

Result<void> look_behind(const OpenRing& ring, RingScan& scan) {
  scan.tail.end_segment = scan.end.cursor.segment_sequence;
  scan.tail.end_offset = scan.end.cursor.offset;
  scan.tail.end_lsn = scan.end.lsn;
  scan.tail.bytes_at_end = false;
  if (auto found = find_later_frame(ring, scan); !found) return found;
  return find_torn_frame(ring, scan);
}

}  // namespace aerodb::wal
