// Many seeds over several processes: each seed runs in a forked worker, so that one that ends its process (an
// assertion, a signal, a loop without end) is a failed seed and not the end of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/fault.h"
#include "tests/sim/simulation.h"

namespace aerodb::sim {

struct RunOptions {
  uint64_t first = 1;
  uint64_t seeds = 1;
  uint32_t jobs = 1;
  // Each so manyth seed is run twice, and its two traces must be equal; 0: none.
  uint64_t twice_every = 50;
  bool stop_at_failure = false;
  bool small = false;
  Cut cut{};
  Fault planted = Fault::kNone;
};

struct Failure {
  uint64_t seed = 0;
  Verdict verdict = Verdict::kWrong;
  std::string reason;
};

struct RunReport {
  uint64_t passed = 0;
  uint64_t failed = 0;
  std::vector<Failure> failures;  // the first ones, by seed
  Counters counters{};
  std::array<uint64_t, kFaultKinds> faults{};
  Tallies tallies{};
  double cpu_seconds = 0;
  double wall_seconds = 0;
};

[[nodiscard]] RunReport run_seeds(const RunOptions& options);
// What `more` found too.
void add(RunReport& report, const RunReport& more);
// One seed in this process; with `twice` a differing trace is a failure.
[[nodiscard]] Outcome run_seed(uint64_t seed, bool twice, const SimulateOptions& options);

}  // namespace aerodb::sim
