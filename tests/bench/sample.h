// The document that the benchmarks speak of: an _id, a number, a text.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/document/schema.h"

namespace aerodb::bench {

[[nodiscard]] document::Schema sample_schema();
// "document-00000007"
[[nodiscard]] std::string sample_id(uint64_t number);
// Keys in another order than the canonical one.
[[nodiscard]] Bytes sample_document(uint64_t number, size_t text_bytes);
[[nodiscard]] Bytes sample_canonical(uint64_t number, size_t text_bytes);

}  // namespace aerodb::bench
