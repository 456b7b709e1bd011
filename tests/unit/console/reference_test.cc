// docs/command-reference.md shows what --help prints. With AERODB_UPDATE=1 in the environment the test writes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr const char* kDocument = "docs/command-reference.md";

TEST(CommandReference, ShowsTheHelpOfEveryVerb) {
  std::stringstream content;
  content << std::ifstream(kDocument).rdbuf();
  std::string text = content.str();
  const std::string open = "<!-- verbs -->\n";
  const size_t begin = text.find(open);
  const size_t end = text.find("<!-- /verbs -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t from = begin + open.size();
  const std::string reference = make_command_line()->reference();
  if (std::getenv("AERODB_UPDATE") != nullptr) {
    text.replace(from, end - from, reference);
    std::ofstream(kDocument) << text;
    return;
  }
  EXPECT_EQ(text.substr(from, end - from), reference) << "AERODB_UPDATE=1 rewrites " << kDocument;
}

TEST(CommandReference, EveryVerbHasAnExampleThatNamesIt) {
  const auto program = make_command_line();
  for (const auto& verb : program->verbs()) {
    const auto text = verb->text();
    EXPECT_NE(text.example.find("aerodb " + text.path), std::string::npos) << text.path;
    EXPECT_TRUE(text.summary.ends_with('.')) << text.path;
    auto help = program->help_of(text.path);
    ASSERT_TRUE(help.has_value()) << text.path;
    EXPECT_NE(help->find("\nExample:\n  aerodb "), std::string::npos) << *help;
  }
}

TEST(CommandReference, ControlPlaneVerbsGiveNoAdvice) {
  const auto program = make_command_line();
  int seen = 0;
  for (const auto& verb : program->verbs()) {
    const auto text = verb->text();
    for (const std::string word :
         {"inspect", "demote", "promote", "decline", "diagnose", "confirm", "outcome", "audit"}) {
      if (text.path.substr(0, text.path.find(' ')) != word) continue;
      ++seen;
      EXPECT_EQ(text.advice, Advice::kNone) << text.path;
    }
  }
  EXPECT_EQ(seen, 16);
}

}  // namespace
}  // namespace aerodb::console
