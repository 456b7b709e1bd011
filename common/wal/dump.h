// Shows what the files of a ring hold, for `aerodb wal dump` and `aerodb wal verify`. Blocking, read-only, works
// without the configuration or a manifest. It judges nothing but checksums and the order of records; where the log ends
// is for scan_ring() to say.
//
// Trouble does not end it. A file that is missing or can't be read is named, and the next one follows; behind a frame
// that does not hold, the segment is searched on for frames that do. Segments with a valid header come first, by
// sequence, then the other slots.
#pragma once

#include <string>

#include "common/runtime/disk.h"
#include "common/wal/frame.h"
#include "common/wal/record.h"

namespace aerodb::wal {

enum class SlotState : uint8_t {
  kValid,
  kUnused,       // the first sector is zero
  kBadHeader,    // it is something else
  kNewerFormat,  // only its header can be read
  kWrongSlot,    // its sequence belongs elsewhere
  kMissing,
  kUnreadable,
};
[[nodiscard]] std::string_view slot_state_name(SlotState state);

struct DumpedSegment {
  std::string path;
  uint32_t slot = 0;
  SlotState state = SlotState::kValid;
  uint64_t file_bytes = 0;
  SegmentHeader header;  // of kValid, kNewerFormat and kWrongSlot; otherwise the sequence that the slot before
                         // it lets expect, where that is known, else 0
};

enum class FrameState : uint8_t {
  kValid,
  kBroken,     // a head of this segment whose checksum does not hold
  kUnchecked,  // a head without a segment header to check it by
};
[[nodiscard]] std::string_view frame_state_name(FrameState state);

struct DumpedFrame {
  uint32_t slot = 0;
  uint64_t offset = 0;  // in the segment
  FrameState state = FrameState::kValid;
  FrameHeader header;
};

enum class RecordOrder : uint8_t {
  kFollows,  // the record shown before it, by LSN and chain
  kBreaks,   // it has the LSN after that record, but another chain
  kApart,    // nothing, or another record, was shown before it
};
[[nodiscard]] std::string_view record_order_name(RecordOrder order);

struct DumpedRecord {
  uint32_t slot = 0;
  uint64_t offset = 0;  // in the segment
  FrameState frame = FrameState::kValid;
  uint64_t frame_sequence = 0;
  RecordOrder order = RecordOrder::kApart;
  RecordView record;  // valid during the call
};

class RingVisitor {
 public:
  virtual ~RingVisitor() = default;
  virtual void on_segment(const DumpedSegment& segment) = 0;
  virtual void on_frame(const DumpedFrame& frame) = 0;
  virtual void on_record(const DumpedRecord& record) = 0;
  // What can't be shown: bytes that are no record, a sector that can't be read, a file of another name.
  virtual void on_trouble(const std::string& path, uint64_t offset, const Error& error) = 0;
};

// Totals of what was shown.
struct RingDump {
  uint64_t segments = 0;  // valid
  uint64_t frames = 0;    // valid
  uint64_t records = 0;   // in valid frames
  uint64_t broken_frames = 0;
  uint64_t unchecked_frames = 0;
  uint64_t breaks = 0;  // records that break the order
  uint64_t troubles = 0;
};

// Shows the ring in DIR/wal. An error only where that directory can't be listed: IO.
[[nodiscard]] Result<RingDump> dump_ring(runtime::Disk& disk, const std::string& data_dir, RingVisitor& visitor);

}  // namespace aerodb::wal
