// Completion for bash, zsh and fish: verbs, their options, and the words that an option allows.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/command_line.h"

namespace aerodb::console {

enum class UserShell : uint8_t { kBash, kZsh, kFish };

// A script that the shell reads; written from the verbs as they are declared.
[[nodiscard]] std::string completion_script(UserShell shell, const std::vector<VerbOutline>& verbs);

// What may follow `words`, the last of which is being typed (perhaps empty): words of verbs and options, as far as the
// declarations tell.
[[nodiscard]] std::vector<std::string> next_words(const std::vector<VerbOutline>& verbs,
                                                  const std::vector<std::string>& words);

// The verb that `words` begin with, nullptr where they do not name one yet; and the option whose value the last word
// is, nullptr where it is none's.
struct WordPlace {
  const VerbOutline* verb = nullptr;
  const OptionOutline* value_of = nullptr;
  std::vector<std::string> arguments;  // positional words before the last one, behind the verb
};
[[nodiscard]] WordPlace place_of_last(const std::vector<VerbOutline>& verbs, const std::vector<std::string>& words);

}  // namespace aerodb::console
