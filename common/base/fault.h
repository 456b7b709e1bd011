// Planted faults: small wrong changes, switched on at run time, that the simulator and the tests must catch.
// In a release build planted() is constexpr false and no trace of them is left in the binary.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/build.h"

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
  kAppendWithoutProof,       // a replica takes records before the empty append that proves the source (REPL-1)
  kPeerDigestUnchecked,      // a replica does not compare the digest of a batch before its sync (REPL-3)
  kReadsBeforeReady,         // the read gate lets a node answer that is not READY (REPL-4)
  kReceiptLsnIgnored,        // the read gate does not look at the LSN of a receipt (REPL-5)
  kReplicaAcknowledges,      // a replica answers OK to a write and does nothing (REPL-6)
  kReceiptEpochIgnored,      // the read gate does not compare a receipt with the ancestry (REPL-7)
  kStaleSessionAccepted,     // a replica takes records of a session that was superseded (REPL-8)
  kUnprovenPeerHalts,        // a replica halts for what an unproven peer sent (REPL-9)
  kForkIgnored,              // a replica follows another lineage although its log goes on beyond the fork (REPL-10)
  kInstallUnverified,        // a snapshot is installed without comparing hashes and digest (REPL-11)
  kInstallNotMarked,         // an install begins to replace files before its mark is durable (REPL-11)
  kOrphansDropped,           // a log is discarded although its orphans were not exported (REPL-12)
  kRoleIgnored,              // admission does not look at the role (AUTH-1)
  kWritesAfterSeal,          // a sealed node admits writes (AUTH-2)
  kFencedOnClaim,            // a node is fenced by a statement that its log does not prove (AUTH-3)
  kPromotedWithoutSeal,      // promotion does not ask for a seal (AUTH-4)
  kDeclineForgotten,         // promotion does not look at declines (AUTH-6)
  kPromotedWhenHalted,       // promotion does not ask for READY (AUTH-7)
  kPromotedUnvalidated,      // promotion does not ask for a validated log (AUTH-8)
  kDemotedWithoutAuthority,  // any node can be demoted (AUTH-9)
  kSealedForItself,          // a seal may name the node that it seals (AUTH-10)
  kForeignDeclineAccepted,   // a seal is passed on with any decline (AUTH-11)
  kAnySealDeclined,          // a node declines a seal that names another (AUTH-12)
  kAbsentAssumed,            // a node that did not answer counts as absent (AUTH-13)
  kFurtherPeerIgnored,       // a lineage is ended although a peer is further on it (AUTH-14)
  kSealedLineageEnded,       // a lineage is ended on a log that ends with a seal (AUTH-15)
  kHaltForgotten,            // a halt is not written to disk (FAIL-2)
  kResumeUnchecked,          // a halt is ended without verifying anything (FAIL-4)
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
    {Fault::kAppendWithoutProof, "append_without_proof"},
    {Fault::kPeerDigestUnchecked, "peer_digest_unchecked"},
    {Fault::kReadsBeforeReady, "reads_before_ready"},
    {Fault::kReceiptLsnIgnored, "receipt_lsn_ignored"},
    {Fault::kReplicaAcknowledges, "replica_acknowledges"},
    {Fault::kReceiptEpochIgnored, "receipt_epoch_ignored"},
    {Fault::kStaleSessionAccepted, "stale_session_accepted"},
    {Fault::kUnprovenPeerHalts, "unproven_peer_halts"},
    {Fault::kForkIgnored, "fork_ignored"},
    {Fault::kInstallUnverified, "install_unverified"},
    {Fault::kInstallNotMarked, "install_not_marked"},
    {Fault::kOrphansDropped, "orphans_dropped"},
    {Fault::kRoleIgnored, "role_ignored"},
    {Fault::kWritesAfterSeal, "writes_after_seal"},
    {Fault::kFencedOnClaim, "fenced_on_claim"},
    {Fault::kPromotedWithoutSeal, "promoted_without_seal"},
    {Fault::kDeclineForgotten, "decline_forgotten"},
    {Fault::kPromotedWhenHalted, "promoted_when_halted"},
    {Fault::kPromotedUnvalidated, "promoted_unvalidated"},
    {Fault::kDemotedWithoutAuthority, "demoted_without_authority"},
    {Fault::kSealedForItself, "sealed_for_itself"},
    {Fault::kForeignDeclineAccepted, "foreign_decline_accepted"},
    {Fault::kAnySealDeclined, "any_seal_declined"},
    {Fault::kAbsentAssumed, "absent_assumed"},
    {Fault::kFurtherPeerIgnored, "further_peer_ignored"},
    {Fault::kSealedLineageEnded, "sealed_lineage_ended"},
    {Fault::kHaltForgotten, "halt_forgotten"},
    {Fault::kResumeUnchecked, "resume_unchecked"},
};

#if AERODB_FAULTS
void plant(Fault fault);  // one at a time; kNone clears it
[[nodiscard]] bool planted(Fault fault);
#else
[[nodiscard]] constexpr bool planted(Fault /*fault*/) { return false; }
#endif

}  // namespace aerodb
