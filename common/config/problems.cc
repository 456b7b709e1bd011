#include "common/config/problems.h"

#include <fmt/format.h>

#include <iterator>

#include "common/base/assert.h"

namespace aerodb::config {

void Problems::add(Position at, std::string_view key, std::string_view found, std::string_view expected) {
  list_.emplace(at,
                fmt::format("{}:{}:{}: {}: found {}; expected {}", origin_, at.line, at.column, key, found, expected));
}

void Problems::add(std::string_view key, std::string_view found, std::string_view expected) {
  std::string_view place = key;
  auto known = positions_.find(place);
  while (known == positions_.end()) {
    size_t dot = place.rfind('.');
    if (dot == std::string_view::npos) break;
    place = place.substr(0, dot);
    known = positions_.find(place);
  }
  add(known == positions_.end() ? Position{} : known->second, key, found, expected);
}

Error Problems::error() const {
  AERODB_ASSERT(!list_.empty());
  Error error{ErrorCode::kConfigInvalid, list_.begin()->second, {}};
  for (auto other = std::next(list_.begin()); other != list_.end(); ++other) error.with("problem", other->second);
  return error;
}

}  // namespace aerodb::config
