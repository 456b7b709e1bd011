// doc.query as people write it: its fields as one JSON object.
#pragma once

#include <memory>
#include <string_view>

#include "common/document/json.h"
#include "common/wire/messages_documents.h"

namespace aerodb::explainer {

// Owns what its fields view.
struct QueryRequest {
  document::ParsedJson json;
  wire::DocQueryRequest fields;

  // BAD_REQUEST, MISSING_FIELD or UNKNOWN_FIELD, naming the place or the field. A receipt can't be given this way: its
  // ids are bytes.
  [[nodiscard]] static Result<std::shared_ptr<const QueryRequest>> from_json(std::string_view json);
};

}  // namespace aerodb::explainer
