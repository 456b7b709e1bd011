#include "common/wal/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

std::unexpected<Error> released(Lsn from) {
  return fail(ErrorCode::kLogReleased, fmt::format("read log: LSN {} is no longer in the ring", from.value()));
}

struct Wanted {
  Lsn from;
  Lsn up_to;
  uint64_t max_bytes = 0;
};

// Takes from one frame what is wanted and follows. False: no more is to be taken.
bool take_frame(const SegmentReader::Frame& frame, const Wanted& wanted, Records& records) {
  const Lsn first = frame.header.first_lsn;
  const Lsn next(wanted.from.value() + records.count);
  const uint64_t end = first.value() + frame.header.count;
  // A gap: what lay between was overwritten meanwhile.
  if (first > next || first > wanted.up_to) return false;
  if (end <= next.value()) return true;
  const size_t before = records.bytes.size();
  if (records.count > 0 && before >= wanted.max_bytes) return false;
  const uint64_t room = records.count == 0 ? wanted.max_bytes : wanted.max_bytes - before;
  const uint32_t taken = take_records(frame.body(), first, next, wanted.up_to, room, records.bytes);
  // A frame's first record is taken whatever its size: given back where it is not the very first.
  if (records.count > 0 && records.bytes.size() > wanted.max_bytes) {
    records.bytes.resize(before);
    return false;
  }
  records.count += taken;
  return wanted.from.value() + records.count == end;
}

// From `offset` on. False: no more is to be taken.
Result<bool> take_segment(runtime::Disk& disk, const std::string& path, const RingGeometry& geometry, RingCursor at,
                          const Wanted& wanted, Records& records) {
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  Bytes sector(kSegmentHeaderBytes);
  auto head = (*file)->read(0, sector);
  if (!head) return fail(std::move(head.error()));
  SegmentHeader header;
  if (read_segment_header(sector, header) != SegmentHeaderState::kValid || header.sequence != at.segment_sequence)
    return false;
  SegmentReader reader(**file, geometry.segment_bytes, header);
  while (true) {
    auto frame = reader.frame_at(at.offset);
    if (!frame) return fail(std::move(frame.error()));
    if (!*frame) return true;  // end of what this segment holds
    if (!take_frame(**frame, wanted, records)) return false;
    at.offset += (*frame)->header.bytes_on_disk();
  }
}

// Walks frames from `at` until the records wanted are found. Runs in a Job.
Result<Records> read_from_disk(runtime::Disk& disk, const std::string& data_dir, const Ring& ring, RingCursor at,
                               const Wanted& wanted) {
  const auto paths = segment_paths(data_dir, ring.geometry().slots);
  Records records{wanted.from, 0, {}};
  while (at.segment_sequence <= ring.end().segment_sequence) {
    auto more = take_segment(disk, paths[ring.slot_of(at.segment_sequence)], ring.geometry(), at, wanted, records);
    if (!more) return fail(std::move(more.error()));
    if (!*more || wanted.from.value() + records.count > wanted.up_to.value()) break;
    at = {at.segment_sequence + 1, kSegmentHeaderBytes};
  }
  if (records.count == 0) return released(wanted.from);
  return records;
}

}  // namespace

Reader::Reader(Writer& writer, runtime::Jobs& jobs, std::string data_dir, Places places)
    : writer_(writer), jobs_(jobs), data_dir_(std::move(data_dir)), places_(std::move(places)) {
  writer_.on_frame([this](const FramePlace& place) { note(place); });
}

Reader::~Reader() {
  *alive_ = false;
  writer_.on_frame(nullptr);
}

void Reader::note(const FramePlace& place) {
  places_.note(place);
  const uint64_t slots = writer_.ring().geometry().slots;
  if (place.at.segment_sequence > slots) places_.drop_below(place.at.segment_sequence - slots + 1);
}

uint64_t Reader::segment_of(Lsn lsn) const {
  const auto place = lsn <= writer_.durable() ? places_.before(lsn) : std::nullopt;
  return place ? place->segment_sequence : 0;
}

void Reader::read(Lsn from, uint64_t max_bytes, std::move_only_function<void(Result<Records>)> done) {
  const Lsn up_to = writer_.durable();
  AERODB_ASSERT(from.value() >= 1 && from <= up_to);
  const Lsn in_memory = writer_.tail().first_lsn();
  if (in_memory.value() != 0 && from >= in_memory) {
    Records records{from, 0, {}};
    records.count = writer_.tail().read(from, up_to, max_bytes, records.bytes);
    done(std::move(records));
    return;
  }
  read_files(from, max_bytes, std::move(done));
}

void Reader::read_files(Lsn from, uint64_t max_bytes, std::move_only_function<void(Result<Records>)> done) {
  const Lsn up_to = writer_.durable();
  AERODB_ASSERT(from.value() >= 1 && from <= up_to);
  const auto place = places_.before(from);
  if (!place) {
    done(released(from));
    return;
  }
  auto result = std::make_shared<Result<Records>>(Records{});
  ++jobs_under_way_;
  jobs_.run([result, data_dir = data_dir_, ring = writer_.ring(), at = *place, wanted = Wanted{from, up_to, max_bytes}](
                runtime::Disk& disk) { *result = read_from_disk(disk, data_dir, ring, at, wanted); },
            [this, result, alive = alive_, done = std::move(done)]() mutable {
              if (!*alive) return;
              --jobs_under_way_;
              done(std::move(*result));
              if (jobs_under_way_ == 0 && on_idle_) on_idle_();
            });
}

}  // namespace aerodb::wal
