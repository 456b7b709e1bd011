// Every explanation, byte for byte.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/rules/rederive.h"
#include "tests/documents.h"
#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

const std::string kFolder = "tests/golden/explanations/";

TEST(GoldenExplanations, AreAsKept) {
  for (const auto& golden : all()) {
    auto pretty = document::to_json(golden.explanation.packed, document::JsonStyle::kPretty);
    ASSERT_TRUE(pretty);
    documents::expect_file(kFolder + golden.name + ".json", *pretty + '\n');
  }
}

TEST(GoldenExplanations, EveryFileIsOfAnExplanation) {
  std::set<std::string> names;
  for (const auto& golden : all()) EXPECT_TRUE(names.insert(golden.name + ".json").second) << golden.name;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path();
}

TEST(GoldenExplanations, FollowFromTheirOwnEvidenceAsSentAndAsSaved) {
  for (const auto& golden : all()) {
    document::Tape sent;
    ASSERT_TRUE(sent.parse(golden.explanation.packed));
    auto derived = rederive(sent.root());
    ASSERT_TRUE(derived) << golden.name << ": " << derived.error().message;
    EXPECT_TRUE(derived->follows) << golden.name << ": " << derived->why;
    EXPECT_EQ(derived->why, "");

    Bytes bytes;
    ASSERT_TRUE(document::from_json(documents::read_text(kFolder + golden.name + ".json"), bytes));
    document::Tape saved;
    ASSERT_TRUE(saved.parse(bytes));
    derived = rederive(saved.root());
    ASSERT_TRUE(derived) << golden.name << ": " << derived.error().message;
    EXPECT_TRUE(derived->follows) << golden.name << ": " << derived->why;
    EXPECT_EQ(derived->json, golden.explanation.json);
  }
}

TEST(GoldenExplanations, HashesAreOfTheCanonicalJson) {
  for (const auto& golden : all()) {
    EXPECT_EQ(golden.explanation.sha256, sha256(as_bytes(golden.explanation.json)));
    document::Tape tape;
    ASSERT_TRUE(tape.parse(golden.explanation.packed));
    const auto rules = *tape.root().find("rules_applied");
    ASSERT_EQ(golden.explanation.rule_sha256.size(), rules.token().size);
    auto entry = rules.first();
    for (const auto& hash : golden.explanation.rule_sha256) {
      EXPECT_EQ(hash, sha256(as_bytes(document::to_json(entry))));
      entry = entry.skip();
    }
  }
}

TEST(GoldenExplanations, KeysStandInTheirOrderAndRulesRepeatTheRegistry) {
  constexpr std::string_view kTop[] = {"explanation_type", "observed_snapshot", "inputs", "rules_applied",
                                       "conclusion"};
  for (const auto& golden : all()) {
    document::Tape tape;
    ASSERT_TRUE(tape.parse(golden.explanation.packed));
    auto key = tape.root().first();
    for (auto expected : kTop) {
      EXPECT_EQ(key.text(), expected) << golden.name;
      key = key.skip().skip();
    }
    auto entry = tape.root().find("rules_applied")->first();
    for (size_t i = 0; i < golden.explanation.rule_sha256.size(); ++i, entry = entry.skip()) {
      const auto id = rule_from_name(*entry.find("rule_id")->text());
      ASSERT_TRUE(id);
      EXPECT_EQ(*entry.find("description")->text(),
                "INVARIANTS.md#" + std::string(rule(*id).name) + ": " + std::string(rule(*id).text));
      std::string last;
      auto evidence = *entry.find("evidence");
      auto name = evidence.first();
      for (uint32_t j = 0; j < evidence.token().size; ++j, name = name.skip().skip()) {
        EXPECT_LT(last, *name.text()) << golden.name;  // in byte order, each once
        last = *name.text();
      }
    }
  }
}

}  // namespace
}  // namespace aerodb::rules::golden
