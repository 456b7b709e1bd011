// The cluster simulation follows from its seed alone.
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

namespace aerodb::sim {
namespace {

TEST(Simulation, SameSeedTakesTheSameCourse) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome first = simulate(seed);
    const Outcome second = simulate(seed);
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.events, second.events) << "seed " << seed;
    EXPECT_EQ(first.counters, second.counters) << "seed " << seed;
    EXPECT_EQ(first.verdict, Verdict::kPassed) << "seed " << seed << ": " << first.reason;
  }
}

TEST(Simulation, OtherSeedTakesAnotherCourse) { EXPECT_NE(simulate(1).trace_hash, simulate(2).trace_hash); }

TEST(Simulation, SeedsReachWhatTheyAreMeantToCheck) {
  Counters sum{};
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Outcome outcome = simulate(seed);
    for (size_t i = 0; i < kCounters; ++i) sum[i] += outcome.counters[i];
  }
  // All that forty seeds are sure to come by.
  for (Counter counter :
       {Counter::kPowerCrashes, Counter::kProcessCrashes, Counter::kRecoveryCrashes, Counter::kPartitions,
        Counter::kSeals, Counter::kPromotions, Counter::kDeclines, Counter::kWritesAcknowledged,
        Counter::kWritesUnknown, Counter::kRefusedByState, Counter::kRefusedByForm, Counter::kReadsOfThePast,
        Counter::kReadsWithReceipt, Counter::kQueriesAnswered, Counter::kExplanationsRederived, Counter::kHostileGaps,
        Counter::kRecoveriesChecked, Counter::kFinalStatesCompared}) {
    EXPECT_GT(sum[static_cast<size_t>(counter)], 0u) << kCounterNames[static_cast<size_t>(counter)];
  }
}

}  // namespace
}  // namespace aerodb::sim
