// How a query is answered, or refused (rules MVCC-4, QRY-1, QRY-2, QRY-3, QRY-4, MVCC-7, QRY-5, applied in this order).
//
// The planner and the walk of common/engine decide by the small functions below and note what they decided on;
// decide_query() applies the same functions to those notes. The first rule that does not hold gives the code. A rule
// that the query did not come to is undetermined, and names what is missing.
//
// The evidence is logical: equal on every node that has the commit under the same floor, whatever merges removed and
// whatever is in memory. An index also proposes entries of versions that no read at the commit can see; how many of
// those are still there differs from node to node, so they are not counted.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/rules/explanation.h"

namespace aerodb::rules {

// Of the table in docs/spec/API_SPEC.md; P6 is none of them.
enum class PlanRow : uint8_t { kP1 = 1, kP2, kP3, kP4, kP5 };
[[nodiscard]] std::string_view enum_name(PlanRow row);
[[nodiscard]] bool enum_from_name(std::string_view name, PlanRow& row);

// What a query asks of one indexed field, the strongest of it.
enum class IndexFit : uint8_t { kNone, kSort, kRange, kEquality };
[[nodiscard]] std::string_view enum_name(IndexFit fit);
[[nodiscard]] bool enum_from_name(std::string_view name, IndexFit& fit);

enum class IndexOutcome : uint8_t {
  kChosen,
  kNoRow,          // the query asks nothing of it that a row of the table is about
  kEarlierRow,     // another index fits an earlier row
  kDeclaredFirst,  // another index fits the same row and is declared before it
};
[[nodiscard]] std::string_view enum_name(IndexOutcome outcome);
[[nodiscard]] bool enum_from_name(std::string_view name, IndexOutcome& outcome);

// What gave the bound of a query (QRY-3).
enum class BoundSource : uint8_t { kOneDocument, kLimit, kMaxEntries };
[[nodiscard]] std::string_view enum_name(BoundSource source);
[[nodiscard]] bool enum_from_name(std::string_view name, BoundSource& source);

// --- what the planner and the walk decide by

enum class SortBy : uint8_t { kNothing, kId, kField };

// The row of the table that an index fits by itself; nullopt: none. `sorted`: the sort is by it.
[[nodiscard]] constexpr std::optional<PlanRow> plan_row(bool is_id, IndexFit fit, bool sorted, SortBy sort) {
  const bool equality = fit == IndexFit::kEquality;
  if (is_id && equality) return PlanRow::kP1;
  if (!is_id && sorted) return PlanRow::kP2;
  if (!is_id && equality && sort != SortBy::kField) return PlanRow::kP3;
  if (is_id && (sorted || (fit == IndexFit::kRange && sort == SortBy::kNothing))) return PlanRow::kP4;
  if (!is_id && fit == IndexFit::kRange && sort == SortBy::kNothing) return PlanRow::kP5;
  return std::nullopt;
}

// The index of the first row that fits, among those of one row the one declared first (QRY-2). `row_of` answers each
// one's row; `list` is in declaration order. Its end: none fits.
template <class List, class RowOf>
[[nodiscard]] constexpr auto choose_index(List& list, RowOf row_of) {
  auto chosen = list.end();
  std::optional<PlanRow> best;
  for (auto at = list.begin(); at != list.end(); ++at) {
    const std::optional<PlanRow> row = row_of(*at);
    if (!row || (best && *best <= *row)) continue;
    best = row;
    chosen = at;
  }
  return chosen;
}

struct Bound {
  uint64_t entries = 0;
  BoundSource source = BoundSource::kLimit;
};
// `max_entries`: of the request; `default_max_entries`: the node's, where the request names none.
[[nodiscard]] constexpr Bound bound_of(PlanRow row, bool has_checks, uint32_t limit,
                                       std::optional<uint64_t> max_entries, uint64_t default_max_entries) {
  const uint64_t served = uint64_t{limit} + 1;
  if (row == PlanRow::kP1) return {1, BoundSource::kOneDocument};
  if (has_checks) return {max_entries.value_or(default_max_entries), BoundSource::kMaxEntries};
  if (max_entries && *max_entries < served) return {*max_entries, BoundSource::kMaxEntries};
  return {served, BoundSource::kLimit};
}

// One more visible entry (QRY-4).
[[nodiscard]] constexpr bool passes_bound(uint64_t visited, uint64_t bound_entries) { return visited >= bound_entries; }
// MVCC-7
[[nodiscard]] constexpr bool is_newer_schema(uint32_t version, uint32_t named) { return version > named; }

// --- evidence

struct QueryPredicateEvidence {
  std::string field;
  std::string op;
  RequestValue value;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("field", self.field);
    visit("op", self.op);
    visit("value", self.value);
  }
};
struct QueryAfterEvidence {
  std::optional<RequestValue> sort_value;
  std::string id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("sort_value", self.sort_value);
    visit("id", self.id);
  }
};
struct IndexedField {
  std::string path;
  std::string type;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("path", self.path);
    visit("type", self.type);
  }
};

// Index keys stand in hex, as in the plan's text. A range without ends: only that the field is there.
struct IndexCandidate {
  std::string path;
  std::optional<std::string> low;
  std::optional<std::string> high;
  bool low_open = false;  // low itself is outside
  bool high_open = false;
  // Set by the decision.
  IndexFit fits = IndexFit::kNone;
  std::optional<PlanRow> row;
  IndexOutcome outcome = IndexOutcome::kNoRow;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("fits", self.fits);
    visit("high", self.high);
    visit("high_open", self.high_open);
    visit("low", self.low);
    visit("low_open", self.low_open);
    visit("outcome", self.outcome);
    visit("path", self.path);
    visit("row", self.row);
  }
};

struct EntryPlace {
  std::string key;  // hex; of the index of _id: the _id
  std::string id;   // hex
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("_id", self.id);
    visit("key", self.key);
  }
};
struct PlanCheck {
  std::string path;
  std::optional<std::string> low;
  std::optional<std::string> high;
  bool low_open = false;
  bool high_open = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("high", self.high);
    visit("high_open", self.high_open);
    visit("low", self.low);
    visit("low_open", self.low_open);
    visit("path", self.path);
  }
};
// The canonical plan, line by line.
struct PlanEvidence {
  PlanRow row = PlanRow::kP1;
  std::string collection;
  uint32_t schema_version = 0;
  std::string index;
  bool descending = false;
  EntryPlace from;
  std::optional<EntryPlace> to;
  std::vector<PlanCheck> checks;
  uint32_t limit = 0;
  uint64_t bound_entries = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("row", self.row);
    visit("collection", self.collection);
    visit("schema_version", self.schema_version);
    visit("index", self.index);
    visit("descending", self.descending);
    visit("from", self.from);
    visit("to", self.to);
    visit("checks", self.checks);
    visit("limit", self.limit);
    visit("bound_entries", self.bound_entries);
  }
};
// What plan_hash is of: the text that docs/spec/API_SPEC.md describes, made of what is shown.
[[nodiscard]] std::string plan_text(const PlanEvidence& plan);

struct NewerVersion {
  std::string id;
  CommitId commit;
  uint32_t schema_version = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("_id", self.id);
    visit("commit", self.commit);
    visit("schema_version", self.schema_version);
  }
};

// How a walk ended: one of these, or the code with which it broke off.
inline constexpr std::string_view kEndedByLimit = "limit";
inline constexpr std::string_view kEndedByRange = "range";

struct QueryEvidence {
  // The request, at the commit it was run at.
  std::string collection;
  uint32_t schema_version = 0;
  std::vector<QueryPredicateEvidence> where;
  std::optional<std::string> sort;
  bool descending = false;
  std::optional<uint32_t> limit;
  std::optional<uint64_t> max_entries;
  std::optional<QueryAfterEvidence> after;
  CommitId commit;

  CommitId floor;
  // Of the schema version named, _id first, then as declared. Absent where the query was refused before.
  std::optional<std::vector<IndexedField>> indexed_fields;
  // All of them, with the range that the predicates on each leave. Absent where it was not planned.
  std::optional<std::vector<IndexCandidate>> candidates;
  std::optional<PlanEvidence> plan;
  std::optional<Sha256> plan_hash;
  std::optional<uint64_t> bound_entries;        // as stated before the run
  std::optional<uint64_t> default_max_entries;  // the node's own; only where it is the bound

  // Counted by the walk; absent where there was none.
  std::optional<uint64_t> entries_proposed;       // of versions in the view at commit and floor
  std::optional<uint64_t> dropped_no_document;    // the visible version is a deletion
  std::optional<uint64_t> dropped_other_value;    // the visible version has another value
  std::optional<uint64_t> entries_visited;        // counted against the bound
  std::optional<uint64_t> dropped_by_predicates;  // visited, and not what was asked for
  std::optional<uint64_t> documents_taken;
  std::optional<NewerVersion> newer_version;  // met, and refused by MVCC-7
  std::optional<std::string> ended_by;
  std::optional<Sha256> answer_sha256;  // of the documents' canonical bytes, one behind the other

  // Set by the decision.
  std::vector<std::string> not_indexed;  // fields asked for that are not among indexed_fields
  std::optional<BoundSource> bound_by;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection);
    visit("schema_version", self.schema_version);
    visit("where", self.where);
    visit("sort", self.sort);
    visit("descending", self.descending);
    visit("limit", self.limit);
    visit("max_entries", self.max_entries);
    visit("after", self.after);
    visit("commit", self.commit);
    visit("floor", self.floor);
    visit("indexed_fields", self.indexed_fields);
    visit("candidates", self.candidates);
    visit("plan", self.plan);
    visit("plan_hash", self.plan_hash);
    visit("bound_entries", self.bound_entries);
    visit("default_max_entries", self.default_max_entries);
    visit("entries_proposed", self.entries_proposed);
    visit("dropped_no_document", self.dropped_no_document);
    visit("dropped_other_value", self.dropped_other_value);
    visit("entries_visited", self.entries_visited);
    visit("dropped_by_predicates", self.dropped_by_predicates);
    visit("documents_taken", self.documents_taken);
    visit("newer_version", self.newer_version);
    visit("ended_by", self.ended_by);
    visit("answer_sha256", self.answer_sha256);
    visit("not_indexed", self.not_indexed);
    visit("bound_by", self.bound_by);
  }
};

enum class QueryStatus : uint8_t {
  kAnswered,
  kRefused,
  kIncomplete,    // broken off by what is no rule's doing
  kUndetermined,  // the evidence does not tell how it ended
};
[[nodiscard]] std::string_view query_status_name(QueryStatus status);

struct QueryDecision {
  QueryStatus status = QueryStatus::kUndetermined;
  std::optional<std::string> code;  // of the refusal or the error
};
[[nodiscard]] QueryDecision decide_query(QueryEvidence& evidence, RecordingTrace& trace);

[[nodiscard]] Explanation explain_query(QueryEvidence evidence, LineageId lineage);

}  // namespace aerodb::rules
