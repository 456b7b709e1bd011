// The command line about itself: what may follow, words of a line, manual pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "controlplane/console/shell/completion.h"
#include "controlplane/console/shell/line_editor.h"
#include "controlplane/console/shell/manual.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<VerbOutline>& verbs() {
  static const auto outline = make_command_line()->outline();
  return outline;
}
std::vector<std::string> next(const std::vector<std::string>& words) { return next_words(verbs(), words); }

TEST(Completion, FollowsTheTreeOfVerbs) {
  EXPECT_THAT(next({"exp"}), ElementsAre("explain", "export"));
  EXPECT_THAT(next({"explain", "re"}), ElementsAre("read", "recovery", "replication"));
  EXPECT_THAT(next({"schema", ""}), ElementsAre("list", "register"));
  EXPECT_THAT(next({"nothing", ""}), IsEmpty());
}

TEST(Completion, OffersTheOptionsOfTheVerbAndTheWordsOfAnOption) {
  EXPECT_THAT(next({"query", "notes", "--lim"}), ElementsAre("--limit"));
  EXPECT_THAT(next({"get", "notes", "n1", "-o", ""}), ElementsAre("json", "jsonl", "table"));
  EXPECT_THAT(next({"get", "notes", "n1", "--node", ""}), IsEmpty());
  EXPECT_THAT(next({"get", "--"}), Not(Contains("--limit")));
}

TEST(Completion, KnowsWhichWordStandsWhere) {
  const auto value = place_of_last(verbs(), {"query", "notes", "--limit", "5", "--where", "ra"});
  ASSERT_NE(value.verb, nullptr);
  EXPECT_EQ(value.verb->text.path, "query");
  ASSERT_NE(value.value_of, nullptr);
  EXPECT_THAT(value.value_of->names, Contains("--where"));
  EXPECT_THAT(value.arguments, ElementsAre("notes"));
  EXPECT_EQ(place_of_last(verbs(), {"explain"}).verb, nullptr);
  // The longest verb that the words begin with.
  EXPECT_EQ(place_of_last(verbs(), {"audit", "verify", ""}).verb->text.path, "audit verify");
  EXPECT_EQ(place_of_last(verbs(), {"audit", ""}).verb->text.path, "audit");
}

TEST(Completion, OutlineHasEveryVerbAndEveryOptionIsExplained) {
  EXPECT_EQ(verbs().size(), make_command_line()->verbs().size());
  for (const auto& verb : verbs()) {
    for (const auto& option : verb.options) {
      EXPECT_NE(option.help, "") << verb.text.path << " " << option.names.front();
      EXPECT_FALSE(option.names.empty());
    }
  }
}

TEST(SplitWords, KeepsWhatIsQuoted) {
  EXPECT_THAT(*split_words(R"(get  notes "a b" c\ d 'e"f' g"h i"j)"),
              ElementsAre("get", "notes", "a b", "c d", "e\"f", "gh ij"));
  EXPECT_THAT(*split_words(R"(insert '{"_id": "x"}' "")"), ElementsAre("insert", R"({"_id": "x"})", ""));
  EXPECT_THAT(*split_words("  \t "), IsEmpty());
  EXPECT_THAT(*split_words(R"("a\"b" 'a\b')"), ElementsAre("a\"b", "a\\b"));
  EXPECT_FALSE(split_words("get 'x"));
}

TEST(ManualPages, OneForEachVerbAndOneForTheProgram) {
  const auto pages = manual_pages(verbs(), "1.2");
  ASSERT_EQ(pages.size(), verbs().size() + 1);
  EXPECT_EQ(pages.front().file, "aerodb.1");
  for (const auto& verb : verbs()) {
    std::string name = verb.text.path;
    std::ranges::replace(name, ' ', '-');
    EXPECT_THAT(pages.front().text, HasSubstr(verb.text.summary.substr(0, verb.text.summary.find('-'))));
    const auto page = std::ranges::find(pages, fmt::format("aerodb-{}.1", name), &ManualPage::file);
    ASSERT_NE(page, pages.end()) << name;
    for (const auto* part : {".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLE"})
      EXPECT_THAT(page->text, HasSubstr(part)) << name;
  }
}

}  // namespace
}  // namespace aerodb::console
