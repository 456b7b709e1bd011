#include "common/wal/writer.h"

#include "common/base/assert.h"
#include "common/base/fault.h"
#include "common/wal/record.h"

namespace aerodb::wal {
namespace {

constexpr size_t kBodyAt = kSegmentHeaderBytes + kFrameHeaderBytes;

uint64_t frame_bytes(uint64_t body_bytes) { return round_up(kFrameHeaderBytes + body_bytes, kSectorBytes); }

// Where the ring ends once a record has taken a frame of its own behind `from`; nullopt: no released segment is left.
std::optional<RingCursor> after_record(const Ring& ring, RingCursor from, uint64_t record_bytes) {
  const uint64_t bytes = frame_bytes(record_bytes);
  auto place = ring.place(from, bytes);
  if (place) place->offset += bytes;
  return place;
}

}  // namespace

Writer::Writer(runtime::LogDevice& device, runtime::Clock& clock, runtime::Random& random, WriterEvents& events,
               ClusterId cluster, InstanceId instance, Ring ring, LogEnd end, WriterOptions options)
    : device_(device),
      clock_(clock),
      random_(random),
      events_(events),
      cluster_(cluster),
      instance_(instance),
      ring_(ring),
      options_(options),
      tail_(options.tail_bytes),
      pending_(std::make_unique<FrameBuffer>()),
      worst_case_(end.cursor),
      segment_(end.segment.value_or(SegmentHeader{})),
      frame_sequence_(end.frame_sequence),
      appended_(end.lsn),
      durable_(end.lsn) {
  ring_.set_end(end.cursor);
  pending_->bytes.resize(kBodyAt);
}

Writer::~Writer() { *alive_ = false; }

void Writer::release_through(uint64_t segment_sequence) {
  if (planted(Fault::kSegmentReusedEarly)) ++segment_sequence;
  ring_.release(std::max(ring_.released(), segment_sequence));
}

bool Writer::has_room(uint64_t record_bytes, RoomFor kind) const {
  auto place = ring_.place(worst_case_, frame_bytes(record_bytes));
  if (!place) return false;
  if (kind == RoomFor::kReserved) return true;
  RingCursor after{place->segment_sequence, place->offset + frame_bytes(record_bytes)};
  return ring_.free_bytes(after) >= ring_.geometry().reserve_bytes();
}

bool Writer::has_room_for(const std::vector<uint64_t>& records_bytes) const {
  RingCursor end = worst_case_;
  for (uint64_t bytes : records_bytes) {
    const auto after = after_record(ring_, end, bytes);
    if (!after) return false;
    end = *after;
  }
  return true;
}

void Writer::append(Lsn lsn, size_t record_bytes) {
  AERODB_ASSERT(lsn == appended_.next());
  if (pending_records_.empty()) {
    pending_->first_lsn = lsn;
    pending_->count = 0;
    pending_->body_bytes = 0;
  }
  const auto end = after_record(ring_, worst_case_, record_bytes);
  AERODB_ASSERT(end.has_value());
  worst_case_ = *end;
  pending_records_.push_back(record_bytes);
  pending_->body_bytes += record_bytes;
  AERODB_ASSERT(pending_->bytes.size() == kBodyAt + pending_->body_bytes);
  appended_ = lsn;
}

std::unique_ptr<FrameBuffer> Writer::fresh_buffer() {
  auto buffer = spare_ ? std::move(spare_) : std::make_unique<FrameBuffer>();
  buffer->bytes.clear();
  buffer->bytes.resize(kBodyAt);
  buffer->body_bytes = 0;
  return buffer;
}

// As many records as one frame may hold: what is left in the segment where at least one fits there, a new segment
// otherwise. `place` becomes where the frame goes.
size_t Writer::records_for_next_frame(RingCursor& place) const {
  auto at = ring_.place(ring_.end(), frame_bytes(pending_records_.front()));
  AERODB_ASSERT(at.has_value());  // has_room() was asked for each record
  place = *at;
  const uint64_t limit = std::min<uint64_t>(kMaxFrameBytes, ring_.geometry().segment_bytes - place.offset);
  uint64_t body = 0;
  size_t records = 0;
  for (size_t bytes : pending_records_) {
    if (records > 0 && (!options_.group_commit || frame_bytes(body + bytes) > limit ||
                        kFrameHeaderBytes + body + bytes > kMaxFrameBytes))
      break;
    body += bytes;
    ++records;
  }
  return records;
}

// Leaves the first `records` in `frame` and moves the rest into a new pending buffer.
void Writer::detach_rest(size_t records, FrameBuffer& frame) {
  uint64_t body = 0;
  for (size_t i = 0; i < records; ++i) body += pending_records_[i];
  pending_ = fresh_buffer();
  auto rest = frame.bytes.begin() + static_cast<ptrdiff_t>(kBodyAt + body);
  pending_->bytes.insert(pending_->bytes.end(), rest, frame.bytes.end());
  pending_->body_bytes = frame.body_bytes - body;
  pending_->first_lsn = Lsn(frame.first_lsn.value() + records);
  pending_records_.erase(pending_records_.begin(), pending_records_.begin() + static_cast<ptrdiff_t>(records));
  frame.bytes.resize(kBodyAt + body);
  frame.body_bytes = body;
  frame.count = static_cast<uint32_t>(records);
}

void Writer::recount_worst_case() {
  worst_case_ = ring_.end();
  for (size_t bytes : pending_records_) {
    const auto end = after_record(ring_, worst_case_, bytes);
    AERODB_ASSERT(end.has_value());
    worst_case_ = *end;
  }
}

void Writer::pump(runtime::Completion completion) {
  while (!failed_ && !pending_records_.empty() && (in_flight_ == 0 || planted(Fault::kSecondFrameUnsynced))) {
    RingCursor place;
    const size_t records = records_for_next_frame(place);
    auto frame = std::move(pending_);
    detach_rest(records, *frame);
    submit(std::move(frame), place, completion);
  }
}

void Writer::submit(std::unique_ptr<FrameBuffer> frame, RingCursor place, runtime::Completion completion) {
  const bool new_segment = place.segment_sequence != ring_.end().segment_sequence;
  const FrameHeader header{place.segment_sequence, ++frame_sequence_, frame->first_lsn, frame->count,
                           frame->body_bytes};
  frame->bytes.resize(kSegmentHeaderBytes + header.bytes_on_disk(), 0);
  auto bytes = std::span(frame->bytes);
  if (new_segment) {
    segment_ = {place.segment_sequence, segment_.sequence == 0 ? random_.next() : salt_after(segment_),
                frame->first_lsn, cluster_, instance_};
    encode_segment_header(segment_, bytes.first<kSegmentHeaderBytes>());
  }
  seal_frame(header, segment_.salt, bytes.subspan(kSegmentHeaderBytes));
  ring_.set_end({place.segment_sequence, place.offset + header.bytes_on_disk()});
  recount_worst_case();
  if (on_frame_) on_frame_({frame->first_lsn, place});

  // A new segment's header and its first frame are one write under one sync.
  ByteSpan data = new_segment ? ByteSpan(bytes) : ByteSpan(bytes).subspan(kSegmentHeaderBytes);
  const uint64_t offset = new_segment ? 0 : place.offset;
  const uint64_t started_us = clock_.monotonic_us();
  ++in_flight_;
  counters_.inline_syncs += completion == runtime::Completion::kInline ? 1 : 0;
  device_.submit(ring_.slot_of(place.segment_sequence), offset, data, completion,
                 [this, alive = alive_, frame = std::move(frame), started_us](Result<void> result) mutable {
                   if (*alive) completed(std::move(frame), started_us, std::move(result));
                 });
}

void Writer::completed(std::unique_ptr<FrameBuffer> frame, uint64_t started_us, Result<void> result) {
  --in_flight_;
  if (failed_) return;
  if (!result) {
    failed_ = true;
    events_.on_log_failure(std::move(result.error()));
    return;
  }
  counters_.syncs += 1;
  counters_.records += frame->count;
  counters_.record_bytes += frame->body_bytes;
  counters_.last_frame_bytes = frame->bytes.size() - kSegmentHeaderBytes;
  counters_.last_sync_us = clock_.monotonic_us() - started_us;
  durable_ = Lsn(frame->first_lsn.value() + frame->count - 1);
  if (auto recycled = tail_.push(std::move(frame))) spare_ = std::move(recycled);
  events_.on_durable(durable_);
  // Inline completions recurse no deeper than the pump loop above; later ones continue here.
  if (in_flight_ == 0) pump(runtime::Completion::kLater);
}

}  // namespace aerodb::wal
