#include "common/wal/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

constexpr uint64_t kPlaceEveryBytes = 64u << 10;

std::unexpected<Error> released(Lsn from) {
  return fail(ErrorCode::kLogReleased, fmt::format("read log: LSN {} is no longer in the ring", from.value()));
}

// Walks frames from `at` until the records wanted are found. Runs in a Job.
Result<Records> read_from_disk(runtime::Disk& disk, const std::string& data_dir, const Ring& ring, RingCursor at,
                               Lsn from, Lsn up_to, uint64_t max_bytes) {
  auto paths = segment_paths(data_dir, ring.geometry().slots);
  Records records{from, 0, {}};
  while (true) {
    auto file = disk.open(paths[ring.slot_of(at.segment_sequence)], runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    Bytes sector(kSegmentHeaderBytes);
    auto head = (*file)->read(0, sector);
    if (!head) return fail(std::move(head.error()));
    SegmentHeader header;
    if (read_segment_header(sector, header) != SegmentHeaderState::kValid || header.sequence != at.segment_sequence)
      return released(from);
    SegmentReader reader(**file, ring.geometry().segment_bytes, header);
    while (true) {
      auto frame = reader.frame_at(at.offset);
      if (!frame) return fail(std::move(frame.error()));
      if (!*frame) break;  // end of what this segment holds
      const Lsn first = (*frame)->header.first_lsn;
      if (first > up_to || (records.count > 0 && records.bytes.size() >= max_bytes)) return records;
      if (first.value() + (*frame)->header.count > from.value()) {
        const uint64_t room = records.count == 0 ? max_bytes : max_bytes - records.bytes.size();
        const size_t before = records.bytes.size();
        const uint32_t taken = take_records((*frame)->body(), first, std::max(first, from), up_to, room, records.bytes);
        if (records.count > 0 && records.bytes.size() > max_bytes) {
          records.bytes.resize(before);
          return records;
        }
        records.count += taken;
        if (records.count > 0 && first.value() + (*frame)->header.count > from.value() + records.count) return records;
      }
      at.offset += (*frame)->header.bytes_on_disk();
    }
    if (from.value() + records.count > up_to.value()) return records;
    at = {at.segment_sequence + 1, kSegmentHeaderBytes};
    if (at.segment_sequence > ring.end().segment_sequence) return released(from);
  }
}

}  // namespace

Reader::Reader(Writer& writer, runtime::Jobs& jobs, std::string data_dir, std::vector<Writer::FramePlace> places)
    : writer_(writer), jobs_(jobs), data_dir_(std::move(data_dir)), places_(places.begin(), places.end()) {
  writer_.on_frame([this](const Writer::FramePlace& place) { note(place); });
}

Reader::~Reader() {
  *alive_ = false;
  writer_.on_frame(nullptr);
}

void Reader::note(const Writer::FramePlace& place) {
  if (!places_.empty()) {
    const auto& last = places_.back().at;
    if (last.segment_sequence == place.at.segment_sequence && place.at.offset - last.offset < kPlaceEveryBytes) return;
  }
  places_.push_back(place);
  while (!places_.empty() &&
         places_.front().at.segment_sequence + writer_.ring().geometry().slots <= place.at.segment_sequence)
    places_.pop_front();
}

Lsn Reader::first_lsn() const { return places_.empty() ? Lsn() : places_.front().first_lsn; }

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
  if (places_.empty() || from < places_.front().first_lsn) {
    done(released(from));
    return;
  }
  auto place =
      std::upper_bound(places_.begin(), places_.end(), from, [](Lsn lsn, const auto& p) { return lsn < p.first_lsn; });
  --place;
  auto result = std::make_shared<Result<Records>>(Records{});
  jobs_.run([result, data_dir = data_dir_, ring = writer_.ring(), at = place->at, from, up_to, max_bytes](
                runtime::Disk& disk) { *result = read_from_disk(disk, data_dir, ring, at, from, up_to, max_bytes); },
            [result, alive = alive_, done = std::move(done)]() mutable {
              if (*alive) done(std::move(*result));
            });
}

}  // namespace aerodb::wal
