#include "common/rules/query_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/base/checksum.h"
#include "common/rules/enum_names.h"

namespace aerodb::rules {
namespace {

constexpr std::string_view kIdPath = "_id";
constexpr std::string_view kRowNames[] = {"P1", "P2", "P3", "P4", "P5"};  // from 1 on
constexpr std::string_view kFitNames[] = {"none", "sort", "range", "equality"};
constexpr std::string_view kOutcomeNames[] = {"chosen", "no row", "earlier row", "declared first"};
constexpr std::string_view kBoundNames[] = {"one document", "limit + 1", "max_entries"};
constexpr std::string_view kStatusNames[] = {"answered", "refused", "incomplete", "undetermined"};

bool names(ErrorCode code, const std::optional<std::string>& ended_by) {
  return ended_by && *ended_by == error_row(code).name;
}

IndexFit fit_of(const IndexCandidate& candidate, const std::optional<std::string>& sort) {
  const bool point = candidate.low && candidate.low == candidate.high && !candidate.low_open && !candidate.high_open;
  if (point) return IndexFit::kEquality;
  if (candidate.low || candidate.high) return IndexFit::kRange;
  return sort == candidate.path ? IndexFit::kSort : IndexFit::kNone;
}

SortBy sort_by(const std::optional<std::string>& sort) {
  if (!sort) return SortBy::kNothing;
  return *sort == kIdPath ? SortBy::kId : SortBy::kField;
}

// Tells of each candidate what it fits and what became of it; answers the chosen one, or nullptr.
const IndexCandidate* judge_candidates(std::vector<IndexCandidate>& candidates,
                                       const std::optional<std::string>& sort) {
  for (auto& candidate : candidates) {
    candidate.fits = fit_of(candidate, sort);
    candidate.row = plan_row(candidate.path == kIdPath, candidate.fits, sort == candidate.path, sort_by(sort));
  }
  const auto chosen = choose_index(candidates, [](const IndexCandidate& candidate) { return candidate.row; });
  for (auto at = candidates.begin(); at != candidates.end(); ++at) {
    at->outcome = at == chosen             ? IndexOutcome::kChosen
                  : !at->row               ? IndexOutcome::kNoRow
                  : at->row == chosen->row ? IndexOutcome::kDeclaredFirst
                                           : IndexOutcome::kEarlierRow;
  }
  return chosen == candidates.end() ? nullptr : &*chosen;
}

// From here on everything about keys is said in hex, which orders as the bytes do.
std::string next_key(const std::string& key) { return key + "00"; }
std::string first_in(const std::string& low, bool open) { return open ? next_key(low) : low; }
std::string first_behind(const std::string& high, bool open) { return open ? high : next_key(high); }

struct Span {
  EntryPlace from;
  std::optional<EntryPlace> to;
};
// Held at one value, the entries lie in order of _id.
bool is_held(const IndexCandidate& chosen) { return chosen.fits == IndexFit::kEquality && chosen.path != kIdPath; }

// What the predicates leave of the chosen index.
Span span_of(const IndexCandidate& chosen, const std::vector<IndexCandidate>& candidates) {
  Span span;
  if (chosen.low) span.from.key = first_in(*chosen.low, chosen.low_open);
  if (chosen.high) span.to = EntryPlace{first_behind(*chosen.high, chosen.high_open), ""};
  const auto id = std::ranges::find(candidates, kIdPath, &IndexCandidate::path);
  if (!is_held(chosen) || id == candidates.end()) return span;
  if (id->low) span.from.id = first_in(*id->low, id->low_open);
  if (id->high) span.to = EntryPlace{*chosen.low, first_behind(*id->high, id->high_open)};
  return span;
}

// A page begins or ends within the span.
bool walks(const PlanEvidence& plan, const Span& span, bool is_page) {
  auto order = [](const EntryPlace& place) { return std::tie(place.key, place.id); };
  const auto to = [&](const std::optional<EntryPlace>& place) {
    return place ? std::optional(order(*place)) : std::nullopt;
  };
  if (!is_page) return order(plan.from) == order(span.from) && to(plan.to) == to(span.to);
  return order(plan.from) >= order(span.from) && (!span.to || (plan.to && order(*plan.to) <= order(*span.to)));
}

// A page narrows what is checked where it can't narrow the walk.
bool checks(const PlanCheck& check, const IndexCandidate& candidate, bool is_page) {
  auto range = [](const auto& of) { return std::tie(of.low, of.low_open, of.high, of.high_open); };
  return check.path == candidate.path && (is_page || range(check) == range(candidate));
}

// Whether the plan is the one that the candidates give: the chosen index, walked over what the predicates leave of it,
// and a check of every other field asked for, but of _id where the walk is narrowed by it.
bool follows(const PlanEvidence& plan, const QueryEvidence& e, const IndexCandidate& chosen) {
  if (plan.row != chosen.row || plan.index != chosen.path || plan.collection != e.collection ||
      plan.schema_version != e.schema_version || plan.limit != e.limit)
    return false;
  std::vector<IndexCandidate> left;
  for (const auto& candidate : *e.candidates) {
    if (candidate.fits == IndexFit::kNone || candidate.path == chosen.path) continue;
    if (!is_held(chosen) || candidate.path != kIdPath) left.push_back(candidate);
  }
  const bool is_page = e.after.has_value();
  auto same = [&](const PlanCheck& check, const IndexCandidate& candidate) {
    return checks(check, candidate, is_page);
  };
  return walks(plan, span_of(chosen, *e.candidates), is_page) && std::ranges::equal(plan.checks, left, same) &&
         e.plan_hash == sha256(as_bytes(plan_text(plan)));
}

void note_fields_not_indexed(QueryEvidence& e) {
  e.not_indexed.clear();
  if (!e.indexed_fields) return;
  auto look_at = [&](const std::string& path) {
    const bool known = std::ranges::find(*e.indexed_fields, path, &IndexedField::path) != e.indexed_fields->end();
    if (!known && std::ranges::find(e.not_indexed, path) == e.not_indexed.end()) e.not_indexed.push_back(path);
  };
  for (const auto& predicate : e.where) look_at(predicate.field);
  if (e.sort) look_at(*e.sort);
}

Evaluation decide_plan(QueryEvidence& e) {
  note_fields_not_indexed(e);
  const auto* chosen = e.candidates ? judge_candidates(*e.candidates, e.sort) : nullptr;
  if (!e.not_indexed.empty()) return Evaluation::kFalse;
  if (!e.indexed_fields || !e.candidates) return Evaluation::kUndetermined;
  if (chosen == nullptr) return Evaluation::kFalse;
  return e.plan ? evaluation(follows(*e.plan, e, *chosen)) : Evaluation::kUndetermined;
}

Evaluation decide_bound(QueryEvidence& e) {
  e.bound_by.reset();
  if (!e.plan || !e.bound_entries || !e.limit) return Evaluation::kUndetermined;
  const auto bound =
      bound_of(e.plan->row, !e.plan->checks.empty(), *e.limit, e.max_entries, e.default_max_entries.value_or(0));
  e.bound_by = bound.source;
  return evaluation(bound.entries == *e.bound_entries && e.plan->bound_entries == *e.bound_entries);
}

// Every entry proposed has an end, and what was taken was visited and held every predicate (QRY-5).
Evaluation decide_checks(const QueryEvidence& e) {
  if (!e.entries_proposed || !e.dropped_no_document || !e.dropped_other_value || !e.entries_visited ||
      !e.dropped_by_predicates || !e.documents_taken || !e.limit)
    return Evaluation::kUndetermined;
  const uint64_t beyond_bound = names(ErrorCode::kQueryBoundExceeded, e.ended_by) ? 1 : 0;
  const uint64_t refused = e.newer_version || names(ErrorCode::kMessageTooLarge, e.ended_by) ? 1 : 0;
  const bool all_ended =
      *e.entries_proposed == *e.dropped_no_document + *e.dropped_other_value + *e.entries_visited + beyond_bound;
  const bool all_checked = *e.entries_visited == *e.dropped_by_predicates + *e.documents_taken + refused;
  const bool by_limit = e.ended_by == kEndedByLimit;
  return evaluation(all_ended && all_checked && *e.documents_taken <= *e.limit &&
                    (!by_limit || *e.documents_taken == *e.limit));
}

// What the query itself found on its way; the code that is no rule's is an error.
QueryDecision decide_end(const QueryEvidence& e) {
  if (!e.ended_by) return {};
  if (*e.ended_by == kEndedByLimit || *e.ended_by == kEndedByRange) return {QueryStatus::kAnswered, std::nullopt};
  const bool refused = names(ErrorCode::kQueryBoundExceeded, e.ended_by) ||
                       names(ErrorCode::kSchemaNewer, e.ended_by) || names(ErrorCode::kMessageTooLarge, e.ended_by);
  return {refused ? QueryStatus::kRefused : QueryStatus::kIncomplete, e.ended_by};
}

QueryDecision refused(ErrorCode code) { return {QueryStatus::kRefused, std::string(error_row(code).name)}; }

void write_inputs(const QueryEvidence& e, document::PackWriter& out) {
  out.map(9);
  QueryEvidence::fields(e, [&, left = 9](std::string_view name, const auto& member) mutable {
    if (left-- <= 0) return;  // they stand first
    detail::pack_field(name, member, out);
  });
}

void write_rules(const std::vector<RuleEntry>& rules, Evaluation wanted, document::PackWriter& out) {
  const auto is_wanted = [&](const RuleEntry& entry) { return entry.evaluation == wanted; };
  out.array(static_cast<uint32_t>(std::ranges::count_if(rules, is_wanted)));
  for (const auto& entry : rules) {
    if (is_wanted(entry)) out.text(rule(entry.rule).name);
  }
}

void write_conclusion(const QueryEvidence& e, const QueryDecision& decision, const std::vector<RuleEntry>& rules,
                      document::PackWriter& out) {
  if (decision.status == QueryStatus::kUndetermined) {
    out.map(2);
    out.field("status", query_status_name(decision.status));
    out.field("reason", "QRY-5: ended_by");
    return;
  }
  out.map(5);
  out.field("status", query_status_name(decision.status));
  detail::pack_field("code", decision.code, out);
  detail::pack_field("plan", e.plan, out);
  out.text("guarantees");
  if (decision.status == QueryStatus::kIncomplete)
    out.array(0);  // the rest of the walk may break any of them
  else
    write_rules(rules, Evaluation::kTrue, out);
  out.text("rules_not_holding");
  write_rules(rules, Evaluation::kFalse, out);
}

}  // namespace

std::string_view enum_name(PlanRow row) { return kRowNames[static_cast<size_t>(row) - 1]; }
bool enum_from_name(std::string_view name, PlanRow& row) { return from_name(kRowNames, name, row, 1); }
std::string_view enum_name(IndexFit fit) { return kFitNames[static_cast<size_t>(fit)]; }
bool enum_from_name(std::string_view name, IndexFit& fit) { return from_name(kFitNames, name, fit); }
std::string_view enum_name(IndexOutcome outcome) { return kOutcomeNames[static_cast<size_t>(outcome)]; }
bool enum_from_name(std::string_view name, IndexOutcome& outcome) { return from_name(kOutcomeNames, name, outcome); }
std::string_view enum_name(BoundSource source) { return kBoundNames[static_cast<size_t>(source)]; }
bool enum_from_name(std::string_view name, BoundSource& source) { return from_name(kBoundNames, name, source); }
std::string_view query_status_name(QueryStatus status) { return kStatusNames[static_cast<size_t>(status)]; }

std::string plan_text(const PlanEvidence& plan) {
  auto name = [](std::string_view text) { return fmt::format("{}:{}", text.size(), text); };
  std::string text = fmt::format("plan {}\ncollection {}\nschema {}\nindex {}\n{}\nfrom {}:{}\n", enum_name(plan.row),
                                 name(plan.collection), plan.schema_version, name(plan.index),
                                 plan.descending ? "descending" : "ascending", plan.from.key, plan.from.id);
  if (plan.to) text += fmt::format("to {}:{}\n", plan.to->key, plan.to->id);
  for (const auto& check : plan.checks) {
    text += "check " + name(check.path);
    if (!check.low && !check.high) text += " present";
    if (check.low) text += (check.low_open ? " > " : " >= ") + *check.low;
    if (check.high) text += (check.high_open ? " < " : " <= ") + *check.high;
    text += '\n';
  }
  return text + fmt::format("limit {}\nbound {}\n", plan.limit, plan.bound_entries);
}

QueryDecision decide_query(QueryEvidence& e, RecordingTrace& trace) {
  const bool above_floor = e.commit >= e.floor;
  trace.apply(RuleId::kMvcc4, evaluation(above_floor), e, "commit", "floor");
  const bool limited = e.limit && *e.limit >= 1;
  trace.apply(RuleId::kQry1, evaluation(limited), e, "limit");
  const auto planned = decide_plan(e);
  trace.apply(RuleId::kQry2, planned, e, "candidates", "indexed_fields", "not_indexed", "plan", "plan_hash",
              "schema_version");
  const auto bounded = decide_bound(e);
  trace.apply(RuleId::kQry3, bounded, e, "bound_by", "bound_entries", "default_max_entries", "limit", "max_entries");
  const bool ran = e.entries_visited && e.bound_entries;
  const bool within =
      ran && !names(ErrorCode::kQueryBoundExceeded, e.ended_by) && *e.entries_visited <= *e.bound_entries;
  trace.apply(RuleId::kQry4, ran ? evaluation(within) : Evaluation::kUndetermined, e, "bound_entries", "ended_by",
              "entries_visited");
  const bool newer = e.newer_version && is_newer_schema(e.newer_version->schema_version, e.schema_version);
  trace.apply(RuleId::kMvcc7, ran ? evaluation(!newer) : Evaluation::kUndetermined, e, "entries_visited",
              "newer_version", "schema_version");
  trace.apply(RuleId::kQry5, decide_checks(e), e, "answer_sha256", "documents_taken", "dropped_by_predicates",
              "dropped_no_document", "dropped_other_value", "ended_by", "entries_proposed", "entries_visited");
  if (!above_floor) return refused(ErrorCode::kBelowFloor);
  if (!limited) return refused(ErrorCode::kLimitRequired);
  if (!e.plan && planned == Evaluation::kFalse) return refused(ErrorCode::kQueryUnbounded);
  return decide_end(e);
}

Explanation explain_query(QueryEvidence evidence, LineageId lineage) {
  RecordingTrace trace;
  const auto decision = decide_query(evidence, trace);
  return render_explanation(
      ExplanationType::kQueryExecution, {lineage, evidence.commit},
      [&](document::PackWriter& out) { write_inputs(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { write_conclusion(evidence, decision, trace.entries(), out); });
}

}  // namespace aerodb::rules
