#include "controlplane/console/phrase.h"

#include <fmt/format.h>

#include <iostream>

namespace aerodb::console {

bool can_ask(const Output& output) {
  return output.is_table() && output.screen().terminal_in && output.screen().terminal_err;
}

std::optional<std::string> ask_phrase(const std::string& form, Output& output) {
  static_cast<void>(output.flush());
  output.notice(fmt::format("To confirm, type {}: ", printable(form)));
  std::string phrase;
  if (!std::getline(std::cin, phrase)) return std::nullopt;
  return phrase;
}

}  // namespace aerodb::console
