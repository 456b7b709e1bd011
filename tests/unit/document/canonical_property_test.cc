// Properties over random documents: one canonical form for all ways to write a document, and one judge of it.
#include <algorithm>
#include <limits>

#include "common/base/random.h"
#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using testing::canonical;
using testing::code_of;
using testing::schema_of;

const Schema kWideSchema = schema_of(R"({"collection": "c", "version": 1, "fields": {
    "_id": {"type": "string", "required": true}, "A": {"type": "int"}, "b": {"type": "bool"}, "f": {"type": "float"},
    "raw": {"type": "bytes"}, "\u00e9": {"type": "string"},
    "o": {"type": "object", "fields": {"p": {"type": "int", "required": true},
        "q": {"type": "object", "fields": {"r": {"type": "float"}, "s": {"type": "string"}}}}},
    "list": {"type": "array", "element": {"type": "object", "fields": {"k": {"type": "int"}, "l": {"type": "bool"}}}},
    "grid": {"type": "array", "element": {"type": "array", "element": {"type": "float"}}}}})");

// A document's content, from which it can be written in many ways.
struct Value {
  std::string name;  // of a member
  FieldType type = FieldType::kString;
  std::string text;
  int64_t integer = 0;
  double number = 0;
  std::vector<Value> members;
  std::vector<Value> elements;
};

std::string random_text(SeededRandom& random, size_t least) {
  std::string text;
  size_t size = least + random.below(random.one_in(20) ? 300 : 12);
  while (text.size() < size)
    text += random.one_in(4) ? "\xc3\xa9" : std::string(1, static_cast<char>('a' + random.below(26)));
  return text;
}

Value random_value(SeededRandom& random, const Field& field);

std::vector<Value> random_members(SeededRandom& random, const std::vector<Field>& fields) {
  std::vector<Value> members;
  for (const auto& field : fields) {
    if (field.required || random.one_in(2)) members.push_back(random_value(random, field));
  }
  return members;
}

Value random_value(SeededRandom& random, const Field& field) {
  Value value;
  value.name = field.name;
  value.type = field.type;
  switch (field.type) {
    case FieldType::kString:
    case FieldType::kBytes:
      value.text = random_text(random, 1);
      break;
    case FieldType::kInt:
      value.integer = static_cast<int64_t>(random.next()) >> random.below(64);
      break;
    case FieldType::kBool:
      value.integer = static_cast<int64_t>(random.below(2));
      break;
    case FieldType::kFloat:
      value.number = random.one_in(2)
                         ? static_cast<double>(static_cast<int64_t>(random.next()) >> (11 + random.below(53)))
                         : static_cast<double>(random.below(1000000)) / 7;
      break;
    case FieldType::kObject:
      value.members = random_members(random, field.fields);
      break;
    case FieldType::kArray:
      value.elements.resize(random.below(random.one_in(20) ? 40 : 4));
      for (auto& element : value.elements) element = random_value(random, *field.element);
      break;
  }
  return value;
}

void big_endian(uint64_t v, unsigned width, Bytes& out) {
  for (unsigned i = width; i-- > 0;) out.push_back(static_cast<uint8_t>(v >> (8 * i)));
}

// Writes a head in a random one of the forms that hold `size`.
void random_head(SeededRandom& random, size_t size, uint8_t head16, Bytes& out, PackWriter& shortest_writer,
                 bool is_map) {
  if (random.one_in(2)) {
    is_map ? shortest_writer.map(static_cast<uint32_t>(size)) : shortest_writer.array(static_cast<uint32_t>(size));
    return;
  }
  bool wide = random.one_in(2);
  out.push_back(static_cast<uint8_t>(head16 + (wide ? 1 : 0)));
  big_endian(size, wide ? 4 : 2, out);
}

class RandomWriter {
 public:
  RandomWriter(SeededRandom& random, Bytes& out) : random_(random), out_(out), writer_(out) {}

  void members(std::vector<Value> members) {
    for (size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random_.below(i)]);
    random_head(random_, members.size(), 0xde, out_, writer_, true);
    for (const auto& member : members) {
      text(member.name);
      value(member);
    }
  }

 private:
  void value(const Value& v) {
    switch (v.type) {
      case FieldType::kString:
        text(v.text);
        break;
      case FieldType::kBytes:
        writer_.bytes(as_bytes(v.text));
        break;
      case FieldType::kBool:
        writer_.boolean(v.integer != 0);
        break;
      case FieldType::kInt:
        integer(v.integer);
        break;
      case FieldType::kFloat:
        number(v.number);
        break;
      case FieldType::kObject:
        members(v.members);
        break;
      case FieldType::kArray:
        random_head(random_, v.elements.size(), 0xdc, out_, writer_, false);
        for (const auto& element : v.elements) value(element);
        break;
    }
  }
  void text(std::string_view text) {
    if (random_.one_in(2)) return writer_.text(text);
    out_.push_back(0xdb);
    big_endian(text.size(), 4, out_);
    writer_.raw(as_bytes(text));
  }
  void integer(int64_t v) {
    if (random_.one_in(2)) return writer_.integer(v);
    out_.push_back(0xd3);
    big_endian(static_cast<uint64_t>(v), 8, out_);
  }
  void number(double v) {
    if (random_.one_in(3) && v == static_cast<double>(static_cast<int64_t>(v))) return integer(static_cast<int64_t>(v));
    if (random_.one_in(2) && v == static_cast<double>(static_cast<float>(v))) {
      out_.push_back(0xca);
      return big_endian(std::bit_cast<uint32_t>(static_cast<float>(v)), 4, out_);
    }
    writer_.number(v == 0 && random_.one_in(2) ? -0.0 : v);
  }

  SeededRandom& random_;
  Bytes& out_;
  PackWriter writer_;
};

TEST(CanonicalProperty, EqualDocumentsAreEqualBytes) {
  SeededRandom random(1);
  for (int round = 0; round < 500; ++round) {
    auto content = random_members(random, kWideSchema.fields);
    Bytes expected;
    for (int writing = 0; writing < 8; ++writing) {
      Bytes packed;
      RandomWriter(random, packed).members(content);
      auto document = canonical(packed, kWideSchema);
      ASSERT_TRUE(document.has_value()) << "round " << round << ": " << document.error().message;
      if (writing == 0) expected = *document;
      ASSERT_EQ(to_hex(*document), to_hex(expected)) << "round " << round;
    }
    EXPECT_EQ(code_of(check_canonical(expected, kWideSchema, kDefaultMaxDocumentBytes)), "") << "round " << round;
    EXPECT_EQ(to_hex(*canonical(expected, kWideSchema)), to_hex(expected));
    auto id = std::find_if(content.begin(), content.end(), [](const auto& member) { return member.name == "_id"; });
    EXPECT_EQ(document_id(expected), id->text);
  }
}

TEST(CanonicalProperty, DifferentDocumentsAreDifferentBytes) {
  SeededRandom random(2);
  for (int round = 0; round < 200; ++round) {
    auto content = random_members(random, kWideSchema.fields);
    auto other = content;
    auto& changed = other[random.below(other.size())];
    changed.text += "x";
    changed.integer ^= 1;
    changed.number += 0.5;
    if (changed.type == FieldType::kObject || changed.type == FieldType::kArray) continue;
    Bytes a, b;
    RandomWriter(random, a).members(content);
    RandomWriter(random, b).members(other);
    EXPECT_NE(to_hex(*canonical(a, kWideSchema)), to_hex(*canonical(b, kWideSchema))) << "round " << round;
  }
}

// The streaming check accepts exactly the bytes that canonicalize gives back unchanged.
TEST(CanonicalProperty, CheckAgreesWithCanonicalizeOnDamagedBytes) {
  SeededRandom random(3);
  size_t accepted = 0;
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes packed;
    RandomWriter(random, packed).members(random_members(random, kWideSchema.fields));
    Bytes bytes = random.one_in(4) ? packed : *canonical(packed, kWideSchema);
    auto changes = random.below(3);
    for (uint64_t i = 0; i < changes; ++i)
      bytes[random.below(bytes.size())] ^= static_cast<uint8_t>(1u << random.below(8));
    if (random.one_in(10)) bytes.resize(random.below(bytes.size() + 1));
    auto again = canonical(bytes, kWideSchema);
    bool is_canonical = again && *again == bytes;
    auto checked = check_canonical(bytes, kWideSchema, kDefaultMaxDocumentBytes);
    ASSERT_EQ(checked.has_value(), is_canonical)
        << to_hex(bytes) << (checked ? "" : checked.error().message) << (again ? "" : again.error().message);
    ++(is_canonical ? accepted : refused);
  }
  // Both sides were really tried.
  EXPECT_GT(accepted, 1000u);
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace aerodb::document
