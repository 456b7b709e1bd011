// Reads a ring to its end: what recovery, offline tools and evidence are built on. Blocking, read-only.
//
// Without a manifest the walk begins at segment 1. Otherwise the manifest says where: in the segment that held its last
// record, whose own older records are checked against one another and against the manifest's chain, but not visited.
// Segments before that one are no part of the walk. Where their slots were not used again they still serve readers.
//
// What the scan does not decide: a start segment that is lost leaves the end at LSN 0, and the manifest's position is a
// bound for the caller to add (T3).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/wal/places.h"
#include "common/wal/record.h"
#include "common/wal/ring_files.h"
#include "common/wal/tail_decision.h"
#include "common/wal/writer.h"

namespace aerodb::wal {

// Where the manifest ends and the log goes on.
struct LogStart {
  Lsn lsn;                        // 0: there is no manifest
  Chain chain;                    // after lsn
  uint64_t segment_sequence = 0;  // that holds lsn; 0 with an LSN: nothing up to lsn was logged in this ring
};

struct ScannedSegment {
  SegmentHeader header;
  uint64_t frames = 0;
  Lsn last_lsn;
};

// What a frame that was being written at a crash left behind the end.
struct TornBytes {
  RingCursor at;  // offset 0: the next segment's header is part of it
  uint64_t bytes = 0;
};

struct RingScan {
  std::vector<ScannedSegment> segments;  // walked, those that hold frames, ascending
  TailEvidence tail;                     // bounds are for the caller to add
  LogEnd end;
  std::optional<RingCursor> last_frame;  // for REC-5
  uint64_t last_frame_bytes = 0;
  bool last_frame_first_in_segment = false;
  std::optional<TornBytes> torn;   // where the tail is no discontinuity
  uint64_t released_sequence = 0;  // segments up to this one are covered by the manifest
  Places places;                   // from the oldest segment on that still lies before the start without a gap
};

// Calls `visit` for each record behind start.lsn in order; it answers a discontinuity (T4) by its text. LSNs and chains
// are checked here. Errors: those of open_ring. A discontinuity or a hole is not an error of the scan: it stands in
// `tail`.
[[nodiscard]] Result<RingScan> scan_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                         const ClusterId& cluster, const InstanceId& instance, const LogStart& start,
                                         const std::function<std::optional<std::string>(const RecordView&)>& visit);
// The same for a ring in a directory of another name.
[[nodiscard]] Result<RingScan> scan_ring_in(runtime::Disk& disk, const std::string& directory,
                                            const RingGeometry& geometry, const ClusterId& cluster,
                                            const InstanceId& instance, const LogStart& start,
                                            const std::function<std::optional<std::string>(const RecordView&)>& visit);

// Carries out what T1 decided (rule REC-5 and quarantine), in this order, each step synced: torn bytes behind the end
// are copied to quarantine/ and zeroed; the last valid frame is written again in place (with its segment's header where
// it is the first). Answers the quarantine file's name, empty where there was nothing. IO, and nothing is written,
// where second reads show a frame that the scan did not find, or not the last one that it found: a misread must not
// become what the disk says.
[[nodiscard]] Result<std::string> repair_tail(runtime::Disk& disk, const std::string& data_dir,
                                              const RingGeometry& geometry, const RingScan& scan);

}  // namespace aerodb::wal
