#include "common/wal/resize.h"

#include <fmt/format.h>

#include <functional>

#include "common/base/assert.h"
#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

struct Names {
  explicit Names(const std::string& data_dir)
      : ring(data_dir + "/wal"), old_ring(data_dir + "/wal.old"), new_ring(data_dir + "/wal.new") {}
  std::string ring;
  std::string old_ring;
  std::string new_ring;
};

using FrameVisitor = std::function<Result<void>(const SegmentReader::Frame&, const SegmentHeader&)>;

// The frames that the new ring must hold, in order.
Result<void> for_each_live_frame(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                 const LogStart& start, const RingScan& scan, const FrameVisitor& visit) {
  const auto paths = segment_paths(data_dir, geometry.slots);
  uint64_t last_frame = 0;
  for (const auto& segment : scan.segments) {
    auto file = disk.open(paths[(segment.header.sequence - 1) % geometry.slots], runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    SegmentReader reader(**file, geometry.segment_bytes, segment.header);
    uint64_t offset = kSegmentHeaderBytes;
    for (uint64_t i = 0; i < segment.frames; ++i) {
      auto frame = reader.frame_at(offset);
      if (!frame) return fail(std::move(frame.error()));
      if (!*frame) {
        return fail(ErrorCode::kIo, fmt::format("resize log: segment {} at offset {} can't be read again",
                                                segment.header.sequence, offset));
      }
      const FrameHeader& header = (*frame)->header;
      offset += header.bytes_on_disk();
      last_frame = header.frame_sequence;
      // Its last record is one that the manifest covers, and not the last of those.
      if (header.first_lsn.value() + header.count <= start.lsn.value()) continue;
      if (auto visited = visit(**frame, segment.header); !visited) return visited;
    }
  }
  AERODB_ASSERT(last_frame == scan.end.frame_sequence);
  return {};
}

// Where each frame goes in the new ring.
class Packing {
 public:
  Packing(const RingGeometry& geometry, uint64_t first_segment)
      : ring_(geometry, RingCursor{first_segment - 1, geometry.segment_bytes}, first_segment - 1) {}
  [[nodiscard]] std::optional<RingCursor> add(uint64_t frame_bytes) {
    auto place = ring_.place(ring_.end(), frame_bytes);
    if (place) ring_.set_end({place->segment_sequence, place->offset + frame_bytes});
    return place;
  }
  [[nodiscard]] uint64_t free_bytes() const { return ring_.free_bytes(ring_.end()); }

 private:
  Ring ring_;
};

Result<void> check_fit(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& old_geometry,
                       const RingGeometry& new_geometry, uint64_t first_segment, const LogStart& start,
                       const RingScan& scan) {
  Packing packing(new_geometry, first_segment);
  uint64_t live_bytes = 0;
  auto too_small = [&](std::string_view what) {
    return fail(ErrorCode::kWalFull,
                fmt::format("resize log: {} segments of {} bytes {}; a checkpoint frees what it covers",
                            new_geometry.slots, new_geometry.segment_bytes, what));
  };
  auto fits =
      for_each_live_frame(disk, data_dir, old_geometry, start, scan,
                          [&](const SegmentReader::Frame& frame, const SegmentHeader&) -> Result<void> {
                            live_bytes += frame.header.bytes_on_disk();
                            if (packing.add(frame.header.bytes_on_disk())) return {};
                            return too_small(fmt::format("can't hold the live log: {} bytes fit no more", live_bytes));
                          });
  if (!fits) return fits;
  if (packing.free_bytes() < new_geometry.reserve_bytes())
    return too_small(fmt::format("hold {} bytes of live log, but not the reserve behind them", live_bytes));
  return {};
}

// Writes frames into the files of a new ring.
class Copy {
 public:
  Copy(runtime::Disk& disk, runtime::Random& random, const std::string& directory, const RingGeometry& geometry,
       uint64_t first_segment)
      : disk_(disk),
        random_(random),
        geometry_(geometry),
        paths_(segment_files(directory, geometry.slots)),
        packing_(geometry, first_segment) {}

  Result<void> add(const SegmentReader::Frame& frame, const SegmentHeader& from) {
    const auto place = packing_.add(frame.header.bytes_on_disk());
    AERODB_ASSERT(place.has_value());  // check_fit() counted the same frames
    const bool new_segment = place->segment_sequence != segment_.sequence;
    if (new_segment) {
      if (auto started = start(place->segment_sequence, frame.header.first_lsn, from); !started) return started;
    }
    FrameHeader header = frame.header;
    header.segment_sequence = place->segment_sequence;
    Bytes bytes(frame.bytes.begin(), frame.bytes.end());
    seal_frame(header, segment_.salt, bytes);
    ++resized_.frames;
    resized_.records += header.count;
    return file_->write(place->offset, bytes);
  }

  Result<Resized> finish() {
    if (auto synced = sync(); !synced) return fail(std::move(synced.error()));
    return resized_;
  }

 private:
  Result<void> start(uint64_t sequence, Lsn first_lsn, const SegmentHeader& from) {
    if (auto synced = sync(); !synced) return synced;
    const uint64_t salt = segment_.sequence == 0 ? random_.next() : salt_after(segment_);
    if (segment_.sequence == 0) resized_.first_segment = sequence;
    resized_.last_segment = sequence;
    segment_ = {sequence, salt, first_lsn, from.cluster, from.instance};
    auto file = disk_.open(paths_[(sequence - 1) % geometry_.slots], runtime::OpenMode::kReadWrite);
    if (!file) return fail(std::move(file.error()));
    file_ = std::move(*file);
    Bytes sector(kSegmentHeaderBytes);
    encode_segment_header(segment_, std::span<uint8_t, kSegmentHeaderBytes>(sector));
    return file_->write(0, sector);
  }
  Result<void> sync() { return file_ ? file_->sync() : Result<void>(); }

  runtime::Disk& disk_;
  runtime::Random& random_;
  const RingGeometry& geometry_;
  std::vector<std::string> paths_;
  Packing packing_;
  SegmentHeader segment_;  // sequence 0: none yet
  std::unique_ptr<runtime::File> file_;
  Resized resized_;
};

// Reads the new ring as a start would, so that the old one is not given up for one that does not open.
Result<void> read_back(runtime::Disk& disk, const std::string& directory, const RingGeometry& geometry,
                       const LogStart& start, const RingScan& old_scan) {
  const SegmentHeader any = old_scan.end.segment.value_or(SegmentHeader{});
  auto scan = scan_ring_in(disk, directory, geometry, any.cluster, any.instance, start,
                           [](const RecordView&) { return std::optional<std::string>(); });
  if (!scan) return fail(std::move(scan.error()));
  rules::NoTrace trace;
  if (decide_tail(scan->tail, trace) != TailLabel::kT1 || scan->end.lsn != old_scan.end.lsn ||
      scan->end.frame_sequence != old_scan.end.frame_sequence)
    return fail(ErrorCode::kIo, "resize log: the new ring does not read back as the old one");
  return {};
}

Result<void> remove_directory(runtime::Disk& disk, const std::string& directory) {
  auto present = disk.exists(directory);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto names = disk.list(directory);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    if (auto removed = disk.remove(directory + "/" + name); !removed) return removed;
  }
  return disk.remove(directory);
}

// Step 1.
Result<Resized> make_new_ring(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                              const RingGeometry& old_geometry, const RingGeometry& new_geometry,
                              uint64_t first_segment, const LogStart& start, const RingScan& scan) {
  const Names names(data_dir);
  if (auto made = create_ring_in(disk, names.new_ring, new_geometry); !made) return fail(std::move(made.error()));
  Copy copy(disk, random, names.new_ring, new_geometry, first_segment);
  auto copied = for_each_live_frame(
      disk, data_dir, old_geometry, start, scan,
      [&](const SegmentReader::Frame& frame, const SegmentHeader& from) { return copy.add(frame, from); });
  if (!copied) return fail(std::move(copied.error()));
  auto resized = copy.finish();
  if (!resized) return resized;
  if (auto read = read_back(disk, names.new_ring, new_geometry, start, scan); !read)
    return fail(std::move(read.error()));
  if (auto synced = disk.sync_directory(data_dir); !synced) return fail(std::move(synced.error()));
  return resized;
}

// Step 3, also by finish_resize().
Result<void> put_in_place(runtime::Disk& disk, const std::string& data_dir, const std::string& directory) {
  if (auto renamed = disk.rename(directory, data_dir + "/wal"); !renamed) return renamed;
  return disk.sync_directory(data_dir);
}

// Step 4, also by finish_resize().
Result<void> clear_away(runtime::Disk& disk, const std::string& data_dir) {
  const Names names(data_dir);
  if (auto removed = remove_directory(disk, names.new_ring); !removed) return removed;
  if (auto removed = remove_directory(disk, names.old_ring); !removed) return removed;
  return disk.sync_directory(data_dir);
}

}  // namespace

Result<Resized> resize_ring(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                            const RingGeometry& old_geometry, const RingGeometry& new_geometry, const LogStart& start,
                            const RingScan& scan) {
  AERODB_ASSERT(new_geometry.slots > 0 && new_geometry.segment_bytes % kSectorBytes == 0);
  AERODB_ASSERT(!scan.tail.discontinuity && !scan.tail.later_segment && scan.end.lsn >= start.lsn);
  const uint64_t first_segment = std::max<uint64_t>(start.segment_sequence, 1);
  if (auto fits = check_fit(disk, data_dir, old_geometry, new_geometry, first_segment, start, scan); !fits)
    return fail(std::move(fits.error()));
  auto resized = make_new_ring(disk, random, data_dir, old_geometry, new_geometry, first_segment, start, scan);
  const Names names(data_dir);
  if (!resized) {
    // On a full disk it takes room that the node needs; where this fails too, finish_resize() does it.
    (void)remove_directory(disk, names.new_ring);
    return resized;
  }
  if (auto renamed = disk.rename(names.ring, names.old_ring); !renamed) return fail(std::move(renamed.error()));
  if (auto placed = put_in_place(disk, data_dir, names.new_ring); !placed) return fail(std::move(placed.error()));
  if (auto cleared = clear_away(disk, data_dir); !cleared) return fail(std::move(cleared.error()));
  return resized;
}

Result<ResizeFinish> finish_resize(runtime::Disk& disk, const std::string& data_dir) {
  const Names names(data_dir);
  bool there[3] = {};
  for (size_t i = 0; const auto* name : {&names.ring, &names.old_ring, &names.new_ring}) {
    auto present = disk.exists(*name);
    if (!present) return fail(std::move(present.error()));
    there[i++] = *present;
  }
  const auto [ring, old_ring, new_ring] = there;
  if (!old_ring && (!ring || !new_ring)) return ResizeFinish::kNothing;
  if (!ring) {
    if (auto placed = put_in_place(disk, data_dir, new_ring ? names.new_ring : names.old_ring); !placed)
      return fail(std::move(placed.error()));
  } else if (auto synced = disk.sync_directory(data_dir); !synced) {
    // Whoever gave the ring its name may have died before that was durable: the others must not go before.
    return fail(std::move(synced.error()));
  }
  if (auto cleared = clear_away(disk, data_dir); !cleared) return fail(std::move(cleared.error()));
  const bool completed = old_ring && (ring || new_ring);
  return completed ? ResizeFinish::kCompleted : ResizeFinish::kUndone;
}

}  // namespace aerodb::wal
