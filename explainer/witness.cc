#include "explainer/witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/rules/rederive.h"
#include "explainer/differences.h"

namespace aerodb::explainer {
namespace {

// A receipt is shown whole or not at all; the rules rely on it.
bool receipt_in_part(ByteSpan explanation) {
  const auto safety = shown<rules::ReplicationSafetyEvidence>(explanation, rules::ExplanationType::kReplicationSafety);
  if (!safety) return false;
  const auto& gate = safety->evidence.gate;
  const bool has = gate.receipt_lsn.has_value();
  return gate.receipt_chain.has_value() != has || gate.receipt_lineage.has_value() != has ||
         gate.receipt_epoch.has_value() != has;
}

std::string hashes_differ(document::Cursor object, const std::string& json, const wire::ExplanationResponse& answer) {
  if (sha256(as_bytes(json)) != answer.sha256) return "sha256: not that of the object";
  const auto rules = object.find("rules_applied");
  if (!rules || rules->token().size != answer.rule_sha256.size()) return "rule_sha256: another number of rules";
  auto entry = rules->first();
  for (size_t i = 0; i < answer.rule_sha256.size(); ++i, entry = entry.skip()) {
    if (sha256(as_bytes(document::to_json(entry))) != answer.rule_sha256[i]) {
      return fmt::format("rule_sha256[{}]: not that of the rule entry", i);
    }
  }
  return "";
}

// A version as the operation that wrote it proves it.
rules::VersionEvidence version_of(const wal::RecordHeader& header, const wal::CommitOperation& operation) {
  const bool tombstone = operation.op == wal::Operation::kDelete;
  rules::VersionEvidence version;
  version.commit = header.commit;
  version.lsn = header.lsn;
  version.kind = tombstone ? "tombstone" : "document";
  version.schema_version = operation.schema_version;
  if (!tombstone) version.hash.bytes = xxh3_128(operation.document);
  version.prev_commit = operation.prev_commit;
  return version;
}

std::optional<std::string> fields_differ(const rules::VersionEvidence& expected, const rules::VersionEvidence& given,
                                         std::string_view in) {
  auto difference = first_of({
      differ("commit", expected.commit, given.commit, in),
      differ("lsn", expected.lsn, given.lsn, in),
      differ("kind", expected.kind, given.kind, in),
      differ("schema_version", expected.schema_version, given.schema_version, in),
      differ("hash", expected.hash, given.hash, in),
      differ("prev_commit", expected.prev_commit, given.prev_commit, in),
  });
  if (difference) difference = fmt::format("version of commit {}: {}", given.commit.value(), *difference);
  return difference;
}

}  // namespace

std::string_view checked_name(Checked checked) {
  switch (checked) {
    case Checked::kNone:
      return "none";
    case Checked::kLog:
      return "log";
    case Checked::kPeer:
      return "peer";
    case Checked::kStatus:
      return "status";
  }
  return "none";
}

std::string_view agrees_name(Agrees agrees) {
  switch (agrees) {
    case Agrees::kUnknown:
      return "unknown";
    case Agrees::kTrue:
      return "true";
    case Agrees::kFalse:
      return "false";
  }
  return "unknown";
}

// --- the first verdict

RulesVerdict judge_rules(rules::ExplanationType asked, const wire::ExplanationResponse& answer) {
  document::Tape tape;
  if (auto parsed = tape.parse(answer.explanation.bytes); !parsed) return {false, parsed.error().message};
  const auto object = tape.root();
  const auto reader = rules::ExplanationReader::open(object);
  if (!reader) return {false, reader.error().message};
  if (reader->type() != asked) return {false, "explanation_type"};
  if (receipt_in_part(answer.explanation.bytes)) return {false, "a receipt is shown in part"};
  const auto derived = rules::rederive(object);
  if (!derived) return {false, derived.error().message};
  if (!derived->follows) return {false, derived->why};
  std::string why = hashes_differ(object, derived->json, answer);
  return {why.empty(), std::move(why)};
}

WitnessReport open_report(std::string_view node, rules::ExplanationType asked,
                          const wire::ExplanationResponse& answer) {
  WitnessReport report;
  report.node = node;
  const ByteSpan bytes = answer.explanation.bytes;
  report.explanation.assign(bytes.begin(), bytes.end());
  report.sha256 = answer.sha256;
  report.rule_sha256 = answer.rule_sha256;
  report.rules = judge_rules(asked, answer);
  document::Tape tape;
  if (tape.parse(bytes)) {
    if (const auto reader = rules::ExplanationReader::open(tape.root())) report.commit = reader->observed().commit;
  }
  return report;
}

void WitnessReport::note(ErrorCode code) {
  if (std::ranges::find(notes, code) == notes.end()) notes.push_back(code);
}

wire::WitnessResponse WitnessReport::response() const {
  wire::WitnessResponse response;
  response.node = node;
  response.explanation.bytes = explanation;
  response.sha256 = sha256;
  response.rule_sha256 = rule_sha256;
  response.rules_follow = rules.follow ? "true" : "false";
  if (!rules.why.empty()) response.rules_follow_why = rules.why;
  response.evidence_checked = checked_name(evidence.checked);
  response.evidence_agrees = agrees_name(evidence.agrees);
  if (!evidence.why.empty()) response.evidence_why = evidence.why;
  return response;
}

// --- the second: a read

std::optional<std::string> read_differs(const rules::ReadVisibilityEvidence& evidence, std::string_view collection,
                                        std::string_view id, std::optional<CommitId> at_commit) {
  constexpr std::string_view kRequest = "the request";
  auto difference = first_of({
      differ("collection", std::string(collection), evidence.collection, kRequest),
      differ("_id", std::string(id), evidence.id, kRequest),
      differ("commit", at_commit.value_or(evidence.commit), evidence.commit, kRequest),
  });
  if (difference || evidence.versions.empty()) return difference;
  const auto& oldest = evidence.versions.back();
  if (oldest.commit <= evidence.floor || oldest.prev_commit.value() == 0) return std::nullopt;
  return fmt::format("version of commit {}: it lies above the floor, and the one before it, of commit {}, is not shown",
                     oldest.commit.value(), oldest.prev_commit.value());
}

std::optional<std::string> version_differs(const rules::ReadVisibilityEvidence& evidence,
                                           const rules::VersionEvidence& version, ByteSpan records) {
  const auto at = [&](std::string_view what) {
    return fmt::format("version of commit {}: the record at LSN {} {}", version.commit.value(), version.lsn.value(),
                       what);
  };
  const auto record = wal::read_record(records);
  if (!record) return at("is damaged: " + record.error().message);
  if (record->header.lsn != version.lsn) return at(fmt::format("says LSN {}", record->header.lsn.value()));
  const auto payload = wal::parse_payload(*record);
  if (!payload) return at("is damaged: " + payload.error().message);
  const auto* commit = std::get_if<wal::Commit>(&*payload);
  if (commit == nullptr) return at("is no commit");
  for (const auto& operation : commit->operations) {
    if (operation.collection != evidence.collection || operation.id != evidence.id) continue;
    return fields_differ(version_of(record->header, operation), version, "the log");
  }
  return at("holds no operation on this document");
}

std::optional<std::string> versions_differ(const rules::ReadVisibilityEvidence& evidence,
                                           const wire::EvidenceVersionsResponse& other) {
  const size_t shown = evidence.versions.size();
  const size_t compared = std::min(shown, kMaxVersionsChecked);
  for (size_t i = 0; i < std::min(compared, other.versions.size()); ++i) {
    const auto& from = other.versions[i];
    const rules::VersionEvidence expected{from.commit_id,          from.lsn,        from.kind, from.schema_version,
                                          DocumentHash{from.hash}, from.prev_commit};
    if (auto difference = fields_differ(expected, evidence.versions[i], "the other node")) return difference;
  }
  const bool fewer = other.versions.size() < compared;
  const bool more = shown <= kMaxVersionsChecked && (other.versions.size() > shown || other.more);
  if (!fewer && !more) return std::nullopt;
  return fmt::format("the other node has {}{} versions, the explanation {}", other.versions.size(),
                     other.more ? " or more" : "", shown);
}

// --- the second: a replica's safety

Result<wal::RecordView> record_at(Lsn lsn, ByteSpan records) {
  auto record = wal::read_record(records);
  if (record && record->header.lsn != lsn) {
    auto message = fmt::format("the record at LSN {} says LSN {}", lsn.value(), record->header.lsn.value());
    return fail(ErrorCode::kBadRecord, std::move(message));
  }
  return record;
}

Result<LogPosition> position_at(Lsn lsn, ByteSpan records) {
  const auto record = record_at(lsn, records);
  if (!record) return fail(record.error());
  return LogPosition{lsn, record->header.epoch, record->header.commit, record->chain_after()};
}

std::optional<std::string> safety_differs(const rules::ReplicationSafetyEvidence& evidence,
                                          std::optional<CommitId> at_commit, const std::optional<LogPosition>& source) {
  constexpr std::string_view kHandedOver = "the request";
  if (evidence.source_lsn.has_value() != source.has_value() ||
      evidence.source_chain.has_value() != source.has_value()) {
    return source ? "the source's position was handed over and is not shown" : "a source's position nobody handed over";
  }
  if (!source && evidence.own_chain_at_source_lsn) return "own_chain_at_source_lsn is shown, and no source's position";
  if (source) {
    auto difference = first_of({differ("source_lsn", source->lsn, *evidence.source_lsn, kHandedOver),
                                differ("source_chain", source->chain, *evidence.source_chain, kHandedOver)});
    if (difference) return difference;
  }
  return differ("commit", at_commit.value_or(evidence.gate.commit), evidence.gate.commit, kHandedOver);
}

std::optional<std::string> own_end_differs(const rules::ReplicationSafetyEvidence& evidence, const LogPosition& own) {
  constexpr std::string_view kLog = "the log";
  if (auto difference = differ("own_chain", own.chain, evidence.own_chain, kLog)) return difference;
  if (evidence.gate.applied_lsn != own.lsn) return std::nullopt;
  return differ("applied_commit", own.commit, evidence.gate.applied_commit, kLog);
}

}  // namespace aerodb::explainer
