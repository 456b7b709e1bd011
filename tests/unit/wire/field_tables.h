// Field tables of messages in Markdown, as the structs define them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/codec.h"

namespace aerodb::wire::testing {

// A visitor's own name for a type: "... [with T = aerodb::wire::Receipt; ...]" or "... [T = aerodb::wire::Receipt]".
template <class T>
std::string struct_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  if (const auto colons = text.rfind("::"); colons != std::string_view::npos) text.remove_prefix(colons + 2);
  return std::string(text);
}

struct Structures {
  std::vector<std::string> seen;
  std::string text;
};

template <class T>
std::string type_name(Structures& structures);

template <class Message>
std::string field_table(Structures& structures, std::string_view heading) {
  std::string rows;
  Message message{};
  Message::fields(message, [&](std::string_view name, auto& member, std::string_view help) {
    using Member = std::remove_cvref_t<decltype(member)>;
    rows += fmt::format("| `{}` | {} | {} |\n", name, type_name<Member>(structures), help);
  });
  if (rows.empty()) return fmt::format("{}: no fields.\n\n", heading);
  return fmt::format("| {} | type | |\n|---|---|---|\n{}\n", heading, rows);
}

template <class T>
std::string structure(Structures& structures) {
  auto name = struct_name<T>();
  if (std::ranges::count(structures.seen, name) == 0) {
    structures.seen.push_back(name);
    const auto table = field_table<T>(structures, name);
    structures.text += table;
  }
  return name;
}

template <class T>
std::string type_name(Structures& structures) {
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_integral_v<T>) {
    return fmt::format("{}{}", std::is_signed_v<T> ? "int" : "uint", 8 * sizeof(T));
  } else if constexpr (std::is_same_v<T, double>) {
    return "float64";
  } else if constexpr (codec::kIsText<T>) {
    return "string";
  } else if constexpr (std::is_same_v<T, ByteSpan>) {
    return "bin";
  } else if constexpr (codec::kIsByteArray<T>) {
    return fmt::format("bin {}", std::tuple_size_v<T>);
  } else if constexpr (codec::kIsId<T>) {
    return "bin 16";
  } else if constexpr (codec::kIsNumber<T>) {
    return "number";
  } else if constexpr (std::is_same_v<T, Packed>) {
    return "any";
  } else if constexpr (codec::kIsOptional<T>) {
    return type_name<typename T::value_type>(structures) + " or nil";
  } else if constexpr (codec::kIsVector<T>) {
    return "array of " + type_name<typename T::value_type>(structures);
  } else {
    return structure<T>(structures);
  }
}

}  // namespace aerodb::wire::testing
