// What is wrong with one configuration: every problem is collected, so that one run shows them all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace aerodb::config {

struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

class Problems {
 public:
  // `origin` is the path of the file, for messages.
  explicit Problems(std::string_view origin) : origin_(origin) {}

  void add(Position at, std::string_view key, std::string_view found, std::string_view expected);
  // At the place of `key` in the file; where it was left out at that of its table, else at the start.
  void add(std::string_view key, std::string_view found, std::string_view expected);
  // Said by the reader: where a key's value, or a table, stands.
  void remember(std::string_view key, Position at) { positions_.emplace(key, at); }

  [[nodiscard]] bool empty() const { return list_.empty(); }
  // CONFIG_INVALID. The message is the first problem of the file, the details ("problem") are the others, each as
  // "FILE:LINE:COLUMN: KEY: found X; expected Y". Requires !empty().
  [[nodiscard]] Error error() const;

 private:
  std::string origin_;
  std::map<std::string, Position, std::less<>> positions_;
  std::multimap<Position, std::string> list_;  // those of one place in order of discovery
};

}  // namespace aerodb::config
