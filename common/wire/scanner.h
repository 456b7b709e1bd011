// Message boundaries in a byte stream that has no length prefix: MessagePack says where a value ends only to those who
// walk it. The scanner walks each byte once and goes on exactly where the bytes ran out.
//
// Bounds, checked on what a head declares, before the bytes it speaks of arrive; nothing is ever allocated from it:
//   MESSAGE_TOO_LARGE  bytes so far + one byte for each element still owed > 16 MiB, or too many elements in all
//   MESSAGE_TOO_DEEP   more than 32 arrays and maps inside one another
//   BAD_MESSAGE        the reserved byte 0xc1, extension types, or not the outline of a MessagePack-RPC message:
//                      [0, uint32, ...4], [1, uint32, ...4] or [2, ...3]
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"

namespace aerodb::wire {

inline constexpr uint32_t kMaxMessageBytes = 16u << 20;
inline constexpr uint32_t kMaxMessageDepth = document::kMaxDepth;
// A parsed element takes many times its single byte on the wire; this bounds what one message can make us hold.
inline constexpr uint32_t kMaxMessageElements = 4u << 20;

enum class MessageKind : uint8_t { kRequest = 0, kResponse = 1, kNotification = 2 };

class MessageScanner {
 public:
  enum class State : uint8_t { kIncomplete, kComplete, kRefused };

  // `bytes` holds the current message from its first byte, at least as long as at the call before. After kComplete and
  // kRefused nothing changes until reset().
  State scan(ByteSpan bytes);
  // The same, and at kComplete `tape` holds the message. A small one that is here whole is walked only once.
  State scan(ByteSpan bytes, document::Tape& tape);
  // The next message begins.
  void reset();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] uint32_t size() const { return offset_; }  // kComplete: bytes of the message
  // As far as read; a refused message too.
  [[nodiscard]] std::optional<MessageKind> kind() const { return kind_; }
  [[nodiscard]] std::optional<uint32_t> id() const { return id_; }  // requests and responses
  [[nodiscard]] const Error& error() const { return error_; }       // kRefused

 private:
  struct Head;
  bool take_small(ByteSpan bytes, document::Tape& tape);
  bool take(const Head& head);
  bool take_outline(const Head& head);
  bool take_container(const Head& head);
  bool refuse(ErrorCode code, std::string message);

  State state_ = State::kIncomplete;
  uint32_t offset_ = 0;    // next head; beyond the bytes received while a string's body is on its way
  uint32_t elements_ = 0;  // declared so far
  uint32_t owed_ = 0;      // of these not yet seen
  uint32_t depth_ = 0;
  uint32_t outline_ = 0;  // values seen of array, type, id
  std::array<uint32_t, kMaxMessageDepth> left_{};
  std::optional<MessageKind> kind_;
  std::optional<uint32_t> id_;
  Error error_;
};

// The bytes received on one connection, cut into messages. Grows only with bytes received; a message that lies whole in
// one piece of input is never copied.
class MessageInput {
 public:
  // Borrows `data` until release().
  void feed(ByteSpan data);
  // The next whole message, or nullopt: incomplete, or refused (see scanner()). The view lives until the next call of
  // next() or release().
  [[nodiscard]] std::optional<ByteSpan> next();
  // The same, parsed: `tape` then holds the message, for as long.
  [[nodiscard]] std::optional<ByteSpan> next(document::Tape& tape);
  // The message answered last comes again from the next call of next(). Before release(), which keeps it then.
  void put_back() { scanner_.reset(); }
  // Keeps what was not consumed. Called before fed bytes cease to be valid.
  void release();
  void clear();

  // A message has begun and is not complete, or was put back.
  [[nodiscard]] bool is_half() const;
  [[nodiscard]] const MessageScanner& scanner() const { return scanner_; }
  // Bytes of storage held.
  [[nodiscard]] size_t capacity() const { return stored_.capacity(); }

 private:
  [[nodiscard]] ByteSpan unread() const;
  void advance();

  MessageScanner scanner_;
  Bytes stored_;
  ByteSpan borrowed_;  // used instead of stored_ while there is nothing stored
  size_t consumed_ = 0;
};

}  // namespace aerodb::wire
