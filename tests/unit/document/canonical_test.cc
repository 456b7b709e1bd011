#include "common/document/canonical.h"

#include <cmath>
#include <limits>

#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using testing::bytes_of_hex;
using testing::canonical;
using testing::code_of;
using testing::from_json_text;
using testing::message_of;
using testing::schema_of;

const Schema kSchema = schema_of(R"({"collection": "c", "version": 1, "fields": {
    "_id": {"type": "string", "required": true},
    "b": {"type": "bool"}, "f": {"type": "float"}, "i": {"type": "int"}, "s": {"type": "string"},
    "x": {"type": "bytes"},
    "address": {"type": "object", "fields": {"city": {"type": "string", "required": true}, "zip": {"type": "int"}}},
    "tags": {"type": "array", "element": {"type": "string"}},
    "items": {"type": "array", "element": {"type": "object", "fields": {"name": {"type": "string"}}}}}})");

Result<Bytes> of_json(std::string_view text) { return canonical(from_json_text(text), kSchema); }

// {"_id": "a", <key>: <value>}
template <class Write>
Bytes with_field(std::string_view key, Write&& write) {
  Bytes packed;
  PackWriter out(packed);
  out.map(2);
  out.field("_id", "a");
  out.text(key);
  write(out);
  return packed;
}
Result<Bytes> with_number(double v) {
  return canonical(with_field("f", [&](PackWriter& out) { out.number(v); }), kSchema);
}
Result<Bytes> with_raw(std::string_view key, std::string_view hex) {
  return canonical(with_field(key, [&](PackWriter& out) { out.raw(bytes_of_hex(hex)); }), kSchema);
}
// The same two, of bytes that claim to be canonical.
Result<void> check(ByteSpan bytes) { return check_canonical(bytes, kSchema, kDefaultMaxDocumentBytes); }
Result<void> check_raw(std::string_view key, std::string_view hex) {
  return check(with_field(key, [&](PackWriter& out) { out.raw(bytes_of_hex(hex)); }));
}

void expect_refused(const Result<Bytes>& result, std::string_view code, std::string_view message) {
  EXPECT_EQ(code_of(result), code);
  EXPECT_EQ(message_of(result), message);
}
void expect_refused(const Result<void>& result, std::string_view code, std::string_view message) {
  EXPECT_EQ(code_of(result), code);
  EXPECT_EQ(message_of(result), message);
}

TEST(Canonical, KeysAreInByteOrderAtEveryLevel) {
  auto document = of_json(R"({"tags": ["z", "a"], "address": {"zip": 1, "city": "x"}, "_id": "a", "B": 1})");
  EXPECT_EQ(code_of(document), "UNDECLARED_FIELD");
  document = of_json(R"({"tags": ["z", "a"], "address": {"zip": 1, "city": "x"}, "_id": "a"})");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(*to_json(*document), R"({"_id":"a","address":{"city":"x","zip":1},"tags":["z","a"]})");
  EXPECT_EQ(code_of(check(*document)), "");
}

TEST(Canonical, AppendsAfterWhatIsThere) {
  Bytes packed = from_json_text(R"({"_id": "a"})");
  Tape tape;
  ASSERT_TRUE(tape.parse(packed).has_value());
  Bytes out = {1, 2, 3};
  ASSERT_TRUE(canonicalize(tape.root(), kSchema, 10, out).has_value());
  EXPECT_EQ(to_hex(out), "010203" + to_hex(packed));
  ASSERT_FALSE(canonicalize(tape.root(), kSchema, 6, out).has_value());
  EXPECT_EQ(to_hex(out), "010203" + to_hex(packed));
}

TEST(Canonical, IntegersTakeTheirShortestForm) {
  EXPECT_EQ(to_hex(*with_raw("i", "d30000000000000005")), to_hex(*with_raw("i", "05")));
  EXPECT_EQ(to_hex(*with_raw("i", "cd0005")), to_hex(*with_raw("i", "05")));
  EXPECT_EQ(to_hex(*with_raw("s", "db0000000161")), to_hex(*with_raw("s", "a161")));
}

TEST(Canonical, NoIntegerBeyondInt64) {
  EXPECT_EQ(code_of(with_raw("i", "cf7fffffffffffffff")), "");
  expect_refused(with_raw("i", "cf8000000000000000"), "WRONG_TYPE",
                 "field i: expected int, found 9223372036854775808, which is beyond int64");
}

TEST(Canonical, FloatFieldTakesIntegersItHoldsExactly) {
  EXPECT_EQ(to_hex(*with_raw("f", "05")), to_hex(*with_number(5.0)));
  EXPECT_EQ(to_hex(*with_raw("f", "cf8000000000000000")), to_hex(*with_number(0x1p63)));
  EXPECT_EQ(to_hex(*with_raw("f", "d38000000000000000")), to_hex(*with_number(-0x1p63)));
  EXPECT_EQ(to_hex(*with_raw("f", "cf0020000000000000")), to_hex(*with_number(0x1p53)));
  for (auto* hex : {"cf0020000000000001", "cf7fffffffffffffff", "cfffffffffffffffff"}) {
    expect_refused(with_raw("f", hex), "WRONG_TYPE",
                   "field f: expected float, found an integer that float64 does not hold exactly");
  }
}

TEST(Canonical, IntFieldTakesNoFloat) {
  expect_refused(with_raw("i", "cb3ff0000000000000"), "WRONG_TYPE", "field i: expected int, found float");
}

TEST(Canonical, FloatsAreFloat64AndNeverMinusZero) {
  EXPECT_EQ(to_hex(*with_raw("f", "ca3f800000")), to_hex(*with_number(1.0)));
  EXPECT_EQ(to_hex(*with_number(-0.0)), to_hex(*with_number(0.0)));
  EXPECT_NE(to_hex(*with_number(-0.0)).find("cb0000000000000000"), std::string::npos);
}

TEST(Canonical, RefusesNanAndInfinities) {
  expect_refused(with_number(std::nan("")), "DOCUMENT_INVALID", "field f: NaN can't be stored");
  expect_refused(with_number(HUGE_VAL), "DOCUMENT_INVALID", "field f: an infinity can't be stored");
  expect_refused(with_number(-HUGE_VAL), "DOCUMENT_INVALID", "field f: an infinity can't be stored");
  expect_refused(with_raw("f", "ca7f800000"), "DOCUMENT_INVALID", "field f: an infinity can't be stored");
}

TEST(Canonical, RefusesWhatIsNoMap) {
  expect_refused(of_json("[]"), "DOCUMENT_INVALID", "document: expected a map, found array");
  expect_refused(of_json("1"), "DOCUMENT_INVALID", "document: expected a map, found int");
}

TEST(Canonical, RefusesWrongTypesByPlace) {
  expect_refused(of_json(R"({"_id": "a", "address": {"city": 5}})"), "WRONG_TYPE",
                 "field address.city: expected string, found int");
  expect_refused(of_json(R"({"_id": "a", "tags": ["x", true]})"), "WRONG_TYPE",
                 "field tags[1]: expected string, found bool");
  expect_refused(of_json(R"({"_id": "a", "items": [{}, {"name": 1}]})"), "WRONG_TYPE",
                 "field items[1].name: expected string, found int");
  expect_refused(of_json(R"({"_id": "a", "tags": {}})"), "WRONG_TYPE", "field tags: expected array, found map");
  expect_refused(of_json(R"({"_id": "a", "address": []})"), "WRONG_TYPE",
                 "field address: expected object, found array");
  expect_refused(of_json(R"({"_id": "a", "b": 1})"), "WRONG_TYPE", "field b: expected bool, found int");
  expect_refused(of_json(R"({"_id": "a", "x": "ff"})"), "WRONG_TYPE", "field x: expected bytes, found string");
  expect_refused(of_json(R"({"_id": "a", "f": "1"})"), "WRONG_TYPE", "field f: expected float, found string");
  expect_refused(of_json(R"({"_id": "a", "s": null})"), "WRONG_TYPE", "field s: expected string, found nil");
  auto refused = of_json(R"({"_id": "a", "address": {"city": 5}})");
  ASSERT_EQ(refused.error().details.size(), 3u);
  EXPECT_EQ(refused.error().details[0].value, "address.city");
  EXPECT_EQ(refused.error().details[1].value, "string");
  EXPECT_EQ(refused.error().details[2].value, "int");
}

TEST(Canonical, RefusesUndeclaredFields) {
  expect_refused(of_json(R"({"_id": "a", "zz": 1})"), "UNDECLARED_FIELD", "field zz: is not declared by the schema");
  expect_refused(of_json(R"({"_id": "a", "address": {"city": "x", "": 1}})"), "UNDECLARED_FIELD",
                 "field address.\"\": is not declared by the schema");
  auto refused = canonical(with_field(std::string(1000, 'k'), [](PackWriter& out) { out.nil(); }), kSchema);
  EXPECT_EQ(code_of(refused), "UNDECLARED_FIELD");
  EXPECT_LT(message_of(refused).size(), 200u);
}

TEST(Canonical, RefusesMissingRequiredFields) {
  expect_refused(of_json(R"({"s": "x"})"), "MISSING_REQUIRED", "field _id: is required and missing");
  expect_refused(of_json("{}"), "MISSING_REQUIRED", "field _id: is required and missing");
  expect_refused(of_json(R"({"_id": "a", "address": {"zip": 1}})"), "MISSING_REQUIRED",
                 "field address.city: is required and missing");
}

TEST(Canonical, RefusesDuplicateKey) {
  Bytes packed;
  PackWriter out(packed);
  out.map(3);
  out.field("s", "x");
  out.field("_id", "a");
  out.field("s", "x");
  expect_refused(canonical(packed, kSchema), "DUPLICATE_KEY", "field s: is given twice");
}

TEST(Canonical, RefusesKeysThatAreNoText) {
  Bytes packed = bytes_of_hex("810101");
  expect_refused(canonical(packed, kSchema), "DOCUMENT_INVALID", "document: a key is a int, not a string");
  expect_refused(check(packed), "DOCUMENT_INVALID", "document: a key is a int, not a string");
  packed = bytes_of_hex("81a1ff01");
  expect_refused(canonical(packed, kSchema), "DOCUMENT_INVALID", "document: a key is not valid UTF-8");
  expect_refused(check(packed), "DOCUMENT_INVALID", "document: a key is not valid UTF-8");
}

TEST(Canonical, RefusesInvalidUtf8) {
  expect_refused(with_raw("s", "a1ff"), "DOCUMENT_INVALID", "field s: the string is not valid UTF-8");
  expect_refused(with_raw("tags", "91a2c080"), "DOCUMENT_INVALID", "field tags[0]: the string is not valid UTF-8");
  EXPECT_EQ(code_of(with_raw("x", "c401ff")), "");
}

TEST(Canonical, IdHasABound) {
  auto with_id = [](size_t size) { return of_json(R"({"_id": ")" + std::string(size, 'i') + "\"}"); };
  expect_refused(with_id(0), "DOCUMENT_INVALID", "field _id: must be 1 to 512 bytes, found 0");
  EXPECT_EQ(code_of(with_id(1)), "");
  EXPECT_EQ(code_of(with_id(512)), "");
  expect_refused(with_id(513), "DOCUMENT_INVALID", "field _id: must be 1 to 512 bytes, found 513");
  expect_refused(of_json(R"({"_id": 5})"), "WRONG_TYPE", "field _id: expected string, found int");
}

TEST(Canonical, SizeHasABound) {
  Bytes packed = with_field("s", [](PackWriter& out) { out.text(std::string(1000, 's')); });
  auto size = static_cast<uint32_t>(packed.size());
  EXPECT_EQ(code_of(canonical(packed, kSchema, size)), "");
  expect_refused(canonical(packed, kSchema, size - 1), "DOCUMENT_TOO_LARGE",
                 "document: more than 1011 bytes in canonical form");
  EXPECT_EQ(code_of(check_canonical(packed, kSchema, size)), "");
  EXPECT_EQ(code_of(check_canonical(packed, kSchema, size - 1)), "DOCUMENT_TOO_LARGE");
}

TEST(Canonical, SizeIsThatOfTheCanonicalForm) {
  // Ten bytes of integers become ninety of floats.
  Schema schema = schema_of(R"({"collection": "c", "version": 1, "fields": {"_id": {"type": "string", "required": true},
      "f": {"type": "array", "element": {"type": "float"}}}})");
  Bytes packed = from_json_text(R"({"_id": "a", "f": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]})");
  EXPECT_EQ(code_of(canonical(packed, schema, 100)), "");
  EXPECT_EQ(code_of(canonical(packed, schema, 99)), "DOCUMENT_TOO_LARGE");
}

TEST(Canonical, ManyFieldsInAnyOrder) {
  // More than are kept on the stack.
  Schema schema{"c", 1, {{"_id", FieldType::kString, true, false, {}, nullptr}}};
  Bytes packed;
  PackWriter out(packed);
  out.map(901);
  for (int i = 999; i >= 100; --i) {
    out.field("f" + std::to_string(i), i);
    schema.fields.push_back({"f" + std::to_string(1099 - i), FieldType::kInt, false, false, {}, nullptr});
  }
  out.field("_id", "a");
  auto document = canonical(packed, schema);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->size(), packed.size());
  EXPECT_EQ(code_of(check_canonical(*document, schema, kDefaultMaxDocumentBytes)), "");
  EXPECT_EQ(code_of(check_canonical(packed, schema, kDefaultMaxDocumentBytes)), "DOCUMENT_INVALID");
}

// ---- check_canonical ----

TEST(CheckCanonical, RefusesTruncationAtEveryByte) {
  auto document = *of_json(R"({"_id": "a", "address": {"city": "x", "zip": 70000}, "f": 0.5, "tags": ["a", "b"]})");
  ASSERT_EQ(code_of(check(document)), "");
  for (size_t size = 0; size < document.size(); ++size) {
    Bytes part(document.begin(), document.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(code_of(check(part)), "DOCUMENT_INVALID") << size << " bytes";
  }
  document.push_back(0);
  expect_refused(check(document), "DOCUMENT_INVALID", "document: 1 bytes after the end");
}

TEST(CheckCanonical, RefusesOtherOrders) {
  expect_refused(check(from_json_text(R"({"s": "x", "_id": "a"})")), "DOCUMENT_INVALID",
                 "field _id: keys are not in byte order");
  expect_refused(check(from_json_text(R"({"_id": "a", "address": {"zip": 1, "city": "x"}})")), "DOCUMENT_INVALID",
                 "field address.city: keys are not in byte order");
}

TEST(CheckCanonical, RefusesLongerForms) {
  EXPECT_EQ(code_of(check_raw("i", "05")), "");
  expect_refused(check_raw("i", "cc05"), "DOCUMENT_INVALID", "field i: a int is not in its shortest form");
  expect_refused(check_raw("s", "d90161"), "DOCUMENT_INVALID", "field s: a string is not in its shortest form");
  expect_refused(check_raw("f", "ca3f800000"), "DOCUMENT_INVALID", "field f: a float is not in its shortest form");
  expect_refused(check_raw("tags", "dc0000"), "DOCUMENT_INVALID", "field tags: a array is not in its shortest form");
  expect_refused(check(bytes_of_hex("de0001a35f6964a161")), "DOCUMENT_INVALID",
                 "document: a map is not in its shortest form");
  expect_refused(check(bytes_of_hex("81d9035f6964a161")), "DOCUMENT_INVALID",
                 "document: a string is not in its shortest form");
}

TEST(CheckCanonical, RefusesWhatCanonicalizeRefuses) {
  expect_refused(check_raw("f", "cb8000000000000000"), "DOCUMENT_INVALID", "field f: -0.0 is not canonical");
  expect_refused(check_raw("f", "cb7ff8000000000000"), "DOCUMENT_INVALID", "field f: NaN can't be stored");
  expect_refused(check_raw("f", "05"), "WRONG_TYPE", "field f: expected float, found int");
  expect_refused(check_raw("i", "cf8000000000000000"), "WRONG_TYPE",
                 "field i: expected int, found 9223372036854775808, which is beyond int64");
  expect_refused(check_raw("s", "c0"), "WRONG_TYPE", "field s: expected string, found nil");
  expect_refused(check_raw("s", "a1ff"), "DOCUMENT_INVALID", "field s: the string is not valid UTF-8");
  expect_refused(check_raw("zz", "05"), "UNDECLARED_FIELD", "field zz: is not declared by the schema");
  expect_refused(check_raw("_id", "a161"), "DUPLICATE_KEY", "field _id: is given twice");
  expect_refused(check_raw("address", "81a37a697001"), "MISSING_REQUIRED",
                 "field address.city: is required and missing");
  expect_refused(check_raw("address", "80"), "MISSING_REQUIRED", "field address.city: is required and missing");
  expect_refused(check(bytes_of_hex("81a35f6964a0")), "DOCUMENT_INVALID", "field _id: must be 1 to 512 bytes, found 0");
  expect_refused(check(bytes_of_hex("80")), "MISSING_REQUIRED", "field _id: is required and missing");
  expect_refused(check(bytes_of_hex("90")), "DOCUMENT_INVALID", "document: expected a map, found array");
  EXPECT_EQ(code_of(check_raw("s", "d40100")), "DOCUMENT_INVALID");
  EXPECT_EQ(code_of(check_raw("tags", "ddffffffffa0")), "DOCUMENT_INVALID");
}

// ---- UTF-8 ----

TEST(Utf8, AcceptsEveryRangeAndRefusesWhatLiesBetween) {
  for (std::string_view good : {"", "a", "12345678", "123456789", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                                "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                                "12345678\xc3\xa9"
                                "12345678"}) {
    EXPECT_TRUE(is_valid_utf8(good)) << to_hex(as_bytes(good));
    // Anywhere among other text, whole or cut.
    EXPECT_TRUE(is_valid_utf8("1234567" + std::string(good) + "x"));
    if (static_cast<uint8_t>(good.empty() ? 0 : good[0]) >= 0x80) {
      EXPECT_FALSE(is_valid_utf8(good.substr(0, good.size() - 1)));
      EXPECT_FALSE(is_valid_utf8(std::string(good.substr(0, good.size() - 1)) + "x"));
    }
  }
  for (std::string_view bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
                               "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xff"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << to_hex(as_bytes(bad));
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace aerodb::document
