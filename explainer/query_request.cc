#include "explainer/query_request.h"

#include "common/document/json.h"
#include "common/wire/codec.h"

namespace aerodb::explainer {

Result<std::shared_ptr<const QueryRequest>> QueryRequest::from_json(std::string_view json) {
  auto request = std::make_shared<QueryRequest>();
  if (auto read = document::from_json(json, request->packed); !read) return fail(std::move(read.error()));
  if (auto parsed = request->tape.parse(request->packed); !parsed) {
    return fail(ErrorCode::kBadRequest, "query: " + parsed.error().message);
  }
  auto fields = wire::decode<wire::DocQueryRequest>(request->tape.root());
  if (!fields) return fail(std::move(fields.error()));
  request->fields = std::move(*fields);
  return std::shared_ptr<const QueryRequest>(std::move(request));
}

}  // namespace aerodb::explainer
