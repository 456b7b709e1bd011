// The explanation object: its canonical bytes, its hashes, and reading one back. docs/spec/EXPLANATION_MODEL.md.
//
// Top keys in a fixed order, evidence keys in byte order, integers exact, no clock, no address. As JSON, hashes and ids
// are lower-case hex.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/rules/trace.h"

namespace aerodb::rules {

enum class ExplanationType : uint8_t {
  kReadVisibility,
  kQueryExecution,
  kRecovery,
  kCheckpointSafety,
  kReplicationSafety,
  kHalt,
  kPromotionDecision,
  kControlCommand,
};
[[nodiscard]] std::string_view explanation_type_name(ExplanationType type);

struct ObservedSnapshot {
  LineageId lineage;
  CommitId commit;
};

// What a decision concluded, written as the `conclusion` map by `write`.
struct Explanation {
  Bytes packed;                     // the object as MessagePack, canonical
  std::string json;                 // the object as canonical (compact) JSON
  Sha256 sha256{};                  // of json
  std::vector<Sha256> rule_sha256;  // of each rule entry's canonical JSON, in order
};

// Renders the object. `inputs` and `conclusion` each write exactly one map.
[[nodiscard]] Explanation render_explanation(ExplanationType type, const ObservedSnapshot& observed,
                                             const std::function<void(document::PackWriter&)>& inputs,
                                             const std::vector<RuleEntry>& rules,
                                             const std::function<void(document::PackWriter&)>& conclusion);

// An explanation read back (from MessagePack, or from JSON converted to it), with its evidence by name.
class ExplanationReader {
 public:
  // BAD_REQUEST where the object does not have the form of the model.
  [[nodiscard]] static Result<ExplanationReader> open(document::Cursor object);
  [[nodiscard]] ExplanationType type() const { return type_; }
  [[nodiscard]] const ObservedSnapshot& observed() const { return observed_; }
  [[nodiscard]] document::Cursor inputs() const { return inputs_; }

  // Fills every member of an evidence struct from the inputs and the rules' evidence. Answers the name of the first one
  // that is absent, has the wrong type, or stands twice with different values; empty where all were read.
  template <class Evidence>
  [[nodiscard]] std::string_view first_unreadable(Evidence& evidence) const {
    std::string_view unreadable;
    Evidence::fields(evidence, [&](std::string_view name, auto& member) {
      if (!unreadable.empty()) return;
      auto cursor = find(name);
      if (!cursor || !detail::unpack_value(*cursor, member)) unreadable = name;
    });
    return unreadable;
  }
  // The same where the name does not matter: true if all were read.
  template <class Evidence>
  [[nodiscard]] bool read(Evidence& evidence) const {
    return first_unreadable(evidence).empty();
  }

 private:
  [[nodiscard]] std::optional<document::Cursor> find(std::string_view name) const;
  ExplanationType type_ = ExplanationType::kReadVisibility;
  ObservedSnapshot observed_;
  document::Cursor inputs_;
  document::Cursor rules_;
};

}  // namespace aerodb::rules
