#include "common/node/rest_json.h"

namespace aerodb::node {

Result<PackedJson> json_object(std::string_view text) {
  PackedJson object;
  if (auto read = document::from_json(text, object.packed); !read) return fail(std::move(read.error()));
  if (auto parsed = object.tape.parse(object.packed); !parsed) return fail(std::move(parsed.error()));
  if (object.tape.root().type() != document::Type::kMap)
    return fail(ErrorCode::kBadRequest, "JSON: an object is expected");
  return object;
}

}  // namespace aerodb::node
