// Planted faults: small wrong changes, switched on at run time, that the simulator and the tests must catch.
// In a release build planted() is constexpr false and no trace of them is left in the binary.
#pragma once

#include <cstdint>
#include <string_view>

namespace aerodb {

enum class Fault : uint8_t {
  kNone,
  kEarlyAcknowledgement,     // a write is answered before its record is durable
  kRefusalNotHeld,           // a refusal is answered before the state it was decided on is durable
  kSecondFrameUnsynced,      // a second frame is written before the first is synced
  kForeignSealAccepted,      // promotion accepts a seal that names another node
  kGapAccepted,              // a replica accepts records that do not follow its last one
  kLastFrameNotRewritten,    // recovery does not rewrite the last valid frame
  kRunsDirectoryNotSynced,   // a run's directory entry is not synced before the manifest names it
  kManifestBeforeRunSync,    // a manifest is installed before the run it names is synced
  kManifestBeforeLog,        // a manifest is installed before the log is durable up to its LSN
  kSegmentReusedEarly,       // a segment is released one too early
  kFloorOffByOne,            // a merge drops the newest version at the floor
  kTombstoneDroppedEarly,    // a merge drops a tombstone although an older run lies below
  kRunNumberReused,          // the next run takes the number of a stray file
  kReplayedDigestUnchecked,  // recovery does not compare digests
};

struct FaultName {
  Fault fault;
  std::string_view name;
};

inline constexpr FaultName kFaultNames[] = {
    {Fault::kEarlyAcknowledgement, "early_acknowledgement"},
    {Fault::kRefusalNotHeld, "refusal_not_held"},
    {Fault::kSecondFrameUnsynced, "second_frame_unsynced"},
    {Fault::kForeignSealAccepted, "foreign_seal_accepted"},
    {Fault::kGapAccepted, "gap_accepted"},
    {Fault::kLastFrameNotRewritten, "last_frame_not_rewritten"},
    {Fault::kRunsDirectoryNotSynced, "runs_directory_not_synced"},
    {Fault::kManifestBeforeRunSync, "manifest_before_run_sync"},
    {Fault::kManifestBeforeLog, "manifest_before_log"},
    {Fault::kSegmentReusedEarly, "segment_reused_early"},
    {Fault::kFloorOffByOne, "floor_off_by_one"},
    {Fault::kTombstoneDroppedEarly, "tombstone_dropped_early"},
    {Fault::kRunNumberReused, "run_number_reused"},
    {Fault::kReplayedDigestUnchecked, "replayed_digest_unchecked"},
};

#if defined(AERODB_FAULTS)
void plant(Fault fault);  // one at a time; kNone clears it
[[nodiscard]] bool planted(Fault fault);
#else
[[nodiscard]] constexpr bool planted(Fault /*fault*/) { return false; }
#endif

}  // namespace aerodb
