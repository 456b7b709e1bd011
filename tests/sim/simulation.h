// One seed, from init to the verdict.
//
// One to five machines with a node each, one for shippers, two for clients, one for the operator, one for a stranger.
// While clients and operator have work, chaos acts at random moments. Then trouble ends, what is down comes up, the
// operator repairs what is halted, fenced, left behind or on another lineage, shippers ship from the longest log, and
// every node must reach one and the same log and state.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "tests/sim/counters.h"
#include "tests/sim/plan.h"
#include "tests/sim/runtime/options.h"
#include "tests/sim/tallies.h"

namespace aerodb::sim {

enum class Verdict : uint8_t {
  kPassed,
  kWrong,  // something was answered or kept that is not so
  kStuck,  // the nodes did not agree in time although nothing was in their way
  kCrash,  // the program itself ended; set by whoever watches it
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);

struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::string reason;
  std::array<uint8_t, 16> trace_hash{};  // covers every event, disk call and byte
  uint64_t events = 0;
  Counters counters{};
  std::array<uint64_t, kFaultKinds> faults{};
  Tallies tallies{};
};

struct SimulateOptions {
  bool small = false;
  bool transcript = false;  // print what happens, as it happens
  Cut cut{};
};

[[nodiscard]] Outcome simulate(uint64_t seed, const SimulateOptions& options = {});

}  // namespace aerodb::sim
