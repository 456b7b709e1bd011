// MessagePack as flat tokens (read, by msgpack-c) and as an appending writer. Neither allocates per value: a Tape's
// storage is reused from message to message. Tests hold the writer against the library too.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace aerodb::document {

inline constexpr uint32_t kMaxDepth = 32;

enum class Type : uint8_t { kNil, kBool, kInt, kUint, kFloat, kString, kBytes, kArray, kMap };
[[nodiscard]] std::string_view type_name(Type type);

// One value. A container is followed by the tokens of its children (key, value, key, value... in a map).
struct Token {
  Type type = Type::kNil;
  uint32_t size = 0;   // bytes of a string or bytes; elements of an array; pairs of a map
  uint32_t next = 0;   // index of the token after this value and all its children
  uint32_t begin = 0;  // offsets of the whole value in the source
  uint32_t end = 0;
  union {
    int64_t integer = 0;        // kInt: everything that fits int64
    uint64_t unsigned_integer;  // kUint: only what does not
    double number;              // kFloat (float32 is widened)
    bool boolean;
    uint32_t data;  // kString, kBytes: offset of the first byte
  };
};

class Cursor;

// Parses one complete value. Keeps a view of the source, which must outlive every use. A Tape that has parsed a message
// parses later ones of no more values without allocating. Moved, never copied; a moved Tape leaves its Cursors behind.
class Tape {
 public:
  Tape();
  ~Tape();
  Tape(Tape&& other) noexcept;
  Tape& operator=(Tape&& other) noexcept;

  // Refused: BAD_MESSAGE (truncated, trailing bytes, ext types, reserved bytes), MESSAGE_TOO_DEEP (deeper than
  // max_depth). No memory is reserved from a declared length. `max_depth` counts arrays and maps inside one another, at
  // most kMaxDepth. After a refusal the Tape is empty and has no root.
  Result<void> parse(ByteSpan source, uint32_t max_depth = kMaxDepth);
  // Parses the value at the front, whatever follows. Answers its bytes; 0: there is no whole one that parse() takes.
  size_t parse_front(ByteSpan source, uint32_t max_depth = kMaxDepth);
  [[nodiscard]] Cursor root() const;
  [[nodiscard]] ByteSpan source() const { return source_; }
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }

 private:
  friend class Cursor;
  class Parser;
  ByteSpan source_;
  std::vector<Token> tokens_;
  std::unique_ptr<Parser> parser_;
};

// A position on a Tape; cheap to copy. Reading as a type it is not answers nullopt.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Tape* tape, uint32_t index) : tape_(tape), index_(index) {}
  [[nodiscard]] const Token& token() const { return tape_->tokens_[index_]; }
  [[nodiscard]] Type type() const { return token().type; }
  [[nodiscard]] bool is_nil() const { return type() == Type::kNil; }
  [[nodiscard]] std::optional<std::string_view> text() const {
    if (type() != Type::kString) return std::nullopt;
    return as_text(tape_->source_.subspan(token().data, token().size));
  }
  [[nodiscard]] std::optional<ByteSpan> bytes() const {
    if (type() != Type::kBytes) return std::nullopt;
    return tape_->source_.subspan(token().data, token().size);
  }
  [[nodiscard]] std::optional<int64_t> integer() const {
    if (type() != Type::kInt) return std::nullopt;
    return token().integer;
  }
  // kInt >= 0, or kUint.
  [[nodiscard]] std::optional<uint64_t> unsigned_integer() const {
    if (type() == Type::kUint) return token().unsigned_integer;
    if (type() != Type::kInt || token().integer < 0) return std::nullopt;
    return static_cast<uint64_t>(token().integer);
  }
  // kFloat only.
  [[nodiscard]] std::optional<double> number() const {
    if (type() != Type::kFloat) return std::nullopt;
    return token().number;
  }
  [[nodiscard]] std::optional<bool> boolean() const {
    if (type() != Type::kBool) return std::nullopt;
    return token().boolean;
  }
  // The bytes of this whole value in the source.
  [[nodiscard]] ByteSpan raw() const { return tape_->source_.subspan(token().begin, token().end - token().begin); }
  [[nodiscard]] ByteSpan source() const { return tape_->source_; }
  // Containers: `first()` is the first child, `skip()` the value after this one. Count with token().size.
  [[nodiscard]] Cursor first() const { return {tape_, index_ + 1}; }
  [[nodiscard]] Cursor skip() const { return {tape_, token().next}; }
  [[nodiscard]] uint32_t index() const { return index_; }
  // Another place on the same Tape.
  [[nodiscard]] Cursor at(uint32_t index) const { return {tape_, index}; }
  // Maps: the value of a string key (linear search), or nullopt.
  [[nodiscard]] std::optional<Cursor> find(std::string_view key) const;

 private:
  const Tape* tape_ = nullptr;
  uint32_t index_ = 0;
};

// Where a writer's bytes go: to the end of a buffer it does not own, at once.
class BufferEnd {
 public:
  explicit BufferEnd(Bytes& out) : out_(out) {}
  void append(const uint8_t* data, size_t size) { out_.insert(out_.end(), data, data + size); }
  [[nodiscard]] size_t size() const { return out_.size(); }
  [[nodiscard]] Bytes& out() { return out_; }

 private:
  Bytes& out_;
};

// The same, but small pieces are collected first: a vector's growth by five bytes costs many times their copy. The
// buffer is whole when this has ended.
class StagedEnd {
 public:
  explicit StagedEnd(Bytes& out) : out_(out) {}
  ~StagedEnd() { flush(); }
  StagedEnd(const StagedEnd&) = delete;
  StagedEnd& operator=(const StagedEnd&) = delete;
  [[gnu::always_inline]] void append(const uint8_t* data, size_t size) {
    if (size > stage_.size() - staged_) return append_beyond(data, size);
    std::memcpy(stage_.data() + staged_, data, size);
    staged_ += size;
  }
  [[nodiscard]] size_t size() const { return out_.size() + staged_; }

 private:
  void append_beyond(const uint8_t* data, size_t size) {
    flush();
    out_.insert(out_.end(), data, data + size);
  }
  void flush() {
    out_.insert(out_.end(), stage_.data(), stage_.data() + staged_);
    staged_ = 0;
  }
  Bytes& out_;
  size_t staged_ = 0;
  std::array<uint8_t, 512> stage_;  // an answer to a get of a small document, whole
};

// Integers take their shortest form; floats are always float64.
template <class End>
class BasicPackWriter {
 public:
  explicit BasicPackWriter(Bytes& out) : end_(out) {}
  void nil() { head(0xc0); }
  void boolean(bool v) { head(v ? 0xc3 : 0xc2); }
  void integer(int64_t v) {
    if (v >= 0) return unsigned_integer(static_cast<uint64_t>(v));
    const auto bits = static_cast<uint64_t>(v);
    if (v >= -32) return head(static_cast<uint8_t>(bits));
    if (v >= std::numeric_limits<int8_t>::min()) return head<1>(0xd0, bits);
    if (v >= std::numeric_limits<int16_t>::min()) return head<2>(0xd1, bits);
    if (v >= std::numeric_limits<int32_t>::min()) return head<4>(0xd2, bits);
    head<8>(0xd3, bits);
  }
  void unsigned_integer(uint64_t v) {
    if (v <= 0x7f) return head(static_cast<uint8_t>(v));
    if (v <= 0xff) return head<1>(0xcc, v);
    if (v <= 0xffff) return head<2>(0xcd, v);
    if (v <= 0xffff'ffff) return head<4>(0xce, v);
    head<8>(0xcf, v);
  }
  void number(double v) { head<8>(0xcb, std::bit_cast<uint64_t>(v)); }
  // Strings and bytes are shorter than 4 GiB.
  void text(std::string_view v) {
    if (v.size() < 32) {
      head(static_cast<uint8_t>(0xa0 | v.size()));
    } else {
      sized_head(0xd9, v.size());
    }
    raw({reinterpret_cast<const uint8_t*>(v.data()), v.size()});
  }
  // text() in place: of a key known to the compiler a few stores are left.
  [[gnu::always_inline]] void key(std::string_view v) {
    if (v.size() >= 32) return text(v);
    head(static_cast<uint8_t>(0xa0 | v.size()));
    end_.append(reinterpret_cast<const uint8_t*>(v.data()), v.size());
  }
  void bytes(ByteSpan v) {
    sized_head(0xc4, v.size());
    raw(v);
  }
  void array(uint32_t count) { container_head(0x90, 0xdc, count); }
  void map(uint32_t pairs) { container_head(0x80, 0xde, pairs); }
  void raw(ByteSpan packed) {
    if (!packed.empty()) end_.append(packed.data(), packed.size());
  }
  // key, value
  void field(std::string_view key, std::string_view v) {
    text(key);
    text(v);
  }
  void field(std::string_view key, const char* v) {
    text(key);
    text(v);
  }
  void field(std::string_view key, bool v) {
    text(key);
    boolean(v);
  }
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  void field(std::string_view key, Int v) {
    text(key);
    if constexpr (std::is_signed_v<Int>)
      integer(v);
    else
      unsigned_integer(v);
  }
  template <class Tag>
  void field(std::string_view key, Number<Tag> v) {
    text(key);
    unsigned_integer(v.value());
  }
  template <class Tag>
  void field(std::string_view key, const Id128<Tag>& v) {
    text(key);
    bytes(v.bytes);
  }
  [[nodiscard]] Bytes& out() { return end_.out(); }
  [[nodiscard]] size_t size() const { return end_.size(); }  // of the buffer, with what is not in it yet

 private:
  void head(uint8_t first) { end_.append(&first, 1); }
  // A first byte, then the lowest `width` bytes of `v`, big-endian.
  template <size_t width>
  void head(uint8_t first, uint64_t v) {
    uint8_t packed[1 + width] = {first};
    for (size_t i = 0; i < width; ++i) packed[1 + i] = static_cast<uint8_t>(v >> (8 * (width - 1 - i)));
    end_.append(packed, sizeof packed);
  }
  // `first`, first + 1 and first + 2 stand before 1, 2 and 4 bytes of size.
  void sized_head(uint8_t first, size_t size) {
    if (size <= 0xff) return head<1>(first, size);
    if (size <= 0xffff) return head<2>(static_cast<uint8_t>(first + 1), size);
    head<4>(static_cast<uint8_t>(first + 2), size);
  }
  // `small` holds counts below 16 itself; `first` and first + 1 stand before 2 and 4 bytes of it.
  void container_head(uint8_t small, uint8_t first, uint32_t count) {
    if (count < 16) return head(static_cast<uint8_t>(small | count));
    if (count <= 0xffff) return head<2>(first, count);
    head<4>(static_cast<uint8_t>(first + 1), count);
  }
  End end_;
};

using PackWriter = BasicPackWriter<BufferEnd>;
using StagedPackWriter = BasicPackWriter<StagedEnd>;

}  // namespace aerodb::document
