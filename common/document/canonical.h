// Canonical documents: equal documents are equal bytes (rules DOC-3, DOC-4).
//
// MessagePack map, unique keys in byte order, valid UTF-8 strings, shortest integers within int64, floats always
// float64 (an integer given for a float field becomes one, if float64 holds it exactly; NaN and infinities refused;
// -0.0 becomes 0.0), no ext types, no nil.
#pragma once

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"
#include "common/document/schema.h"

namespace aerodb::document {

inline constexpr uint32_t kDefaultMaxDocumentBytes = 1u << 20;
inline constexpr uint32_t kLargestMaxDocumentBytes = 8u << 20;

// Checks `document` (a map in any key order) against `schema` and appends its canonical form to `out`.
// Refused by name with the dotted path of the place: DOCUMENT_INVALID, UNDECLARED_FIELD, WRONG_TYPE, MISSING_REQUIRED,
// DUPLICATE_KEY, DOCUMENT_TOO_LARGE (canonical size above max_bytes). `out` is unchanged on refusal.
// `_id` must be a string of 1..512 bytes. The message is the place and the cause ("field address.city: expected string,
// found int"); the caller puts its operation before it.
[[nodiscard]] Result<void> canonicalize(Cursor document, const Schema& schema, uint32_t max_bytes, Bytes& out);

// Ok if `bytes` is exactly what canonicalize would write for that document (a replica checks what it is sent). The same
// codes; other orders and longer encodings are DOCUMENT_INVALID. Allocates nothing unless it refuses.
[[nodiscard]] Result<void> check_canonical(ByteSpan bytes, const Schema& schema, uint32_t max_bytes);

// The `_id` of a canonical document. Empty (which no `_id` is) where the bytes are not one.
[[nodiscard]] std::string_view document_id(ByteSpan canonical);

// First byte of an index key. On disk: do not change, do not reuse.
enum class IndexTag : uint8_t { kBool = 1, kInt = 2, kFloat = 3, kString = 4, kBytes = 5 };

// Order-preserving bytes of one indexed value, so that memcmp orders keys as values: type tag, then
//   bool 0/1; int: sign bit flipped, big-endian; float: IEEE total order, big-endian; string and bytes: raw.
// Appends to `out`. A string key has no terminator: callers keep value and _id apart. The token is a bool, int, float,
// string or bytes; anything else is a bug.
void append_index_key(const Token& token, ByteSpan source, Bytes& out);

// The index key of the field at dotted `path` in a canonical document; false (nothing appended) where the field is
// absent.
[[nodiscard]] bool index_key_of(ByteSpan canonical, std::string_view path, Bytes& out);

// The index key of a value given in a query for a field of type `type` (an int for a float field is taken as float).
// WRONG_TYPE where it is no value that such a field can hold; `out` is then unchanged.
[[nodiscard]] Result<void> index_key_of_value(Cursor value, FieldType type, Bytes& out);

[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace aerodb::document
