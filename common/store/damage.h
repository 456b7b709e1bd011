// How damage to a run is told: what was looked at, what it should be, what it is.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace aerodb::store {

struct Damage {
  std::string what;
  std::string expected;
  std::string found;
};
template <class T>
using Undamaged = std::expected<T, Damage>;

// RUN_DAMAGED: "run FILE, SECTION, at OFFSET: WHAT: expected E, found F", each of these also as a detail.
[[nodiscard]] Error run_damaged(std::string_view path, std::string_view section, uint64_t offset, const Damage& damage);

}  // namespace aerodb::store
