// Evidence structs and how they travel into an explanation and back.
//
// An evidence struct names each of its members once, in a static fields() (the idiom of common/wire/fields.h). A
// decision function hands the struct and the names that a rule looked at to its trace; NoTrace drops them,
// RecordingTrace packs exactly those members. Re-deriving reads the members back by the same names.
//
// Members: bool, integers, enums with enum_name() and enum_from_name(), Number<>, Id128<>, Sha256, std::string,
// RequestValue, structs with fields(), std::optional of these (absent: unknown or not given) and std::vector of them.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"

namespace aerodb::rules {

// A scalar of a request, packed as it came. Explanations hold no floats: one stands there as
// {"float64": "<16 hex digits>"}.
struct RequestValue {
  Bytes packed;
};
void pack_request_value(const RequestValue& value, document::PackWriter& out);

namespace detail {

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
concept HasFields = requires(const T& value) { T::fields(value, [](std::string_view, const auto&) {}); };

template <class T>
void pack_struct(const T& value, document::PackWriter& out);

template <class T>
void pack_value(const T& value, document::PackWriter& out) {
  if constexpr (kIsOptional<T>) {
    if (value)
      pack_value(*value, out);
    else
      out.nil();
  } else if constexpr (kIsVector<T>) {
    out.array(static_cast<uint32_t>(value.size()));
    for (const auto& element : value) pack_value(element, out);
  } else if constexpr (kIsNumber<T>) {
    out.unsigned_integer(value.value());
  } else if constexpr (kIsId<T>) {
    out.bytes(value.bytes);
  } else if constexpr (std::is_same_v<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::is_enum_v<T>) {
    out.text(enum_name(value));
  } else if constexpr (std::is_unsigned_v<T>) {
    out.unsigned_integer(value);
  } else if constexpr (std::is_same_v<T, Sha256>) {
    out.bytes(value);
  } else if constexpr (std::is_same_v<T, RequestValue>) {
    pack_request_value(value, out);
  } else if constexpr (HasFields<T>) {
    pack_struct(value, out);
  } else {
    static_assert(std::is_same_v<T, std::string>);
    out.text(value);
  }
}

template <class T>
void pack_field(std::string_view name, const T& value, document::PackWriter& out) {
  out.text(name);
  pack_value(value, out);
}

template <class T>
void pack_struct(const T& value, document::PackWriter& out) {
  uint32_t count = 0;
  T::fields(value, [&](std::string_view, const auto&) { ++count; });
  out.map(count);
  T::fields(value, [&](std::string_view name, const auto& member) { pack_field(name, member, out); });
}

// Hashes and ids come back from JSON as hex text, from MessagePack as bytes: both are read.
template <class T>
bool unpack_value(document::Cursor cursor, T& value) {
  if constexpr (kIsOptional<T>) {
    value.reset();
    if (cursor.is_nil()) return true;
    return unpack_value(cursor, value.emplace());
  } else if constexpr (kIsVector<T>) {
    if (cursor.type() != document::Type::kArray) return false;
    auto element = cursor.first();
    for (uint32_t i = 0; i < cursor.token().size; ++i, element = element.skip()) {
      if (!unpack_value(element, value.emplace_back())) return false;
    }
    return true;
  } else if constexpr (kIsId<T>) {
    if (auto bytes = cursor.bytes(); bytes && bytes->size() == value.bytes.size()) {
      std::copy(bytes->begin(), bytes->end(), value.bytes.begin());
      return true;
    }
    auto text = cursor.text();
    auto id = text ? id_from_hex<T>(*text) : std::nullopt;
    if (id) value = *id;
    return id.has_value();
  } else if constexpr (kIsNumber<T>) {
    auto number = cursor.unsigned_integer();
    if (number) value = T(*number);
    return number.has_value();
  } else if constexpr (std::is_same_v<T, bool>) {
    auto flag = cursor.boolean();
    if (flag) value = *flag;
    return flag.has_value();
  } else if constexpr (std::is_enum_v<T>) {
    auto text = cursor.text();
    return text && enum_from_name(*text, value);
  } else if constexpr (std::is_unsigned_v<T>) {
    auto number = cursor.unsigned_integer();
    if (!number || *number > std::numeric_limits<T>::max()) return false;
    value = static_cast<T>(*number);
    return true;
  } else if constexpr (std::is_same_v<T, Sha256>) {
    auto bytes = cursor.bytes();
    auto text = cursor.text();
    auto read = text ? from_hex(*text) : std::nullopt;
    const ByteSpan hash = bytes ? *bytes : read ? ByteSpan(*read) : ByteSpan();
    if (hash.size() != value.size()) return false;
    std::ranges::copy(hash, value.begin());
    return true;
  } else if constexpr (std::is_same_v<T, RequestValue>) {
    value.packed.assign(cursor.raw().begin(), cursor.raw().end());
    return true;
  } else if constexpr (HasFields<T>) {
    bool whole = cursor.type() == document::Type::kMap;
    T::fields(value, [&](std::string_view name, auto& member) {
      auto found = whole ? cursor.find(name) : std::nullopt;
      whole = found && unpack_value(*found, member);
    });
    return whole;
  } else {
    auto text = cursor.text();
    if (text) value = *text;
    return text.has_value();
  }
}

}  // namespace detail

// Evidence as it is kept beside a log: one map, its members by name.
template <class Evidence>
[[nodiscard]] Bytes pack_evidence(const Evidence& evidence) {
  Bytes packed;
  document::PackWriter out(packed);
  detail::pack_struct(evidence, out);
  return packed;
}
// False where it is no such map. A member that may be missing need not be there: it came later than the bytes.
template <class Evidence>
[[nodiscard]] bool unpack_evidence(ByteSpan packed, Evidence& evidence) {
  document::Tape tape;
  if (!tape.parse(packed) || tape.root().type() != document::Type::kMap) return false;
  bool whole = true;
  Evidence::fields(evidence, [&](std::string_view name, auto& member) {
    const auto found = tape.root().find(name);
    constexpr bool may_miss = detail::kIsOptional<std::remove_cvref_t<decltype(member)>>;
    whole = whole && (found ? detail::unpack_value(*found, member) : may_miss);
  });
  return whole;
}

}  // namespace aerodb::rules
