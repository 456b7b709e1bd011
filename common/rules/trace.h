// What a decision does with the rules it applies: nothing (hot path), or a record of each (explanation).
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/base/assert.h"
#include "common/base/tally.h"
#include "common/rules/evidence.h"
#include "common/rules/registry.h"

namespace aerodb::rules {

// Three answers, never two: true, false, or undetermined because evidence is missing.
enum class Evaluation : uint8_t { kFalse, kTrue, kUndetermined };
[[nodiscard]] constexpr Evaluation evaluation(bool holds) { return holds ? Evaluation::kTrue : Evaluation::kFalse; }

struct NoTrace {
  static constexpr bool kRecords = false;
  template <class Evidence, class... Names>
  void apply(RuleId rule, Evaluation evaluation, const Evidence&, Names...) {
    tally(Tally::kRule, 3 * static_cast<size_t>(rule) + static_cast<size_t>(evaluation));
  }
};

struct RuleEntry {
  RuleId rule;
  Evaluation evaluation;
  std::vector<std::pair<std::string, Bytes>> evidence;  // packed values, sorted by key bytes
  std::vector<std::string> missing;                     // names of absent evidence; only with kUndetermined
};

class RecordingTrace {
 public:
  static constexpr bool kRecords = true;

  // Records `rule` with the members of `evidence` that `names` name. An undetermined rule names the absent ones.
  template <class Evidence, class... Names>
  void apply(RuleId rule, Evaluation evaluation, const Evidence& evidence, Names... names) {
    RuleEntry entry{rule, evaluation, {}, {}};
    const std::array<std::string_view, sizeof...(Names)> wanted{std::string_view(names)...};
    Evidence::fields(evidence, [&](std::string_view name, const auto& member) {
      if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) return;
      Bytes packed;
      document::PackWriter out(packed);
      detail::pack_value(member, out);
      if constexpr (detail::kIsOptional<std::remove_cvref_t<decltype(member)>>) {
        if (!member && evaluation == Evaluation::kUndetermined) entry.missing.emplace_back(name);
      }
      entry.evidence.emplace_back(std::string(name), std::move(packed));
    });
    AERODB_ASSERT(entry.evidence.size() == wanted.size());
    std::sort(entry.evidence.begin(), entry.evidence.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    entries_.push_back(std::move(entry));
  }
  [[nodiscard]] const std::vector<RuleEntry>& entries() const { return entries_; }

 private:
  std::vector<RuleEntry> entries_;
};

}  // namespace aerodb::rules
