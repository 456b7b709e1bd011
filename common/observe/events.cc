#include "common/observe/events.h"

namespace aerodb::observe {
namespace {

using enum EventId;
using enum LogLevel;

// clang-format off
constexpr EventRow kEvents[] = {
    {kStart, kInfo, "start", "program version node instance role state", "the process has opened the directory"},
    {kStopped, kInfo, "stopped", "reason durable_lsn", "the process ends in good order"},
    {kClosed, kWarn, "closed", "why durable_lsn", "the directory is closed for work on it, and opened again afterwards"},

    {kRecoveryStarted, kInfo, "recovery_started", "segments", "recovery begins"},
    {kManifestLoaded, kInfo, "manifest_loaded", "number lsn commit runs", "what the runs hold; 0: there is no manifest yet"},
    {kTailDecision, kInfo, "tail_decision", "label end_lsn segment offset detail", "where the log ends, and by which row of the table"},
    {kQuarantined, kWarn, "quarantined", "file", "bytes after the end of the log were copied aside"},
    {kLastFrameRewritten, kInfo, "last_frame_rewritten", "segment offset bytes", "the last valid frame was written and synced again"},
    {kRecordsReplayed, kInfo, "records_replayed", "first_lsn last_lsn count us", "records after the manifest were applied, and entered into the indexes"},
    {kRecoveryFinished, kInfo, "recovery_finished", "durable_lsn commit digest us", "the node serves from here on"},
    {kCorruptionFound, kError, "corruption_found", "code message", "bytes on disk are not what was written"},

    {kStorageRequested, kInfo, "storage_requested", "command request_id operator reason operation", "an operator began a storage operation"},
    {kStorageOperation, kInfo, "storage_operation", "number kind stage lsn commit bytes manifest runs snapshot code message us", "a storage operation entered a stage, or ended"},
    {kFloorRaised, kWarn, "floor_raised", "floor lsn request_id operator reason", "an operator gave up the history below a commit"},
    {kHoldTaken, kInfo, "hold_taken", "hold manifest lsn runs", "somebody holds runs on disk, for a backup"},
    {kHoldEnded, kInfo, "hold_ended", "hold why", "and let go of them"},

    {kHalted, kError, "halted", "rule code lsn reason", "the node stopped serving; only a command changes that"},

    {kSealed, kWarn, "sealed", "lsn epoch lineage successor successor_instance request_id", "this node's authority ended"},
    {kDeclined, kWarn, "declined", "seal_lsn lineage request_id", "this node gave up a succession"},
    {kPromotionStep, kInfo, "promotion_step", "request_id state detail", "a promotion entered a state"},
    {kPromoted, kWarn, "promoted", "lsn epoch lineage request_id", "this node is primary"},

    {kFenced, kError, "fenced", "lineage fork_lsn node instance peer", "this node's authority was ended by another lineage, which its own log proves"},
    {kFenceUnproven, kWarn, "fence_unproven", "lineage fork_lsn peer why", "a peer named another lineage; this log does not prove that it forks from here"},
    {kLineageEnded, kWarn, "lineage_ended", "parent lineage fork_lsn epoch lost absent request_id", "this node went on in a lineage of its own; writes of the lost node beyond the fork are given up"},
    {kLineageAccepted, kWarn, "lineage_accepted", "lineage fork_lsn request_id", "the operator let this replica follow another lineage"},

    {kRepairRequested, kWarn, "repair_requested", "kind request_id operator reason detail", "an operator asked for a resume, a bootstrap or an export of orphans"},
    {kRepairStage, kInfo, "repair_stage", "kind request_id stage done_bytes total_bytes code message", "a repair entered a stage, or ended"},

    {kCommandDenied, kWarn, "command_denied", "command request_id code rule message", "the kernel refused a command of control or maintenance"},

    {kSessionOpened, kInfo, "session_opened", "session shipper shipper_instance source_node", "a shipper feeds this replica"},
    {kSessionSuperseded, kInfo, "session_superseded", "session shipper by_shipper by_instance", "another session took its place"},
    {kBatchRefused, kWarn, "batch_refused", "session first_lsn code message", "records were refused without a trace in the log"},
    {kPeerRefused, kWarn, "peer_refused", "listener peer code message", "a peer was refused"},

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
