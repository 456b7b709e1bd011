#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

constexpr std::string_view kPackages = ".ci/debian-packages";

// Everything that `target` links, itself included.
std::set<std::string> closure(const std::map<std::string, Target>& targets, const std::string& target) {
  std::set<std::string> found;
  std::vector<std::string> open = {target};
  while (!open.empty()) {
    const auto name = open.back();
    open.pop_back();
    const auto at = targets.find(name);
    if (!found.insert(name).second || at == targets.end()) continue;
    for (const char* key : {"DEPS", "PRIVATE_DEPS"}) {
      const auto list = at->second.arguments.find(key);
      if (list != at->second.arguments.end()) open.insert(open.end(), list->second.begin(), list->second.end());
    }
  }
  return found;
}

bool names_file(const std::vector<std::string>& words, const std::string& path) {
  const auto stem = path.substr(0, path.rfind('.'));  // functions that take a name and build name.cc
  return std::ranges::find(words, path) != words.end() || std::ranges::find(words, stem) != words.end();
}

}  // namespace

Problems check_link_arrows(const Tree& tree) {
  struct Ban {
    std::string target;
    std::vector<std::string> libraries;
  };
  static const std::vector<Ban> kBans = {
      {"aerodb_explainer", {"aerodb_wal_repair", "aerodb_engine", "aerodb_store", "aerodb_node", "aerodb_uv"}},
      {"aerodb_offline", {"aerodb_wal_repair", "aerodb_engine", "aerodb_node", "aerodb_uv"}},
      {"aerodb_inspect", {"aerodb_wal_repair", "aerodb_engine"}},
      {"aerodb_controlplane",
       {"aerodb_wal_repair", "aerodb_engine", "aerodb_store", "aerodb_node", "aerodb_rules", "aerodb_uv"}},
      {"aerodb_shipper",
       {"aerodb_wal_repair", "aerodb_engine", "aerodb_store", "aerodb_node", "aerodb_rules", "aerodb_uv"}},
      {"aerodb_node", {"aerodb_uv"}},
      {"aerodb_primary", {"aerodb_replica", "aerodb_shipper", "aerodb_explainer", "aerodb_controlplane", "aerodb_uv"}},
      {"aerodb_replica", {"aerodb_primary", "aerodb_shipper", "aerodb_explainer", "aerodb_controlplane", "aerodb_uv"}},
  };
  std::map<std::string, Target> targets;
  for (auto& target : targets_of(tree, {"aerodb_library"})) targets.emplace(target.name, target);
  Problems problems;
  for (const auto& ban : kBans) {
    if (!targets.contains(ban.target))
      problems.push_back(fmt::format("{}: not declared by aerodb_library any more; tell this rule", ban.target));
    const auto linked = closure(targets, ban.target);
    for (const auto& library : ban.libraries) {
      if (linked.contains(library))
        problems.push_back(
            fmt::format("{} links {} (perhaps through another); take that out of its DEPS", ban.target, library));
    }
  }
  return problems;
}

Problems check_every_source_is_built(const Tree& tree) {
  std::map<std::string, std::vector<std::string>>
      words;  // by folder of the CMakeLists.txt, with '/' behind; "" is the root
  for (const auto& file : tree.files) {
    constexpr std::string_view kName = "CMakeLists.txt";
    if (file.path.ends_with(kName))
      words[file.path.substr(0, file.path.size() - kName.size())] = cmake_words(file.text);
  }
  Problems problems;
  for (const auto& file : tree.files) {
    if (!file.path.ends_with(".cc")) continue;
    const bool built = std::ranges::any_of(words, [&](const auto& entry) {
      return file.path.starts_with(entry.first) && names_file(entry.second, file.path.substr(entry.first.size()));
    });
    if (!built)
      problems.push_back(fmt::format("{}: no CMakeLists.txt names it; add it to SOURCES or delete it", file.path));
  }
  return problems;
}

Problems check_process_tests_are_run(const Tree& tree) {
  constexpr std::string_view kPattern = "-p '*_test.py'";
  Problems problems;
  const auto* makefile = tree.find("Makefile");
  if (makefile == nullptr) return {"Makefile: it is gone; tell this rule what runs tests/process"};
  for (const auto& line : lines_of(*makefile)) {
    if (line.text.find("unittest discover -s tests/process") == std::string_view::npos ||
        line.text.find(" -p ") != std::string_view::npos)
      continue;
    problems.push_back(fmt::format("Makefile:{}: unittest looks for test*.py by itself and finds none of ours; add {}",
                                   line.number, kPattern));
  }
  const auto* list = tree.find("tests/process/CMakeLists.txt");
  if (list == nullptr) return {"tests/process/CMakeLists.txt: it is gone; tell this rule what runs tests/process"};
  if (const auto words = cmake_words(list->text); std::ranges::find(words, "*_test.py") == words.end())
    problems.push_back("tests/process/CMakeLists.txt: it does not look for *_test.py");
  for (const auto& file : tree.files) {
    if (!file.path.starts_with("tests/process/") || !file.path.ends_with(".py")) continue;
    if (file.text.find("    def test_") == std::string::npos || file.path.ends_with("_test.py")) continue;
    problems.push_back(fmt::format("{}: holds tests, and is found only if its name ends in _test.py", file.path));
  }
  return problems;
}

Problems check_binaries_listed(const Tree& tree) {
  const auto* root = tree.find("CMakeLists.txt");
  if (root == nullptr) return {"CMakeLists.txt: it is gone"};
  const auto words = cmake_words(root->text);
  std::set<std::string> listed;
  for (size_t i = 0; i + 3 < words.size(); ++i) {
    if (words[i] != "add_custom_target" || words[i + 2] != "binaries" || words[i + 3] != "DEPENDS") continue;
    for (size_t j = i + 4; j < words.size() && words[j] != ")"; ++j) listed.insert(words[j]);
  }
  Problems problems;
  std::set<std::string> declared;
  for (const auto& target : targets_of(tree, {"aerodb_binary"})) {
    if (!is_test(target.file)) declared.insert(target.name);  // what operators run
  }
  for (const auto& name : declared) {
    if (!listed.contains(name))
      problems.push_back(fmt::format("CMakeLists.txt: target binaries lacks {}; add it to DEPENDS", name));
  }
  for (const auto& name : listed) {
    if (!declared.contains(name))
      problems.push_back(
          fmt::format("CMakeLists.txt: target binaries names {}, which no aerodb_binary declares", name));
  }
  return problems;
}

Problems check_debian_packages(const Tree& tree) {
  const auto* file = tree.find(kPackages);
  if (file == nullptr) return {fmt::format("{}: it is gone; make deps reads it", kPackages)};
  Problems problems;
  std::string_view last;
  for (const auto& line : lines_of(*file)) {
    if (line.text.starts_with('#')) continue;
    const bool plain = !line.text.empty() &&
                       line.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") == std::string_view::npos;
    if (!plain) problems.push_back(fmt::format("{}:{}: one package name a line, nothing else", kPackages, line.number));
    if (line.text == last)
      problems.push_back(fmt::format("{}:{}: {} stands there twice", kPackages, line.number, line.text));
    if (line.text < last)
      problems.push_back(
          fmt::format("{}:{}: {} is out of order; keep the list sorted", kPackages, line.number, line.text));
    last = line.text;
  }
  return problems;
}

}  // namespace aerodb::tidy
