// The stable names of an enum's values: one table each, in their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace aerodb::rules {

// Sets `value` to the one that `name` stands for, where `names` begin with the value `first`. False: it stands for
// none.
template <class Enum>
[[nodiscard]] bool from_name(std::span<const std::string_view> names, std::string_view name, Enum& value,
                             size_t first = 0) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return false;
  value = static_cast<Enum>(static_cast<size_t>(found - names.begin()) + first);
  return true;
}

}  // namespace aerodb::rules
