#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "common/base/assert.h"
#include "common/document/canonical.h"
#include "common/document/packed.h"

namespace aerodb::document {
namespace {

// The scalar or head at dotted `path`, with the reader behind it; false where the field is absent. Keys are sorted, so
// the first greater one ends the search.
bool seek(PackedReader& reader, std::string_view path, Token& value) {
  while (true) {
    size_t dot = path.find('.');
    std::string_view name = path.substr(0, dot);
    if (!reader.next(value) || value.type != Type::kMap) return false;
    uint32_t pairs = value.size;
    bool found = false;
    for (uint32_t pair = 0; pair < pairs && !found; ++pair) {
      Token token;
      if (!reader.next(token) || token.type != Type::kString) return false;
      std::string_view key = reader.text(token);
      if (key > name) return false;
      found = key == name;
      if (!found && (!reader.next(token) || !reader.skip(token))) return false;
    }
    if (!found) return false;
    if (dot == std::string_view::npos) return reader.next(value);
    path.remove_prefix(dot + 1);
  }
}

void append_big_endian(uint64_t value, Bytes& out) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
  out.insert(out.end(), std::begin(bytes), std::end(bytes));
}

void append_tag(IndexTag tag, Bytes& out) { out.push_back(static_cast<uint8_t>(tag)); }

constexpr uint64_t kSignBit = uint64_t{1} << 63;

// Negative numbers are inverted, so that the larger magnitude comes first; positive ones follow them.
void append_float_key(double number, Bytes& out) {
  auto bits = std::bit_cast<uint64_t>(number == 0 ? 0.0 : number);
  append_tag(IndexTag::kFloat, out);
  append_big_endian((bits & kSignBit) != 0 ? ~bits : bits | kSignBit, out);
}

}  // namespace

std::string_view document_id(ByteSpan canonical) {
  PackedReader reader(canonical);
  Token value;
  if (!seek(reader, "_id", value) || value.type != Type::kString) return {};
  return reader.text(value);
}

void append_index_key(const Token& token, ByteSpan source, Bytes& out) {
  switch (token.type) {
    case Type::kBool:
      append_tag(IndexTag::kBool, out);
      out.push_back(token.boolean ? 1 : 0);
      return;
    case Type::kInt:
      append_tag(IndexTag::kInt, out);
      append_big_endian(static_cast<uint64_t>(token.integer) ^ kSignBit, out);
      return;
    case Type::kFloat:
      append_float_key(token.number, out);
      return;
    case Type::kString:
    case Type::kBytes: {
      append_tag(token.type == Type::kString ? IndexTag::kString : IndexTag::kBytes, out);
      auto body = source.subspan(token.data, token.size);
      out.insert(out.end(), body.begin(), body.end());
      return;
    }
    case Type::kNil:
    case Type::kUint:
    case Type::kArray:
    case Type::kMap:
      break;
  }
  AERODB_ASSERT(!"a value that can't be indexed");
}

bool index_key_of(ByteSpan canonical, std::string_view path, Bytes& out) {
  PackedReader reader(canonical);
  Token value;
  if (!seek(reader, path, value)) return false;
  if (value.type == Type::kNil || value.type == Type::kUint || value.type == Type::kArray || value.type == Type::kMap) {
    return false;
  }
  append_index_key(value, canonical, out);
  return true;
}

Result<void> index_key_of_value(Cursor value, FieldType type, Bytes& out) {
  const Token& token = value.token();
  auto refuse = [&](std::string_view found) {
    return fail(ErrorCode::kWrongType, fmt::format("value: expected {}, found {}", field_type_name(type), found));
  };
  switch (type) {
    case FieldType::kString:
      if (token.type != Type::kString) return refuse(type_name(token.type));
      if (!is_valid_utf8(*value.text())) return refuse("a string that is not valid UTF-8");
      break;
    case FieldType::kInt:
      if (token.type != Type::kInt) return refuse(type_name(token.type));
      break;
    case FieldType::kFloat:
      if (token.type == Type::kInt || token.type == Type::kUint) {
        auto exact = exact_float(token);
        if (!exact) return refuse("an integer that float64 does not hold exactly");
        append_float_key(*exact, out);
        return {};
      }
      if (token.type != Type::kFloat) return refuse(type_name(token.type));
      if (!std::isfinite(token.number)) return refuse("NaN or an infinity");
      break;
    case FieldType::kBool:
      if (token.type != Type::kBool) return refuse(type_name(token.type));
      break;
    case FieldType::kBytes:
      if (token.type != Type::kBytes) return refuse(type_name(token.type));
      break;
    case FieldType::kObject:
    case FieldType::kArray:
      return fail(ErrorCode::kWrongType, fmt::format("value: a field of type {} has no index", field_type_name(type)));
  }
  append_index_key(token, value.source(), out);
  return {};
}

}  // namespace aerodb::document
