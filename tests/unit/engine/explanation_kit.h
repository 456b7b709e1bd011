// What the tests of explanations share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/document/json.h"
#include "common/rules/rederive.h"

namespace aerodb::engine::testing {

// An explanation read back; it must follow from its own evidence.
struct Shown {
  explicit Shown(const rules::Explanation& explanation) : packed(explanation.packed), json(explanation.json) {
    EXPECT_TRUE(tape.parse(packed));
    auto derived = rules::rederive(tape.root());
    EXPECT_TRUE(derived && derived->follows) << (derived ? derived->why : derived.error().message);
    auto entry = tape.root().find("rules_applied")->first();
    for (size_t i = 0; i < explanation.rule_sha256.size(); ++i, entry = entry.skip()) {
      const std::string id(*entry.find("rule_id")->text());
      rules += id + ' ';
      const auto evaluation = *entry.find("evaluation");
      if (evaluation.is_nil()) open += id + ' ';
      if (evaluation.boolean() == false) broken += id + ' ';
    }
  }
  [[nodiscard]] std::string said(std::string_view key) const {
    const auto value = tape.root().find("conclusion")->find(key);
    return value ? document::to_json(*value) : "";
  }
  [[nodiscard]] std::string input(std::string_view key) const {
    const auto value = tape.root().find("inputs")->find(key);
    return value ? document::to_json(*value) : "";
  }
  // What the evidence of a rule names as missing, as JSON.
  [[nodiscard]] std::string missing(std::string_view rule) const {
    auto entry = tape.root().find("rules_applied")->first();
    for (uint32_t i = 0; i < tape.root().find("rules_applied")->token().size; ++i, entry = entry.skip()) {
      const auto names = entry.find("evidence")->find("missing");
      if (entry.find("rule_id")->text() == rule && names) return document::to_json(*names);
    }
    return "";
  }
  Bytes packed;
  document::Tape tape;
  std::string json;
  std::string rules, broken, open;  // ids, each followed by a space
};

}  // namespace aerodb::engine::testing
