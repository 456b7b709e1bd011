#include "explainer/query_request.h"

#include "common/wire/codec.h"

namespace aerodb::explainer {

Result<std::shared_ptr<const QueryRequest>> QueryRequest::from_json(std::string_view json) {
  auto parsed = document::parse_json(json);
  if (!parsed) return fail(std::move(parsed.error()));
  auto request = std::make_shared<QueryRequest>();
  request->json = std::move(*parsed);
  auto fields = wire::decode<wire::DocQueryRequest>(request->json.root());
  if (!fields) return fail(std::move(fields.error()));
  request->fields = std::move(*fields);
  return std::shared_ptr<const QueryRequest>(std::move(request));
}

}  // namespace aerodb::explainer
