// One record of the audit log: one line of JSON, chained to the line before it. docs/spec/CONTROL_PLANE.md.
//
//   {"number":7,"stage":"dispatched","wall_us":...,"uid":1000,"operator":"ada","request_id":"<32 hex>",
//    "command":"demote","node":"p1","reason":"...","interactive":true,"details":{...},
//    "prev":"<SHA-256 of the line before>","hash":"<SHA-256 of this line up to its hash>"}
//
// All keys are always present, in this order; null where a value does not apply. `prev` covers the whole line before,
// its own hash included, without the newline; it is zero in the first record. `hash` finds a damaged record by itself,
// `prev` a changed history. The hash of the last line is the head. The format is on disk: do not change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"

namespace aerodb::controlplane {

inline constexpr size_t kMaxAuditLineBytes = 1u << 20;

enum class AuditStage : uint8_t {
  kRequested,   // a command was asked for and has a valid form
  kExplained,   // the node explained it
  kConfirmed,   // the operator confirmed it, and the explanation still stands
  kRefused,     // it ended here, before the node took it
  kDispatched,  // it is about to be sent, once
  kAnswered,    // the node answered or rejected it
  kUnknown,     // it was sent, and no answer was seen
  kTornTail,    // of the log itself: a record that a crash cut short was set aside
};
[[nodiscard]] std::string_view audit_stage_name(AuditStage stage);

// The `details` of a record, key by key.
class AuditDetails {
 public:
  AuditDetails& text(std::string_view key, std::string_view value);  // what is longer than 8 KiB ends with "..."
  AuditDetails& number(std::string_view key, uint64_t value);
  AuditDetails& bytes(std::string_view key, ByteSpan value);   // as hex
  AuditDetails& packed(std::string_view key, ByteSpan value);  // one MessagePack value
  AuditDetails& nil(std::string_view key);
  [[nodiscard]] Bytes finish() const;

 private:
  uint32_t count_ = 0;
  Bytes fields_;
};

// What a record says, apart from its place in the chain.
struct AuditEntry {
  AuditStage stage = AuditStage::kRequested;
  std::optional<uint32_t> uid;
  std::optional<std::string> operator_name;
  std::optional<std::string> request_id;
  std::optional<std::string> command;
  std::optional<std::string> node;
  std::optional<std::string> reason;
  std::optional<bool> interactive;
  Bytes details = AuditDetails().finish();
};

// The line, without newline. Refused where its reader would refuse it: too long, or details that are no JSON once
// written (a node may answer a map with a key twice).
[[nodiscard]] Result<std::string> render_audit_record(uint64_t number, uint64_t wall_us, const Sha256& prev,
                                                      const AuditEntry& entry);

// Why `line` (without newline) is not record `number` after the line with hash `prev`; nullopt where it is.
[[nodiscard]] std::optional<std::string> audit_record_problem(std::string_view line, uint64_t number,
                                                              const Sha256& prev);

// The stage that a line states; empty where it is no record.
[[nodiscard]] std::string audit_stage_of(std::string_view line);

}  // namespace aerodb::controlplane
