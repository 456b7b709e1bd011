#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

constexpr std::array<std::string_view, 8> kDrawers = {"util", "utils", "helper",       "helpers",
                                                      "misc", "types", "common_types", "stuff"};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

template <class Visit>
void for_each_line(const Tree& tree, Visit visit) {
  for (const auto& file : tree.files) {
    if (!is_ruled(file.path)) continue;
    for (const auto& line : lines_of(file)) visit(file, line);
  }
}

}  // namespace

Problems check_banned_names(const Tree& tree) {
  std::set<std::string> paths = tree.folders(16);
  for (const auto& file : tree.files) paths.insert(file.path);
  Problems problems;
  for (const auto& path : paths) {
    auto name = path.substr(path.rfind('/') + 1);
    name = name.substr(0, name.find('.'));
    if (std::ranges::find(kDrawers, name) == kDrawers.end()) continue;
    problems.push_back(fmt::format("{}: a drawer, not a duty; name it after the one thing it does", path));
  }
  return problems;
}

Problems check_no_test_disabled(const Tree& tree) {
  Problems problems;
  for_each_line(tree, [&](const File& file, const Line& line) {
    if (!is_test(file.path)) return;
    for (const std::string_view word : {"DISABLED_", "GTEST_SKIP", "unittest.skip", "skipTest(", "expectedFailure"}) {
      if (line.text.find(word) == std::string_view::npos) continue;
      problems.push_back(
          fmt::format("{}:{}: {}: a test that does not run claims nothing; make it run everywhere, or delete it",
                      file.path, line.number, word));
    }
  });
  return problems;
}

Problems check_open_points_are_numbered(const Tree& tree) {
  Problems problems;
  for_each_line(tree, [&](const File& file, const Line& line) {
    for (const std::string_view mark : {"TODO", "FIXME", "XXX"}) {
      const auto at = line.text.find(mark);
      if (at == std::string_view::npos || (at > 0 && is_word(line.text[at - 1]))) continue;
      auto rest = line.text.substr(at + mark.size());
      if (!rest.empty() && is_word(rest.front())) continue;  // part of a longer word
      while (!rest.empty() && (rest.front() == '(' || rest.front() == ' ')) rest.remove_prefix(1);
      if (mark == "TODO" && rest.size() > 1 && rest[0] == '#' && std::isdigit(static_cast<unsigned char>(rest[1])) != 0)
        continue;
      problems.push_back(fmt::format("{}:{}: do it now, or write it as {} and the number of its issue", file.path,
                                     line.number, "TODO #"));
    }
  });
  return problems;
}

Problems check_no_machine_in_the_tree(const Tree& tree) {
  // Homes and work directories of somebody's machine, and hosts from which packages are fetched: a build needs Debian
  // only.
  constexpr std::array<std::string_view, 14> kBanned = {
      "/home/",   "/root/",    "/Users/",          "/work/",    "/mnt/",   "/workspace",     "registry.npmjs",
      "pypi.org", "crates.io", "proxy.golang.org", "docker.io", "ghcr.io", "deb.debian.org", "artifactory"};
  Problems problems;
  for_each_line(tree, [&](const File& file, const Line& line) {
    for (const auto text : kBanned) {
      if (line.text.find(text) == std::string_view::npos) continue;
      problems.push_back(
          fmt::format("{}:{}: names {}; say it relative to the project, or leave the host to the user's own settings",
                      file.path, line.number, text));
    }
  });
  return problems;
}

}  // namespace aerodb::tidy
