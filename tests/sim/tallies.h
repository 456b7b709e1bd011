// What the code under test counted of itself (common/base/tally.h), with a name for each row: outcomes of rules,
// labelled transitions, stages of repairs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/tally.h"

namespace aerodb::sim {

using Tallies = std::array<uint64_t, kTallies * kTallyRows>;

struct TallyName {
  size_t index;  // in Tallies
  std::string name;
  bool required;  // a run of many seeds must come by it
};
// In the order of the tables.
[[nodiscard]] const std::vector<TallyName>& tally_names();

}  // namespace aerodb::sim
