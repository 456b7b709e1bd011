#include "common/base/error.h"

#include <array>

#include "common/base/assert.h"

namespace aerodb {
namespace {

using enum ErrorCode;
using enum Severity;
using X = ExitCode;

constexpr std::string_view kNothing;

// clang-format off
constexpr ErrorRow kRows[] = {
    {kBadRequest, "BAD_REQUEST", kReject, "", X::kBadData, 400, "A parameter has the wrong type or is out of range.", kNothing},
    {kBadMessage, "BAD_MESSAGE", kReject, "FAIL-1", X::kBadData, 400, "The bytes received are not a MessagePack-RPC message; the connection is closed.", kNothing},
    {kMessageTooLarge, "MESSAGE_TOO_LARGE", kReject, "FAIL-1", X::kBadData, 413, "The message is larger than 16 MiB; the connection is closed.", kNothing},
    {kMessageTooDeep, "MESSAGE_TOO_DEEP", kReject, "FAIL-1", X::kBadData, 400, "The message nests deeper than 32; the connection is closed.", kNothing},
    {kUnknownMethod, "UNKNOWN_METHOD", kReject, "", X::kUsage, 404, "The method does not exist on this listener.", kNothing},
    {kUnknownField, "UNKNOWN_FIELD", kReject, "", X::kUsage, 400, "The request has a field that the method does not know.", kNothing},
    {kMissingField, "MISSING_FIELD", kReject, "", X::kUsage, 400, "The request lacks a field that the method needs.", kNothing},
    {kBusy, "BUSY", kError, "FAIL-1", X::kTryLater, 503, "A limit on connections or requests in flight is reached.", "requests in flight ending"},
    {kUnknownCollection, "UNKNOWN_COLLECTION", kReject, "DOC-1", X::kRejected, 404, "No schema is registered for the collection.", "schema register"},
    {kUnknownSchema, "UNKNOWN_SCHEMA", kReject, "DOC-1", X::kRejected, 404, "The collection has no schema of that version.", "schema register"},
    {kSchemaExists, "SCHEMA_EXISTS", kReject, "DOC-2", X::kRejected, 409, "The schema version is registered already with another content.", kNothing},
    {kSchemaInvalid, "SCHEMA_INVALID", kReject, "DOC-2", X::kBadData, 400, "The schema is malformed or not an additive next version.", kNothing},
    {kSchemaNewer, "SCHEMA_NEWER", kReject, "MVCC-7", X::kRejected, 409, "The document was written under a newer schema version than the read names.", kNothing},
    {kDocumentInvalid, "DOCUMENT_INVALID", kReject, "DOC-3", X::kBadData, 400, "The document is not a well-formed map of allowed values.", kNothing},
    {kDocumentTooLarge, "DOCUMENT_TOO_LARGE", kReject, "DOC-3", X::kBadData, 413, "The document is larger than the configured bound.", kNothing},
    {kUndeclaredField, "UNDECLARED_FIELD", kReject, "DOC-3", X::kBadData, 400, "The document has a field that its schema does not declare.", "schema register"},
    {kWrongType, "WRONG_TYPE", kReject, "DOC-3", X::kBadData, 400, "A value is not of the type its schema declares.", kNothing},
    {kMissingRequired, "MISSING_REQUIRED", kReject, "DOC-3", X::kBadData, 400, "The document lacks a required field.", kNothing},
    {kDuplicateKey, "DUPLICATE_KEY", kReject, "DOC-3", X::kBadData, 400, "A map holds the same key twice.", kNothing},
    {kDocumentExists, "DOCUMENT_EXISTS", kReject, "MVCC-6", X::kRejected, 409, "A live document with this _id exists.", "delete"},
    {kNoSuchDocument, "NO_SUCH_DOCUMENT", kReject, "MVCC-6", X::kRejected, 404, "No live document with this _id exists at the commit asked.", "insert"},
    {kPreconditionFailed, "PRECONDITION_FAILED", kReject, "MVCC-8", X::kRejected, 409, "The newest version is not the one the precondition names.", kNothing},
    {kBatchInvalid, "BATCH_INVALID", kReject, "MVCC-9", X::kBadData, 400, "The batch is empty, too large, or names an _id twice.", kNothing},
    {kLimitRequired, "LIMIT_REQUIRED", kReject, "QRY-1", X::kUsage, 400, "A query needs a limit of at least 1.", kNothing},
    {kQueryUnbounded, "QUERY_UNBOUNDED", kReject, "QRY-2", X::kRejected, 400, "No declared index serves the query, so its cost has no provable bound.", "schema register"},
    {kQueryBoundExceeded, "QUERY_BOUND_EXCEEDED", kReject, "QRY-4", X::kRejected, 422, "The query would visit more entries than its stated bound.", kNothing},
    {kBehind, "BEHIND", kReject, "REPL-5", X::kTryLater, 409, "The node has not applied what the request needs.", "log shipping"},
    {kBelowFloor, "BELOW_FLOOR", kReject, "MVCC-4", X::kRejected, 410, "The commit asked lies below the garbage-collection floor.", kNothing},
    {kNotReady, "NOT_READY", kReject, "REPL-4", X::kTryLater, 503, "The node is not READY.", "recovery ending; bootstrap ending"},
    {kHalted, "HALTED", kReject, "FAIL-2", X::kHalted, 503, "The node halted and answers no document reads or writes.", "restart after the cause is gone; resume; bootstrap --discard"},
    {kEpochEnded, "EPOCH_ENDED", kReject, "REPL-7", X::kRejected, 409, "The receipt lies beyond the end of its epoch in this history.", kNothing},
    {kLineageEnded, "LINEAGE_ENDED", kReject, "REPL-7", X::kRejected, 409, "The lineage ended: before the position that the receipt names, or with this node's authority.", kNothing},
    {kLineageUnknown, "LINEAGE_UNKNOWN", kReject, "REPL-7", X::kRejected, 409, "The receipt's lineage is not in this node's ancestry.", kNothing},
    {kNotPrimary, "NOT_PRIMARY", kReject, "AUTH-1", X::kRejected, 409, "The log gives another node the authority to write.", "demote; promote"},
    {kSealed, "SEALED", kReject, "AUTH-2", X::kRejected, 409, "This node's authority ended with a seal.", "promote"},
    {kFenced, "FENCED", kReject, "AUTH-3", X::kRejected, 409, "A proven statement shows that this node was given up.", kNothing},
    {kWalFull, "WAL_FULL", kError, "WAL-6", X::kTryLater, 507, "The ring holds no released segment for another frame.", "checkpoint; wal resize"},
    {kMemoryFull, "MEMORY_FULL", kError, "WAL-6", X::kTryLater, 507, "The memory table is at max_memory_bytes.", "checkpoint"},
    {kNumberExhausted, "NUMBER_EXHAUSTED", kReject, "WAL-2", X::kRejected, 507, "Commit ids and LSNs stay below 2^53.", kNothing},
    {kOutcomeUnknown, "OUTCOME_UNKNOWN", kError, "WAL-5", X::kOutcomeUnknown, 500, "The log failed before the outcome was durable; it may or may not be there after restart.", "restart"},
    {kPromotionDenied, "PROMOTION_DENIED", kReject, "AUTH-4", X::kRejected, 409, "The node's own log does not prove that it may take authority.", "demote --to this node"},
    {kPromotionUndetermined, "PROMOTION_UNDETERMINED", kReject, "AUTH-4", X::kUndetermined, 409, "Evidence that the decision needs is missing.", "log shipping; seal"},
    {kDemotionDenied, "DEMOTION_DENIED", kReject, "AUTH-9", X::kRejected, 409, "The node holds no authority to give up, or the successor named can't take it.", "promote"},
    {kDeclineDenied, "DECLINE_DENIED", kReject, "AUTH-12", X::kRejected, 409, "There is no seal that names this node.", "demote --to this node"},
    {kEndLineageDenied, "END_LINEAGE_DENIED", kReject, "AUTH-14", X::kRejected, 409, "A node that answered is further on this lineage, holds a seal, or this node may not take over.", "promote on that node; log shipping to this node"},
    {kEndLineageUndetermined, "END_LINEAGE_UNDETERMINED", kReject, "AUTH-13", X::kRejected, 409, "A configured node did not answer and was not named absent.", "that node answering; end-lineage --absent"},
    {kNoEffectRecorded, "NO_EFFECT_RECORDED", kReject, "", X::kRejected, 404, "The node's log holds no record of this request.", kNothing},
    {kOperationRunning, "OPERATION_RUNNING", kReject, "CKPT-8", X::kTryLater, 409, "A storage operation is running; they run one at a time.", "that operation ending"},
    {kNoSuchOperation, "NO_SUCH_OPERATION", kReject, "CKPT-8", X::kRejected, 404, "This process has run no storage operation of that number.", kNothing},
    {kFloorRefused, "FLOOR_REFUSED", kReject, "CKPT-6", X::kRejected, 409, "The floor can only rise, and not above the last visible commit.", kNothing},
    {kPinned, "PINNED", kReject, "CKPT-6", X::kTryLater, 409, "A pin still needs versions below the floor asked.", "that pin's connection ending"},
    {kNoSuchPin, "NO_SUCH_PIN", kReject, "CKPT-6", X::kRejected, 404, "This connection holds no pin of that number.", kNothing},
    {kNoSuchHold, "NO_SUCH_HOLD", kReject, "CKPT-8", X::kRejected, 404, "This connection has no hold of that number, or it has no such run.", kNothing},
    {kSnapshotExists, "SNAPSHOT_EXISTS", kReject, "CKPT-3", X::kCannotCreate, 409, "A snapshot of that name exists.", kNothing},
    {kNothingToDo, "NOTHING_TO_DO", kReject, "", X::kRejected, 409, "The operation would change nothing.", kNothing},
    {kNotNext, "NOT_NEXT", kReject, "REPL-2", X::kTryLater, 409, "The records offered do not follow the last one here.", kNothing},
    {kStaleSession, "STALE_SESSION", kReject, "REPL-8", X::kTryLater, 409, "A newer session was opened.", kNothing},
    {kSourceBehind, "SOURCE_BEHIND", kReject, "REPL-1", X::kTryLater, 409, "The target is ahead of the source in the same epoch.", "log shipping to the source"},
    {kReplicaFull, "REPLICA_FULL", kError, "WAL-6", X::kTryLater, 507, "The replica's ring or memory is full.", "checkpoint on the replica"},
    {kLineageChanged, "LINEAGE_CHANGED", kReject, "REPL-7", X::kHalted, 409, "The source is on another lineage.", "resume --accept-lineage; bootstrap"},
    {kBootstrapRequired, "BOOTSTRAP_REQUIRED", kReject, "REPL-2", X::kHalted, 409, "The source no longer holds the log this replica needs.", "bootstrap"},
    {kSupersededByInstance, "SUPERSEDED_BY_INSTANCE", kReject, "REPL-8", X::kRejected, 409, "Another shipper instance opened a session on this target.", "restart of this shipper"},
    {kLogReleased, "LOG_RELEASED", kError, "REPL-2", X::kTryLater, 410, "The log asked for was released to the ring.", "bootstrap"},
    {kReplicaDiverged, "REPLICA_DIVERGED", kFatal, "REPL-3", X::kHalted, 409, "Validation proved that this replica's log or state differs from what it was sent.", "bootstrap --discard"},
    {kNotAReplica, "NOT_A_REPLICA", kReject, "AUTH-1", X::kRejected, 409, "This node holds authority or is sealed by its own binary and takes no records.", "demote"},
    {kNoSnapshot, "NO_SNAPSHOT", kReject, "REPL-11", X::kRejected, 409, "The source has made no checkpoint, so there is no snapshot to take.", "checkpoint on the source"},
    {kDiscardRequired, "DISCARD_REQUIRED", kReject, "REPL-12", X::kRejected, 409, "The node has a log of its own, which a snapshot would replace.", "bootstrap --discard"},
    {kOrphansNotExported, "ORPHANS_NOT_EXPORTED", kReject, "REPL-12", X::kRejected, 409, "The node's log holds records that the source does not have, and they were not exported.", "orphans export"},
    {kResumeDenied, "RESUME_DENIED", kReject, "FAIL-4", X::kHalted, 409, "The cause of the halt is not gone.", "bootstrap --discard"},
    {kIo, "IO", kFatal, "WAL-5", X::kIo, 500, "A disk call failed.", kNothing},
    {kLocked, "LOCKED", kFatal, "REC-7", X::kLocked, 423, "Another process holds the data directory.", "that process ending"},
    {kWrongRole, "WRONG_ROLE", kFatal, "AUTH-1", X::kConfig, 409, "This binary does not open a directory of that role.", kNothing},
    {kWrongNode, "WRONG_NODE", kFatal, "REC-8", X::kConfig, 409, "The configuration names another node than the directory.", kNothing},
    {kNotInitialized, "NOT_INITIALIZED", kFatal, "REC-8", X::kConfig, 404, "The directory holds no node.", "init"},
    {kAlreadyInitialized, "ALREADY_INITIALIZED", kReject, "REC-8", X::kCannotCreate, 409, "The directory is not empty.", kNothing},
    {kNewerFormat, "NEWER_FORMAT", kFatal, "REC-8", X::kNewerFormat, 409, "The file was written in a format newer than this binary.", kNothing},
    {kBadNodeFile, "BAD_NODE_FILE", kFatal, "REC-8", X::kBadData, 500, "The NODE file is damaged.", kNothing},
    {kBadRecord, "BAD_RECORD", kFatal, "REC-4", X::kBadData, 500, "A record does not parse.", kNothing},
    {kWalHole, "WAL_HOLE", kFatal, "REC-2", X::kBadData, 500, "An invalid frame is followed by a valid one: bytes that were durable are damaged.", "restore; bootstrap --discard"},
    {kWalBoundLost, "WAL_BOUND_LOST", kFatal, "REC-3", X::kBadData, 500, "The log ends below a position known to be durable.", "restore; bootstrap --discard"},
    {kWalDiscontinuity, "WAL_DISCONTINUITY", kFatal, "REC-4", X::kBadData, 500, "The log has a gap, a broken chain, a falling epoch or an unknown lineage.", "restore; bootstrap --discard"},
    {kWalSegmentMissing, "WAL_SEGMENT_MISSING", kFatal, "REC-2", X::kBadData, 500, "A segment file is missing or has the wrong size.", "restore; bootstrap --discard"},
    {kDigestMismatch, "DIGEST_MISMATCH", kFatal, "REC-6", X::kBadData, 500, "The state replayed does not have the digest its record states.", "restore; bootstrap --discard"},
    {kRunDamaged, "RUN_DAMAGED", kFatal, "CKPT-5", X::kBadData, 500, "A run does not hold the bytes that were written.", "restore; bootstrap --discard"},
    {kManifestDamaged, "MANIFEST_DAMAGED", kFatal, "CKPT-5", X::kBadData, 500, "A manifest does not hold the bytes that were written.", "restore; bootstrap --discard"},
    {kBackupDamaged, "BACKUP_DAMAGED", kReject, "CKPT-7", X::kBadData, 400, "A backup does not verify; nothing was restored.", kNothing},
    {kBackupExists, "BACKUP_EXISTS", kReject, "", X::kCannotCreate, 409, "The file that a backup or an export would make exists.", kNothing},
    {kPositionNotHeld, "POSITION_NOT_HELD", kReject, "REC-3", X::kBadData, 409, "The directory or backup does not hold the position it is compared with.", kNothing},
    {kConfigInvalid, "CONFIG_INVALID", kFatal, "", X::kConfig, 400, "The configuration is refused.", kNothing},
    {kUsage, "USAGE", kReject, "", X::kUsage, 400, "The command line is not one the program knows.", kNothing},
    {kInternal, "INTERNAL", kFatal, "", X::kInternal, 500, "A bug.", kNothing},
    {kUnreachable, "UNREACHABLE", kError, "FAIL-3", X::kUnreachable, 502, "No connection could be made.", kNothing},
    {kConnectionLost, "CONNECTION_LOST", kError, "FAIL-3", X::kOutcomeUnknown, 502, "The connection ended before the answer; the outcome is unknown.", kNothing},
    {kTimedOut, "TIMED_OUT", kError, "FAIL-3", X::kOutcomeUnknown, 504, "No answer came in time; the outcome is unknown.", kNothing},
    {kConfirmationRequired, "CONFIRMATION_REQUIRED", kReject, "CTRL-2", X::kNotConfirmed, 409, "The command needs a typed confirmation.", kNothing},
    {kConfirmationMismatch, "CONFIRMATION_MISMATCH", kReject, "CTRL-2", X::kNotConfirmed, 409, "The phrase typed is not the one the command asks for.", kNothing},
    {kConfirmationUsed, "CONFIRMATION_USED", kReject, "CTRL-3", X::kNotConfirmed, 409, "The confirmation was used, ended or never given.", kNothing},
    {kExplanationChanged, "EXPLANATION_CHANGED", kReject, "CTRL-3", X::kNotConfirmed, 409, "A binding field of the explanation changed since it was shown.", kNothing},
    {kReasonRequired, "REASON_REQUIRED", kReject, "CTRL-1", X::kUsage, 400, "A control command needs a reason.", kNothing},
    {kUnknownNode, "UNKNOWN_NODE", kReject, "CTRL-1", X::kUsage, 404, "The configuration lists no node of that name.", kNothing},
    {kAuditUnavailable, "AUDIT_UNAVAILABLE", kError, "CTRL-4", X::kIo, 503, "The audit log can't be written, so nothing is dispatched.", kNothing},
    {kAuditBroken, "AUDIT_BROKEN", kFatal, "CTRL-5", X::kBadData, 500, "The audit log does not verify.", kNothing},
    {kNotPermitted, "NOT_PERMITTED", kReject, "CTRL-6", X::kNotPermitted, 403, "This listener does not serve the method to this peer.", kNothing},
    {kNotFound, "NOT_FOUND", kReject, "", X::kUsage, 404, "No such route.", kNothing},
    {kMethodNotAllowed, "METHOD_NOT_ALLOWED", kReject, "", X::kUsage, 405, "The route does not serve this method.", kNothing},
    {kHostNotAllowed, "HOST_NOT_ALLOWED", kReject, "", X::kNotPermitted, 403, "The Host header is not in the allow-list.", kNothing},
    {kNotConfigured, "NOT_CONFIGURED", kReject, "", X::kUsage, 404, "The configuration names no process that could answer.", kNothing},
};
// clang-format on

constexpr bool rows_in_enum_order() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].code) != i) return false;
  }
  return std::size(kRows) == static_cast<size_t>(kNotConfigured) + 1;
}
static_assert(rows_in_enum_order());

}  // namespace

std::span<const ErrorRow> error_table() { return kRows; }

const ErrorRow& error_row(ErrorCode code) {
  auto index = static_cast<size_t>(code);
  AERODB_ASSERT(index < std::size(kRows));
  return kRows[index];
}

std::optional<std::string_view> Error::detail(std::string_view key) const {
  for (const auto& one : details) {
    if (one.key == key) return one.value;
  }
  return std::nullopt;
}

std::optional<ErrorCode> error_code_from_name(std::string_view name) {
  for (const auto& row : kRows) {
    if (row.name == name) return row.code;
  }
  return std::nullopt;
}

}  // namespace aerodb
