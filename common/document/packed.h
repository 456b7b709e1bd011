// Walks packed bytes value by value, without a Tape and without allocating: for bytes that are read once and often,
// such as canonical documents. Internal to this folder.
#pragma once

#include <optional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/document/msgpack.h"

namespace aerodb::document {

// Never reads past the end. `source` is smaller than 4 GiB and outlives the reader.
class PackedReader {
 public:
  explicit PackedReader(ByteSpan source) : source_(source) {}

  // Reads a scalar, a string or bytes whole, of an array or map the head only; `token.end` is then the end of the head
  // and `token.next` is not set. False at the end of the bytes and for what MessagePack as we use it does not have.
  [[nodiscard]] bool next(Token& token) {
    if (at_ == source_.size()) return false;
    shortest_ = true;
    token.begin = static_cast<uint32_t>(at_);
    const uint8_t first = source_[at_++];
    bool read = true;
    if (first <= 0x7f || first >= 0xe0) {
      token.type = Type::kInt;
      token.integer = first <= 0x7f ? int64_t{first} : int64_t{first} - 256;
    } else if (first <= 0x9f) {
      token.type = first <= 0x8f ? Type::kMap : Type::kArray;
      token.size = first & 0x0f;
    } else if (first <= 0xbf) {
      read = body(token, Type::kString, first & 0x1f);
    } else {
      read = long_head(token, first);
    }
    token.end = static_cast<uint32_t>(at_);
    return read;
  }
  // True if the head read last is the one PackWriter writes.
  [[nodiscard]] bool shortest() const { return shortest_; }
  // Leaves a value out whose head was read: steps over the children of an array or map.
  [[nodiscard]] bool skip(const Token& head);
  [[nodiscard]] std::string_view text(const Token& token) const {
    return as_text(source_.subspan(token.data, token.size));
  }
  [[nodiscard]] bool at_end() const { return at_ == source_.size(); }
  [[nodiscard]] size_t offset() const { return at_; }

 private:
  bool big_endian(unsigned width, uint64_t& value);
  bool unsigned_number(Token& token, unsigned width);
  bool signed_number(Token& token, unsigned width);
  bool float_number(Token& token, unsigned width);
  bool body(Token& token, Type type, uint64_t size) {
    if (source_.size() - at_ < size) return false;
    token.type = type;
    token.size = static_cast<uint32_t>(size);
    token.data = static_cast<uint32_t>(at_);
    at_ += size;
    return true;
  }
  bool sized(Token& token, Type type, unsigned width, uint64_t smallest);
  bool long_head(Token& token, uint8_t first);

  ByteSpan source_;
  size_t at_ = 0;
  bool shortest_ = true;
};

// The float64 that is exactly this integer (kInt, kUint); nullopt where there is none.
[[nodiscard]] std::optional<double> exact_float(const Token& token);

}  // namespace aerodb::document
