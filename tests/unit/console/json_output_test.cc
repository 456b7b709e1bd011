// docs/console-output.md describes every verb's JSON, as the structs say it that are printed. With AERODB_UPDATE=1 in
// the environment the test writes it. That answers are so is for the process tests, which hold each against the
// document.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controlplane/console/verbs.h"
#include "tests/documents.h"

namespace aerodb::console {
namespace {

std::string tables_of(const VerbText& text) {
  std::string tables;
  for (const auto shape : text.json) {
    tables += "\n| field | type | |\n| --- | --- | --- |\n";
    for (const auto& field : shape()) tables += fmt::format("| `{}` | {} | {} |\n", field.path, field.type, field.help);
  }
  return tables;
}

// Verbs that print the same stand together, where the first of them stands.
std::string description() {
  std::vector<std::pair<std::string, std::string>> groups;  // heading, tables
  const auto program = make_command_line();
  for (const auto& verb : program->verbs()) {
    const auto text = verb->text();
    if (text.json.empty()) continue;
    const auto tables = tables_of(text);
    const auto known = std::ranges::find(groups, tables, [](const auto& group) { return group.second; });
    if (known == groups.end())
      groups.emplace_back(fmt::format("`{}`", text.path), tables);
    else
      known->first += fmt::format(", `{}`", text.path);
  }
  std::string all;
  for (const auto& [heading, tables] : groups) all += fmt::format("\n## {}\n{}", heading, tables);
  return all + "\n";
}

TEST(JsonOutput, IsDescribedForEveryVerb) {
  documents::expect_section("docs/console-output.md", "verbs", description());
}

TEST(JsonOutput, EveryVerbWithAChoiceOfFormsSaysWhatItsJsonHolds) {
  for (const auto& verb : make_command_line()->outline()) {
    const auto takes_json = [](const OptionOutline& option) { return std::ranges::count(option.words, "json") > 0; };
    if (std::ranges::none_of(verb.options, takes_json)) continue;
    EXPECT_FALSE(verb.text.json.empty()) << verb.text.path;
  }
}

TEST(JsonOutput, NoFieldStandsTwiceAndEachHasItsHelp) {
  const auto program = make_command_line();
  for (const auto& verb : program->verbs()) {
    for (const auto shape : verb->text().json) {
      std::vector<std::string> paths;
      for (const auto& field : shape()) {
        EXPECT_EQ(std::ranges::count(paths, field.path), 0) << verb->text().path << ": " << field.path;
        EXPECT_FALSE(field.help.empty()) << verb->text().path << ": " << field.path;
        paths.push_back(field.path);
      }
      EXPECT_FALSE(paths.empty()) << verb->text().path;
    }
  }
}

}  // namespace
}  // namespace aerodb::console
