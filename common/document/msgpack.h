// MessagePack as flat tokens (read) and as an appending writer. Neither allocates per value: a Tape's storage is reused
// from message to message. The msgpack-c library does the parsing and packing; it is included by msgpack.cc alone.
#pragma once

#include <cstdint>
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
// parses later ones of no more values without allocating. A moved Tape leaves its Cursors behind.
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

// Appends to a buffer it does not own. Integers take their shortest form; floats are always float64.
class PackWriter {
 public:
  explicit PackWriter(Bytes& out) : out_(out) {}
  void nil();
  void boolean(bool v);
  void integer(int64_t v);
  void unsigned_integer(uint64_t v);
  void number(double v);
  void text(std::string_view v);
  void bytes(ByteSpan v);
  void array(uint32_t count);
  void map(uint32_t pairs);
  void raw(ByteSpan packed) { out_.insert(out_.end(), packed.begin(), packed.end()); }
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
  [[nodiscard]] Bytes& out() { return out_; }

 private:
  Bytes& out_;
};

}  // namespace aerodb::document
