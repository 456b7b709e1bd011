// Terms of the state digest: the sum mod 2^128 of one term per live document and one per registered schema. The leading
// byte keeps the two apart. Lineage and epoch are not in it.
#pragma once

#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace aerodb::store {

[[nodiscard]] Digest document_term(std::string_view collection, std::string_view id, CommitId commit,
                                   uint32_t schema_version, ByteSpan document);
[[nodiscard]] Digest schema_term(ByteSpan canonical);

}  // namespace aerodb::store
