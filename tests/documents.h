// Documents and kept files that tests hold against what the code says. With AERODB_UPDATE=1 in the environment they are
// written anew instead; the difference is then for a person to judge. Tests run in the root of the source tree.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace aerodb::documents {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline bool updating() { return std::getenv("AERODB_UPDATE") != nullptr; }

inline void expect_file(const std::filesystem::path& path, std::string_view text) {
  if (updating()) {
    std::ofstream(path, std::ios::binary) << text;
  } else {
    EXPECT_EQ(read_text(path), text) << "AERODB_UPDATE=1 rewrites " << path;
  }
}

// A part of a document: what stands between the lines "<!-- NAME -->" and "<!-- /NAME -->".
struct Section {
  size_t begin = 0;
  size_t bytes = 0;
};
inline Section find_section(const std::string& document, std::string_view name) {
  const auto open = fmt::format("<!-- {} -->\n", name);
  const size_t at = document.find(open);
  const size_t end = document.find(fmt::format("<!-- /{} -->", name));
  if (at == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << "there is no section " << name;
    return {};
  }
  return {at + open.size(), end - at - open.size()};
}

inline std::string read_section(const std::filesystem::path& path, std::string_view name) {
  const auto document = read_text(path);
  const auto section = find_section(document, name);
  return document.substr(section.begin, section.bytes);
}

inline void expect_section(const std::filesystem::path& path, std::string_view name, std::string_view text) {
  auto document = read_text(path);
  const auto section = find_section(document, name);
  EXPECT_TRUE(updating() || document.substr(section.begin, section.bytes) == text)
      << path << ", section " << name << ", should be as follows; AERODB_UPDATE=1 rewrites it\n"
      << text;
  if (!updating()) return;
  document.replace(section.begin, section.bytes, text);
  std::ofstream(path, std::ios::binary) << document;
}

}  // namespace aerodb::documents
