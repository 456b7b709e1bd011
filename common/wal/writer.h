// Group commit: records in, frames out, one sync at a time (rules WAL-3, WAL-5, WAL-6, WAL-7). Thread: the loop's.
//
// Happy path: records are appended to the pending buffer; pump() makes them the next frame as soon as no frame is in
// flight; its completion moves the durable boundary, tells the owner, and pumps again. What arrived while a sync ran is
// the next frame, without timers.
//
// Failure: a write or sync that fails is never tried again. The writer stops for good and tells the owner, who halts.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "common/runtime/clock.h"
#include "common/runtime/log_device.h"
#include "common/wal/frame.h"
#include "common/wal/log_tail.h"
#include "common/wal/places.h"
#include "common/wal/ring.h"

namespace aerodb::wal {

// Where a log ends, as recovery found it.
struct LogEnd {
  Lsn lsn;
  uint64_t frame_sequence = 0;           // of the last frame
  std::optional<SegmentHeader> segment;  // that the cursor lies in; absent before the first frame
  RingCursor cursor;
};

struct WriterOptions {
  bool group_commit = true;  // false: one frame a record
  uint64_t tail_bytes = 16ull << 20;
};

class WriterEvents {
 public:
  virtual ~WriterEvents() = default;
  virtual void on_durable(Lsn lsn) = 0;
  virtual void on_log_failure(Error error) = 0;
};

struct WriterCounters {
  uint64_t syncs = 0;
  uint64_t inline_syncs = 0;
  uint64_t records = 0;
  uint64_t record_bytes = 0;
  uint64_t last_sync_us = 0;      // of the newest durable frame: from handing it over until it was durable
  uint64_t last_frame_bytes = 0;  // padding included
};

enum class RoomFor : uint8_t { kCommit, kReserved };  // kReserved: authority, floor, schema: may use the reserve

class Writer {
 public:
  // The device, clock, randomness and events must outlive the writer; the device must have opened the segments.
  Writer(runtime::LogDevice& device, runtime::Clock& clock, runtime::Random& random, WriterEvents& events,
         ClusterId cluster, InstanceId instance, Ring ring, LogEnd end, WriterOptions options);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Whether a record of `record_bytes` would find a place behind everything pending. False: WAL_FULL (WAL-6).
  [[nodiscard]] bool has_room(uint64_t record_bytes, RoomFor kind) const;
  // The same for several records behind one another, of any kind (a replica takes what its source admitted).
  [[nodiscard]] bool has_room_for(const std::vector<uint64_t>& records_bytes) const;
  // The buffer to encode the next record into; then append() with the number of bytes added. Requires has_room().
  [[nodiscard]] Bytes& encode_buffer() { return pending_->bytes; }
  void append(Lsn lsn, size_t record_bytes);

  // Starts the next frame where none is in flight and records are pending. May complete inline.
  void pump(runtime::Completion completion);

  [[nodiscard]] Lsn appended() const { return appended_; }
  [[nodiscard]] Lsn durable() const { return durable_; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool idle() const { return in_flight_ == 0 && pending_records_.empty(); }
  // Nothing is in flight, and nothing will be unless more is appended.
  [[nodiscard]] bool at_rest() const { return in_flight_ == 0 && (failed_ || pending_records_.empty()); }
  [[nodiscard]] const Ring& ring() const { return ring_; }
  [[nodiscard]] const LogTail& tail() const { return tail_; }
  [[nodiscard]] const WriterCounters& counters() const { return counters_; }
  // Segments up to this one are covered by a manifest: their slots may be used again. Only ever moves forward.
  void release_through(uint64_t segment_sequence);
  // Told of each frame at its place, so that readers find records on disk.
  void on_frame(std::function<void(const FramePlace&)> callback) { on_frame_ = std::move(callback); }

 private:
  [[nodiscard]] std::unique_ptr<FrameBuffer> fresh_buffer();
  [[nodiscard]] size_t records_for_next_frame(RingCursor& place) const;
  void detach_rest(size_t records, FrameBuffer& frame);
  void recount_worst_case();
  void submit(std::unique_ptr<FrameBuffer> frame, RingCursor place, runtime::Completion completion);
  void completed(std::unique_ptr<FrameBuffer> frame, uint64_t started_us, Result<void> result);

  runtime::LogDevice& device_;
  runtime::Clock& clock_;
  runtime::Random& random_;
  WriterEvents& events_;
  ClusterId cluster_;
  InstanceId instance_;
  Ring ring_;
  WriterOptions options_;
  LogTail tail_;
  std::unique_ptr<FrameBuffer> pending_;
  std::unique_ptr<FrameBuffer> spare_;
  std::deque<size_t> pending_records_;  // bytes of each pending record
  RingCursor worst_case_;               // ring end if every pending record took a frame of its own
  SegmentHeader segment_;               // that the ring ends in; sequence 0: none was started
  uint64_t frame_sequence_;
  uint32_t in_flight_ = 0;
  Lsn appended_;
  Lsn durable_;
  bool failed_ = false;
  WriterCounters counters_;
  std::function<void(const FramePlace&)> on_frame_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerodb::wal
