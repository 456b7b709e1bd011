// docs/command-reference.md shows what --help prints.
#include <gtest/gtest.h>

#include "controlplane/console/verbs.h"
#include "tests/documents.h"

namespace aerodb::console {
namespace {

TEST(CommandReference, ShowsTheHelpOfEveryVerb) {
  documents::expect_section("docs/command-reference.md", "verbs", make_command_line()->reference());
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
