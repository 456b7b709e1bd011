#include "common/wal/scan.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/wal/behind.h"
#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

// Walks frames and records in order; everything found goes into `scan`.
class Walk {
 public:
  Walk(const ClusterId& cluster, const LogStart& start,
       const std::function<std::optional<std::string>(const RecordView&)>& visit, RingScan& scan)
      : cluster_(cluster), start_(start), visit_(visit), scan_(scan), continues_(start.segment_sequence == 0) {
    if (!continues_) return;
    scan_.end.lsn = start.lsn;
    chain_ = start.chain;
  }

  // False: the walk is over, by a discontinuity.
  Result<bool> segment(SegmentReader& reader) {
    uint64_t offset = kSegmentHeaderBytes;
    ScannedSegment found{reader.header(), 0, Lsn()};
    while (true) {
      auto frame = reader.frame_at(offset);
      if (!frame) return fail(std::move(frame.error()));
      if (!*frame || !is_next((*frame)->header)) break;
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
  // The start segment's first frame says itself where the numbering of frames stands.
  [[nodiscard]] bool is_next(const FrameHeader& frame) const {
    return continues_ ? frame.frame_sequence == scan_.end.frame_sequence + 1 : frame.frame_sequence > 0;
  }

  bool take_frame(const SegmentReader::Frame& frame, const SegmentHeader& segment, uint64_t offset) {
    const bool first_in_segment = offset == kSegmentHeaderBytes;
    scan_.places.note({frame.header.first_lsn, {segment.sequence, offset}});
    if (first_in_segment && frame.header.first_lsn != segment.first_lsn) {
      return discontinuity(segment.sequence, offset,
                           fmt::format("the segment's header says that it begins with LSN {}, its first frame with {}",
                                       segment.first_lsn.value(), frame.header.first_lsn.value()));
    }
    ByteSpan rest = frame.body();
    for (uint32_t i = 0; i < frame.header.count; ++i) {
      auto record = read_record(rest);
      if (!record) return discontinuity(segment.sequence, offset, record.error().message);
      if (auto broken = take_record(*record)) return discontinuity(segment.sequence, offset, std::move(*broken));
      if (i == 0 && record->header.lsn != frame.header.first_lsn)
        return discontinuity(segment.sequence, offset, "a frame's head and its first record differ in LSN");
      rest = rest.subspan(record->bytes.size());
    }
    if (!rest.empty()) return discontinuity(segment.sequence, offset, "a frame holds more bytes than its records");
    scan_.end.frame_sequence = frame.header.frame_sequence;
    scan_.last_frame = RingCursor{segment.sequence, offset};
    scan_.last_frame_bytes = frame.header.bytes_on_disk();
    return true;
  }

  // Answers what broke.
  std::optional<std::string> take_record(RecordView& record) {
    const Lsn lsn = record.header.lsn;
    if (!continues_) {
      if (auto broken = begin_at(record)) return broken;
    }
    if (!scan_.tail.first_replayed_lsn && lsn > start_.lsn) {
      scan_.tail.first_replayed_lsn = lsn;
      scan_.tail.first_replayed_chain_before = record.header.chain_before;
    }
    if (auto broken = check_order(record)) return broken;
    record.note_chain_after();
    const Chain chain = record.chain_after();
    if (lsn == start_.lsn && chain != start_.chain) {
      return fmt::format("chain after LSN {}: the manifest says {}, found {}", lsn.value(), to_hex(start_.chain),
                         to_hex(chain));
    }
    if (lsn > start_.lsn) {
      if (auto refused = visit_(record)) return refused;
    }
    scan_.end.lsn = lsn;
    chain_ = chain;
    return std::nullopt;
  }

  // The first record of the start segment. What came before it, the manifest covers.
  std::optional<std::string> begin_at(const RecordView& record) {
    const Lsn lsn = record.header.lsn;
    if (lsn > start_.lsn.next()) {
      return fmt::format("the manifest ends at LSN {}, its segment begins with LSN {}", start_.lsn.value(),
                         lsn.value());
    }
    continues_ = true;
    scan_.end.lsn = Lsn(lsn.value() - 1);
    chain_ = lsn > start_.lsn ? start_.chain : record.header.chain_before;
    return std::nullopt;
  }

  std::optional<std::string> check_order(const RecordView& record) {
    const Lsn lsn = record.header.lsn;
    if (lsn != scan_.end.lsn.next())
      return fmt::format("expected LSN {}, found {}", scan_.end.lsn.value() + 1, lsn.value());
    // LSN 1 starts from the genesis chain, which only its own payload can name.
    if (lsn == Lsn(1)) {
      auto payload = parse_payload(record);
      const auto* lineage = payload ? std::get_if<LineageStart>(&*payload) : nullptr;
      if (lineage == nullptr) return "LSN 1 is not a lineage_start";
      chain_ = genesis_chain(cluster_, lineage->lineage);
    }
    if (record.header.chain_before != chain_) {
      return fmt::format("chain before LSN {}: expected {}, found {}", lsn.value(), to_hex(chain_),
                         to_hex(record.header.chain_before));
    }
    return std::nullopt;
  }

  bool discontinuity(uint64_t segment, uint64_t offset, std::string what) {
    scan_.tail.end_segment = segment;
    scan_.tail.end_offset = offset;
    scan_.tail.end_lsn = scan_.end.lsn;
    scan_.tail.bytes_at_end = true;
    scan_.tail.discontinuity = std::move(what);
    return false;
  }

  const ClusterId& cluster_;
  const LogStart& start_;
  const std::function<std::optional<std::string>(const RecordView&)>& visit_;
  RingScan& scan_;
  bool continues_;  // position and chain are known
  Chain chain_;
};

// Segments that the manifest covers, as far back as each is followed by the next one.
void note_older_segments(const OpenRing& ring, const LogStart& start, Places& places) {
  auto segment = ring.segments.find(start.segment_sequence);
  if (segment == ring.segments.end()) return;
  auto oldest = segment;
  while (oldest != ring.segments.begin()) {
    const auto before = std::prev(oldest);
    if (before->first + 1 != oldest->first || before->second.first_lsn >= oldest->second.first_lsn) break;
    oldest = before;
  }
  for (; oldest != segment; ++oldest) places.note({oldest->second.first_lsn, {oldest->first, kSegmentHeaderBytes}});
}

}  // namespace

Result<RingScan> scan_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                           const ClusterId& cluster, const InstanceId& instance, const LogStart& start,
                           const std::function<std::optional<std::string>(const RecordView&)>& visit) {
  return scan_ring_in(disk, data_dir + "/wal", geometry, cluster, instance, start, visit);
}

Result<RingScan> scan_ring_in(runtime::Disk& disk, const std::string& directory, const RingGeometry& geometry,
                              const ClusterId& cluster, const InstanceId& instance, const LogStart& start,
                              const std::function<std::optional<std::string>(const RecordView&)>& visit) {
  auto ring = open_ring(disk, directory, geometry, cluster, instance);
  if (!ring) return fail(std::move(ring.error()));
  RingScan scan;
  if (start.lsn > Lsn()) {
    scan.tail.manifest_lsn = start.lsn;
    scan.tail.manifest_chain = start.chain;
  }
  const uint64_t first = std::max<uint64_t>(start.segment_sequence, 1);
  scan.released_sequence = first - 1;
  if (start.segment_sequence > 0) scan.end.cursor = {first, ring->segments.contains(first) ? kSegmentHeaderBytes : 0};
  note_older_segments(*ring, start, scan.places);
  Walk walk(cluster, start, visit, scan);
  // A missing header ends the walk: look_behind finds what lies beyond it.
  for (uint64_t sequence = first; ring->segments.contains(sequence); ++sequence) {
    SegmentReader reader(ring->file_of(sequence), geometry.segment_bytes, ring->segments.at(sequence));
    auto walked = walk.segment(reader);
    if (!walked) return fail(std::move(walked.error()));
    if (!*walked) return scan;
    if (scan.segments.empty() || scan.segments.back().header.sequence != sequence)
      break;  // started, but no frame in it
  }
  if (auto looked = look_behind(*ring, scan); !looked) return fail(std::move(looked.error()));
  // The torn start of a segment lies over the oldest one.
  if (scan.torn && scan.torn->at.offset == 0 && scan.torn->at.segment_sequence > geometry.slots)
    scan.places.drop_below(scan.torn->at.segment_sequence - geometry.slots + 1);
  return scan;
}

}  // namespace aerodb::wal
