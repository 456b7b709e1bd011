#include "common/observe/events.h"

namespace aerodb::observe {
namespace {

using enum EventId;
using enum LogLevel;

// clang-format off
constexpr EventRow kEvents[] = {
    {kStart, kInfo, "start", "program version node instance role state", "the process has opened the directory"},
    {kStopped, kInfo, "stopped", "reason durable_lsn", "the process ends in good order"},

    {kRecoveryStarted, kInfo, "recovery_started", "segments", "recovery begins"},
    {kRecoveryStage, kInfo, "recovery_stage", "stage us", "a stage of recovery is done"},
    {kTailDecision, kInfo, "tail_decision", "label end_lsn segment offset detail", "where the log ends, and by which row of the table"},
    {kQuarantined, kWarn, "quarantined", "file", "bytes after the end of the log were copied aside"},
    {kLastFrameRewritten, kInfo, "last_frame_rewritten", "segment offset bytes", "the last valid frame was written and synced again"},
    {kRecordsReplayed, kInfo, "records_replayed", "first_lsn last_lsn count", "records after the manifest were applied"},
    {kIndexRebuilt, kInfo, "index_rebuilt", "entries us", "index entries of the replayed records were built"},
    {kRecoveryFinished, kInfo, "recovery_finished", "durable_lsn commit digest us", "the node serves from here on"},
    {kCorruptionFound, kError, "corruption_found", "code message", "bytes on disk are not what was written"},

    {kCheckpointInstalled, kInfo, "checkpoint_installed", "lsn commit runs segments_released us", "a new manifest is in place"},
    {kCheckpointFailed, kError, "checkpoint_failed", "code message", "the manifest before it stays in place"},
    {kSnapshotTaken, kInfo, "snapshot_taken", "name lsn commit", "a named copy of a manifest is complete"},
    {kSnapshotIncomplete, kWarn, "snapshot_incomplete", "name", "a snapshot without a manifest was found and is ignored"},
    {kFloorRaised, kInfo, "floor_raised", "floor lsn phrase reason", "older commits can no longer be read"},
    {kBackupWritten, kInfo, "backup_written", "lsn commit bytes", "a backup was handed out whole"},
    {kBackupFailed, kWarn, "backup_failed", "code message", "a backup was not finished"},
    {kVerified, kInfo, "verified", "level result lsn", "the directory was verified on request"},

    {kHalted, kError, "halted", "rule code lsn reason", "the node stopped serving; only a command changes that"},
    {kResumed, kWarn, "resumed", "code reason", "the cause of a halt was checked to be gone"},

    {kSealed, kWarn, "sealed", "lsn epoch successor successor_instance request_id", "this node's authority ended"},
    {kDeclined, kWarn, "declined", "seal_lsn request_id", "this node gave up a succession"},
    {kPromotionStep, kInfo, "promotion_step", "request_id state detail", "a promotion entered a state"},
    {kPromoted, kWarn, "promoted", "lsn epoch request_id", "this node is primary"},
    {kCommandDenied, kWarn, "command_denied", "command request_id code rule message", "the kernel refused an authority command"},
    {kLineageEnded, kWarn, "lineage_ended", "lineage parent fork_lsn lost absent phrase reason", "a new lineage begins here"},
    {kLineageAccepted, kWarn, "lineage_accepted", "lineage fork_lsn reason", "this replica follows another lineage"},
    {kFenced, kError, "fenced", "lineage fork_lsn holder", "it was proven that this node was given up"},
    {kClaimUnproven, kWarn, "claim_unproven", "peer lineage detail", "somebody claimed another history without proof"},

    {kSessionOpened, kInfo, "session_opened", "session shipper shipper_instance source_node", "a shipper feeds this replica"},
    {kSessionSuperseded, kInfo, "session_superseded", "session shipper by_shipper by_instance", "another session took its place"},
    {kBatchRefused, kWarn, "batch_refused", "session first_lsn code message", "records were refused without a trace in the log"},
    {kPeerRefused, kWarn, "peer_refused", "listener peer code message", "a peer was refused"},
    {kBootstrapStarted, kInfo, "bootstrap_started", "source manifest_lsn bytes", "files of another node's manifest are fetched"},
    {kBootstrapInstalled, kInfo, "bootstrap_installed", "lsn commit digest", "they replaced what was here"},
    {kBootstrapFailed, kWarn, "bootstrap_failed", "code message", "what was here stays"},
    {kOrphansExported, kWarn, "orphans_exported", "file first_commit last_commit sha256", "commits beyond a fork were written to a file"},
    {kHistoryDiscarded, kWarn, "history_discarded", "end_lsn end_commit phrase reason", "this directory's history was given up"},

    {kEventLogTorn, kWarn, "event_log_torn", "lines bytes after_number", "lines of this log could not be read at start"},
    {kEventsDropped, kWarn, "events_dropped", "count", "so many events came faster than they could be written"},
};
// clang-format on

constexpr bool in_enum_order() {
  for (size_t i = 0; i < std::size(kEvents); ++i) {
    if (static_cast<size_t>(kEvents[i].id) != i) return false;
  }
  return std::size(kEvents) == static_cast<size_t>(kEventsDropped) + 1;
}
static_assert(in_enum_order());

}  // namespace

std::span<const EventRow> event_table() { return kEvents; }
const EventRow& event_row(EventId id) { return kEvents[static_cast<size_t>(id)]; }

std::vector<std::string_view> event_fields(const EventRow& row) {
  std::vector<std::string_view> names;
  std::string_view rest = row.fields;
  while (!rest.empty()) {
    size_t space = rest.find(' ');
    names.push_back(rest.substr(0, space));
    rest = space == std::string_view::npos ? std::string_view{} : rest.substr(space + 1);
  }
  return names;
}

}  // namespace aerodb::observe
