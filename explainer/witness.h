// The witness's two verdicts, as functions over what was received. Pure: no I/O, no clock. Everything read here came
// from outside and may be damaged or made up.
//
// The verdicts find damage, mistakes of transport and lying state. They don't find a fault in a rule, which is the same
// code here and there, nor what a forger of both log and explanation prepared. Versions newer than those shown can be
// missed in the log, because only positions that the explanation names are looked up there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"
#include "common/wal/record.h"
#include "common/wire/messages_client.h"
#include "common/wire/messages_explainer.h"

namespace aerodb::explainer {

// Do the rules, applied again to the evidence shown, give this very object with these hashes?
struct RulesVerdict {
  bool follow = false;
  std::string why;  // the first difference; empty where they follow
};
[[nodiscard]] RulesVerdict judge_rules(rules::ExplanationType asked, const wire::ExplanationResponse& answer);

// What the evidence was compared with, and the outcome. kStatus: the node's status, before and after.
enum class Checked : uint8_t { kNone, kLog, kPeer, kStatus };
enum class Agrees : uint8_t { kUnknown, kTrue, kFalse };
[[nodiscard]] std::string_view checked_name(Checked checked);
[[nodiscard]] std::string_view agrees_name(Agrees agrees);
struct EvidenceVerdict {
  Checked checked = Checked::kNone;
  Agrees agrees = Agrees::kUnknown;
  std::string why;
};

// Everything the explainer answers about one explanation.
struct WitnessReport {
  std::string node;
  Bytes explanation;  // the node's bytes
  Sha256 sha256{};
  std::vector<Sha256> rule_sha256;
  std::optional<CommitId> commit;  // that the explanation speaks of; absent where it has not the model's form
  RulesVerdict rules;
  EvidenceVerdict evidence;
  std::vector<ErrorCode> notes;  // what could not be seen on the way, each once

  void note(ErrorCode code);
  [[nodiscard]] wire::WitnessResponse response() const;  // views `explanation`
};
// Takes over what the node answered, and gives the first verdict.
[[nodiscard]] WitnessReport open_report(std::string_view node, rules::ExplanationType asked,
                                        const wire::ExplanationResponse& answer);

// The evidence of an explanation; absent where it can't be read whole.
template <class Evidence>
struct Shown {
  rules::ObservedSnapshot observed;
  Evidence evidence;
};
template <class Evidence>
[[nodiscard]] std::optional<Shown<Evidence>> shown(ByteSpan explanation, rules::ExplanationType type) {
  document::Tape tape;
  if (!tape.parse(explanation)) return std::nullopt;
  const auto reader = rules::ExplanationReader::open(tape.root());
  Shown<Evidence> result;
  if (!reader || reader->type() != type || !reader->read(result.evidence)) return std::nullopt;
  result.observed = reader->observed();
  return result;
}

// --- comparisons: the first difference in words, or nullopt

// Versions of a chain that are looked up, newest first; one with more is compared in part, and the verdict says so.
inline constexpr size_t kMaxVersionsChecked = 64;

// Is the explanation about the read that was asked for, and does the chain it shows end where a chain may end?
[[nodiscard]] std::optional<std::string> read_differs(const rules::ReadVisibilityEvidence& evidence,
                                                      std::string_view collection, std::string_view id,
                                                      std::optional<CommitId> at_commit);
// A version against the log: `records` begins with the record at its LSN.
[[nodiscard]] std::optional<std::string> version_differs(const rules::ReadVisibilityEvidence& evidence,
                                                         const rules::VersionEvidence& version, ByteSpan records);
// The newest kMaxVersionsChecked versions against another node's, asked for with before_commit above the bound.
[[nodiscard]] std::optional<std::string> versions_differ(const rules::ReadVisibilityEvidence& evidence,
                                                         const wire::EvidenceVersionsResponse& other);

// A place in a log, as the record there proves it.
struct LogPosition {
  Lsn lsn;
  Epoch epoch;
  CommitId commit;
  Chain chain;  // after the record
};
// BAD_RECORD unless `records` begins with a sound record of that LSN. A view into `records`.
[[nodiscard]] Result<wal::RecordView> record_at(Lsn lsn, ByteSpan records);
[[nodiscard]] Result<LogPosition> position_at(Lsn lsn, ByteSpan records);

// Is the explanation about the commit asked for, and does it show the source's position that was handed over?
[[nodiscard]] std::optional<std::string> safety_differs(const rules::ReplicationSafetyEvidence& evidence,
                                                        std::optional<CommitId> at_commit,
                                                        const std::optional<LogPosition>& source);
// The node's own end of log against its record there.
[[nodiscard]] std::optional<std::string> own_end_differs(const rules::ReplicationSafetyEvidence& evidence,
                                                         const LogPosition& own);

}  // namespace aerodb::explainer
