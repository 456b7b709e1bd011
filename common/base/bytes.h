// Byte buffers, little-endian integers with bounds, hex and decimal text.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/assert.h"
#include "common/base/ids.h"

namespace aerodb {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hex.
[[nodiscard]] std::string to_hex(ByteSpan bytes);
template <class Tag>
[[nodiscard]] std::string to_hex(const Id128<Tag>& id) {
  return to_hex(ByteSpan(id.bytes));
}
// nullopt unless text is an even number of lower- or upper-case hex digits.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
template <class Id>
[[nodiscard]] std::optional<Id> id_from_hex(std::string_view text) {
  Id id;
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != id.bytes.size()) return std::nullopt;
  std::memcpy(id.bytes.data(), bytes->data(), bytes->size());
  return id;
}

// nullopt unless text is decimal digits alone, of a number below 2^64. Leading zeros are taken.
[[nodiscard]] std::optional<uint64_t> from_decimal(std::string_view text);

// Appends little-endian integers and length-prefixed strings to a buffer it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}
  void u8(uint8_t v) { out_.push_back(v); }
  void u16(uint16_t v) { little_endian(v); }
  void u32(uint32_t v) { little_endian(v); }
  void u64(uint64_t v) { little_endian(v); }
  void raw(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  template <class Tag>
  void id(const Id128<Tag>& v) {
    raw(v.bytes);
  }
  // u32 length, then the bytes.
  void string(std::string_view text) { blob(as_bytes(text)); }
  void blob(ByteSpan bytes) {
    u32(static_cast<uint32_t>(bytes.size()));
    raw(bytes);
  }
  void zeros(size_t count) { out_.insert(out_.end(), count, 0); }

 private:
  template <class T>
  void little_endian(T v) {
    uint8_t buffer[sizeof v];
    for (size_t i = 0; i < sizeof v; ++i) buffer[i] = static_cast<uint8_t>(v >> (8 * i));
    raw(buffer);
  }
  Bytes& out_;
};

// Writes the same to a place of known size, which costs a fraction of growing a buffer field by field. Writing past its
// end is a bug.
class PlacedWriter {
 public:
  explicit PlacedWriter(std::span<uint8_t> place) : left_(place) {}
  void u8(uint8_t v) { little_endian(v); }
  void u16(uint16_t v) { little_endian(v); }
  void u32(uint32_t v) { little_endian(v); }
  void u64(uint64_t v) { little_endian(v); }
  void raw(ByteSpan bytes) {
    uint8_t* place = take(bytes.size());
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
  }
  template <class Tag>
  void id(const Id128<Tag>& v) {
    raw(v.bytes);
  }
  void string(std::string_view text) { blob(as_bytes(text)); }
  void blob(ByteSpan bytes) {
    u32(static_cast<uint32_t>(bytes.size()));
    raw(bytes);
  }
  [[nodiscard]] bool at_end() const { return left_.empty(); }

 private:
  template <class T>
  void little_endian(T v) {
    uint8_t* place = take(sizeof v);
    for (size_t i = 0; i < sizeof v; ++i) place[i] = static_cast<uint8_t>(v >> (8 * i));
  }
  uint8_t* take(size_t count) {
    AERODB_ASSERT(count <= left_.size());
    uint8_t* place = left_.data();
    left_ = left_.subspan(count);
    return place;
  }
  std::span<uint8_t> left_;
};

// Reads what ByteWriter wrote. Never reads past the end: after the first failure ok() is false and all reads answer
// zero or empty. Views answered point into the span given.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan in) : in_(in) {}
  uint8_t u8() { return little_endian<uint8_t>(); }
  uint16_t u16() { return little_endian<uint16_t>(); }
  uint32_t u32() { return little_endian<uint32_t>(); }
  uint64_t u64() { return little_endian<uint64_t>(); }
  ByteSpan raw(size_t count) {
    if (!ok_ || count > in_.size() - at_) {
      ok_ = false;
      return {};
    }
    auto piece = in_.subspan(at_, count);
    at_ += count;
    return piece;
  }
  template <class Id>
  Id id() {
    Id v;
    auto piece = raw(v.bytes.size());
    if (ok_) std::memcpy(v.bytes.data(), piece.data(), piece.size());
    return v;
  }
  ByteSpan blob() { return raw(u32()); }
  std::string_view string() { return as_text(blob()); }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && at_ == in_.size(); }
  [[nodiscard]] size_t offset() const { return at_; }
  [[nodiscard]] size_t remaining() const { return in_.size() - at_; }

 private:
  template <class T>
  T little_endian() {
    auto piece = raw(sizeof(T));
    T v = 0;
    for (size_t i = 0; i < piece.size(); ++i) v = static_cast<T>(v | (static_cast<T>(piece[i]) << (8 * i)));
    return v;
  }
  ByteSpan in_;
  size_t at_ = 0;
  bool ok_ = true;
};

[[nodiscard]] constexpr uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace aerodb
