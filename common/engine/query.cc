// Queries on one indexed field (rules QRY-1 to QRY-5). Rule-based, without statistics: _id, or the one index of the
// field.
//
// The plan states its bound before it runs, in entries visible at the query's commit: 1 for an equality on _id, limit +
// 1 otherwise, since the index serves both the predicates and the order, and nothing else is left to filter.
#include <fmt/format.h>

#include <algorithm>

#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

using store::Version;

// The range of index keys that all predicates leave.
struct KeyRange {
  std::optional<Bytes> low;
  std::optional<Bytes> high;
  bool low_open = false;  // low itself is outside
  bool high_open = false;
  [[nodiscard]] bool below(ByteSpan key) const {
    if (!low) return false;
    const int order = store::compare_bytes(key, *low);
    return order < 0 || (order == 0 && low_open);
  }
  [[nodiscard]] bool above(ByteSpan key) const {
    if (!high) return false;
    const int order = store::compare_bytes(key, *high);
    return order > 0 || (order == 0 && high_open);
  }
  void at_least(Bytes key, bool open) {
    const int order = low ? store::compare_bytes(key, *low) : 1;
    if (order > 0) {
      low = std::move(key);
      low_open = open;
    } else if (order == 0) {
      low_open = low_open || open;
    }
  }
  void at_most(Bytes key, bool open) {
    const int order = high ? store::compare_bytes(key, *high) : -1;
    if (order < 0) {
      high = std::move(key);
      high_open = open;
    } else if (order == 0) {
      high_open = high_open || open;
    }
  }
};

struct Plan {
  std::string field;
  bool by_id = false;
  bool point = false;  // an equality on _id
  KeyRange range;
  uint64_t bound_entries = 0;
};

std::unexpected<Error> unbounded(const QueryRequest& request, std::string_view why) {
  return fail(ErrorCode::kQueryUnbounded, fmt::format("query {}: {} (QRY-2)", request.collection, why));
}

Result<Plan> make_plan(const QueryRequest& request, const document::Schema& schema) {
  if (!request.limit || *request.limit == 0)
    return fail(ErrorCode::kLimitRequired,
                fmt::format("query {}: a limit of 1 to {} is needed (QRY-1)", request.collection, kMaxQueryLimit));
  if (*request.limit > kMaxQueryLimit)
    return fail(ErrorCode::kBadRequest,
                fmt::format("query {}: limit {}, at most {}", request.collection, *request.limit, kMaxQueryLimit));
  Plan plan;
  if (!request.where.empty())
    plan.field = request.where.front().field;
  else if (request.sort)
    plan.field = *request.sort;
  else
    return unbounded(request, "neither a predicate nor a sort names an index");
  if (request.sort && *request.sort != plan.field)
    return unbounded(request, fmt::format("sorting by {} is not served by the index of {}", *request.sort, plan.field));
  plan.by_id = plan.field == "_id";
  const auto* field = schema.find(plan.field);
  if (field == nullptr || (!plan.by_id && !field->indexed))
    return unbounded(request, fmt::format("field {} is not declared indexed", plan.field));
  for (const auto& predicate : request.where) {
    if (predicate.field != plan.field)
      return unbounded(request, fmt::format("predicates on {} and {}: one indexed field serves a query", plan.field,
                                            predicate.field));
    Bytes key;
    if (plan.by_id) {
      auto text = predicate.value.text();
      if (!text)
        return fail(ErrorCode::kWrongType, fmt::format("query {}: _id is compared with a string", request.collection));
      key.assign(text->begin(), text->end());
    } else if (auto converted = document::index_key_of_value(predicate.value, field->type, key); !converted) {
      return fail(std::move(converted.error()));
    }
    switch (predicate.comparison) {
      case Comparison::kEqual:
        plan.range.at_least(key, false);
        plan.range.at_most(std::move(key), false);
        plan.point = plan.by_id;
        break;
      case Comparison::kLess:
        plan.range.at_most(std::move(key), true);
        break;
      case Comparison::kLessOrEqual:
        plan.range.at_most(std::move(key), false);
        break;
      case Comparison::kGreater:
        plan.range.at_least(std::move(key), true);
        break;
      case Comparison::kGreaterOrEqual:
        plan.range.at_least(std::move(key), false);
        break;
    }
  }
  plan.bound_entries = plan.point ? 1 : uint64_t{*request.limit} + 1;
  return plan;
}

// Walks entries of a tree within the range, in the order asked for, until `take` answers false. Keys compare by
// first().
template <class Entry, class Take>
void walk(const store::BTree<Entry>& tree, const KeyRange& range, bool descending, Take&& take) {
  if (!descending) {
    auto at = range.low ? tree.lower_bound({*range.low, {}}) : tree.first();
    for (Entry* entry = at.get(); entry != nullptr; at.next(), entry = at.get()) {
      if (range.below(entry->first())) continue;  // equal to an open low end
      if (range.above(entry->first()) || !take(*entry)) return;
    }
    return;
  }
  // From the last entry whose key is not above the range: the successor of `high` is high followed by a zero byte.
  typename store::BTree<Entry>::Position at = tree.last();
  if (range.high) {
    Bytes successor = *range.high;
    successor.push_back(0);
    at = tree.before({successor, {}});
  }
  for (Entry* entry = at.get(); entry != nullptr; at.previous(), entry = at.get()) {
    if (range.above(entry->first())) continue;
    if (range.below(entry->first()) || !take(*entry)) return;
  }
}

}  // namespace

Result<QueryAnswer> Engine::query(const QueryRequest& request) const {
  rules::NoTrace trace;
  const auto gate = gate_evidence(request.at_commit, request.receipt);
  if (auto code = rules::decide_read_gate(gate, trace)) {
    return fail(
        Error{*code, fmt::format("query {} on {}: {}", request.collection, node().name, error_row(*code).meaning), {}}
            .with("applied_commit", gate.applied_commit.value())
            .with("applied_lsn", gate.applied_lsn.value()));
  }
  Error error;
  const auto* schema = schema_for_read(request.collection, request.schema_version, error);
  if (schema == nullptr) return fail(std::move(error));
  auto plan = make_plan(request, schema->schema);
  if (!plan) return fail(std::move(plan.error()));

  const uint64_t max_entries = request.max_entries.value_or(options_.max_query_entries);
  if (max_entries == 0 || max_entries > options_.max_query_entries) {
    return fail(ErrorCode::kBadRequest, fmt::format("query {}: max_entries {}, 1 to {} allowed", request.collection,
                                                    max_entries, options_.max_query_entries));
  }
  QueryAnswer answer{gate.commit, plan->field, plan->bound_entries, {}, visible_};
  uint64_t visited = 0;
  std::optional<Error> refusal;
  // Answers false when the walk is over.
  auto take = [&](const store::DocumentEntry& entry, const Version* version) {
    if (++visited > max_entries) {
      refusal = Error{
          ErrorCode::kQueryBoundExceeded,
          fmt::format("query {}: more than max_entries {} visible entries (QRY-4)", request.collection, max_entries),
          {}};
      return false;
    }
    if (version->schema_version > request.schema_version) {
      refusal = Error{ErrorCode::kSchemaNewer,
                      fmt::format("query {}: {} was written under schema version {}, {} was named (MVCC-7)",
                                  request.collection, entry.id(), version->schema_version, request.schema_version),
                      {}};
      return false;
    }
    answer.versions.push_back(version);
    return answer.versions.size() < *request.limit;
  };

  const auto* table = state_().table().collection(request.collection);
  if (plan->by_id) {
    walk(table->documents, plan->range, request.descending, [&](store::DocumentEntry& entry) {
      const auto* version = rules::visible_version<const Version*>(entry.newest, gate.commit);
      return version == nullptr || take(entry, version);
    });
  } else {
    const auto* index = table->index(plan->field);
    AERODB_ASSERT(index != nullptr);
    Bytes key;
    walk(index->entries, plan->range, request.descending, [&](store::IndexEntry& entry) {
      // An index only proposes: the value must be that of the version visible at this commit (QRY-5).
      const auto* version = rules::visible_version<const Version*>(entry.document->newest, gate.commit);
      if (version == nullptr) return true;
      key.clear();
      if (!document::index_key_of(version->document(), plan->field, key)) return true;
      if (store::compare_bytes(key, entry.first()) != 0) return true;
      return take(*entry.document, version);
    });
  }
  if (refusal) return fail(std::move(*refusal));
  return answer;
}

}  // namespace aerodb::engine
