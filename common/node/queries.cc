#include "common/node/queries.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/node/translate.h"
#include "common/rules/enum_names.h"

namespace aerodb::node {
namespace {

Result<engine::Comparison> comparison_from_name(std::string_view name) {
  engine::Comparison comparison{};
  if (rules::from_name(engine::kComparisonNames, name, comparison)) return comparison;
  return fail(ErrorCode::kBadRequest,
              fmt::format("doc.query: op \"{}\"; expected one of {}", name, fmt::join(engine::kComparisonNames, ", ")));
}

}  // namespace

Result<engine::QueryRequest> query_of(const wire::DocQueryRequest& request) {
  engine::QueryRequest query;
  query.collection = request.collection;
  query.schema_version = request.schema_version;
  query.sort = request.sort;
  query.descending = request.descending.value_or(false);
  query.limit = request.limit;
  query.max_entries = request.max_entries;
  query.at_commit = request.at_commit;
  query.receipt = claim_of(request.receipt);
  for (const auto& predicate : request.where) {
    auto comparison = comparison_from_name(predicate.op);
    if (!comparison) return fail(std::move(comparison.error()));
    query.where.push_back({predicate.field, *comparison, predicate.value.value});
  }
  if (request.after) {
    query.after = engine::PageEnd{std::nullopt, request.after->id};
    if (request.after->sort_value) query.after->sort_value = request.after->sort_value->value;
  }
  return query;
}

std::shared_ptr<engine::QueryRecord> recorded_in(Attempt& attempt, const engine::QueryRequest& query) {
  if (attempt.query.record == nullptr) attempt.query.record = engine::QueryRecord::of(query);
  return attempt.query.record;
}

}  // namespace aerodb::node
