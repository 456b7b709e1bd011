// A message's fields as JSON, read into the message's own form.
#pragma once

#include <string_view>

#include "common/document/json.h"
#include "common/wire/codec.h"

namespace aerodb::node {

// Copies a value, turning hex into bytes where a member of that type is bytes: ids and hashes. What does not fit is
// copied as it is, for decode() to refuse by its name.
template <class T>
void pack_as(document::Cursor value, document::PackWriter& out);

// Keys and values; the head of the map is the caller's.
template <class Message>
void pack_members(document::Cursor map, document::PackWriter& out) {
  auto at = map.first();
  for (uint32_t i = 0; i < map.token().size; ++i, at = at.skip()) {
    const auto key = at.text();
    out.raw(at.raw());
    at = at.skip();
    bool packed = false;
    Message none{};
    Message::fields(none, [&](std::string_view name, auto& member, std::string_view) {
      if (packed || key != name) return;
      pack_as<std::remove_cvref_t<decltype(member)>>(at, out);
      packed = true;
    });
    if (!packed) out.raw(at.raw());
  }
}

template <class T>
void pack_as(document::Cursor value, document::PackWriter& out) {
  using namespace wire::codec;
  if constexpr (kIsOptional<T>) {
    pack_as<typename T::value_type>(value, out);
  } else if constexpr (kIsVector<T>) {
    if (value.type() != document::Type::kArray) return out.raw(value.raw());
    out.array(value.token().size);
    auto element = value.first();
    for (uint32_t i = 0; i < value.token().size; ++i, element = element.skip())
      pack_as<typename T::value_type>(element, out);
  } else if constexpr (kIsId<T> || kIsByteArray<T>) {
    const auto bytes = value.text() ? from_hex(*value.text()) : std::nullopt;
    bytes ? out.bytes(*bytes) : out.raw(value.raw());
  } else if constexpr (Struct<T>) {
    if (value.type() != document::Type::kMap) return out.raw(value.raw());
    out.map(value.token().size);
    pack_members<T>(value, out);
  } else {
    out.raw(value.raw());
  }
}

// One JSON object. BAD_REQUEST with line and column.
[[nodiscard]] Result<document::ParsedJson> json_object(std::string_view text);

// The object as the message would be sent, behind `count` further members that stand packed in `members`.
template <class Message>
[[nodiscard]] Result<document::ParsedJson> as_message(document::Cursor object, ByteSpan members = {},
                                                      uint32_t count = 0) {
  document::ParsedJson message;
  document::PackWriter out(message.packed);
  out.map(object.token().size + count);
  out.raw(members);
  pack_members<Message>(object, out);
  if (auto parsed = message.tape.parse(message.packed); !parsed) return fail(std::move(parsed.error()));
  return message;
}

}  // namespace aerodb::node
