// explain.query: runs the query as doc.query does, and answers how it went in place of the documents.
#include <fmt/format.h>

#include "common/node/node.h"
#include "common/node/queries.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

Result<engine::Comparison> comparison_from_name(std::string_view name) {
  using enum engine::Comparison;
  if (name == "eq") return kEqual;
  if (name == "lt") return kLess;
  if (name == "le") return kLessOrEqual;
  if (name == "gt") return kGreater;
  if (name == "ge") return kGreaterOrEqual;
  return fail(ErrorCode::kBadRequest, fmt::format("doc.query: op \"{}\"; expected eq, lt, le, gt or ge", name));
}

void explain_query(Node& node, const wire::DocQueryRequest& request, wire::Responder responder) {
  const auto query = query_of(request);
  if (!query) return responder.error(query.error());
  std::shared_ptr<engine::QueryRecord> record;
  node.client_restarts().run(
      *node.engine(), std::move(responder),
      [&](Attempt& attempt) {
        record = recorded_in(attempt, *query);
        return node.engine()->query(*query, attempt.query, attempt.blocks);
      },
      [&](const Result<engine::QueryAnswer>& answer, wire::Responder asked) {
        if (record == nullptr || !record->explains(answer ? nullptr : &answer.error()))
          return asked.error(answer.error());
        const auto explanation = record->explain();
        asked.ok(explanation_of(explanation));
      });
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

void serve_explain_query(Node& node) {
  node.client().handle(wire::kExplainQuery, [&](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_query(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
