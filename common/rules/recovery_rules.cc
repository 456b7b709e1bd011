#include "common/rules/recovery_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "common/rules/checkpoint_rules.h"

namespace aerodb::rules {
namespace {

void pack_code(document::PackWriter& out, const std::optional<ErrorCode>& code) {
  out.text("code");
  if (code)
    out.text(error_row(*code).name);
  else
    out.nil();
}

std::string_view status_of(const RecoveryEvidence& e, RecoveryOutcome outcome) {
  switch (outcome) {
    case RecoveryOutcome::kRecovered:
      return e.carried_out ? "recovered" : "would recover";
    case RecoveryOutcome::kRefused:
      return e.carried_out ? "refused" : "would be refused";
    case RecoveryOutcome::kIncomplete:
      return "incomplete";
    case RecoveryOutcome::kUndetermined:
      break;
  }
  return "undetermined";
}

std::string reason_of(const std::vector<RuleEntry>& entries) {
  const auto open = std::ranges::find(entries, Evaluation::kUndetermined, &RuleEntry::evaluation);
  return open == entries.end() ? "" : fmt::format("{}: {}", rule(open->rule).name, fmt::join(open->missing, ", "));
}

void pack_conclusion(document::PackWriter& out, const RecoveryEvidence& e, const RecoveryVerdict& verdict,
                     const std::vector<RuleEntry>& entries) {
  const bool undetermined = verdict.outcome == RecoveryOutcome::kUndetermined;
  const bool incomplete = verdict.outcome == RecoveryOutcome::kIncomplete;
  out.map(undetermined || incomplete ? 8 : 7);
  out.field("status", status_of(e, verdict.outcome));
  if (undetermined) out.field("reason", reason_of(entries));
  if (incomplete) detail::pack_field("error", e.error_message, out);
  pack_code(out, verdict.code);
  out.text("tail_label");
  if (verdict.tail)
    out.text(tail_label_name(*verdict.tail));
  else
    out.nil();
  detail::pack_field("final_commit_id", e.final_commit, out);
  detail::pack_field("final_lsn", e.final_lsn, out);
  detail::pack_field("digest", e.replayed_digest, out);
  out.text("state_valid");
  if (undetermined || incomplete)
    out.nil();
  else
    out.boolean(verdict.outcome == RecoveryOutcome::kRecovered);
}

}  // namespace

std::string_view tail_label_name(TailLabel label) {
  static constexpr std::string_view kNames[] = {"T1", "T2", "T3", "T4"};
  return kNames[static_cast<size_t>(label)];
}

std::vector<RecoverySync> syncs_needed(const RecoveryEvidence& evidence) {
  std::vector<RecoverySync> needed;
  if (evidence.manifest_number.value_or(0) == 0) return needed;
  for (const auto& run : evidence.runs) needed.push_back({fmt::format("runs/{:08}.run", run.number)});
  if (!evidence.runs.empty()) needed.push_back({"runs"});
  needed.push_back({"MANIFEST"});
  needed.push_back({"."});
  return needed;
}

namespace detail {

bool covers(const std::vector<RecoverySync>& done, const std::vector<RecoverySync>& needed) {
  std::set<std::string_view> names;
  for (const auto& sync : done) names.insert(sync.name);
  return std::ranges::all_of(needed, [&](const auto& sync) { return names.contains(sync.name); });
}

bool runs_complete(const RecoveryEvidence& e) {
  const uint64_t manifest_next = e.manifest_next_run.value_or(0);
  return detail::runs_join(e.runs, manifest_next, e.manifest_commit.value_or(CommitId())) &&
         *e.next_run >= manifest_next;
}

std::optional<bool> runs_verified(const RecoveryEvidence& e) {
  bool all = e.manifest_number.has_value();
  for (const auto& run : e.runs) {
    if (run.verified == false) return false;
    all = all && run.verified.has_value();
  }
  return all ? std::optional(true) : std::nullopt;
}

ErrorCode tail_code(TailLabel label) {
  if (label == TailLabel::kT2) return ErrorCode::kWalHole;
  return label == TailLabel::kT3 ? ErrorCode::kWalBoundLost : ErrorCode::kWalDiscontinuity;
}

}  // namespace detail

Explanation explain_recovery(const RecoveryEvidence& evidence, LineageId lineage) {
  RecordingTrace trace;
  const auto verdict = decide_recovery(evidence, trace);
  return render_explanation(
      ExplanationType::kRecovery, {lineage, evidence.final_commit.value_or(CommitId())},
      [&](document::PackWriter& out) {
        out.map(7);
        out.field("carried_out", evidence.carried_out);
        out.field("segments", evidence.segments);
        out.field("segment_bytes", evidence.segment_bytes);
        detail::pack_field("initial_lsn", evidence.initial_lsn, out);
        detail::pack_field("clean_stop_lsn", evidence.clean_stop_lsn, out);
        detail::pack_field("clean_stop_chain", evidence.clean_stop_chain, out);
        detail::pack_field("manifest_lsn", evidence.tail.manifest_lsn, out);
      },
      trace.entries(), [&](document::PackWriter& out) { pack_conclusion(out, evidence, verdict, trace.entries()); });
}

}  // namespace aerodb::rules
