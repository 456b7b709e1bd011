// What a test build counts of itself while it runs: outcomes of rules, labelled transitions. A simulation tells by them
// what it never came by. In a release build tally() is an empty constexpr function and nothing of it is left.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/build.h"

namespace aerodb {

enum class Tally : uint8_t {
  kRule,              // row: 3 * rule + evaluation, of decisions that act
  kTargetTransition,  // row: of shipper::target_transitions()
  kSourceTransition,  // row: of shipper::source_transitions()
  kRepairStage,       // row: stages of a kind of repair * kind + stage
};
inline constexpr size_t kTallies = 4;
inline constexpr size_t kTallyRows = 320;  // of each

#if AERODB_FAULTS
void tally(Tally table, size_t row);
[[nodiscard]] uint64_t tallied(Tally table, size_t row);
void clear_tallies();
#else
constexpr void tally(Tally /*table*/, size_t /*row*/) {}
#endif

}  // namespace aerodb
