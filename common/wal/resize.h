// Another geometry for a ring, offline: `aerodb wal resize`. Blocking. The caller holds the directory's lock.
//
// The new ring is made whole and durable beside the old one before anything is renamed:
//   1  DIR/wal.new is written, every file and the directory synced, read back; DIR synced
//   2  DIR/wal is renamed to DIR/wal.old
//   3  DIR/wal.new is renamed to DIR/wal; DIR synced
//   4  DIR/wal.old is removed; DIR synced
// A crash leaves one of the states below. finish_resize() tells them apart by the names alone; it runs whenever a
// directory is claimed, before anything reads the ring.
//   wal    wal.old  wal.new
//   there  -        any      1 or before: wal is the old ring; wal.new is removed
//   -      there    there    between 2 and 3: step 3 is done again
//   -      there    -        step 3 was lost with wal.new: wal.old is renamed back
//   there  there    any      between 3 and 4: wal is the new ring; the others are removed
//   -      -        any      not of a resize: left as it is, the scan names the missing segment
#pragma once

#include <string>

#include "common/runtime/clock.h"
#include "common/runtime/disk.h"
#include "common/wal/scan.h"

namespace aerodb::wal {

struct Resized {
  uint64_t frames = 0;
  uint64_t records = 0;
  uint64_t first_segment = 0;  // 0: the ring is empty
  uint64_t last_segment = 0;
};

// Copies the live frames, from the one that holds start.lsn on, under a new salt. LSNs and frame numbers continue. The
// first segment copied into has the sequence start.segment_sequence (1 without a manifest) and holds start.lsn, so the
// manifest stays true. Covered records before that frame, which the old ring still served to readers, are dropped.
//
// Requires: `scan` was decided T1 and repaired since; nothing was written after it; both geometries in bounds.
// WAL_FULL where the live frames and the reserve do not fit: nothing is changed. Any other error before step 2 leaves
// the old ring in place; one after it, a state that finish_resize() completes.
[[nodiscard]] Result<Resized> resize_ring(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                                          const RingGeometry& old_geometry, const RingGeometry& new_geometry,
                                          const LogStart& start, const RingScan& scan);

enum class ResizeFinish : uint8_t { kNothing, kUndone, kCompleted };
// Completes or undoes what a resize left, durably. Costs three look-ups where there is nothing.
[[nodiscard]] Result<ResizeFinish> finish_resize(runtime::Disk& disk, const std::string& data_dir);

}  // namespace aerodb::wal
