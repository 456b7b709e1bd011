// The cluster simulation follows from its seed alone.
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

#include "common/base/build.h"
#include "tests/sim/shrink.h"

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

TEST(Simulation, SmallSeedIsAnotherOneAndFollowsFromItsNumberToo) {
  const SimulateOptions small{.small = true};
  const Outcome first = simulate(3, small);
  EXPECT_EQ(first.trace_hash, simulate(3, small).trace_hash);
  EXPECT_NE(first.trace_hash, simulate(3).trace_hash);
}

TEST(Simulation, CutIsPrintedAsItIsRead) {
  Cut cut;
  ASSERT_TRUE(parse_parts("crash,power,topology", cut));
  EXPECT_TRUE(cut.lacks(Part::kCrash));
  EXPECT_FALSE(cut.lacks(Part::kClock));
  cut.steps = 3;
  EXPECT_EQ(to_options(cut), " --without crash,power,topology --steps 3");
  EXPECT_EQ(to_options({}), "");
  EXPECT_FALSE(parse_parts("crash,weather", cut));
  const SeedPlan plan(7, false, cut);
  EXPECT_EQ(plan.process_crash, 0u);
  EXPECT_EQ(plan.topology, Topology::kOne);
  EXPECT_LE(plan.operator_steps, 3u);
}

TEST(Simulation, FailuresAreTheSameApartFromNumbersAndNames) {
  const Failure one{1, Verdict::kWrong, "r1: LSN 5 is durable, and its records can't be read"};
  const Failure two{9, Verdict::kWrong, "p1: LSN 17 is durable, and its records can't be read"};
  EXPECT_TRUE(is_same_failure(one, two));
  EXPECT_FALSE(is_same_failure(one, {1, Verdict::kStuck, one.reason}));
  EXPECT_FALSE(is_same_failure(one, {1, Verdict::kWrong, "r1: another state digest at LSN 5"}));
}

#if AERODB_FAULTS
TEST(Simulation, ShrunkSeedStillFailsTheSameWayWithLess) {
  RunOptions run{.seeds = 50, .twice_every = 0, .stop_at_failure = true, .planted = Fault::kEarlyAcknowledgement};
  const RunReport report = run_seeds(run);
  ASSERT_FALSE(report.failures.empty());
  const Failure& failure = report.failures.front();
  run.cut = shrink(failure, run);
  EXPECT_NE(to_options(run.cut), "");
  run.first = failure.seed;
  run.seeds = 1;
  const RunReport again = run_seeds(run);
  ASSERT_FALSE(again.failures.empty());
  EXPECT_TRUE(is_same_failure(again.failures.front(), failure));
}
#endif

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
