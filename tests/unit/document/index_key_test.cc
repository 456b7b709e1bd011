#include <algorithm>
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

template <class Write>
Result<Bytes> key_of(FieldType type, Write&& write) {
  Bytes packed;
  PackWriter out(packed);
  write(out);
  Tape tape;
  EXPECT_TRUE(tape.parse(packed).has_value());
  Bytes key;
  if (auto done = index_key_of_value(tape.root(), type, key); !done) {
    EXPECT_TRUE(key.empty());
    return fail(done.error());
  }
  return key;
}
Bytes key_of_int(int64_t v) {
  return *key_of(FieldType::kInt, [&](PackWriter& out) { out.integer(v); });
}
Bytes key_of_float(double v) {
  return *key_of(FieldType::kFloat, [&](PackWriter& out) { out.number(v); });
}
Bytes key_of_text(std::string_view v) {
  return *key_of(FieldType::kString, [&](PackWriter& out) { out.text(v); });
}

// std::vector compares as memcmp does, shorter first.
template <class T, class Key>
void expect_same_order(const T& a, const T& b, Key&& key) {
  EXPECT_EQ(a < b, key(a) < key(b)) << ::testing::PrintToString(a) << " and " << ::testing::PrintToString(b);
  EXPECT_EQ(a == b, key(a) == key(b)) << ::testing::PrintToString(a) << " and " << ::testing::PrintToString(b);
}

TEST(IndexKey, BytesAreTheDocumentedOnes) {
  EXPECT_EQ(to_hex(*key_of(FieldType::kBool, [](PackWriter& out) { out.boolean(false); })), "0100");
  EXPECT_EQ(to_hex(*key_of(FieldType::kBool, [](PackWriter& out) { out.boolean(true); })), "0101");
  EXPECT_EQ(to_hex(key_of_int(1)), "028000000000000001");
  EXPECT_EQ(to_hex(key_of_int(-1)), "027fffffffffffffff");
  EXPECT_EQ(to_hex(key_of_float(1.0)), "03bff0000000000000");
  EXPECT_EQ(to_hex(key_of_float(-1.0)), "03400fffffffffffff");
  EXPECT_EQ(to_hex(key_of_text("ab")), "046162");
  EXPECT_EQ(to_hex(*key_of(FieldType::kBytes, [](PackWriter& out) { out.bytes(bytes_of_hex("00ff")); })), "0500ff");
}

TEST(IndexKey, IntegersKeepTheirOrder) {
  std::vector<int64_t> values = {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), -1, 0, 1};
  SeededRandom random(1);
  for (int i = 0; i < 200; ++i) values.push_back(static_cast<int64_t>(random.next()) >> random.below(64));
  for (auto a : values) {
    for (auto b : values) expect_same_order(a, b, key_of_int);
  }
}

TEST(IndexKey, FloatsKeepTheirOrder) {
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                -1.0,
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest(),
                                std::numeric_limits<double>::denorm_min(),
                                -std::numeric_limits<double>::denorm_min()};
  SeededRandom random(2);
  while (values.size() < 200) {
    auto number = std::bit_cast<double>(random.next());
    if (std::isfinite(number)) values.push_back(number);
  }
  for (auto a : values) {
    for (auto b : values) expect_same_order(a, b, key_of_float);
  }
}

TEST(IndexKey, StringsAndBytesKeepTheirOrder) {
  SeededRandom random(3);
  std::vector<std::string> values = {"", "a", "aa", "b", "\xc3\xa9", std::string("a\0", 2)};
  for (int i = 0; i < 100; ++i) {
    std::string text(random.below(6), 'x');
    for (auto& c : text) c = static_cast<char>(random.below(128));
    values.push_back(text);
  }
  auto key_of_bytes = [](const std::string& v) {
    return *key_of(FieldType::kBytes, [&](PackWriter& out) { out.bytes(as_bytes(v)); });
  };
  for (const auto& a : values) {
    for (const auto& b : values) {
      expect_same_order(a, b, key_of_text);
      expect_same_order(a, b, key_of_bytes);
    }
  }
}

TEST(IndexKey, IntegerForAFloatFieldIsTakenAsFloat) {
  auto key = [](auto write) { return key_of(FieldType::kFloat, write); };
  EXPECT_EQ(*key([](PackWriter& out) { out.integer(3); }), key_of_float(3.0));
  EXPECT_EQ(*key([](PackWriter& out) { out.unsigned_integer(uint64_t{1} << 63); }), key_of_float(0x1p63));
  EXPECT_EQ(code_of(key([](PackWriter& out) { out.integer((int64_t{1} << 53) + 1); })), "WRONG_TYPE");
}

TEST(IndexKey, RefusesValuesThatTheFieldCanNotHold) {
  auto text = [](PackWriter& out) { out.text("x"); };
  auto integer = [](PackWriter& out) { out.integer(1); };
  for (auto type : {FieldType::kInt, FieldType::kFloat, FieldType::kBool, FieldType::kBytes, FieldType::kObject,
                    FieldType::kArray}) {
    EXPECT_EQ(code_of(key_of(type, text)), "WRONG_TYPE") << field_type_name(type);
  }
  EXPECT_EQ(message_of(key_of(FieldType::kString, integer)), "value: expected string, found int");
  EXPECT_EQ(message_of(key_of(FieldType::kObject, integer)), "value: a field of type object has no index");
  EXPECT_EQ(code_of(key_of(FieldType::kInt, [](PackWriter& out) { out.number(1.0); })), "WRONG_TYPE");
  EXPECT_EQ(code_of(key_of(FieldType::kInt, [](PackWriter& out) { out.unsigned_integer(UINT64_MAX); })), "WRONG_TYPE");
  EXPECT_EQ(code_of(key_of(FieldType::kString, [](PackWriter& out) { out.text("\xff"); })), "WRONG_TYPE");
  EXPECT_EQ(code_of(key_of(FieldType::kFloat, [](PackWriter& out) { out.number(std::nan("")); })), "WRONG_TYPE");
  EXPECT_EQ(code_of(key_of(FieldType::kFloat, [](PackWriter& out) { out.number(HUGE_VAL); })), "WRONG_TYPE");
  EXPECT_EQ(code_of(key_of(FieldType::kInt, [](PackWriter& out) { out.nil(); })), "WRONG_TYPE");
}

class IndexKeyOfDocument : public ::testing::Test {
 protected:
  Schema schema_ = schema_of(R"({"collection": "c", "version": 1, "fields": {
      "_id": {"type": "string", "required": true}, "A": {"type": "int"}, "f": {"type": "float"},
      "o": {"type": "object", "fields": {"p": {"type": "string"},
          "q": {"type": "object", "fields": {"r": {"type": "int"}}}}},
      "t": {"type": "array", "element": {"type": "int"}}, "z": {"type": "bool"}}})");
  Bytes document_ = *canonical(
      from_json_text(R"({"A": 7, "_id": "me", "f": 2, "o": {"p": "x", "q": {"r": -5}}, "t": [1, 2], "z": true})"),
      schema_);

  std::string key(std::string_view path) {
    Bytes out = {0xaa};
    bool found = index_key_of(document_, path, out);
    EXPECT_EQ(out[0], 0xaa);
    EXPECT_EQ(found, out.size() > 1) << path;
    return to_hex(ByteSpan(out).subspan(1));
  }
};

TEST_F(IndexKeyOfDocument, IsThatOfTheValue) {
  EXPECT_EQ(key("A"), to_hex(key_of_int(7)));
  EXPECT_EQ(key("_id"), to_hex(key_of_text("me")));
  EXPECT_EQ(key("f"), to_hex(key_of_float(2.0)));
  EXPECT_EQ(key("o.p"), to_hex(key_of_text("x")));
  EXPECT_EQ(key("o.q.r"), to_hex(key_of_int(-5)));
  EXPECT_EQ(key("z"), "0101");
}

TEST_F(IndexKeyOfDocument, IsAbsentWhereTheFieldIs) {
  for (auto* path : {"", "0", "g", "zz", "o.a", "o.z", "o.q.a", "o.q.z", "o.p.x", "A.x", "t.x"})
    EXPECT_EQ(key(path), "") << path;
}

TEST_F(IndexKeyOfDocument, ContainersHaveNone) {
  for (auto* path : {"o", "o.q", "t"}) EXPECT_EQ(key(path), "") << path;
}

TEST_F(IndexKeyOfDocument, IdIsFoundBehindOtherKeys) { EXPECT_EQ(document_id(document_), "me"); }

TEST_F(IndexKeyOfDocument, NothingIsReadPastTheEnd) {
  for (size_t size = 0; size < document_.size(); ++size) {
    Bytes part(document_.begin(), document_.begin() + static_cast<std::ptrdiff_t>(size));
    Bytes out;
    EXPECT_FALSE(index_key_of(part, "z", out)) << size;
    EXPECT_TRUE(out.empty());
    auto id = document_id(part);
    EXPECT_TRUE(id.empty() || id == "me") << size;
  }
  EXPECT_EQ(document_id(bytes_of_hex("90")), "");
}

}  // namespace
}  // namespace aerodb::document
