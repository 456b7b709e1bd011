// Schemas: what a collection's documents may look like. Immutable once registered; evolution is additive (rule DOC-2).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"

namespace aerodb::document {

inline constexpr size_t kMaxIdBytes = 512;
inline constexpr size_t kMaxNameBytes = 128;  // of a collection or a field
inline constexpr size_t kMaxFields = 1024;    // in one schema, nested ones counted
// Objects and arrays inside one another in a document, itself counted. It leaves room within the message depth of 32
// for whatever carries a document or its schema.
inline constexpr size_t kMaxNesting = 12;

enum class FieldType : uint8_t { kString, kInt, kFloat, kBool, kBytes, kObject, kArray };
[[nodiscard]] std::string_view field_type_name(FieldType type);
[[nodiscard]] std::optional<FieldType> field_type_from_name(std::string_view name);

struct Field {
  std::string name;  // element of an array: empty
  FieldType type = FieldType::kString;
  bool required = false;
  bool indexed = false;                  // only string, int, float, bool, bytes; not inside arrays
  std::vector<Field> fields;             // kObject: sorted by name (bytes)
  std::shared_ptr<const Field> element;  // kArray: exactly one
  friend bool operator==(const Field& a, const Field& b);
};

struct Schema {
  std::string collection;
  uint32_t version = 0;       // first is 1
  std::vector<Field> fields;  // sorted by name; "_id" is a required string, never declared indexed
  friend bool operator==(const Schema&, const Schema&) = default;

  // nullptr where no such field. `path` is dotted ("address.city"); it leads through objects, not through arrays.
  [[nodiscard]] const Field* find(std::string_view path) const;
  // Dotted paths of indexed fields, in declaration order of the canonical form (sorted by name, depth first).
  [[nodiscard]] std::vector<std::string> indexed_paths() const;
};

// Wire and log form: canonical MessagePack of {collection, fields: [{element?, fields?, indexed, name, required,
// type}], version}. Readers accept keys in any order and fields in any order; `indexed` and `required` may be absent
// (false). An element has an empty or no name. SCHEMA_INVALID with the place: names empty, too long, with '.',
// duplicate, unknown type, misplaced indexed/fields/element, too many fields, nested too deep, missing or wrong _id,
// version 0, collection name empty or too long.
[[nodiscard]] Result<Schema> decode_schema(Cursor map);
void encode_schema(const Schema& schema, Bytes& out);

// SCHEMA_INVALID unless `next` is the next version of the same collection, keeps every field of `previous` unchanged
// and adds only optional ones (rule DOC-2). The same holds inside objects: one may gain optional fields.
[[nodiscard]] Result<void> check_additive(const Schema& previous, const Schema& next);

}  // namespace aerodb::document
