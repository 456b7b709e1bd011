#include "common/wal/append_at_rest.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::wal {

Result<LogEnd> append_at_rest(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                              const ClusterId& cluster, const InstanceId& instance, const Ring& ring, const LogEnd& end,
                              ByteSpan record) {
  const Lsn lsn = end.lsn.next();
  FrameHeader header{0, end.frame_sequence + 1, lsn, 1, record.size()};
  const auto place = ring.place(end.cursor, header.bytes_on_disk());
  if (!place)
    return fail(ErrorCode::kWalFull, fmt::format("append to {}: no room for LSN {} (WAL-6)", data_dir, lsn.value()));
  header.segment_sequence = place->segment_sequence;
  const bool new_segment = place->segment_sequence != end.cursor.segment_sequence;
  SegmentHeader segment = end.segment.value_or(SegmentHeader{});
  Bytes bytes(kSegmentHeaderBytes + header.bytes_on_disk());
  if (new_segment) {
    const uint64_t salt = segment.sequence == 0 ? random.next() : salt_after(segment);
    segment = {place->segment_sequence, salt, lsn, cluster, instance};
    encode_segment_header(segment, std::span(bytes).first<kSegmentHeaderBytes>());
  }
  auto frame = std::span(bytes).subspan(kSegmentHeaderBytes);
  std::ranges::copy(record, frame.begin() + kFrameHeaderBytes);
  seal_frame(header, segment.salt, frame);

  const auto path = segment_paths(data_dir, ring.geometry().slots)[ring.slot_of(place->segment_sequence)];
  auto file = disk.open(path, runtime::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  const ByteSpan data = new_segment ? ByteSpan(bytes) : ByteSpan(frame);
  if (auto written = (*file)->write(new_segment ? 0 : place->offset, data); !written)
    return fail(std::move(written.error()));
  if (auto synced = (*file)->sync(); !synced) return fail(std::move(synced.error()));
  return LogEnd{lsn, header.frame_sequence, segment,
                RingCursor{place->segment_sequence, place->offset + header.bytes_on_disk()}};
}

}  // namespace aerodb::wal
