// What an answer of the console looks like as JSON, read off the structs that it prints: for docs/console-output.md,
// and for the tests that hold every answer against it.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/wire/codec.h"

namespace aerodb::console {

struct JsonField {
  std::string path;  // "commit_id", "data.versions[].commit_id"
  std::string type;  // "number", "list of objects or null"; below `any` nothing is said
  std::string help;
};
using JsonShape = std::vector<JsonField>;         // of one object
using JsonShapes = std::vector<JsonShape (*)()>;  // one for each kind of object

namespace detail {

template <class T>
void add_fields(const std::string& prefix, JsonShape& shape);

// The type of a value at `path`; the fields of an object follow in `below`.
template <class T>
std::string json_type(const std::string& path, JsonShape& below) {
  namespace codec = wire::codec;
  if constexpr (std::is_same_v<T, bool>) {
    return "boolean";
  } else if constexpr (std::is_arithmetic_v<T> || codec::kIsNumber<T>) {
    return "number";
  } else if constexpr (codec::kIsText<T>) {
    return "text";
  } else if constexpr (std::is_same_v<T, ByteSpan> || codec::kIsByteArray<T> || codec::kIsId<T>) {
    return "hex text";
  } else if constexpr (std::is_same_v<T, wire::Packed>) {
    return "any";
  } else if constexpr (codec::kIsOptional<T>) {
    return json_type<typename T::value_type>(path, below) + " or null";
  } else if constexpr (codec::kIsVector<T>) {
    return "list: " + json_type<typename T::value_type>(path + "[]", below);
  } else {
    add_fields<T>(path + ".", below);
    return "object";
  }
}

template <class T>
void add_fields(const std::string& prefix, JsonShape& shape) {
  T message{};
  T::fields(message, [&](std::string_view name, auto& member, std::string_view help) {
    const std::string path = prefix + std::string(name);
    JsonShape below;
    auto type = json_type<std::remove_cvref_t<decltype(member)>>(path, below);
    shape.push_back({path, std::move(type), std::string(help)});
    shape.insert(shape.end(), below.begin(), below.end());
  });
}

}  // namespace detail

template <class Message>
[[nodiscard]] JsonShape shape_of() {
  JsonShape shape;
  detail::add_fields<Message>("", shape);
  return shape;
}

}  // namespace aerodb::console
