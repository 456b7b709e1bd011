// The registry, docs/spec/INVARIANTS.md and the error table name the same rules.
#include "common/rules/registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "common/base/error.h"

namespace aerodb::rules {
namespace {

struct Row {
  std::string statement;
  std::string source;
  size_t place = 0;
};

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// Rows of the page: | <a id="X"></a>X | statement | source |
std::map<std::string, Row> rows_of_page() {
  std::ifstream page("docs/spec/INVARIANTS.md");
  EXPECT_TRUE(page) << "run from the project's root";
  std::map<std::string, Row> rows;
  std::string line;
  while (std::getline(page, line)) {
    if (!line.starts_with("| <a id=\"")) continue;
    std::vector<std::string> cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(trimmed(cell));
    EXPECT_EQ(cells.size(), 3u) << line;
    const size_t begin = cells[0].find('"') + 1;
    const std::string anchor = cells[0].substr(begin, cells[0].find('"', begin) - begin);
    EXPECT_EQ(cells[0], "<a id=\"" + anchor + "\"></a>" + anchor);
    EXPECT_FALSE(rows.contains(anchor)) << anchor << " stands twice";
    rows[anchor] = {cells[1], cells[2], rows.size()};
  }
  return rows;
}

TEST(Registry, EqualsThePageBothWays) {
  const auto page = rows_of_page();
  ASSERT_GT(page.size(), 50u);
  for (const auto& row : rule_table()) {
    const auto found = page.find(std::string(row.name));
    ASSERT_NE(found, page.end()) << row.name << " is missing on the page";
    EXPECT_EQ(found->second.statement, row.text) << row.name;
    EXPECT_EQ(found->second.source, row.source) << row.name;
    EXPECT_EQ(found->second.place, static_cast<size_t>(row.id)) << row.name;
  }
  for (const auto& [name, row] : page) EXPECT_TRUE(rule_from_name(name)) << name << " is missing in the registry";
}

TEST(Registry, NamesAreUniqueAndFoundAgain) {
  std::set<std::string_view> names;
  for (const auto& row : rule_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(rule_from_name(row.name), row.id);
    EXPECT_EQ(&rule(row.id), &row);
  }
  EXPECT_FALSE(rule_from_name("WAL-99"));
  EXPECT_FALSE(rule_from_name(""));
}

TEST(Registry, EveryStatementIsOneSentence) {
  for (const auto& row : rule_table()) {
    EXPECT_EQ(row.text.back(), '.') << row.name;
    EXPECT_EQ(row.text.find(". "), std::string_view::npos) << row.name;
    EXPECT_EQ(row.text.find('|'), std::string_view::npos) << row.name;
    EXPECT_FALSE(row.source.empty()) << row.name;
  }
}

TEST(Registry, ErrorTableNamesOnlyRegisteredRules) {
  size_t with_rule = 0;
  for (const auto& row : error_table()) {
    if (row.rule.empty()) continue;
    ++with_rule;
    EXPECT_TRUE(rule_from_name(row.rule)) << row.name << ": " << row.rule;
  }
  EXPECT_GT(with_rule, 40u);
}

}  // namespace
}  // namespace aerodb::rules
