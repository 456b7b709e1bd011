// Every word of the console's help is a term of docs/glossary.md or stands in plain_words.txt: a new one is either
// explained, or said here to mean what it means everywhere.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr const char* kGlossary = "docs/glossary.md";
constexpr const char* kPlainWords = "tests/unit/console/plain_words.txt";

// In lower case. Options, placeholders, paths and names of fields are none.
std::vector<std::string> words_of(const std::string& line) {
  static const std::regex kToken(R"([^\s.,;:()`"'?!*]\S*)");
  static const std::regex kWord("([A-Za-z][a-z]*(-[a-z]+)*('[a-z]+)?)[.,;:()`\"'?!*]*");
  std::vector<std::string> words;
  for (std::sregex_iterator at(line.begin(), line.end(), kToken), end; at != end; ++at) {
    std::smatch match;
    const std::string token = at->str();
    if (!std::regex_match(token, match, kWord)) continue;
    auto word = match[1].str();
    word.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(word.front())));
    words.push_back(std::move(word));
  }
  return words;
}

// By word, a line that it stands in. Examples are commands, not prose.
std::map<std::string, std::string> words_of_help() {
  std::map<std::string, std::string> words;
  std::istringstream help(make_command_line()->reference());
  bool example = false;
  for (std::string line; std::getline(help, line);) {
    if (line.starts_with("Example:")) example = true;
    if (line.starts_with("```")) example = false;
    if (example) continue;
    for (const auto& word : words_of(line)) words.emplace(word, line);
  }
  return words;
}

std::set<std::string> glossary_terms() {
  std::set<std::string> terms;
  std::ifstream file(kGlossary);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("- **")) continue;
    for (auto& word : words_of(line.substr(4, line.find("**", 4) - 4))) terms.insert(std::move(word));
  }
  return terms;
}

// A term as it is, or in the plural, the past or the continuous form.
bool is_term(const std::set<std::string>& terms, const std::string& word) {
  if (terms.contains(word)) return true;
  for (const std::string ending : {"s", "es", "ed", "d", "ing", "'s"}) {
    if (!word.ends_with(ending)) continue;
    const auto stem = word.substr(0, word.size() - ending.size());
    if (terms.contains(stem) || terms.contains(stem + "e")) return true;
    if (stem.ends_with("i") && terms.contains(stem.substr(0, stem.size() - 1) + "y")) return true;
  }
  return false;
}

TEST(Glossary, HasEveryTermOfTheHelp) {
  const auto terms = glossary_terms();
  ASSERT_GT(terms.size(), 100u);
  std::set<std::string> plain;
  std::ifstream file(kPlainWords);
  for (std::string word; file >> word;) {
    EXPECT_TRUE(plain.empty() || *plain.rbegin() < word) << kPlainWords << ": " << word << " is not in its place";
    plain.insert(word);
  }
  const auto help = words_of_help();
  for (const auto& [word, line] : help) {
    EXPECT_TRUE(is_term(terms, word) || plain.contains(word))
        << "\"" << word << "\" (" << line << "): explain it in " << kGlossary << ", or add it to " << kPlainWords;
  }
  for (const auto& word : plain) {
    EXPECT_TRUE(help.contains(word)) << kPlainWords << ": no help has \"" << word << "\" any more";
    EXPECT_FALSE(is_term(terms, word)) << kPlainWords << ": \"" << word << "\" is a term of " << kGlossary;
  }
}

}  // namespace
}  // namespace aerodb::console
