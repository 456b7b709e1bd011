#include "common/store/digest.h"

#include "common/base/assert.h"
#include "common/base/checksum.h"

namespace aerodb::store {

Digest document_term(std::string_view collection, std::string_view id, CommitId commit, uint32_t schema_version,
                     ByteSpan document) {
  thread_local Bytes input;  // scratch: the write path allocates nothing here
  input.resize(1 + 4 + collection.size() + 4 + id.size() + 8 + 4 + 4 + document.size());
  PlacedWriter out(input);
  out.u8('d');
  out.string(collection);
  out.string(id);
  out.u64(commit.value());
  out.u32(schema_version);
  out.blob(document);
  AERODB_ASSERT(out.at_end());
  return Digest{xxh3_128(input)};
}

Digest schema_term(ByteSpan canonical) {
  Bytes input;
  ByteWriter out(input);
  out.u8('s');
  out.blob(canonical);
  return Digest{xxh3_128(input)};
}

}  // namespace aerodb::store
