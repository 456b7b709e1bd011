#include "common/wal/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

constexpr uint64_t kPlaceEveryBytes = 64u << 10;

struct OpenSegment {
  SegmentHeader header;
  runtime::File* file = nullptr;
};

// All slots open, and the valid headers by sequence.
struct OpenRing {
  std::vector<std::unique_ptr<runtime::File>> files;
  std::map<uint64_t, OpenSegment> segments;
};

Result<void> read_slot(runtime::File& file, const std::string& path, uint32_t slot, const RingGeometry& geometry,
                       const ClusterId& cluster, const InstanceId& instance, OpenRing& ring) {
  auto size = file.size();
  if (!size) return fail(std::move(size.error()));
  if (*size != geometry.segment_bytes) {
    return fail(ErrorCode::kWalSegmentMissing, fmt::format("open log: {} has {} bytes, the configuration says {}", path,
                                                           *size, geometry.segment_bytes));
  }
  Bytes sector(kSegmentHeaderBytes);
  auto count = file.read(0, sector);
  if (!count) return fail(std::move(count.error()));
  SegmentHeader header;
  switch (read_segment_header(sector, header)) {
    case SegmentHeaderState::kInvalid:
      return {};
    case SegmentHeaderState::kNewerFormat:
      return fail(ErrorCode::kNewerFormat, fmt::format("open log: {} has a newer format", path));
    case SegmentHeaderState::kValid:
      break;
  }
  if (header.cluster != cluster || header.instance != instance) {
    return fail(ErrorCode::kWrongNode, fmt::format("open log: {} belongs to instance {} of cluster {}", path,
                                                   to_hex(header.instance), to_hex(header.cluster)));
  }
  if ((header.sequence - 1) % geometry.slots != slot) {
    return fail(
        ErrorCode::kWalSegmentMissing,
        fmt::format("open log: {} holds segment {}, which does not belong in slot {}", path, header.sequence, slot));
  }
  ring.segments.emplace(header.sequence, OpenSegment{header, &file});
  return {};
}

Result<OpenRing> open_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                           const ClusterId& cluster, const InstanceId& instance) {
  OpenRing ring;
  auto paths = segment_paths(data_dir, geometry.slots);
  for (uint32_t slot = 0; slot < geometry.slots; ++slot) {
    auto present = disk.exists(paths[slot]);
    if (!present) return fail(std::move(present.error()));
    if (!*present) return fail(ErrorCode::kWalSegmentMissing, fmt::format("open log: {} is missing", paths[slot]));
    auto file = disk.open(paths[slot], runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    ring.files.push_back(std::move(*file));
    if (auto read = read_slot(*ring.files.back(), paths[slot], slot, geometry, cluster, instance, ring); !read)
      return fail(std::move(read.error()));
  }
  auto beyond = disk.exists(segment_paths(data_dir, geometry.slots + 1).back());
  if (!beyond) return fail(std::move(beyond.error()));
  if (*beyond)
    return fail(
        ErrorCode::kWalSegmentMissing,
        fmt::format("open log: the directory has more than the {} segments of the configuration", geometry.slots));
  return ring;
}

// Walks frames and records in order; everything found goes into `scan`.
class Walk {
 public:
  Walk(const ClusterId& cluster, const std::function<std::optional<std::string>(const RecordView&)>& visit,
       RingScan& scan)
      : cluster_(cluster), visit_(visit), scan_(scan) {}

  // False: the walk is over, by a discontinuity.
  Result<bool> segment(SegmentReader& reader) {
    uint64_t offset = kSegmentHeaderBytes;
    ScannedSegment found{reader.header(), 0, Lsn()};
    while (true) {
      auto frame = reader.frame_at(offset);
      if (!frame) return fail(std::move(frame.error()));
      if (!*frame || (*frame)->header.frame_sequence != scan_.end.frame_sequence + 1) break;
      if (!take_frame(**frame, reader.header(), offset)) return false;
      found.frames += 1;
      scan_.last_frame_first_in_segment = found.frames == 1;
      offset += (*frame)->header.bytes_on_disk();
      scan_.end.cursor = {reader.header().sequence, offset};
    }
    if (found.frames > 0) {
      found.last_lsn = scan_.end.lsn;
      scan_.end.segment = reader.header();
      scan_.segments.push_back(found);
    }
    return true;
  }

 private:
  bool take_frame(const SegmentReader::Frame& frame, const SegmentHeader& segment, uint64_t offset) {
    ByteSpan rest = frame.body();
    note_place(frame.header, segment.sequence, offset);
    for (uint32_t i = 0; i < frame.header.count; ++i) {
      auto record = read_record(rest);
      if (!record) return discontinuity(segment.sequence, offset, record.error().message);
      if (!continues(*record)) return discontinuity(segment.sequence, offset, broken_);
      if (auto text = visit_(*record)) return discontinuity(segment.sequence, offset, *text);
      scan_.end.lsn = record->header.lsn;
      last_chain_ = record->chain_after();
      rest = rest.subspan(record->bytes.size());
    }
    if (!rest.empty()) return discontinuity(segment.sequence, offset, "a frame holds more bytes than its records");
    scan_.end.frame_sequence = frame.header.frame_sequence;
    scan_.last_frame = RingCursor{segment.sequence, offset};
    scan_.last_frame_bytes = frame.header.bytes_on_disk();
    return true;
  }

  bool continues(const RecordView& record) {
    if (record.header.lsn != scan_.end.lsn.next()) {
      broken_ = fmt::format("expected LSN {}, found {}", scan_.end.lsn.value() + 1, record.header.lsn.value());
      return false;
    }
    // LSN 1 starts from the genesis chain, which only its own payload can name.
    if (record.header.lsn == Lsn(1)) {
      auto payload = parse_payload(record);
      const auto* start = payload ? std::get_if<LineageStart>(&*payload) : nullptr;
      if (start == nullptr) {
        broken_ = "LSN 1 is not a lineage_start";
        return false;
      }
      last_chain_ = genesis_chain(cluster_, start->lineage);
    }
    if (record.header.chain_before != last_chain_) {
      broken_ = fmt::format("chain before LSN {}: expected {}, found {}", record.header.lsn.value(),
                            to_hex(last_chain_), to_hex(record.header.chain_before));
      return false;
    }
    return true;
  }

  bool discontinuity(uint64_t segment, uint64_t offset, std::string what) {
    scan_.tail.end_segment = segment;
    scan_.tail.end_offset = offset;
    scan_.tail.discontinuity = std::move(what);
    return false;
  }

  void note_place(const FrameHeader& header, uint64_t sequence, uint64_t offset) {
    if (!scan_.places.empty()) {
      const auto& last = scan_.places.back().at;
      if (last.segment_sequence == sequence && offset - last.offset < kPlaceEveryBytes) return;
    }
    scan_.places.push_back({header.first_lsn, {sequence, offset}});
  }

  const ClusterId& cluster_;
  const std::function<std::optional<std::string>(const RecordView&)>& visit_;
  RingScan& scan_;
  Chain last_chain_;
  std::string broken_;
};

// The segment that comes after the end has no valid header. At most one frame is ever unsynced (WAL-3), so a torn start
// of it leaves the head of one frame; the head of a second one says that the first, and the header with it, were
// durable.
Result<std::optional<uint64_t>> find_second_frame(runtime::File& file, const RingGeometry& geometry, uint64_t sequence,
                                                  uint64_t last_frame) {
  SegmentReader reader(file, geometry.segment_bytes, SegmentHeader{sequence, 0, {}, {}, {}});
  for (uint64_t offset = kSegmentHeaderBytes; offset < geometry.segment_bytes; offset += kSectorBytes) {
    auto head = reader.bytes_at(offset, kFrameHeaderBytes);
    if (!head) return fail(std::move(head.error()));
    auto frame = peek_frame_header(*head, sequence);
    if (frame && frame->frame_sequence > last_frame + 1) return std::optional(offset);
  }
  return std::optional<uint64_t>();
}

// Looks for a valid frame behind the end: in the rest of its segment, then in every later segment.
Result<void> look_behind(OpenRing& ring, const RingGeometry& geometry, RingScan& scan) {
  auto& tail = scan.tail;
  const RingCursor end = scan.end.cursor;
  tail.end_segment = end.segment_sequence;
  tail.end_offset = end.offset;
  tail.end_lsn = scan.end.lsn;
  for (auto& [sequence, segment] : ring.segments) {
    if (sequence < end.segment_sequence) continue;
    SegmentReader reader(*segment.file, geometry.segment_bytes, segment.header);
    const uint64_t from = sequence == end.segment_sequence ? end.offset : kSegmentHeaderBytes;
    if (sequence == end.segment_sequence) {
      auto bytes = reader.bytes_at(from, round_up(kMaxFrameBytes, kSectorBytes));
      if (!bytes) return fail(std::move(bytes.error()));
      tail.bytes_at_end = std::ranges::any_of(*bytes, [](uint8_t byte) { return byte != 0; });
    }
    auto later = reader.find_frame(from, scan.end.frame_sequence + 1);
    if (!later) return fail(std::move(later.error()));
    if (*later) {
      tail.later_segment = sequence;
      tail.later_offset = **later;
      return {};
    }
  }
  const uint64_t next = end.segment_sequence + 1;
  if (ring.segments.contains(next)) return {};
  auto second = find_second_frame(*ring.files[(next - 1) % geometry.slots], geometry, next, scan.end.frame_sequence);
  if (!second) return fail(std::move(second.error()));
  if (*second) {
    tail.later_segment = next;
    tail.later_offset = **second;
  }
  return {};
}

}  // namespace

Result<RingScan> scan_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                           const ClusterId& cluster, const InstanceId& instance,
                           const std::function<std::optional<std::string>(const RecordView&)>& visit) {
  auto ring = open_ring(disk, data_dir, geometry, cluster, instance);
  if (!ring) return fail(std::move(ring.error()));
  RingScan scan;
  Walk walk(cluster, visit, scan);
  uint64_t expected = 1;
  for (auto& [sequence, segment] : ring->segments) {
    if (sequence != expected) break;  // a missing header in between: look_behind finds what lies beyond it
    SegmentReader reader(*segment.file, geometry.segment_bytes, segment.header);
    auto walked = walk.segment(reader);
    if (!walked) return fail(std::move(walked.error()));
    if (!*walked) {
      scan.tail.end_lsn = scan.end.lsn;
      return scan;
    }
    if (scan.segments.empty() || scan.segments.back().header.sequence != sequence)
      break;  // started, but no frame in it
    ++expected;
  }
  if (auto looked = look_behind(*ring, geometry, scan); !looked) return fail(std::move(looked.error()));
  return scan;
}

Result<void> create_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry) {
  const std::string directory = data_dir + "/wal";
  if (auto made = disk.make_directory(directory); !made) return made;
  for (const auto& path : segment_paths(data_dir, geometry.slots)) {
    auto file = disk.open(path, runtime::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    if (auto filled = (*file)->fill_zero(geometry.segment_bytes); !filled) return filled;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  return disk.sync_directory(directory);
}

}  // namespace aerodb::wal
