// Bytes as a client's document and as a client's schema.
//
// Holds: a canonical form passes its own check, is a fixed point, and renders as JSON; bytes that pass the check are
// their own canonical form; a schema that decodes is encoded and decodes to the same.
#include "common/base/assert.h"
#include "common/document/canonical.h"
#include "common/document/json.h"
#include "common/document/schema.h"

namespace aerodb::document {
namespace {

constexpr uint32_t kMaxBytes = 1 << 16;

Field field(std::string name, FieldType type, bool required = false) {
  Field made;
  made.name = std::move(name);
  made.type = type;
  made.required = required;
  return made;
}

// Every type, nested, with an array of objects; names sorted.
Schema every_type() {
  auto object = field("o", FieldType::kObject);
  object.fields = {field("a", FieldType::kInt, true), field("b", FieldType::kString)};
  auto element = object;
  element.name.clear();
  auto array = field("l", FieldType::kArray);
  array.element = std::make_shared<const Field>(element);
  Schema schema;
  schema.collection = "c";
  schema.version = 1;
  schema.fields = {field("_id", FieldType::kString, true),
                   field("b", FieldType::kBool),
                   field("f", FieldType::kFloat),
                   field("i", FieldType::kInt),
                   array,
                   object,
                   field("s", FieldType::kString),
                   field("x", FieldType::kBytes)};
  return schema;
}

void as_document(ByteSpan bytes, Cursor root, const Schema& schema) {
  Bytes canonical;
  const bool taken = canonicalize(root, schema, kMaxBytes, canonical).has_value();
  AERODB_ASSERT(taken || canonical.empty());
  if (check_canonical(bytes, schema, kMaxBytes)) {
    AERODB_ASSERT(taken && canonical == Bytes(bytes.begin(), bytes.end()));
  }
  if (!taken) return;
  AERODB_ASSERT(check_canonical(canonical, schema, kMaxBytes).has_value());
  Tape tape;
  AERODB_ASSERT(tape.parse(canonical).has_value());
  Bytes again;
  AERODB_ASSERT(canonicalize(tape.root(), schema, kMaxBytes, again).has_value() && again == canonical);
  AERODB_ASSERT(!document_id(canonical).empty());
  AERODB_ASSERT(!to_json(tape.root()).empty());
}

void as_schema(Cursor root) {
  const auto schema = decode_schema(root);
  if (!schema) return;
  Bytes bytes;
  encode_schema(*schema, bytes);
  Tape tape;
  AERODB_ASSERT(tape.parse(bytes).has_value());
  const auto again = decode_schema(tape.root());
  AERODB_ASSERT(again.has_value() && *again == *schema);
}

}  // namespace
}  // namespace aerodb::document

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::document;
  const aerodb::ByteSpan bytes(data, size);
  Tape tape;
  if (!tape.parse(bytes)) return 0;
  as_document(bytes, tape.root(), every_type());
  as_schema(tape.root());
  return 0;
}
