// Structs to MessagePack and back, by their fields(). See fields.h for what members may be.
#pragma once

#include "common/base/error.h"
#include "common/document/msgpack.h"
#include "common/wire/fields.h"

namespace aerodb::wire {

// Appends `message` as a map, with a PackWriter or a StagedPackWriter. Keys in fields() order.
template <class Message, class Writer>
void encode(const Message& message, Writer& out);

// A message as the bytes that it travels in.
template <class Message>
[[nodiscard]] Bytes packed_of(const Message& message) {
  Bytes packed;
  document::PackWriter out(packed);
  encode(message, out);
  return packed;
}

// Reads a map. Views in the result point into the cursor's source. Errors: BAD_REQUEST (wrong type, out of range,
// number not below 2^53 for Number<>), MISSING_FIELD, UNKNOWN_FIELD, each naming the key.
template <class Message>
[[nodiscard]] Result<Message> decode(document::Cursor map);

// An error as the third element of an answer: {code, message, severity, rule, details: {key: value}}.
void encode_error(const Error& error, document::PackWriter& out);
// A code that this binary does not know becomes INTERNAL with the name kept in the details.
[[nodiscard]] Error decode_error(document::Cursor value);

}  // namespace aerodb::wire

#include "common/wire/codec_inl.h"
