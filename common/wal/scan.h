// Reads a whole ring from its oldest valid segment to its end: what recovery, offline tools and evidence are built on.
// Blocking, read-only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/runtime/disk.h"
#include "common/wal/record.h"
#include "common/wal/tail_decision.h"
#include "common/wal/writer.h"

namespace aerodb::wal {

struct ScannedSegment {
  SegmentHeader header;
  uint64_t frames = 0;
  Lsn last_lsn;
};

struct RingScan {
  std::vector<ScannedSegment> segments;  // those that hold frames, ascending
  TailEvidence tail;                     // bounds are for the caller to add
  LogEnd end;
  std::optional<RingCursor> last_frame;  // for REC-5
  uint64_t last_frame_bytes = 0;
  bool last_frame_first_in_segment = false;
  std::vector<Writer::FramePlace> places;  // sparse: one about every 64 KiB, ascending
};

// Calls `visit` for each record in order; it answers a discontinuity (T4) by its text. LSNs and chains are checked
// here. Errors: IO, WAL_SEGMENT_MISSING (a file is absent or has the wrong size), NEWER_FORMAT, WRONG_NODE (another
// node's segments). A discontinuity or a hole is not an error of the scan: it stands in `tail`.
[[nodiscard]] Result<RingScan> scan_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                         const ClusterId& cluster, const InstanceId& instance,
                                         const std::function<std::optional<std::string>(const RecordView&)>& visit);

// Creates the ring's files, every byte zero and durable. For init.
[[nodiscard]] Result<void> create_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry);

// Carries out what T1 decided (rule REC-5 and quarantine), in this order, each step synced: the bytes behind the end
// are copied to quarantine/ and zeroed; the last valid frame is written again in place (with its segment's header where
// it is the first). Answers the quarantine file's name, empty where there was nothing.
[[nodiscard]] Result<std::string> repair_tail(runtime::Disk& disk, const std::string& data_dir,
                                              const RingGeometry& geometry, const RingScan& scan);

}  // namespace aerodb::wal
