#include "common/document/packed.h"

#include <bit>
#include <limits>

namespace aerodb::document {

bool PackedReader::long_head(Token& token, uint8_t first) {
  switch (first) {
    case 0xc0:
      token.type = Type::kNil;
      return true;
    case 0xc2:
    case 0xc3:
      token.type = Type::kBool;
      token.boolean = first == 0xc3;
      return true;
    case 0xc4:
      return sized(token, Type::kBytes, 1, 0);
    case 0xc5:
      return sized(token, Type::kBytes, 2, 1u << 8);
    case 0xc6:
      return sized(token, Type::kBytes, 4, 1u << 16);
    case 0xca:
      return float_number(token, 4);
    case 0xcb:
      return float_number(token, 8);
    case 0xcc:
      return unsigned_number(token, 1);
    case 0xcd:
      return unsigned_number(token, 2);
    case 0xce:
      return unsigned_number(token, 4);
    case 0xcf:
      return unsigned_number(token, 8);
    case 0xd0:
      return signed_number(token, 1);
    case 0xd1:
      return signed_number(token, 2);
    case 0xd2:
      return signed_number(token, 4);
    case 0xd3:
      return signed_number(token, 8);
    case 0xd9:
      return sized(token, Type::kString, 1, 32);
    case 0xda:
      return sized(token, Type::kString, 2, 1u << 8);
    case 0xdb:
      return sized(token, Type::kString, 4, 1u << 16);
    case 0xdc:
      return sized(token, Type::kArray, 2, 16);
    case 0xdd:
      return sized(token, Type::kArray, 4, 1u << 16);
    case 0xde:
      return sized(token, Type::kMap, 2, 16);
    case 0xdf:
      return sized(token, Type::kMap, 4, 1u << 16);
    default:
      return false;  // extension types and the reserved byte
  }
}

bool PackedReader::big_endian(unsigned width, uint64_t& value) {
  if (source_.size() - at_ < width) return false;
  value = 0;
  for (unsigned i = 0; i < width; ++i) value = value << 8 | source_[at_ + i];
  at_ += width;
  return true;
}

bool PackedReader::unsigned_number(Token& token, unsigned width) {
  uint64_t value = 0;
  if (!big_endian(width, value)) return false;
  shortest_ = width == 1 ? value > 0x7f : value >> (4 * width) != 0;  // each width is twice the one before
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    token.type = Type::kInt;
    token.integer = static_cast<int64_t>(value);
  } else {
    token.type = Type::kUint;
    token.unsigned_integer = value;
  }
  return true;
}

bool PackedReader::signed_number(Token& token, unsigned width) {
  uint64_t bits = 0;
  if (!big_endian(width, bits)) return false;
  unsigned unused = 64 - 8 * width;
  token.type = Type::kInt;
  token.integer = static_cast<int64_t>(bits << unused) >> unused;
  int64_t narrower = width == 1 ? -32 : -(int64_t{1} << (4 * width - 1));  // the least that fits a shorter head
  shortest_ = token.integer < narrower;
  return true;
}

bool PackedReader::float_number(Token& token, unsigned width) {
  uint64_t bits = 0;
  if (!big_endian(width, bits)) return false;
  shortest_ = width == 8;
  token.type = Type::kFloat;
  token.number =
      width == 8 ? std::bit_cast<double>(bits) : static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  return true;
}

bool PackedReader::sized(Token& token, Type type, unsigned width, uint64_t smallest) {
  uint64_t size = 0;
  if (!big_endian(width, size)) return false;
  shortest_ = size >= smallest;
  if (type == Type::kString || type == Type::kBytes) return body(token, type, size);
  token.type = type;
  token.size = static_cast<uint32_t>(size);
  return true;
}

bool PackedReader::skip(const Token& head) {
  auto children = [](const Token& token) -> uint64_t {
    if (token.type == Type::kMap) return uint64_t{token.size} * 2;
    return token.type == Type::kArray ? token.size : 0;
  };
  Token token;
  for (uint64_t left = children(head); left > 0; --left) {
    if (!next(token)) return false;
    left += children(token);
  }
  return true;
}

std::optional<double> exact_float(const Token& token) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (token.type == Type::kInt) {
    auto number = static_cast<double>(token.integer);
    // A double of 2^63 does not convert back; it comes only from integers that round up to it.
    if (number < kTwo63 && static_cast<int64_t>(number) == token.integer) return number;
  }
  if (token.type == Type::kUint) {
    auto number = static_cast<double>(token.unsigned_integer);
    if (number < 2 * kTwo63 && static_cast<uint64_t>(number) == token.unsigned_integer) return number;
  }
  return std::nullopt;
}

}  // namespace aerodb::document
