#include "common/document/schema.h"

#include <algorithm>

#include "common/base/random.h"
#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using testing::code_of;
using testing::from_json_text;
using testing::message_of;
using testing::schema_of;

constexpr std::string_view kId = R"({"name": "_id", "type": "string", "required": true})";

Result<Schema> decode(std::string_view json) {
  Bytes packed = from_json_text(json);
  Tape tape;
  EXPECT_TRUE(tape.parse(packed).has_value());
  return decode_schema(tape.root());
}
// A schema in wire form with these fields beside _id.
Result<Schema> decode_fields(std::string_view fields) {
  return decode(R"({"collection": "c", "version": 1, "fields": [)" + std::string(kId) + std::string(fields) + "]}");
}
void expect_invalid(const Result<Schema>& result, std::string_view message) {
  EXPECT_EQ(code_of(result), "SCHEMA_INVALID") << message;
  EXPECT_EQ(message_of(result), message);
}

const Schema kPlaces = schema_of(R"({"collection": "places", "version": 3, "fields": {
    "_id": {"type": "string", "required": true},
    "zip": {"type": "int", "indexed": true},
    "address": {"type": "object", "required": true, "fields": {
        "street": {"type": "string"}, "city": {"type": "string", "indexed": true}}},
    "tags": {"type": "array", "element": {"type": "object", "fields": {"name": {"type": "string", "required": true}}}},
    "matrix": {"type": "array", "element": {"type": "array", "element": {"type": "float"}}}}})");

TEST(Schema, FieldsAreSortedWhateverTheirOrder) {
  auto schema = decode_fields(R"(,{"name": "b", "type": "int"},{"type": "bool", "name": "Z"})");
  ASSERT_TRUE(schema.has_value());
  ASSERT_EQ(schema->fields.size(), 3u);
  EXPECT_EQ(schema->fields[0].name, "Z");
  EXPECT_EQ(schema->fields[1].name, "_id");
  EXPECT_EQ(schema->fields[2].name, "b");
  EXPECT_TRUE(schema->fields[1].required);
  EXPECT_FALSE(schema->fields[2].required);
}

TEST(Schema, FindsFieldsByDottedPath) {
  ASSERT_NE(kPlaces.find("address.city"), nullptr);
  EXPECT_TRUE(kPlaces.find("address.city")->indexed);
  EXPECT_EQ(kPlaces.find("address")->type, FieldType::kObject);
  EXPECT_EQ(kPlaces.find("tags")->type, FieldType::kArray);
  for (auto* path : {"", "city", "address.", ".city", "address.town", "zip.x", "tags.name", "address.city.x"}) {
    EXPECT_EQ(kPlaces.find(path), nullptr) << path;
  }
}

TEST(Schema, IndexedPathsAreInCanonicalOrder) {
  EXPECT_EQ(kPlaces.indexed_paths(), (std::vector<std::string>{"address.city", "zip"}));
}

TEST(Schema, TypeNamesGoBothWays) {
  for (auto* name : {"string", "int", "float", "bool", "bytes", "object", "array"}) {
    auto type = field_type_from_name(name);
    ASSERT_TRUE(type.has_value()) << name;
    EXPECT_EQ(field_type_name(*type), name);
  }
  EXPECT_FALSE(field_type_from_name("uint").has_value());
}

TEST(Schema, RefusesMalformedMaps) {
  expect_invalid(decode("[]"), "schema: schema: expected a map, found array");
  expect_invalid(decode(R"({"version": 1, "fields": []})"), "schema: collection: a string is required");
  expect_invalid(decode(R"({"collection": "", "version": 1, "fields": []})"), "schema: collection: the name is empty");
  expect_invalid(decode(R"({"collection": ")" + std::string(129, 'x') + R"(", "version": 1, "fields": []})"),
                 "schema: collection: a name of 129 bytes is longer than 128");
  for (auto* version : {"0", "-1", "4294967296", "1.0", "\"1\""}) {
    expect_invalid(decode(R"({"collection": "c", "fields": [], "version": )" + std::string(version) + "}"),
                   "schema: version: an int from 1 to 4294967295 is required");
  }
  expect_invalid(decode(R"({"collection": "c", "version": 1})"), "schema: fields: an array of fields is required");
  expect_invalid(decode(R"({"collection": "c", "version": 1, "fields": 5})"),
                 "schema: fields: fields must be an array, found int");
  expect_invalid(decode(R"({"collection": "c", "version": 1, "fields": [], "x": 1})"), "schema: schema: unknown key x");
}

TEST(Schema, RefusesAKeyGivenTwice) {
  Bytes packed;
  PackWriter out(packed);
  out.map(2);
  out.field("version", 1);
  out.field("version", 2);
  Tape tape;
  ASSERT_TRUE(tape.parse(packed).has_value());
  expect_invalid(decode_schema(tape.root()), "schema: schema: key version is given twice");
}

TEST(Schema, RefusesKeysAndNamesThatAreNoText) {
  Bytes packed;
  PackWriter out(packed);
  out.map(1);
  out.integer(1), out.integer(1);
  Tape tape;
  ASSERT_TRUE(tape.parse(packed).has_value());
  expect_invalid(decode_schema(tape.root()), "schema: schema: a key is not a string");
  packed.clear();
  out.map(1);
  out.field("collection", "\xff");
  ASSERT_TRUE(tape.parse(packed).has_value());
  expect_invalid(decode_schema(tape.root()), "schema: collection: the name is not valid UTF-8");
}

TEST(Schema, RefusesWrongId) {
  auto with = [](std::string_view field) {
    return decode(R"({"collection": "c", "version": 1, "fields": [)" + std::string(field) + "]}");
  };
  expect_invalid(with(""), "schema: field _id: is required in every schema");
  expect_invalid(with(R"({"name": "_id", "type": "string"})"), "schema: field _id: must be a required string");
  expect_invalid(with(R"({"name": "_id", "type": "int", "required": true})"),
                 "schema: field _id: must be a required string");
  expect_invalid(with(R"({"name": "_id", "type": "string", "required": true, "indexed": true})"),
                 "schema: field _id: can't be declared indexed: it is the key");
}

TEST(Schema, RefusesBadFields) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"(,5)", "schema: fields: a field has no name"},
      {R"(,{"type": "int"})", "schema: fields: a field has no name"},
      {R"(,{"name": "", "type": "int"})", "schema: fields: the name is empty"},
      {R"(,{"name": "a.b", "type": "int"})", "schema: field a.b: a name can't contain a dot"},
      {R"(,{"name": "a"})", "schema: field a: type is required"},
      {R"(,{"name": "a", "type": "uint"})", "schema: field a: unknown type uint"},
      {R"(,{"name": "a", "type": "int", "unique": true})", "schema: field a: unknown key unique"},
      {R"(,{"name": "a", "type": "int", "required": 1})", "schema: field a: required must be a bool"},
      {R"(,{"name": "a", "type": "int"},{"name": "a", "type": "int"})", "schema: field a: is declared twice"},
      {R"(,{"name": "a", "type": "int", "fields": []})", "schema: field a: only an object has fields"},
      {R"(,{"name": "a", "type": "int", "element": {"type": "int"}})", "schema: field a: only an array has an element"},
      {R"(,{"name": "a", "type": "object"})", "schema: field a: an object needs fields"},
      {R"(,{"name": "a", "type": "array"})", "schema: field a: an array needs an element"},
      {R"(,{"name": "a", "type": "array", "element": 5})", "schema: field a[]: expected a map, found int"},
      {R"(,{"name": "a", "type": "object", "indexed": true, "fields": []})",
       "schema: field a: a field of type object can't be indexed"},
      {R"(,{"name": "a", "type": "array", "indexed": true, "element": {"type": "int"}})",
       "schema: field a: a field of type array can't be indexed"},
      {R"(,{"name": "a", "type": "array", "element": {"type": "int", "indexed": true}})",
       "schema: field a[]: a field inside an array can't be indexed"},
      {R"(,{"name": "a", "type": "array", "element":
          {"type": "object", "fields": [{"name": "b", "type": "int", "indexed": true}]}})",
       "schema: field a[].b: a field inside an array can't be indexed"},
      {R"(,{"name": "a", "type": "array", "element": {"type": "int", "required": true}})",
       "schema: field a[]: an element can't be required"},
      {R"(,{"name": "a", "type": "array", "element": {"type": "int", "name": "x"}})",
       "schema: field a[]: an element has no name"},
      {R"(,{"name": "o", "type": "object", "fields": [{"name": "a", "type": "no"}]})",
       "schema: field o.a: unknown type no"},
  };
  for (auto [fields, message] : cases) expect_invalid(decode_fields(fields), message);
}

TEST(Schema, NamesHaveABound) {
  auto named = [](size_t size) {
    return decode_fields(R"(,{"type": "int", "name": ")" + std::string(size, 'n') + "\"}");
  };
  EXPECT_TRUE(named(kMaxNameBytes).has_value());
  expect_invalid(named(kMaxNameBytes + 1), "schema: fields: a name of 129 bytes is longer than 128");
}

TEST(Schema, FieldsHaveABoundNestedOnesCounted) {
  auto with = [](size_t nested) {
    std::string fields = R"(,{"name": "o", "type": "object", "fields": [)";
    for (size_t i = 0; i < nested; ++i) {
      fields += (i == 0 ? "" : ",") + std::string(R"({"type": "int", "name": "f)") + std::to_string(i) + "\"}";
    }
    return decode_fields(fields + "]}");
  };
  EXPECT_TRUE(with(kMaxFields - 2).has_value());
  expect_invalid(with(kMaxFields - 1), "schema: field o.f1022: more than 1024 fields");
}

TEST(Schema, NestingHasABound) {
  auto nested = [](size_t arrays) {
    std::string field = R"({"type": "int"})";
    for (size_t i = 0; i < arrays; ++i) field = R"({"type": "array", "element": )" + field + "}";
    return decode_fields(R"(,{"name": "a", )" + field.substr(1));
  };
  EXPECT_TRUE(nested(kMaxNesting - 1).has_value());
  EXPECT_EQ(code_of(nested(kMaxNesting)), "SCHEMA_INVALID");
  EXPECT_NE(message_of(nested(kMaxNesting)).find("nest deeper than 12"), std::string::npos);
}

// ---- encode ----

Field random_field(SeededRandom& random, std::string name, bool in_array, uint32_t depth) {
  Field field;
  field.name = std::move(name);
  field.type = static_cast<FieldType>(random.below(depth == 0 ? 5 : 7));
  if (field.type == FieldType::kObject) {
    auto count = random.below(5);
    for (uint64_t i = 0; i < count; ++i) {
      field.fields.push_back(random_field(random, "n" + std::to_string(i), in_array, depth - 1));
      field.fields.back().required = random.one_in(2);
    }
  } else if (field.type == FieldType::kArray) {
    field.element = std::make_shared<const Field>(random_field(random, "", true, depth - 1));
  } else {
    field.indexed = !in_array && random.one_in(3);
  }
  return field;
}

TEST(Schema, EncodingDecodesToTheSame) {
  SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    Schema schema{"c" + std::to_string(round), static_cast<uint32_t>(random.below(UINT32_MAX) + 1), {}};
    schema.fields.push_back({"_id", FieldType::kString, true, false, {}, nullptr});
    auto count = random.below(8);
    for (uint64_t i = 0; i < count; ++i) {
      schema.fields.push_back(random_field(random, "f" + std::to_string(i), false, 4));
    }
    Bytes packed;
    encode_schema(schema, packed);
    Tape tape;
    ASSERT_TRUE(tape.parse(packed).has_value());
    auto decoded = decode_schema(tape.root());
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(*decoded, schema);
    Bytes again;
    encode_schema(*decoded, again);
    EXPECT_EQ(again, packed);
    auto from_people = schema_from_json(schema_to_json(schema));
    ASSERT_TRUE(from_people.has_value()) << from_people.error().message;
    EXPECT_EQ(*from_people, schema);
  }
}

TEST(Schema, EncodingIsTheDocumentedOne) {
  auto schema = schema_of(R"({"collection": "c", "version": 1, "fields": {"_id": {"type": "string", "required": true},
      "l": {"type": "array", "element": {"type": "int"}}, "o": {"type": "object", "fields": {}}}})");
  Bytes packed;
  encode_schema(schema, packed);
  EXPECT_EQ(*to_json(packed),
            R"({"collection":"c","fields":[{"indexed":false,"name":"_id","required":true,"type":"string"},)"
            R"({"element":{"indexed":false,"name":"","required":false,"type":"int"},)"
            R"("indexed":false,"name":"l","required":false,"type":"array"},)"
            R"({"fields":[],"indexed":false,"name":"o","required":false,"type":"object"}],"version":1})");
}

// ---- evolution ----

Schema next_places() {
  Schema next = kPlaces;
  ++next.version;
  return next;
}
Field& field_of(Schema& schema, std::string_view name) {
  return *std::find_if(schema.fields.begin(), schema.fields.end(), [&](const Field& f) { return f.name == name; });
}
void expect_refused(const Schema& next, std::string_view message) {
  auto result = check_additive(kPlaces, next);
  EXPECT_EQ(code_of(result), "SCHEMA_INVALID");
  EXPECT_EQ(message_of(result), message);
}

TEST(SchemaEvolution, AddsOptionalFields) {
  Schema next = next_places();
  EXPECT_EQ(code_of(check_additive(kPlaces, next)), "");
  next.fields.push_back({"zone", FieldType::kString, false, true, {}, nullptr});
  EXPECT_EQ(code_of(check_additive(kPlaces, next)), "");
  auto& street = field_of(next, "address").fields;
  street.push_back({"zulu", FieldType::kInt, false, false, {}, nullptr});
  EXPECT_EQ(code_of(check_additive(kPlaces, next)), "");
}

TEST(SchemaEvolution, AddsOptionalFieldsInsideArrays) {
  Schema next = next_places();
  Field element = *field_of(next, "tags").element;
  element.fields.push_back({"weight", FieldType::kFloat, false, false, {}, nullptr});
  field_of(next, "tags").element = std::make_shared<const Field>(element);
  EXPECT_EQ(code_of(check_additive(kPlaces, next)), "");
  element.fields.back().required = true;
  field_of(next, "tags").element = std::make_shared<const Field>(element);
  expect_refused(next, "schema: field tags[].weight: a new field can't be required");
}

TEST(SchemaEvolution, RefusesEverythingElse) {
  Schema next = next_places();
  next.fields.push_back({"zone", FieldType::kString, true, false, {}, nullptr});
  expect_refused(next, "schema: field zone: a new field can't be required");
  next = next_places();
  field_of(next, "address").fields.push_back({"zulu", FieldType::kInt, true, false, {}, nullptr});
  expect_refused(next, "schema: field address.zulu: a new field can't be required");
  next = next_places();
  next.fields.pop_back();
  expect_refused(next, "schema: field zip: is in the version before and can't be left out");
  next = next_places();
  field_of(next, "address").fields.pop_back();
  expect_refused(next, "schema: field address.street: is in the version before and can't be left out");
  next = next_places();
  field_of(next, "zip").type = FieldType::kFloat;
  expect_refused(next, "schema: field zip: type differs from the version before");
  next = next_places();
  field_of(next, "zip").indexed = false;
  expect_refused(next, "schema: field zip: indexed differs from the version before");
  next = next_places();
  field_of(next, "zip").required = true;
  expect_refused(next, "schema: field zip: required differs from the version before");
  next = next_places();
  field_of(next, "matrix").element =
      std::make_shared<const Field>(Field{"", FieldType::kFloat, false, false, {}, nullptr});
  expect_refused(next, "schema: field matrix[]: type differs from the version before");
  next = next_places();
  next.collection = "other";
  expect_refused(next, "schema: collection: differs from the version before");
  next = next_places();
  next.version = 5;
  expect_refused(next, "schema: version: expected 4, found 5");
  expect_refused(kPlaces, "schema: version: expected 4, found 3");
}

}  // namespace
}  // namespace aerodb::document
