// What lies behind the end that a scan found: damage to durable frames (T2), or what a torn frame left (T1).
//
// Later frames: the rest of the end's segment and every later segment are searched for a frame whose checksum holds.
// Where the next segment's header is lost, the salt of its frames follows from the segment before, so they are checked
// all the same. One frame behind a lost header is no evidence, for at most one is ever unsynced (WAL-3): a second one
// says that the first, and the header with it, were durable. Only where no segment comes before is the salt unknown;
// there the bare head of a second frame counts.
//
// Torn bytes: in a slot never used before, whatever is not zero. In a slot used before, older frames lie behind the
// end; they are void by their salt. There a torn frame is known by its head alone, which names this segment and the
// next frame; where the head itself did not reach the disk there is nothing to set aside.
#pragma once

#include "common/wal/scan.h"

namespace aerodb::wal {

// Fills in `tail` (but for discontinuity and bounds) and `torn` from `end` and `released_sequence`.
[[nodiscard]] Result<void> look_behind(const OpenRing& ring, RingScan& scan);

}  // namespace aerodb::wal
