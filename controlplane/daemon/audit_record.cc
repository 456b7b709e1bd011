#include "controlplane/daemon/audit_record.h"

#include <fmt/format.h>

#include <array>

#include "common/base/checksum.h"
#include "common/document/json.h"

namespace aerodb::controlplane {
namespace {

constexpr std::array<std::string_view, 8> kStageNames = {"requested",  "explained", "confirmed", "refused",
                                                         "dispatched", "answered",  "unknown",   "torn_tail"};
constexpr size_t kMaxTextBytes = 8192;
constexpr std::string_view kHashKey = ",\"hash\":\"";
constexpr std::string_view kHashEnd = "\"}";
constexpr size_t kHashTextBytes = 64;
constexpr size_t kSealBytes = kHashKey.size() + kHashTextBytes + kHashEnd.size();

void optional_text(document::PackWriter& out, std::string_view key, const std::optional<std::string>& value) {
  out.text(key);
  if (value)
    out.text(*value);
  else
    out.nil();
}

// A line read back; nullopt where it is no object.
std::optional<document::ParsedJson> parse_line(std::string_view line) {
  auto json = document::parse_json(line);
  if (!json || json->root().type() != document::Type::kMap) return std::nullopt;
  return std::move(*json);
}

std::string hash_of(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

}  // namespace

std::string_view audit_stage_name(AuditStage stage) { return kStageNames[static_cast<size_t>(stage)]; }

AuditDetails& AuditDetails::text(std::string_view key, std::string_view value) {
  document::PackWriter out(fields_);
  if (value.size() <= kMaxTextBytes)
    out.field(key, value);
  else
    out.field(key, std::string_view(std::string(value.substr(0, kMaxTextBytes)) + "..."));
  ++count_;
  return *this;
}

AuditDetails& AuditDetails::number(std::string_view key, uint64_t value) {
  document::PackWriter(fields_).field(key, value);
  ++count_;
  return *this;
}

AuditDetails& AuditDetails::bytes(std::string_view key, ByteSpan value) {
  document::PackWriter out(fields_);
  out.text(key);
  out.bytes(value);
  ++count_;
  return *this;
}

AuditDetails& AuditDetails::packed(std::string_view key, ByteSpan value) {
  document::PackWriter out(fields_);
  out.text(key);
  out.raw(value);
  ++count_;
  return *this;
}

AuditDetails& AuditDetails::nil(std::string_view key) {
  document::PackWriter out(fields_);
  out.text(key);
  out.nil();
  ++count_;
  return *this;
}

Bytes AuditDetails::finish() const {
  Bytes map;
  document::PackWriter out(map);
  out.map(count_);
  out.raw(fields_);
  return map;
}

Result<std::string> render_audit_record(uint64_t number, uint64_t wall_us, const Sha256& prev,
                                        const AuditEntry& entry) {
  Bytes packed;
  document::PackWriter out(packed);
  out.map(12);
  out.field("number", number);
  out.field("stage", audit_stage_name(entry.stage));
  out.field("wall_us", wall_us);
  out.text("uid");
  if (entry.uid)
    out.unsigned_integer(*entry.uid);
  else
    out.nil();
  optional_text(out, "operator", entry.operator_name);
  optional_text(out, "request_id", entry.request_id);
  optional_text(out, "command", entry.command);
  optional_text(out, "node", entry.node);
  optional_text(out, "reason", entry.reason);
  out.text("interactive");
  if (entry.interactive)
    out.boolean(*entry.interactive);
  else
    out.nil();
  out.text("details");
  out.raw(entry.details);
  out.field("prev", std::string_view(to_hex(prev)));
  auto line = document::to_json(packed);
  if (!line) return fail(std::move(line.error()));
  line->pop_back();
  const std::string hash = hash_of(*line);
  line->append(kHashKey).append(hash).append(kHashEnd);
  if (auto problem = audit_record_problem(*line, number, prev)) {
    return fail(ErrorCode::kBadMessage, fmt::format("audit record {}: {}", number, *problem));
  }
  return std::move(*line);
}

std::optional<std::string> audit_record_problem(std::string_view line, uint64_t number, const Sha256& prev) {
  if (line.size() > kMaxAuditLineBytes) return fmt::format("longer than {} bytes", kMaxAuditLineBytes);
  const auto parsed = parse_line(line);
  if (!parsed) return "not a JSON object";
  const auto root = parsed->root();
  const auto own_number = root.find("number");
  const auto stage = root.find("stage");
  const auto own_prev = root.find("prev");
  if (!own_number || !own_number->unsigned_integer() || !stage || !stage->text() || !own_prev || !own_prev->text()) {
    return "number, stage or prev is missing";
  }
  if (line.size() < kSealBytes || !line.ends_with(kHashEnd)) return "hash is missing";
  const auto body = line.substr(0, line.size() - kSealBytes);
  const auto seal = line.substr(body.size());
  if (!seal.starts_with(kHashKey)) return "hash is missing";
  if (seal.substr(kHashKey.size(), kHashTextBytes) != hash_of(body)) return "its bytes do not have its hash";
  if (*own_number->unsigned_integer() != number) {
    return fmt::format("record {} stands where {} is expected", *own_number->unsigned_integer(), number);
  }
  if (*own_prev->text() != to_hex(prev)) return "prev is not the hash of the record before it";
  return std::nullopt;
}

std::string audit_stage_of(std::string_view line) {
  const auto parsed = parse_line(line);
  if (!parsed) return "";
  const auto stage = parsed->root().find("stage");
  return std::string(stage ? stage->text().value_or("") : "");
}

}  // namespace aerodb::controlplane
