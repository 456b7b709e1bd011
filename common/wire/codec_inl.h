// The visitors behind codec.h. Included by it alone.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/assert.h"

namespace aerodb::wire::codec {

// Where and why decoding failed. `path` grows from the inside out; nothing is allocated while all goes well.
struct Failure {
  ErrorCode code = ErrorCode::kBadRequest;
  std::string path;
  std::string problem;

  bool set(ErrorCode why, std::string text);
  // Always false, so that a reader can return it.
  bool wrong_type(std::string_view wanted, document::Cursor got);
  bool out_of_range(std::string_view wanted);
  bool inside(std::string_view key);
  bool inside(size_t index);
  [[nodiscard]] Error error() &&;
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsNumber = false;
template <class Tag>
inline constexpr bool kIsNumber<Number<Tag>> = true;
template <class T>
inline constexpr bool kIsId = false;
template <class Tag>
inline constexpr bool kIsId<Id128<Tag>> = true;
template <class T>
inline constexpr bool kIsByteArray = false;
template <size_t N>
inline constexpr bool kIsByteArray<std::array<uint8_t, N>> = true;
template <class T>
inline constexpr bool kIsText = std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>;
template <class T>
inline constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// Visits nothing; only there to ask whether a type has fields().
struct NullVisitor {
  template <class Member>
  void operator()(std::string_view, Member&, std::string_view) {}
};
template <class T>
concept Struct = requires(T& message, NullVisitor visitor) { T::fields(message, visitor); };

// Room made from a declared count before an element was read.
inline constexpr size_t kReserveAtMost = 64;

bool read_bool(document::Cursor in, bool& out, Failure& failure);
bool read_unsigned(document::Cursor in, uint64_t max, uint64_t& out, Failure& failure);
bool read_signed(document::Cursor in, int64_t min, int64_t max, int64_t& out, Failure& failure);
bool read_double(document::Cursor in, double& out, Failure& failure);
bool read_text(document::Cursor in, std::string_view& out, Failure& failure);
bool read_bytes(document::Cursor in, ByteSpan& out, Failure& failure);
bool read_exact(document::Cursor in, std::span<uint8_t> out, Failure& failure);

template <class T, class Writer>
void write(const T& value, Writer& out) {
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(value);
  } else if constexpr (kIsInteger<T>) {
    if constexpr (std::is_signed_v<T>)
      out.integer(value);
    else
      out.unsigned_integer(value);
  } else if constexpr (std::is_same_v<T, double>) {
    out.number(value);
  } else if constexpr (kIsText<T>) {
    out.text(value);
  } else if constexpr (std::is_same_v<T, ByteSpan> || kIsByteArray<T>) {
    out.bytes(value);
  } else if constexpr (kIsId<T>) {
    out.bytes(value.bytes);
  } else if constexpr (kIsNumber<T>) {
    out.unsigned_integer(value.value());
  } else if constexpr (std::is_same_v<T, Packed>) {
    AERODB_ASSERT(!value.bytes.empty());
    out.raw(value.bytes);
  } else if constexpr (kIsOptional<T>) {
    if (value)
      write(*value, out);
    else
      out.nil();
  } else if constexpr (kIsVector<T>) {
    out.array(static_cast<uint32_t>(value.size()));
    for (const auto& element : value) write(element, out);
  } else {
    static_assert(Struct<const T>, "not a type that a message may have as a member; see fields.h");
    encode(value, out);
  }
}

template <class Message>
bool read_struct(document::Cursor map, Message& message, Failure& failure);

template <class T>
bool read(document::Cursor in, T& value, Failure& failure) {
  if constexpr (std::is_same_v<T, bool>) {
    return read_bool(in, value, failure);
  } else if constexpr (kIsInteger<T> && std::is_signed_v<T>) {
    int64_t wide = 0;
    if (!read_signed(in, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), wide, failure)) return false;
    value = static_cast<T>(wide);
    return true;
  } else if constexpr (kIsInteger<T>) {
    uint64_t wide = 0;
    if (!read_unsigned(in, std::numeric_limits<T>::max(), wide, failure)) return false;
    value = static_cast<T>(wide);
    return true;
  } else if constexpr (std::is_same_v<T, double>) {
    return read_double(in, value, failure);
  } else if constexpr (kIsText<T>) {
    std::string_view view;
    if (!read_text(in, view, failure)) return false;
    value = view;
    return true;
  } else if constexpr (std::is_same_v<T, ByteSpan>) {
    return read_bytes(in, value, failure);
  } else if constexpr (kIsByteArray<T>) {
    return read_exact(in, value, failure);
  } else if constexpr (kIsId<T>) {
    return read_exact(in, value.bytes, failure);
  } else if constexpr (kIsNumber<T>) {
    uint64_t number = 0;
    if (!read_unsigned(in, kMaxNumber, number, failure)) return false;
    value = T(number);
    return true;
  } else if constexpr (std::is_same_v<T, Packed>) {
    value = {in.raw(), in};
    return true;
  } else if constexpr (kIsOptional<T>) {
    if (in.is_nil()) {
      value.reset();
      return true;
    }
    return read(in, value.emplace(), failure);
  } else if constexpr (kIsVector<T>) {
    return read_vector(in, value, failure);
  } else {
    static_assert(Struct<T>, "not a type that a message may have as a member; see fields.h");
    return read_struct(in, value, failure);
  }
}

template <class T>
bool read_vector(document::Cursor in, std::vector<T>& value, Failure& failure) {
  if (in.type() != document::Type::kArray) return failure.wrong_type("an array", in);
  const uint32_t count = in.token().size;
  value.clear();
  value.reserve(std::min<size_t>(count, kReserveAtMost));
  auto element = in.first();
  for (uint32_t i = 0; i < count; ++i, element = element.skip()) {
    if (!read(element, value.emplace_back(), failure)) return failure.inside(i);
  }
  return true;
}

// The member called `key`: read, refused as a second one, or left alone where there is none of that name.
enum class Match : uint8_t { kNone, kRead, kFailed };

template <class Message>
Match read_member(std::string_view key, document::Cursor in, Message& message, uint64_t& seen, Failure& failure) {
  auto match = Match::kNone;
  uint32_t index = 0;
  Message::fields(message, [&](std::string_view name, auto& member, std::string_view) {
    const uint64_t bit = uint64_t{1} << index++;
    if (match != Match::kNone || name != key) return;
    if ((seen & bit) != 0) {
      failure.set(ErrorCode::kBadRequest, "is given twice");
      match = Match::kFailed;
      return;
    }
    seen |= bit;
    match = read(in, member, failure) ? Match::kRead : Match::kFailed;
  });
  return match;
}

// Most senders give the keys in fields() order: one visit reads these, up to the first that comes otherwise. Moves
// `cursor` and `left` past them.
template <class Message>
bool read_in_order(document::Cursor& cursor, uint32_t& left, Message& message, uint64_t& seen, Failure& failure) {
  uint32_t index = 0;
  bool whole = true;
  Message::fields(message, [&](std::string_view name, auto& member, std::string_view) {
    const uint64_t bit = uint64_t{1} << index++;
    if (left == 0 || !whole || cursor.text() != name) return;
    const auto value = cursor.skip();
    if (!read(value, member, failure)) {
      whole = failure.inside(name);
      return;
    }
    seen |= bit;
    cursor = value.skip();
    --left;
  });
  return whole;
}

template <class Message>
bool read_struct(document::Cursor map, Message& message, Failure& failure) {
  if (map.type() != document::Type::kMap) return failure.wrong_type("a map", map);
  uint64_t seen = 0;
  uint32_t left = map.token().size;
  auto cursor = map.first();
  if (!read_in_order(cursor, left, message, seen, failure)) return false;
  for (; left > 0; --left) {
    const auto key = cursor.text();
    if (!key) return failure.set(ErrorCode::kBadRequest, "a key is not a string");
    cursor = cursor.skip();
    const auto match = read_member(*key, cursor, message, seen, failure);
    if (match == Match::kNone) failure.set(ErrorCode::kUnknownField, "is not a field of this message");
    if (match != Match::kRead) return failure.inside(*key);
    cursor = cursor.skip();
  }
  uint32_t index = 0;
  bool whole = true;
  Message::fields(message, [&](std::string_view name, auto& member, std::string_view) {
    const uint64_t bit = uint64_t{1} << index++;
    if (kIsOptional<std::remove_cvref_t<decltype(member)>> || (seen & bit) != 0 || !whole) return;
    failure.set(ErrorCode::kMissingField, "is missing");
    whole = failure.inside(name);
  });
  AERODB_ASSERT(index <= 64);
  return whole;
}

}  // namespace aerodb::wire::codec

namespace aerodb::wire {

template <class Message, class Writer>
void encode(const Message& message, Writer& out) {
  uint32_t count = 0;
  Message::fields(message, [&count](std::string_view, const auto&, std::string_view) { ++count; });
  out.map(count);
  Message::fields(message, [&out](std::string_view name, const auto& member, std::string_view) {
    out.key(name);
    codec::write(member, out);
  });
}

template <class Message>
Result<Message> decode(document::Cursor map) {
  Result<Message> message;
  codec::Failure failure;
  if (!codec::read_struct(map, *message, failure)) return fail(std::move(failure).error());
  return message;
}

}  // namespace aerodb::wire
