// Bytes as a peer sends them: cut into pieces, scanned, parsed, and decoded as every message there is.
//
// Holds: whatever the scanner takes for a message, the parser takes too; the pieces don't matter; what decodes can be
// encoded and decodes again.
#include <algorithm>
#include <vector>

#include "common/base/assert.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"
#include "common/wire/scanner.h"

namespace aerodb::wire {
namespace {

std::vector<Bytes> cut(ByteSpan stream, size_t piece_bytes, bool& refused) {
  MessageInput input;
  std::vector<Bytes> messages;
  for (size_t at = 0; at < stream.size() && !refused; at += piece_bytes) {
    const auto size = std::min(piece_bytes, stream.size() - at);
    const Bytes piece(stream.begin() + static_cast<ptrdiff_t>(at), stream.begin() + static_cast<ptrdiff_t>(at + size));
    input.feed(piece);
    while (const auto message = input.next()) messages.emplace_back(message->begin(), message->end());
    input.release();
    refused = input.scanner().state() == MessageScanner::State::kRefused;
  }
  return messages;
}

template <class Message>
void decode_as(document::Cursor value) {
  const auto message = decode<Message>(value);
  if (!message) return;
  Bytes bytes;
  document::PackWriter out(bytes);
  encode(*message, out);
  document::Tape tape;
  AERODB_ASSERT(tape.parse(bytes).has_value());
  AERODB_ASSERT(decode<Message>(tape.root()).has_value());
}

void decode_as_everything(document::Cursor value) {
  for_each_method([value]<class Request, class Response>(const Method<Request, Response>&) {
    decode_as<Request>(value);
    decode_as<Response>(value);
  });
  const auto error = decode_error(value);
  AERODB_ASSERT(!error.row().name.empty());
}

void take(const Bytes& message) {
  document::Tape tape;
  AERODB_ASSERT(tape.parse(message, kMaxMessageDepth).has_value());
  auto element = tape.root().first();
  for (uint32_t i = 0; i < tape.root().token().size; ++i, element = element.skip()) {
    decode_as_everything(element);
    if (element.type() == document::Type::kArray && element.token().size > 0) decode_as_everything(element.first());
  }
}

}  // namespace
}  // namespace aerodb::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::wire;
  if (size == 0) return 0;
  const aerodb::ByteSpan stream(data + 1, size - 1);
  bool refused = false;
  bool refused_whole = false;
  const auto messages = cut(stream, size_t{data[0]} + 1, refused);
  AERODB_ASSERT(messages == cut(stream, size, refused_whole) && refused == refused_whole);
  for (const auto& message : messages) take(message);
  return 0;
}
