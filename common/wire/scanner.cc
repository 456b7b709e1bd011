#include "common/wire/scanner.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"

namespace aerodb::wire {
namespace {

// Storage that one large message made and that an idle connection need not keep.
constexpr size_t kKeepBytes = size_t{256} << 10;

enum class HeadType : uint8_t { kUnsigned, kNegative, kScalar, kBody, kArray, kMap, kReserved, kExtension };

uint64_t big_endian(ByteSpan bytes) {
  uint64_t value = 0;
  for (auto byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

// What the first bytes of a value say.
struct MessageScanner::Head {
  HeadType type = HeadType::kScalar;
  uint8_t first = 0;
  uint32_t bytes = 1;    // of the head; of a scalar: all of it
  uint64_t number = 0;   // kUnsigned: value; kBody: bytes that follow; kArray, kMap: count
  bool partial = false;  // the head itself has not arrived whole

  static Head read(ByteSpan in) {
    Head head;
    const uint8_t first = in[0];
    head.first = first;
    if (first <= 0x7f) return head.is(HeadType::kUnsigned, first);
    if (first <= 0x8f) return head.is(HeadType::kMap, first & 0x0f);
    if (first <= 0x9f) return head.is(HeadType::kArray, first & 0x0f);
    if (first <= 0xbf) return head.is(HeadType::kBody, first & 0x1f);
    if (first >= 0xe0) return head.is(HeadType::kNegative, 0);
    switch (first) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return head;
      case 0xc1:
        return head.is(HeadType::kReserved, 0);
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return head.with_number(in, HeadType::kBody, 1u << (first - 0xc4));
      case 0xca:
        return head.with_number(in, HeadType::kScalar, 4);
      case 0xcb:
        return head.with_number(in, HeadType::kScalar, 8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return head.with_number(in, HeadType::kUnsigned, 1u << (first - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return head.with_signed_number(in, 1u << (first - 0xd0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return head.with_number(in, HeadType::kBody, 1u << (first - 0xd9));
      case 0xdc:
      case 0xdd:
        return head.with_number(in, HeadType::kArray, 2u << (first - 0xdc));
      case 0xde:
      case 0xdf:
        return head.with_number(in, HeadType::kMap, 2u << (first - 0xde));
      default:
        return head.is(HeadType::kExtension, 0);
    }
  }

 private:
  Head is(HeadType head_type, uint64_t value) {
    type = head_type;
    number = value;
    return *this;
  }
  Head with_number(ByteSpan in, HeadType head_type, uint32_t width) {
    bytes = 1 + width;
    partial = in.size() < bytes;
    return is(head_type, partial ? 0 : big_endian(in.subspan(1, width)));
  }
  Head with_signed_number(ByteSpan in, uint32_t width) {
    with_number(in, HeadType::kUnsigned, width);
    const bool negative = (number >> (8 * width - 1) & 1) != 0;
    return negative ? is(HeadType::kNegative, 0) : *this;
  }
};

void MessageScanner::reset() {
  state_ = State::kIncomplete;
  offset_ = elements_ = owed_ = depth_ = outline_ = 0;
  kind_.reset();
  id_.reset();
}

MessageScanner::State MessageScanner::scan(ByteSpan bytes) {
  if (state_ != State::kIncomplete) return state_;
  const auto closed = [this] { return outline_ > 0 && depth_ == 0; };
  while (offset_ < bytes.size() && !closed()) {
    const auto head = Head::read(bytes.subspan(offset_));
    if (head.partial) break;
    if (!take(head)) return state_;
  }
  if (closed() && offset_ <= bytes.size()) state_ = State::kComplete;
  return state_;
}

MessageScanner::State MessageScanner::scan(ByteSpan bytes, document::Tape& tape) {
  if (take_small(bytes, tape)) return state_;
  if (scan(bytes) != State::kComplete) return state_;
  if (auto parsed = tape.parse(bytes.first(offset_), kMaxMessageDepth); !parsed)
    refuse(parsed.error().code, std::move(parsed.error().message));
  return state_;
}

// A message that has just begun and is whole within bytes so few that no bound but the depth can be met. False: scan()
// goes on, or says why it is refused.
bool MessageScanner::take_small(ByteSpan bytes, document::Tape& tape) {
  constexpr size_t kSmallBytes = size_t{64} << 10;
  if (state_ != State::kIncomplete || offset_ != 0 || bytes.empty()) return false;
  const size_t size = tape.parse_front(bytes.first(std::min(bytes.size(), kSmallBytes)), kMaxMessageDepth);
  if (size == 0 || tape.root().type() != document::Type::kArray) return false;
  const auto count = tape.root().token().size;
  if (count != 3 && count != 4) return false;
  const auto kind = tape.root().first().unsigned_integer();
  if (!kind || *kind > 2 || count != (*kind == 2 ? 3u : 4u)) return false;
  if (*kind != static_cast<uint8_t>(MessageKind::kNotification)) {
    const auto id = tape.root().first().skip().unsigned_integer();
    if (!id || *id > UINT32_MAX) return false;
    id_ = static_cast<uint32_t>(*id);
  }
  kind_ = static_cast<MessageKind>(*kind);
  offset_ = static_cast<uint32_t>(size);
  state_ = State::kComplete;
  return true;
}

// Takes one value's head: the value is no longer owed, what it contains is.
bool MessageScanner::take(const Head& head) {
  if (head.type == HeadType::kReserved) return refuse(ErrorCode::kBadMessage, "byte 0xc1 is no MessagePack value");
  if (head.type == HeadType::kExtension) {
    return refuse(ErrorCode::kBadMessage,
                  fmt::format("extension types are not part of the protocol (byte 0x{:02x})", head.first));
  }
  if (outline_ < 3 && !take_outline(head)) return false;
  if (depth_ > 0) {
    --owed_;
    --left_[depth_ - 1];
  }
  const uint64_t body = head.type == HeadType::kBody ? head.number : 0;
  if (offset_ + head.bytes + body + owed_ > kMaxMessageBytes) {
    return refuse(ErrorCode::kMessageTooLarge,
                  fmt::format("a message holds at most {} bytes; this one declares {} or more", kMaxMessageBytes,
                              offset_ + head.bytes + body + owed_));
  }
  offset_ += head.bytes + static_cast<uint32_t>(body);
  if ((head.type == HeadType::kArray || head.type == HeadType::kMap) && !take_container(head)) return false;
  while (depth_ > 0 && left_[depth_ - 1] == 0) --depth_;
  return true;
}

bool MessageScanner::take_container(const Head& head) {
  const uint64_t count = head.type == HeadType::kMap ? 2 * head.number : head.number;
  if (uint64_t{offset_} + owed_ + count > kMaxMessageBytes) {
    return refuse(ErrorCode::kMessageTooLarge,
                  fmt::format("a message holds at most {} bytes; {} elements are declared where {} bytes are left",
                              kMaxMessageBytes, count, kMaxMessageBytes - offset_ - owed_));
  }
  if (elements_ + count > kMaxMessageElements) {
    return refuse(ErrorCode::kMessageTooLarge, fmt::format("a message holds at most {} elements", kMaxMessageElements));
  }
  if (depth_ == kMaxMessageDepth) {
    return refuse(ErrorCode::kMessageTooDeep, fmt::format("a message nests at most {} deep", kMaxMessageDepth));
  }
  elements_ += static_cast<uint32_t>(count);
  owed_ += static_cast<uint32_t>(count);
  left_[depth_++] = static_cast<uint32_t>(count);
  return true;
}

// The first three values: the outer array, the type, the id (of a notification: its method).
bool MessageScanner::take_outline(const Head& head) {
  constexpr auto kNoMessage = "not a MessagePack-RPC message: ";
  switch (outline_++) {
    case 0:
      if (head.type == HeadType::kArray && (head.number == 3 || head.number == 4)) return true;
      return refuse(ErrorCode::kBadMessage, fmt::format("{}it is no array of 3 or 4", kNoMessage));
    case 1: {
      const uint64_t length = left_[0];
      if (head.type == HeadType::kUnsigned && head.number <= 2 && length == (head.number == 2 ? 3u : 4u)) {
        kind_ = static_cast<MessageKind>(head.number);
        return true;
      }
      return refuse(ErrorCode::kBadMessage, fmt::format("{}type and length do not belong together", kNoMessage));
    }
    default:
      if (*kind_ == MessageKind::kNotification) return true;
      if (head.type == HeadType::kUnsigned && head.number <= UINT32_MAX) {
        id_ = static_cast<uint32_t>(head.number);
        return true;
      }
      return refuse(ErrorCode::kBadMessage, fmt::format("{}the id is no unsigned 32-bit integer", kNoMessage));
  }
}

bool MessageScanner::refuse(ErrorCode code, std::string message) {
  state_ = State::kRefused;
  error_ = Error{code, std::move(message), {}};
  return false;
}

ByteSpan MessageInput::unread() const {
  const ByteSpan all = stored_.empty() ? borrowed_ : ByteSpan(stored_);
  return all.subspan(consumed_);
}

void MessageInput::feed(ByteSpan data) {
  AERODB_ASSERT(borrowed_.empty());
  if (stored_.empty()) {
    borrowed_ = data;
  } else {
    stored_.insert(stored_.end(), data.begin(), data.end());
  }
}

void MessageInput::advance() {
  if (scanner_.state() != MessageScanner::State::kComplete) return;
  consumed_ += scanner_.size();
  scanner_.reset();
}

std::optional<ByteSpan> MessageInput::next() {
  advance();
  const auto rest = unread();
  if (scanner_.scan(rest) != MessageScanner::State::kComplete) return std::nullopt;
  return rest.first(scanner_.size());
}

std::optional<ByteSpan> MessageInput::next(document::Tape& tape) {
  advance();
  const auto rest = unread();
  if (scanner_.scan(rest, tape) != MessageScanner::State::kComplete) return std::nullopt;
  return rest.first(scanner_.size());
}

void MessageInput::release() {
  advance();
  const auto rest = unread();
  if (!borrowed_.empty()) {
    stored_.assign(rest.begin(), rest.end());
    borrowed_ = {};
    consumed_ = 0;
  } else if (rest.empty()) {
    if (stored_.capacity() > kKeepBytes) {
      Bytes().swap(stored_);
    } else {
      stored_.clear();
    }
    consumed_ = 0;
  } else if (consumed_ > rest.size()) {
    // At most as many bytes are moved as were consumed since the last time.
    stored_.erase(stored_.begin(), stored_.begin() + static_cast<ptrdiff_t>(consumed_));
    consumed_ = 0;
  }
}

void MessageInput::clear() {
  Bytes().swap(stored_);
  borrowed_ = {};
  consumed_ = 0;
  scanner_.reset();
}

bool MessageInput::is_half() const {
  return scanner_.state() == MessageScanner::State::kIncomplete && !unread().empty();
}

}  // namespace aerodb::wire
