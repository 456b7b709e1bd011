// The rule registry: every rule a decision may apply. docs/spec/INVARIANTS.md is compared with this table both ways.
// Ids are stable and never reused.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace aerodb::rules {

enum class RuleId : uint8_t {
  kWal1,
  kWal2,
  kWal3,
  kWal4,
  kWal5,
  kWal6,
  kWal7,
  kDoc1,
  kDoc2,
  kDoc3,
  kDoc4,
  kMvcc1,
  kMvcc2,
  kMvcc3,
  kMvcc4,
  kMvcc5,
  kMvcc6,
  kMvcc7,
  kMvcc8,
  kMvcc9,
  kQry1,
  kQry2,
  kQry3,
  kQry4,
  kQry5,
  kRec1,
  kRec2,
  kRec3,
  kRec4,
  kRec5,
  kRec6,
  kRec7,
  kRec8,
  kRec9,
  kCkpt1,
  kCkpt2,
  kCkpt3,
  kCkpt4,
  kCkpt5,
  kCkpt6,
  kCkpt7,
  kCkpt8,
  kRepl1,
  kRepl2,
  kRepl3,
  kRepl4,
  kRepl5,
  kRepl6,
  kRepl7,
  kRepl8,
  kRepl9,
  kRepl10,
  kRepl11,
  kRepl12,
  kAuth1,
  kAuth2,
  kAuth3,
  kAuth4,
  kAuth5,
  kAuth6,
  kAuth7,
  kAuth8,
  kAuth9,
  kAuth10,
  kAuth11,
  kAuth12,
  kAuth13,
  kAuth14,
  kAuth15,
  kFail1,
  kFail2,
  kFail3,
  kFail4,
  kCtrl1,
  kCtrl2,
  kCtrl3,
  kCtrl4,
  kCtrl5,
  kCtrl6,
  kCtrl7,
};

struct Rule {
  RuleId id;
  std::string_view name;    // "WAL-3"
  std::string_view text;    // the exact statement
  std::string_view source;  // where the specification asks for it, or "extension"
};

// In enum order, which is the order of docs/spec/INVARIANTS.md.
[[nodiscard]] std::span<const Rule> rule_table();
[[nodiscard]] const Rule& rule(RuleId id);
[[nodiscard]] std::optional<RuleId> rule_from_name(std::string_view name);

}  // namespace aerodb::rules
