// explain.query: runs the query as doc.query does, and answers how it went in place of the documents.
#include "common/node/node.h"
#include "common/node/queries.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

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

void serve_explain_query(Node& node) {
  node.client().handle(wire::kExplainQuery, [&](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_query(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
