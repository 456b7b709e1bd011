// What the tests of decisions share.
#pragma once

#include <gtest/gtest.h>

#include "common/base/build.h"
#include "common/rules/authority_rules.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"

namespace aerodb::rules::testing {

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}

// Rules that do not hold, in the order applied.
inline std::vector<std::string_view> not_holding(const RecordingTrace& trace) {
  std::vector<std::string_view> names;
  for (const auto& entry : trace.entries()) {
    if (entry.evaluation != Evaluation::kTrue) names.push_back(rule(entry.rule).name);
  }
  return names;
}
using Names = std::vector<std::string_view>;

#if AERODB_FAULTS
struct Planted {
  explicit Planted(Fault fault) { plant(fault); }
  ~Planted() { plant(Fault::kNone); }
  Planted(const Planted&) = delete;
  Planted& operator=(const Planted&) = delete;
};
#endif

}  // namespace aerodb::rules::testing
