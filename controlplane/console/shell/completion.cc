#include "controlplane/console/shell/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace aerodb::console {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> words;
  while (!path.empty()) {
    const size_t end = std::min(path.find(' '), path.size());
    words.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return words;
}

bool begins_with(const std::vector<std::string>& words, const std::vector<std::string>& path) {
  return words.size() >= path.size() && std::equal(path.begin(), path.end(), words.begin());
}

const OptionOutline* find_option(const VerbOutline& verb, std::string_view name) {
  for (const auto& option : verb.options) {
    if (!option.positional && std::ranges::find(option.names, name) != option.names.end()) return &option;
  }
  return nullptr;
}

// Words that may follow `path`, by path: the tree of verbs. The empty path is the program.
std::map<std::string, std::vector<std::string>> children_of(const std::vector<VerbOutline>& verbs) {
  std::map<std::string, std::vector<std::string>> children;
  for (const auto& verb : verbs) {
    std::string path;
    for (const auto& word : split_path(verb.text.path)) {
      auto& known = children[path];
      if (std::ranges::find(known, word) == known.end()) known.push_back(word);
      path += (path.empty() ? "" : " ") + word;
    }
  }
  return children;
}

std::vector<std::string> option_names(const VerbOutline& verb) {
  std::vector<std::string> names;
  for (const auto& option : verb.options) {
    if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// bash and zsh share the words and differ in how they take them. `path` holds the words before the one typed.
std::string cases_of(const std::vector<VerbOutline>& verbs) {
  std::string text = "  case \"$path $previous\" in\n";
  for (const auto& verb : verbs) {
    for (const auto& option : verb.options) {
      if (option.positional || option.type.empty()) continue;
      for (const auto& name : option.names) {
        text += fmt::format("    {}*\" {}\") {} ;;\n", quoted(verb.text.path), name,
                            option.words.empty()
                                ? "files=1"
                                : fmt::format("words={}", quoted(fmt::format("{}", fmt::join(option.words, " ")))));
      }
    }
  }
  text += "    *) case \"$path\" in\n";
  for (const auto& verb : verbs) {
    text += fmt::format("      {}|{}*) words={} ;;\n", quoted(verb.text.path), quoted(verb.text.path + " "),
                        quoted(fmt::format("{}", fmt::join(option_names(verb), " "))));
  }
  for (const auto& [path, words] : children_of(verbs)) {
    text += fmt::format("      {}) words={} ;;\n", quoted(path), quoted(fmt::format("{}", fmt::join(words, " "))));
  }
  return text + "    esac ;;\n  esac\n";
}

std::string bash_script(const std::vector<VerbOutline>& verbs) {
  return "# Completion of aerodb for bash.\n"
         "_aerodb() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
         "  local before=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\") words='' files=''\n"
         "  local path=\"${before[*]}\"\n" +
         cases_of(verbs) +
         "  if [ -n \"$files\" ]; then COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "  else COMPREPLY=($(compgen -W \"$words\" -- \"$current\")); fi\n"
         "}\n"
         "complete -o bashdefault -F _aerodb aerodb\n";
}

std::string zsh_script(const std::vector<VerbOutline>& verbs) {
  return "#compdef aerodb\n"
         "# Completion of aerodb for zsh.\n"
         "_aerodb() {\n"
         "  local previous=\"${words[CURRENT-1]}\" path=\"${(j: :)words[2,CURRENT-1]}\" files=''\n"
         "  local words=''\n" +
         cases_of(verbs) +
         "  if [[ -n \"$files\" ]]; then _files\n"
         "  else compadd -- ${=words}; fi\n"
         "}\n"
         "compdef _aerodb aerodb\n";
}

// fish asks a condition for each word: the words typed before must be these.
std::string fish_script(const std::vector<VerbOutline>& verbs) {
  std::string text =
      "# Completion of aerodb for fish.\n"
      "function __aerodb_at\n"
      "  set -l typed (commandline -opc)[2..-1]\n"
      "  test \"$typed\" = \"$argv[1]\"\n"
      "end\n"
      "function __aerodb_in\n"
      "  set -l typed (commandline -opc)[2..-1]\n"
      "  string match -q -- \"$argv[1] *\" \"$typed \"\n"
      "end\n"
      "complete -c aerodb -f\n";
  const auto children = children_of(verbs);
  for (const auto& [path, words] : children) {
    for (const auto& word : words) {
      const std::string whole = path.empty() ? word : path + " " + word;
      const auto verb = std::ranges::find(verbs, whole, [](const VerbOutline& v) { return v.text.path; });
      const std::string help = verb == verbs.end() ? "" : fmt::format(" -d {}", quoted(verb->text.summary));
      text += fmt::format("complete -c aerodb -n {} -a {}{}\n", quoted(fmt::format("__aerodb_at \"{}\"", path)), word,
                          help);
    }
  }
  for (const auto& verb : verbs) {
    for (const auto& option : verb.options) {
      if (option.positional) continue;
      std::string names;
      for (const auto& name : option.names) {
        names += name.starts_with("--") ? fmt::format(" -l {}", name.substr(2)) : fmt::format(" -s {}", name.substr(1));
      }
      std::string value = option.type.empty() ? "" : option.words.empty() ? " -r" : " -x";
      if (!option.words.empty())
        value += fmt::format(" -a {}", quoted(fmt::format("{}", fmt::join(option.words, " "))));
      if (!option.type.empty() && option.words.empty()) value += " -F";
      text += fmt::format("complete -c aerodb -n {}{}{} -d {}\n",
                          quoted(fmt::format("__aerodb_in \"{}\"", verb.text.path)), names, value, quoted(option.help));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(UserShell shell, const std::vector<VerbOutline>& verbs) {
  switch (shell) {
    case UserShell::kBash:
      return bash_script(verbs);
    case UserShell::kZsh:
      return zsh_script(verbs);
    case UserShell::kFish:
      return fish_script(verbs);
  }
  return "";
}

WordPlace place_of_last(const std::vector<VerbOutline>& verbs, const std::vector<std::string>& words) {
  WordPlace place;
  if (words.empty()) return place;
  const std::vector<std::string> before(words.begin(), words.end() - 1);
  size_t longest = 0;
  for (const auto& verb : verbs) {
    const auto path = split_path(verb.text.path);
    if (path.size() <= longest || !begins_with(before, path)) continue;
    place.verb = &verb;
    longest = path.size();
  }
  if (place.verb == nullptr) return place;
  for (size_t i = longest; i < before.size(); ++i) {
    const auto* option = before[i].starts_with('-') ? find_option(*place.verb, before[i]) : nullptr;
    if (option == nullptr) {
      if (!before[i].starts_with('-')) place.arguments.push_back(before[i]);
    } else if (option->takes_value()) {
      if (i + 1 == before.size()) place.value_of = option;
      ++i;
    }
  }
  return place;
}

std::vector<std::string> next_words(const std::vector<VerbOutline>& verbs, const std::vector<std::string>& words) {
  std::vector<std::string> candidates;
  const auto place = place_of_last(verbs, words);
  if (place.value_of != nullptr) {
    candidates = place.value_of->words;
  } else if (place.verb != nullptr) {
    candidates = option_names(*place.verb);
  }
  if (place.value_of == nullptr && !words.empty()) {
    const auto children = children_of(verbs);
    const std::vector<std::string> before(words.begin(), words.end() - 1);
    const auto found = children.find(fmt::format("{}", fmt::join(before, " ")));
    if (found != children.end()) candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  }
  const std::string typed = words.empty() ? "" : words.back();
  std::erase_if(candidates, [&](const std::string& word) { return !word.starts_with(typed); });
  std::ranges::sort(candidates);
  return candidates;
}

}  // namespace aerodb::console
