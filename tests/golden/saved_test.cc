// A saved explanation holds as it was written, and a change of any single byte is found and its place named.
#include "common/rules/saved.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

std::string saved(const Explanation& explanation) {
  auto text = saved_explanation(explanation.packed, explanation.sha256, explanation.rule_sha256);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

// What a change in that line may be called. The half of the hashes repeats the names.
std::vector<std::string> names_of(size_t line, const std::vector<std::string>& rules) {
  const size_t count = rules.size();
  const std::vector<std::string> keys = {"explanation_type", "observed_snapshot", "inputs"};
  const size_t hashes = 2 + keys.size() + 1 + count + 1 + 1 + 1;  // the line that begins them
  const bool in_hashes = line >= hashes;
  const size_t at = in_hashes ? line - hashes : line;  // behind two lines of head, there as here
  std::vector<std::string> names;
  if (in_hashes) names.emplace_back("sha256");
  if (at == 0 && !in_hashes) names.emplace_back("saved_explanation");
  if (at == 1 && !in_hashes) names.emplace_back("explanation");
  if (at >= 2 && at < 5) names.push_back(keys[at - 2]);
  if (at == 5 || at == 6 + count) names.emplace_back("rules_applied");
  // What was the rule's id may be what was changed.
  if (at >= 6 && at < 6 + count) {
    names.push_back(rules[at - 6] + ", rule " + std::to_string(at - 5));
    names.push_back("rule " + std::to_string(at - 5));
  }
  if (at == 7 + count) names.emplace_back("conclusion");
  if (at == 8 + count && !in_hashes) names.emplace_back("explanation");
  // The line that begins the hashes is looked for as it is.
  if (line == hashes || line + 1 == hashes) names.emplace_back("sha256");
  return names;
}

std::vector<std::string> rule_ids(const Explanation& explanation) {
  document::Tape tape;
  EXPECT_TRUE(tape.parse(explanation.packed));
  std::vector<std::string> ids;
  auto rule = tape.root().find("rules_applied")->first();
  for (size_t i = 0; i < explanation.rule_sha256.size(); ++i, rule = rule.skip())
    ids.emplace_back(*rule.find("rule_id")->text());
  return ids;
}

TEST(SavedExplanation, HoldsAsItWasWritten) {
  for (const auto& golden : all()) {
    const auto check = check_saved_explanation(saved(golden.explanation));
    EXPECT_TRUE(check.holds) << golden.name << ": " << check.part << ": " << check.why;
    EXPECT_EQ(check.sha256, to_hex(golden.explanation.sha256));
    EXPECT_NE(golden.explanation.json.find(check.type), std::string::npos);
  }
}

TEST(SavedExplanation, IsJsonThatHoldsTheObjectAsSent) {
  for (const auto& golden : all()) {
    Bytes packed;
    ASSERT_TRUE(document::from_json(saved(golden.explanation), packed)) << golden.name;
    document::Tape tape;
    ASSERT_TRUE(tape.parse(packed));
    EXPECT_EQ(document::to_json(*tape.root().find("explanation")), golden.explanation.json);
  }
}

TEST(SavedExplanation, AChangeOfAnySingleByteIsFoundAndItsPlaceNamed) {
  for (const auto& golden : all()) {
    const std::string text = saved(golden.explanation);
    const auto ids = rule_ids(golden.explanation);
    size_t line = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      for (const char other : {static_cast<char>(text[i] ^ 1), '\n', ' '}) {
        const bool layout = other == '\n' || other == ' ';  // these for some of the bytes
        if (other == text[i] || (layout && i % 16 != 0)) continue;
        std::string changed = text;
        changed[i] = other;
        const auto check = check_saved_explanation(changed);
        const auto names = names_of(line, ids);
        ASSERT_FALSE(check.holds) << golden.name << " byte " << i;
        ASSERT_TRUE(std::ranges::find(names, check.part) != names.end())
            << golden.name << " byte " << i << " of line " << line << ": " << check.part << ": " << check.why;
      }
      if (text[i] == '\n') ++line;
    }
  }
}

TEST(SavedExplanation, NothingMayBeAddedOrCutOff) {
  const std::string text = saved(all().front().explanation);
  EXPECT_FALSE(check_saved_explanation(text + "\n").holds);
  EXPECT_FALSE(check_saved_explanation(text + text).holds);
  EXPECT_FALSE(check_saved_explanation("").holds);
  for (size_t size = 0; size < text.size(); size += 7)
    EXPECT_FALSE(check_saved_explanation(text.substr(0, size)).holds);
}

// New hashes over a changed object: the rules themselves tell.
TEST(SavedExplanation, AConclusionThatDoesNotFollowIsNamedAlthoughItsHashesFit) {
  const auto golden = all().front();
  std::string json = golden.explanation.json;
  const auto at = json.find("\"evaluation\":true");
  ASSERT_NE(at, std::string::npos);
  json.replace(at, 17, "\"evaluation\":false");
  Bytes packed;
  ASSERT_TRUE(document::from_json(json, packed));
  document::Tape tape;
  ASSERT_TRUE(tape.parse(packed));
  std::vector<Sha256> hashes;
  auto rule = tape.root().find("rules_applied")->first();
  for (size_t i = 0; i < golden.explanation.rule_sha256.size(); ++i, rule = rule.skip())
    hashes.push_back(sha256(as_bytes(document::to_json(rule))));
  auto text = saved_explanation(packed, sha256(as_bytes(json)), hashes);
  ASSERT_TRUE(text);
  const auto check = check_saved_explanation(*text);
  EXPECT_FALSE(check.holds);
  EXPECT_NE(check.part.find("rules_applied[0]"), std::string::npos) << check.part;
}

TEST(SavedExplanation, AnObjectOfAnotherFormIsNotSaved) {
  const auto golden = all().front();
  const auto fewer = std::span(golden.explanation.rule_sha256).first(1);
  EXPECT_FALSE(saved_explanation(golden.explanation.packed, golden.explanation.sha256, fewer));
  EXPECT_FALSE(saved_explanation(as_bytes("x"), golden.explanation.sha256, {}));
}

}  // namespace
}  // namespace aerodb::rules::golden
