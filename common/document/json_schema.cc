// What JSON means by a schema: hex for bytes fields, and schemas in the form people write.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/document/json.h"

namespace aerodb::document {
namespace {

// Copies a value, turning hex into bytes where the schema says bytes. `field` is nullptr where nothing is declared.
class HexReader {
 public:
  explicit HexReader(Bytes& out) : writer_(out) {}

  Result<void> object(Cursor map, const std::vector<Field>& fields, const std::string& path) {
    writer_.map(map.token().size);
    Cursor at = map.first();
    for (uint32_t i = 0; i < map.token().size; ++i) {
      auto key = *at.text();  // JSON has no other keys
      auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == key; });
      writer_.text(key);
      at = at.skip();
      auto place = path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
      if (auto copied = value(at, field == fields.end() ? nullptr : &*field, place); !copied) return copied;
      at = at.skip();
    }
    return {};
  }

 private:
  Result<void> value(Cursor at, const Field* field, const std::string& path) {
    if (field != nullptr && field->type == FieldType::kBytes && at.type() == Type::kString) {
      auto bytes = from_hex(*at.text());
      if (!bytes)
        return fail(ErrorCode::kBadRequest, fmt::format("JSON: field {}: a bytes field is given as hex", path));
      writer_.bytes(*bytes);
      return {};
    }
    if (field != nullptr && field->type == FieldType::kObject && at.type() == Type::kMap) {
      return object(at, field->fields, path);
    }
    if (field != nullptr && field->type == FieldType::kArray && at.type() == Type::kArray) {
      writer_.array(at.token().size);
      Cursor element = at.first();
      for (uint32_t i = 0; i < at.token().size; ++i, element = element.skip()) {
        auto copied = value(element, field->element.get(), fmt::format("{}[{}]", path, i));
        if (!copied) return copied;
      }
      return {};
    }
    writer_.raw(at.raw());
    return {};
  }

  PackWriter writer_;
};

// From the form for people to the wire form: a map of fields by name becomes an array of fields that carry their name.
// Whatever does not look like that is copied as it is, for decode_schema to refuse.
void pack_definition(Cursor definition, std::optional<std::string_view> name, PackWriter& out) {
  if (definition.type() != Type::kMap) return out.raw(definition.raw());
  out.map(definition.token().size + (name ? 1 : 0));
  if (name) out.field("name", *name);
  Cursor at = definition.first();
  for (uint32_t i = 0; i < definition.token().size; ++i) {
    auto key = at.text();
    out.raw(at.raw());
    at = at.skip();
    if (key == "fields" && at.type() == Type::kMap) {
      out.array(at.token().size);
      Cursor field = at.first();
      for (uint32_t f = 0; f < at.token().size; ++f, field = field.skip()) {
        auto field_name = field.text();
        field = field.skip();
        pack_definition(field, field_name, out);
      }
    } else if (key == "element") {
      pack_definition(at, std::nullopt, out);
    } else {
      out.raw(at.raw());
    }
    at = at.skip();
  }
}

void pack_for_people(const std::vector<Field>& fields, PackWriter& out);

void pack_for_people(const Field& field, PackWriter& out) {
  bool is_object = field.type == FieldType::kObject;
  bool is_array = field.type == FieldType::kArray;
  out.map(1u + field.required + field.indexed + is_object + is_array);
  out.field("type", field_type_name(field.type));
  if (field.required) out.field("required", true);
  if (field.indexed) out.field("indexed", true);
  if (is_object) {
    out.text("fields");
    pack_for_people(field.fields, out);
  }
  if (is_array) {
    out.text("element");
    pack_for_people(*field.element, out);
  }
}

void pack_for_people(const std::vector<Field>& fields, PackWriter& out) {
  out.map(static_cast<uint32_t>(fields.size()));
  for (const auto& field : fields) {
    out.text(field.name);
    pack_for_people(field, out);
  }
}

}  // namespace

Result<void> document_from_json(std::string_view text, const Schema& schema, Bytes& out) {
  Bytes packed;
  if (auto read = from_json(text, packed); !read) return read;
  Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return parsed;
  return document_from_json(tape.root(), schema, out);
}

Result<void> document_from_json(Cursor value, const Schema& schema, Bytes& out) {
  if (value.type() != Type::kMap) return fail(ErrorCode::kBadRequest, "JSON: a document is an object");
  Bytes converted;
  if (auto copied = HexReader(converted).object(value, schema.fields, ""); !copied) return copied;
  out.insert(out.end(), converted.begin(), converted.end());
  return {};
}

Result<Schema> schema_from_json(std::string_view text) {
  Bytes packed;
  if (auto read = from_json(text, packed); !read) return fail(read.error());
  Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(parsed.error());
  Bytes wire;
  PackWriter writer(wire);
  pack_definition(tape.root(), std::nullopt, writer);
  Tape wire_tape;
  if (auto parsed = wire_tape.parse(wire); !parsed) return fail(parsed.error());
  return decode_schema(wire_tape.root());
}

std::string schema_to_json(const Schema& schema) {
  Bytes packed;
  PackWriter writer(packed);
  writer.map(3);
  writer.field("collection", std::string_view(schema.collection));
  writer.field("version", schema.version);
  writer.text("fields");
  pack_for_people(schema.fields, writer);
  Tape tape;
  auto parsed = tape.parse(packed);
  AERODB_ASSERT(parsed.has_value());  // a schema nests far less deep than a message may
  return to_json(tape.root(), JsonStyle::kPretty);
}

}  // namespace aerodb::document
