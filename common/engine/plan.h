// How a query is answered (rules QRY-1 to QRY-3). By rules, without statistics: the same request under the same schema
// gives the same plan on every node. Nothing here reads a document.
//
// What a query means, whatever its plan: of the documents visible at its commit, those that satisfy every predicate
// and, where it sorts by a field, have that field; ordered by (value of the sort field, _id); behind `after`; the first
// `limit` of them. Without a sort, the index chosen gives the order.
//
// The first row that fits is the plan. All predicates on one field are one range; an equality is a range that holds one
// value. Where several fields fit, the one declared first (Schema::indexed_paths) is taken.
//
//   plan | asked                                                | index walked | bound, in visible entries
//   P1   | an equality on _id                                   | _id          | 1
//   P2   | a sort by a field                                    | that field's | limit + 1
//   P3   | an equality on an indexed field; no sort, or by _id  | that field's | limit + 1
//   P4   | a sort by _id; or a range on _id, no sort            | _id          | limit + 1
//   P5   | a range on an indexed field, no sort                 | that field's | limit + 1
//   P6   | none of these                                        | QUERY_UNBOUNDED
//
// Predicates on other fields are left to be checked on each entry; then the bound is max_entries, except in P1. Entries
// of one value lie in order of _id, so that where the index is held at one value predicates on _id narrow the walk too.
// A max_entries in the request that is lower than limit + 1 is the bound.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/document/schema.h"
#include "common/engine/engine.h"
#include "common/rules/query_rules.h"
#include "common/store/btree.h"

namespace aerodb::engine {

inline constexpr std::string_view kIdPath = "_id";
inline constexpr size_t kMaxQueryPredicates = 64;

using PlanRule = rules::PlanRow;

// What the predicates on one field leave, in index keys (raw bytes of an _id). No end: open to that side.
struct KeyRange {
  std::optional<Bytes> low;
  std::optional<Bytes> high;
  bool low_open = false;  // low itself is outside
  bool high_open = false;
  [[nodiscard]] bool contains(ByteSpan key) const;
  [[nodiscard]] bool is_point() const;
  void at_least(Bytes key, bool open);
  void at_most(Bytes key, bool open);
};

// A field that predicates or the sort name, and what they leave of it.
struct FieldRange {
  std::string_view path;
  document::FieldType type = document::FieldType::kString;
  KeyRange range;
};

// A place among the entries of an index: (value's key, _id), or (_id, nothing).
struct EntryKey {
  Bytes first;
  Bytes second;
  [[nodiscard]] store::TreeKey view() const { return {first, second}; }
};

// Left to be checked on each entry: the field is there and within the range.
struct Residual {
  std::string_view path;
  KeyRange range;
};

// Its views point into the request.
struct Plan {
  PlanRule rule = PlanRule::kP1;
  std::string_view index;
  bool descending = false;
  EntryKey from;                    // no entry below it
  std::optional<EntryKey> to;       // none at it or above
  std::vector<Residual> residuals;  // _id first, then as declared
  uint32_t limit = 0;
  uint64_t bound_entries = 0;

  [[nodiscard]] bool by_id() const { return index == kIdPath; }
  // No entry can lie in it: its predicates contradict one another, or a page ended at its end.
  [[nodiscard]] bool empty() const { return to && compare_keys(from.view(), to->view()) >= 0; }
  // Whether a walk that came to `key` is still within it; its start is where the cursor was sought to.
  [[nodiscard]] bool reaches(const store::TreeKey& key) const {
    return descending ? compare_keys(key, from.view()) >= 0 : !to || compare_keys(key, to->view()) < 0;
  }
  // Leaves what lies behind `last` in the direction of the walk.
  void go_on_behind(const store::TreeKey& last);
};

// LIMIT_REQUIRED; QUERY_UNBOUNDED (P6, or a field that is not declared indexed in `schema`); WRONG_TYPE; BAD_REQUEST
// (limit, max_entries, too many predicates, `after` without at_commit or not of the query's order). `max_entries`: what
// this node allows. `asked`: filled where planning came to the choice among indexes; the fields asked for, in
// declaration order.
[[nodiscard]] Result<Plan> make_plan(const QueryRequest& request, const document::Schema& schema, uint64_t max_entries,
                                     std::optional<std::vector<FieldRange>>* asked = nullptr);

// Canonical, one line a fact, as in docs/spec/API_SPEC.md. Equal plans have equal texts.
[[nodiscard]] std::string plan_text(const Plan& plan, const document::Schema& schema);

}  // namespace aerodb::engine
