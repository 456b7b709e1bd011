// 'field=value', 'field<value' and so on, as a query's predicate.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/schema.h"

namespace aerodb::console {

struct Predicate {
  std::string field;    // dotted path
  std::string_view op;  // eq, lt, le, gt, ge
  Bytes value;          // packed
  friend bool operator==(const Predicate&, const Predicate&) = default;
};

// The operator is the first of < <= > >= = in the text; all behind it is the value, read by the type of the field:
// string as it is, int and float as decimal numbers, bool true or false, bytes as hex. USAGE where there is no
// operator, no such field, or no value of its type.
[[nodiscard]] Result<Predicate> parse_predicate(std::string_view text, const document::Schema& schema);

}  // namespace aerodb::console
