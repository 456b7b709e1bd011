// Errors: one enum, one table, one struct. The same condition gives the same code everywhere.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/exit_code.h"

namespace aerodb {

enum class ErrorCode : uint16_t {
  // the request
  kBadRequest,
  kBadMessage,
  kMessageTooLarge,
  kMessageTooDeep,
  kUnknownMethod,
  kUnknownField,
  kMissingField,
  kBusy,
  // documents, schemas, queries
  kUnknownCollection,
  kUnknownSchema,
  kSchemaExists,
  kSchemaInvalid,
  kSchemaNewer,
  kDocumentInvalid,
  kDocumentTooLarge,
  kUndeclaredField,
  kWrongType,
  kMissingRequired,
  kDuplicateKey,
  kDocumentExists,
  kNoSuchDocument,
  kPreconditionFailed,
  kBatchInvalid,
  kLimitRequired,
  kQueryUnbounded,
  kQueryBoundExceeded,
  // the read gate
  kBehind,
  kBelowFloor,
  kNotReady,
  kHalted,
  kEpochEnded,
  kLineageEnded,
  kLineageUnknown,
  // writing and authority
  kNotPrimary,
  kSealed,
  kFenced,
  kWalFull,
  kMemoryFull,
  kNumberExhausted,
  kOutcomeUnknown,
  kPromotionDenied,
  kPromotionUndetermined,
  kDemotionDenied,
  kDeclineDenied,
  kEndLineageDenied,
  kEndLineageUndetermined,
  kNoEffectRecorded,
  // storage operations
  kOperationRunning,
  kNoSuchOperation,
  kFloorRefused,
  kPinned,
  kNoSuchPin,
  kNoSuchHold,
  kSnapshotExists,
  kNothingToDo,
  // replication
  kNotNext,
  kStaleSession,
  kSourceBehind,
  kReplicaFull,
  kLineageChanged,
  kBootstrapRequired,
  kSupersededByInstance,
  kLogReleased,
  kReplicaDiverged,
  kNotAReplica,
  kNoSnapshot,
  kDiscardRequired,
  kOrphansNotExported,
  kResumeDenied,
  // disk, recovery, process
  kIo,
  kLocked,
  kWrongRole,
  kWrongNode,
  kNotInitialized,
  kAlreadyInitialized,
  kNewerFormat,
  kBadNodeFile,
  kBadRecord,
  kWalHole,
  kWalBoundLost,
  kWalDiscontinuity,
  kWalSegmentMissing,
  kDigestMismatch,
  kRunDamaged,
  kManifestDamaged,
  kBackupDamaged,
  kBackupExists,
  kPositionNotHeld,
  kConfigInvalid,
  kUsage,
  kInternal,
  // network
  kUnreachable,
  kConnectionLost,
  kTimedOut,
  // control plane
  kConfirmationRequired,
  kConfirmationMismatch,
  kConfirmationUsed,
  kExplanationChanged,
  kReasonRequired,
  kUnknownNode,
  kAuditUnavailable,
  kAuditBroken,
  kNotPermitted,
  // explainer
  kNotFound,
  kMethodNotAllowed,
  kHostNotAllowed,
  kNotConfigured,
};

enum class Severity : uint8_t {
  kReject,  // the request can't be done; nothing happened
  kError,   // something it needs is missing or failed; nothing is wrong with the data
  kFatal,   // this process or directory can't go on
};

struct ErrorRow {
  ErrorCode code;
  std::string_view name;  // stable, UPPER_SNAKE
  Severity severity;
  std::string_view rule;  // id in docs/spec/INVARIANTS.md, or empty where no rule is involved
  ExitCode exit_code;
  int http_status;
  std::string_view meaning;     // one sentence
  std::string_view changed_by;  // which operations change the evidence: a fact, not advice
};

// The table, in enum order.
[[nodiscard]] std::span<const ErrorRow> error_table();
[[nodiscard]] const ErrorRow& error_row(ErrorCode code);
// nullopt for a name this binary does not know (an answer of a newer node).
[[nodiscard]] std::optional<ErrorCode> error_code_from_name(std::string_view name);

// One raw fact behind an error. Numbers and hashes are rendered exactly, never interpreted.
struct ErrorDetail {
  std::string key;
  std::string value;
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // names operation, object and cause
  std::vector<ErrorDetail> details;

  [[nodiscard]] const ErrorRow& row() const { return error_row(code); }
  // Value of the detail of that key; nullopt where there is none.
  [[nodiscard]] std::optional<std::string_view> detail(std::string_view key) const;
  Error& with(std::string_view key, std::string_view value) & {
    details.push_back({std::string(key), std::string(value)});
    return *this;
  }
  Error& with(std::string_view key, uint64_t value) & { return with(key, std::to_string(value)); }
  Error&& with(std::string_view key, std::string_view value) && { return std::move(with(key, value)); }
  Error&& with(std::string_view key, uint64_t value) && { return std::move(with(key, std::to_string(value))); }
};

template <class T>
using Result = std::expected<T, Error>;

// return fail(ErrorCode::kBehind, "get countries/AW: ...").
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message), {}});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace aerodb
