#include "common/document/json.h"

#include <bit>
#include <cmath>
#include <limits>

#include "common/base/random.h"
#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using testing::bytes_of_hex;
using testing::canonical;
using testing::code_of;
using testing::from_json_text;
using testing::message_of;
using testing::schema_of;

std::string round_trip(std::string_view text) { return *to_json(from_json_text(text)); }
std::string json_of_number(double v) {
  Bytes packed;
  PackWriter(packed).number(v);
  return *to_json(packed);
}
void expect_refused(std::string_view text, std::string_view message) {
  Bytes out = {7};
  auto read = from_json(text, out);
  EXPECT_EQ(code_of(read), "BAD_REQUEST") << text;
  EXPECT_EQ(message_of(read), message);
  EXPECT_EQ(out, Bytes{7});
}

TEST(Json, ComesBackAsItWent) {
  for (auto* text : {"null",
                     "true",
                     "false",
                     "0",
                     "-1",
                     "9223372036854775807",
                     "-9223372036854775808",
                     "18446744073709551615",
                     "1.0",
                     "-0.0",
                     "0.1",
                     "1e+300",
                     "5e-324",
                     R"("")",
                     R"("a\"b\\c\n\u0001")",
                     "\"\xc3\xa9\xf0\x9f\x98\x80\"",
                     "[]",
                     "{}",
                     R"([1,[2,{"a":[]}],"x"])",
                     R"({"b":1,"a":{"d":2,"c":3}})"}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Json, KeysKeepTheirOrder) { EXPECT_EQ(round_trip(R"( {"z": 1, "a": 2, "m": 3} )"), R"({"z":1,"a":2,"m":3})"); }

TEST(Json, HeadsFitTheirCounts) {
  // Around the sizes at which the head grows.
  for (size_t count : {15u, 16u, 70000u}) {
    std::string text = "[[";
    for (size_t i = 0; i < count; ++i) text += i == 0 ? "1" : ",1";
    text += "],2]";
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Json, FloatsKeepTheirTypeAndValue) {
  EXPECT_EQ(json_of_number(1), "1.0");
  EXPECT_EQ(json_of_number(-3), "-3.0");
  EXPECT_EQ(json_of_number(1e22), "1e+22");
  EXPECT_EQ(json_of_number(0.1), "0.1");
  EXPECT_EQ(json_of_number(-0.0), "-0.0");
  EXPECT_EQ(json_of_number(100000), "100000.0");
  EXPECT_EQ(json_of_number(1e-7), "1e-07");
  EXPECT_EQ(json_of_number(0.000001), "0.000001");
  SeededRandom random(1);
  for (int i = 0; i < 5000; ++i) {
    auto number = std::bit_cast<double>(random.next());
    if (!std::isfinite(number)) continue;
    Bytes expected;
    PackWriter(expected).number(number);
    ASSERT_EQ(from_json_text(json_of_number(number)), expected) << number;
  }
}

TEST(Json, WritesWhatJsonHasNoFormFor) {
  EXPECT_EQ(json_of_number(HUGE_VAL), R"({"float64":"7ff0000000000000"})");
  EXPECT_EQ(json_of_number(-HUGE_VAL), R"({"float64":"fff0000000000000"})");
  EXPECT_EQ(*to_json(bytes_of_hex("c40300abff")), R"("00abff")");
  EXPECT_EQ(*to_json(bytes_of_hex("820102c303")), R"({"1":2,"true":3})");
  EXPECT_EQ(*to_json(bytes_of_hex("a3612e62")), R"("a.b")");
  EXPECT_EQ(*to_json(bytes_of_hex("a361ff62")),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(Json, PrettyIsIndentedByTwo) {
  EXPECT_EQ(*to_json(from_json_text(R"({"a":[1,{"b":[]}],"c":{}})"), JsonStyle::kPretty),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
}

TEST(Json, PackedBytesThatDoNotParseAreAnAnswer) {
  auto result = to_json(bytes_of_hex("92"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().row().name, "BAD_MESSAGE");
}

TEST(Json, RefusesDuplicateKeys) {
  expect_refused(R"({"a": 1, "b": {"a": 1}, "a": 2})", "JSON: line 1, column 27: the key a is given twice");
  expect_refused("{\n \"a\": {\"x\": 1,\n \"x\": 2}}", "JSON: line 3, column 4: the key x is given twice");
  EXPECT_EQ(round_trip(R"([{"a":1},{"a":1}])"), R"([{"a":1},{"a":1}])");
}

TEST(Json, RefusesIntegersOutOfRange) {
  expect_refused("[18446744073709551616]", "JSON: line 1, column 22: the integer 18446744073709551616 is out of range");
  expect_refused("[-9223372036854775809]", "JSON: line 1, column 22: the integer -9223372036854775809 is out of range");
  expect_refused("1e400", "JSON: line 1, column 5: number overflow parsing '1e400'");
  EXPECT_EQ(round_trip("18446744073709551616.0"), "18446744073709551616.0");
}

TEST(Json, RefusesDeepNesting) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(round_trip(nested(32)), nested(32));
  expect_refused(nested(33), "JSON: line 1, column 33: arrays and objects nest deeper than 32");
  expect_refused(std::string(1000000, '['), "JSON: line 1, column 33: arrays and objects nest deeper than 32");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (auto* text : {"", " ", "{", "[1,]", "{\"a\"}", "nul", "01", "1 2", "'a'", "[1] x", "\"\xff\"", "\"\\ud800\"",
                     "NaN", "// c\n1", "{1: 2}"}) {
    Bytes out;
    auto read = from_json(text, out);
    EXPECT_EQ(code_of(read), "BAD_REQUEST") << text;
    EXPECT_TRUE(message_of(read).starts_with("JSON: line ")) << message_of(read);
    EXPECT_EQ(message_of(read).find("json.exception"), std::string::npos) << message_of(read);
    EXPECT_TRUE(out.empty());
  }
  Bytes out;
  EXPECT_TRUE(message_of(from_json("{\n  \"a\": 1,\n  b\n}", out)).starts_with("JSON: line 3, column 3: syntax error"));
}

TEST(Json, AppendsAfterWhatIsThere) {
  Bytes out = {7};
  ASSERT_TRUE(from_json("[1]", out).has_value());
  EXPECT_EQ(to_hex(out), "079101");
}

// ---- documents ----

class JsonDocument : public ::testing::Test {
 protected:
  Schema schema_ = schema_of(R"({"collection": "c", "version": 1, "fields": {
      "_id": {"type": "string", "required": true}, "x": {"type": "bytes"}, "f": {"type": "float"},
      "s": {"type": "string"},
      "o": {"type": "object", "fields": {"x": {"type": "bytes"}}},
      "l": {"type": "array", "element": {"type": "object", "fields": {"x": {"type": "bytes"}}}},
      "b": {"type": "array", "element": {"type": "bytes"}}}})");
};

TEST_F(JsonDocument, HexIsReadWhereTheSchemaSaysBytes) {
  constexpr std::string_view kText =
      R"({"_id":"a","b":["00","ff01"],"f":1.0,"l":[{"x":"02"},{}],"o":{"x":"0a"},"s":"00ff","x":"00ff"})";
  Bytes packed;
  ASSERT_EQ(code_of(document_from_json(kText, schema_, packed)), "");
  auto document = canonical(packed, schema_);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(*to_json(*document), kText);
}

TEST_F(JsonDocument, RefusesWhatIsNoHexByPlace) {
  Bytes out;
  auto refused = document_from_json(R"({"_id": "a", "l": [{}, {"x": "0"}]})", schema_, out);
  EXPECT_EQ(code_of(refused), "BAD_REQUEST");
  EXPECT_EQ(message_of(refused), "JSON: field l[1].x: a bytes field is given as hex");
  EXPECT_EQ(code_of(document_from_json(R"({"_id": "a", "x": "zz"})", schema_, out)), "BAD_REQUEST");
  EXPECT_EQ(code_of(document_from_json("[]", schema_, out)), "BAD_REQUEST");
  EXPECT_EQ(code_of(document_from_json("{", schema_, out)), "BAD_REQUEST");
  EXPECT_TRUE(out.empty());
}

TEST_F(JsonDocument, LeavesTheJudgementToTheNode) {
  for (auto* text : {R"({"zz":1})", R"({"x":5})", R"({"o":[],"l":{}})", R"({"l":[{"y":"0"},1]})"}) {
    Bytes packed;
    ASSERT_EQ(code_of(document_from_json(text, schema_, packed)), "") << text;
    EXPECT_EQ(*to_json(packed), text);
    EXPECT_FALSE(canonical(packed, schema_).has_value());
  }
}

// ---- schemas ----

TEST(JsonSchema, IsWrittenForPeople) {
  auto schema = schema_of(R"({"fields": {"tags": {"element": {"type": "string"}, "type": "array"},
      "o": {"type": "object", "fields": {"n": {"indexed": true, "type": "int", "required": false}}},
      "_id": {"type": "string", "required": true}}, "version": 2, "collection": "c"})");
  EXPECT_EQ(schema_to_json(schema), R"({
  "collection": "c",
  "version": 2,
  "fields": {
    "_id": {
      "type": "string",
      "required": true
    },
    "o": {
      "type": "object",
      "fields": {
        "n": {
          "type": "int",
          "indexed": true
        }
      }
    },
    "tags": {
      "type": "array",
      "element": {
        "type": "string"
      }
    }
  }
})");
}

TEST(JsonSchema, RefusalsAreThoseOfTheDecoder) {
  EXPECT_EQ(code_of(schema_from_json("{")), "BAD_REQUEST");
  EXPECT_EQ(message_of(schema_from_json("5")), "schema: schema: expected a map, found int");
  auto with = [](std::string_view fields) {
    return schema_from_json(R"({"collection": "c", "version": 1, "fields": )" + std::string(fields) + "}");
  };
  EXPECT_EQ(message_of(with("{}")), "schema: field _id: is required in every schema");
  EXPECT_EQ(message_of(with(R"({"a": "string"})")), "schema: fields: a field has no name");
  EXPECT_EQ(message_of(with(R"({"a": {"type": "text"}})")), "schema: field a: unknown type text");
  EXPECT_EQ(code_of(with(R"({"a": {"name": "b", "type": "int"}})")), "SCHEMA_INVALID");
}

TEST(JsonSchema, DeepestSchemaFitsBothForms) {
  std::string field = R"({"type": "int"})";
  for (size_t i = 1; i < kMaxNesting; ++i) field = R"({"type": "object", "fields": {"n": )" + field + "}}";
  auto text = R"({"collection": "c", "version": 1, "fields": {"_id": {"type": "string", "required": true}, "o": )" +
              field + "}}";
  auto schema = schema_of(text);
  EXPECT_EQ(schema_of(schema_to_json(schema)), schema);
}

}  // namespace
}  // namespace aerodb::document
