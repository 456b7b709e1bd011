#include "common/node/rest_json.h"

namespace aerodb::node {

Result<document::ParsedJson> json_object(std::string_view text) {
  auto object = document::parse_json(text);
  if (object && object->root().type() != document::Type::kMap)
    return fail(ErrorCode::kBadRequest, "JSON: an object is expected");
  return object;
}

}  // namespace aerodb::node
