// An explanation as a file: kept, sent to somebody else, and checked anywhere without a node. docs/spec/
// EXPLANATION_MODEL.md, "Saved".
//
// The file is JSON of fixed layout: each top-level key of the explanation, and each rule, is one line of canonical
// JSON, and each of these lines has its SHA-256 further down. So the line that a change touched can be named even where
// the file is no JSON any more.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/rules/explanation.h"

namespace aerodb::rules {

// `sha256` and `rule_sha256` as the node sent them beside the object. BAD_REQUEST where the object does not have the
// model's form or a count of hashes that is not its count of rules.
[[nodiscard]] Result<std::string> saved_explanation(ByteSpan explanation, const Sha256& sha256,
                                                    std::span<const Sha256> rule_sha256);

struct SavedCheck {
  bool holds = false;
  // Where it does not: the part that was changed, or that does not follow from the evidence shown. A rule id with its
  // place ("MVCC-1, rule 3"), or a top-level key ("inputs").
  std::string part;
  std::string why;
  // Where the text could be read.
  std::string type;
  std::string conclusion;  // compact JSON
  std::string sha256;      // of the whole, hex
};

// Compares every line with its hash, then derives the explanation again from its own evidence.
[[nodiscard]] SavedCheck check_saved_explanation(std::string_view text);

}  // namespace aerodb::rules
