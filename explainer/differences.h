// Two values that should be equal, and what to say where they are not. For comparisons of the witness.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace aerodb::explainer {

template <class T>
std::string in_words(const T& value) {
  if constexpr (requires { value.value(); } && !requires { value.has_value(); }) {
    return std::to_string(value.value());
  } else if constexpr (requires { to_hex(value); }) {
    return to_hex(value);
  } else {
    return fmt::format("{}", value);
  }
}
template <class T>
std::string in_words(const std::optional<T>& value) {
  return value ? in_words(*value) : "absent";
}

// "<field> is <expected> in <in>, <given> in the explanation"; nullopt where they are equal.
template <class T>
std::optional<std::string> differ(std::string_view field, const T& expected, const T& given, std::string_view in) {
  if (expected == given) return std::nullopt;
  return fmt::format("{} is {} in {}, {} in the explanation", field, in_words(expected), in, in_words(given));
}

inline std::optional<std::string> first_of(std::initializer_list<std::optional<std::string>> differences) {
  for (const auto& difference : differences) {
    if (difference) return difference;
  }
  return std::nullopt;
}

}  // namespace aerodb::explainer
