#include "common/document/msgpack.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <msgpack.hpp>

#include "common/base/assert.h"

namespace aerodb::document {
namespace {

// Bytes of a value's head by its first byte; the head of a number holds the number.
constexpr std::array<uint8_t, 256> head_sizes() {
  std::array<uint8_t, 256> sizes{};
  sizes.fill(1);
  for (int first : {0xc4, 0xcc, 0xd0, 0xd9}) sizes[first] = 2;
  for (int first : {0xc5, 0xcd, 0xd1, 0xda, 0xdc, 0xde}) sizes[first] = 3;
  for (int first : {0xc6, 0xca, 0xce, 0xd2, 0xdb, 0xdd, 0xdf}) sizes[first] = 5;
  for (int first : {0xcb, 0xcf, 0xd3}) sizes[first] = 9;
  return sizes;
}
constexpr auto kHeadSizes = head_sizes();

constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();

// Receives the library's calls and appends tokens. The library tells no offsets: a running one is kept, which works
// because every byte of the source belongs to exactly one head or body, in order.
class TokenVisitor : public msgpack::null_visitor {
 public:
  enum class Refusal : uint8_t { kNone, kTooDeep, kExtension };

  void start(ByteSpan source, uint32_t max_depth, std::vector<Token>& tokens) {
    source_ = source;
    max_depth_ = max_depth;
    tokens_ = &tokens;
    at_ = 0;
    depth_ = 0;
    open_ = kNowhere;
    refusal_ = Refusal::kNone;
  }
  // Called by the library when its own state is reset.
  void init() {}
  [[nodiscard]] Refusal refusal() const { return refusal_; }
  [[nodiscard]] uint32_t offset() const { return at_; }

  bool visit_nil() {
    append(Type::kNil);
    return true;
  }
  bool visit_boolean(bool v) {
    append(Type::kBool).boolean = v;
    return true;
  }
  bool visit_positive_integer(uint64_t v) {
    if (v <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      append(Type::kInt).integer = static_cast<int64_t>(v);
    } else {
      append(Type::kUint).unsigned_integer = v;
    }
    return true;
  }
  bool visit_negative_integer(int64_t v) {
    append(Type::kInt).integer = v;
    return true;
  }
  bool visit_float32(float v) { return visit_float64(static_cast<double>(v)); }
  bool visit_float64(double v) {
    append(Type::kFloat).number = v;
    return true;
  }
  bool visit_str(const char* /*v*/, uint32_t size) { return body(Type::kString, size); }
  bool visit_bin(const char* /*v*/, uint32_t size) { return body(Type::kBytes, size); }
  bool visit_ext(const char* /*v*/, uint32_t /*size*/) {
    refusal_ = Refusal::kExtension;
    return false;
  }
  bool start_array(uint32_t elements) { return enter(Type::kArray, elements); }
  bool start_map(uint32_t pairs) { return enter(Type::kMap, pairs); }
  bool end_array() { return leave(); }
  bool end_map() { return leave(); }

 private:
  Token& append(Type type) {
    Token& token = tokens_->emplace_back();
    token.type = type;
    token.begin = at_;
    at_ += kHeadSizes[source_[at_]];
    token.end = at_;
    token.next = static_cast<uint32_t>(tokens_->size());
    return token;
  }
  bool body(Type type, uint32_t size) {
    Token& token = append(type);
    token.data = at_;
    token.size = size;
    at_ += size;
    token.end = at_;
    return true;
  }
  bool enter(Type type, uint32_t size) {
    if (depth_ == max_depth_) {
      refusal_ = Refusal::kTooDeep;
      return false;
    }
    ++depth_;
    Token& token = append(type);
    token.size = size;
    token.next = open_;  // the container around it, until leave() knows the end
    open_ = static_cast<uint32_t>(tokens_->size() - 1);
    return true;
  }
  bool leave() {
    Token& token = (*tokens_)[open_];
    open_ = token.next;
    token.next = static_cast<uint32_t>(tokens_->size());
    token.end = at_;
    --depth_;
    return true;
  }

  ByteSpan source_;
  std::vector<Token>* tokens_ = nullptr;
  uint32_t max_depth_ = 0;
  uint32_t at_ = 0;
  uint32_t depth_ = 0;
  uint32_t open_ = kNowhere;  // token of the innermost open container
  Refusal refusal_ = Refusal::kNone;
};

// The library takes a pointer and a size of char.
const char* chars(const void* bytes) { return static_cast<const char*>(bytes); }

}  // namespace

// The library's parser, kept from message to message: msgpack::parse() would allocate its stack anew for each.
class Tape::Parser : public msgpack::detail::context<Tape::Parser> {
 public:
  TokenVisitor& visitor() { return visitor_; }

 private:
  TokenVisitor visitor_;
};

Tape::Tape() = default;
Tape::~Tape() = default;
Tape::Tape(Tape&& other) noexcept = default;
Tape& Tape::operator=(Tape&& other) noexcept = default;

Result<void> Tape::parse(ByteSpan source, uint32_t max_depth) {
  AERODB_ASSERT(max_depth <= kMaxDepth);
  source_ = source;
  tokens_.clear();
  if (source.empty()) return fail(ErrorCode::kBadMessage, "parse: no bytes");
  if (source.size() >= kNowhere) return fail(ErrorCode::kBadMessage, "parse: more bytes than a message can have");
  if (!parser_) parser_ = std::make_unique<Parser>();
  auto& visitor = parser_->visitor();
  parser_->init();
  visitor.start(source, max_depth, tokens_);

  size_t end = 0;
  auto outcome = parser_->execute(chars(source.data()), source.size(), end);
  if (outcome == msgpack::PARSE_SUCCESS && end == source.size()) return {};

  tokens_.clear();
  if (visitor.refusal() == TokenVisitor::Refusal::kTooDeep) {
    return fail(ErrorCode::kMessageTooDeep,
                fmt::format("parse: offset {}: arrays and maps nest deeper than {}", visitor.offset(), max_depth));
  }
  if (visitor.refusal() == TokenVisitor::Refusal::kExtension) {
    return fail(ErrorCode::kBadMessage,
                fmt::format("parse: offset {}: extension types are not allowed", visitor.offset()));
  }
  if (outcome == msgpack::PARSE_SUCCESS) {
    return fail(ErrorCode::kBadMessage, fmt::format("parse: {} bytes after the value", source.size() - end));
  }
  if (outcome == msgpack::PARSE_CONTINUE) {
    return fail(ErrorCode::kBadMessage,
                fmt::format("parse: the bytes end within a value, at offset {}", source.size()));
  }
  return fail(ErrorCode::kBadMessage, fmt::format("parse: offset {}: reserved byte", visitor.offset()));
}

size_t Tape::parse_front(ByteSpan source, uint32_t max_depth) {
  AERODB_ASSERT(max_depth <= kMaxDepth && source.size() < kNowhere);
  source_ = source;
  tokens_.clear();
  if (!parser_) parser_ = std::make_unique<Parser>();
  parser_->init();
  parser_->visitor().start(source, max_depth, tokens_);
  size_t end = 0;
  if (parser_->execute(chars(source.data()), source.size(), end) == msgpack::PARSE_SUCCESS) return end;
  tokens_.clear();
  return 0;
}

Cursor Tape::root() const {
  AERODB_ASSERT(!tokens_.empty());
  return {this, 0};
}

std::optional<Cursor> Cursor::find(std::string_view key) const {
  if (type() != Type::kMap) return std::nullopt;
  Cursor at = first();
  for (uint32_t pair = 0; pair < token().size; ++pair) {
    Cursor value = at.skip();
    if (at.text() == key) return value;
    at = value.skip();
  }
  return std::nullopt;
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kNil:
      return "nil";
    case Type::kBool:
      return "bool";
    case Type::kInt:
      return "int";
    case Type::kUint:
      return "uint";
    case Type::kFloat:
      return "float";
    case Type::kString:
      return "string";
    case Type::kBytes:
      return "bytes";
    case Type::kArray:
      return "array";
    case Type::kMap:
      return "map";
  }
  return "unknown";
}

}  // namespace aerodb::document
