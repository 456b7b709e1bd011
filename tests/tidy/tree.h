// The source tree as the house rules see it: path and text of each file, and the few ways to take a text apart that the
// rules share. Read once per test; a test of a rule builds a tree of its own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace aerodb::tidy {

struct File {
  std::string path;  // from the root of the project, with '/'
  std::string text;
};

struct Tree {
  std::vector<File> files;  // by path

  // nullptr where there is none.
  [[nodiscard]] const File* find(std::string_view path) const;
  // Folders that hold a file, themselves or below, at most `depth` deep.
  [[nodiscard]] std::set<std::string> folders(size_t depth) const;
};

// The project in the current directory, without what .gitignore names.
[[nodiscard]] Tree read_project();

struct Line {
  size_t number;  // from 1
  std::string_view text;
};
[[nodiscard]] std::vector<Line> lines_of(const File& file);

struct Include {
  size_t line;
  std::string path;
  bool angled;
};
[[nodiscard]] std::vector<Include> includes_of(const File& file);

// "common/wal", "controlplane/daemon", "shipper": the unit that the arrows speak of. Empty for a file of no such
// folder.
[[nodiscard]] std::string unit_of(std::string_view path);
[[nodiscard]] bool is_source(std::string_view path);  // .cc or .h
[[nodiscard]] bool is_test(std::string_view path);    // below tests/
// Everything but the texts of the rules themselves, which name what they ban.
[[nodiscard]] bool is_ruled(std::string_view path);

// Words of a CMake file, comments left out; parentheses are words of their own.
[[nodiscard]] std::vector<std::string> cmake_words(std::string_view text);
// What `function(name ... KEY a b ...)` declares, by name: aerodb_library, aerodb_binary.
struct Target {
  std::string file;  // that declares it
  std::string name;
  std::string function;
  std::map<std::string, std::vector<std::string>> arguments;  // by SOURCES, DEPS, PRIVATE_DEPS
};
[[nodiscard]] std::vector<Target> targets_of(const Tree& tree, const std::set<std::string>& functions);

// Cells of the rows of the first Markdown table after the line `heading` (the whole file where it is empty), header and
// rule left out.
struct Row {
  size_t line;
  std::vector<std::string> cells;
};
[[nodiscard]] std::vector<Row> table_rows(const File& file, std::string_view heading);
[[nodiscard]] std::vector<Row> all_table_rows(const File& file, std::string_view from_heading,
                                              std::string_view before_heading);
// The texts between backticks.
[[nodiscard]] std::vector<std::string> code_spans(std::string_view text);

}  // namespace aerodb::tidy
