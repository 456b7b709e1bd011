// aerodb-sim: whole clusters of the real code, one seed after the other.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "common/base/build.h"
#include "common/base/bytes.h"
#include "common/base/exit_code.h"
#include "tests/sim/runner.h"
#include "tests/sim/shrink.h"

namespace aerodb::sim {
namespace {

constexpr std::string_view kUsage =
    R"(Usage: aerodb-sim [--seeds N] [--first S] [--jobs J] [--twice] [--every-fault] [--small] [CUT]
       aerodb-sim --seed S [--trace] [--twice] [--small] [CUT]
       aerodb-sim --regressions FILE
       aerodb-sim --planted [--jobs J]

  --seeds N           run N seeds (default 100)
  --first S           beginning with S (default 1)
  --jobs J            in J processes at once (default 1)
  --twice             run each seed twice and compare the traces (default: one in 50)
  --every-fault       something is wrong too when a kind of fault or a required outcome stays at zero
  --small             small seeds: three nodes at most, little work each
  --seed S            run one seed in this process
  --trace             print what happens, as it happens
  --regressions FILE  run the seeds listed in FILE, one a line, # begins a comment
  --planted           plant each known fault in turn and run seeds until it is caught

CUT takes parts of a plan away; a failing seed prints the smallest one with which it still fails:
  --without PARTS     of crash,power,stop,shipper,partition,reset,clock,second,storage,floor,disk,hostile,loss,repair,
                      authority,topology
  --nodes N           N nodes at most
  --steps N           N steps of the operator at most
  --bursts N          N bursts of each client at most
  --until US          trouble ends after US microseconds

Exit codes: 0 all passed, 10 something was wrong, 11 stuck, 12 the program crashed, 64 usage.
)";

constexpr uint64_t kPlantedSeedsMax = 4'000;
constexpr size_t kShrunkMax = 3;  // failures of a run
constexpr int kWrong = 10;
constexpr int kStuck = 11;
constexpr int kCrash = 12;

struct Arguments {
  RunOptions run{.seeds = 100};
  std::optional<uint64_t> seed;
  std::string_view regressions;
  bool trace = false;
  bool twice = false;
  bool planted = false;
  bool every_fault = false;
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--twice") {
      arguments.twice = true;
    } else if (name == "--planted") {
      arguments.planted = true;
    } else if (name == "--every-fault") {
      arguments.every_fault = true;
    } else if (name == "--small") {
      arguments.run.small = true;
    } else if (name == "--regressions" && i + 1 < argc) {
      arguments.regressions = argv[++i];
    } else if (name == "--without" && i + 1 < argc) {
      if (!parse_parts(argv[++i], arguments.run.cut)) return std::nullopt;
    } else {
      const auto value = i + 1 < argc ? number(argv[++i]) : std::nullopt;
      if (!value) return std::nullopt;
      if (name == "--seeds") {
        arguments.run.seeds = *value;
      } else if (name == "--first") {
        arguments.run.first = *value;
      } else if (name == "--jobs" && *value > 0 && *value <= 256) {
        arguments.run.jobs = static_cast<uint32_t>(*value);
      } else if (name == "--seed") {
        arguments.seed = *value;
      } else if (name == "--nodes" && *value > 0) {
        arguments.run.cut.nodes = static_cast<uint32_t>(*value);
      } else if (name == "--steps") {
        arguments.run.cut.steps = static_cast<uint32_t>(*value);
      } else if (name == "--bursts") {
        arguments.run.cut.bursts = static_cast<uint32_t>(*value);
      } else if (name == "--until") {
        arguments.run.cut.until_us = *value;
      } else {
        return std::nullopt;
      }
    }
  }
  if (arguments.twice) arguments.run.twice_every = 1;
  return arguments;
}

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return 0;
    case Verdict::kWrong:
      return kWrong;
    case Verdict::kStuck:
      return kStuck;
    case Verdict::kCrash:
      return kCrash;
  }
  return kCrash;
}

void print_failure(const Failure& failure, const RunOptions& run) {
  fmt::print("FAILED seed {}: {}: {}\n  replay: aerodb-sim --seed {}{}{} --trace\n", failure.seed,
             verdict_name(failure.verdict), failure.reason, failure.seed, run.small ? " --small" : "",
             to_options(run.cut));
}

void print_counters(const Counters& counters, const std::array<uint64_t, kFaultKinds>& faults, const Tallies& tallies) {
  for (size_t i = 0; i < kCounters; ++i) fmt::print("  {:<44}{:>12}\n", kCounterNames[i], counters[i]);
  for (size_t i = 0; i < kFaultKinds; ++i) fmt::print("  fault {:<38}{:>12}\n", kFaultKindNames[i], faults[i]);
  for (const auto& row : tally_names()) {
    if (row.required || tallies[row.index] > 0) fmt::print("  {:<44}{:>12}\n", row.name, tallies[row.index]);
  }
}

// Prints what no seed came by although one must; true where there is nothing.
bool came_by_everything(const RunReport& report) {
  bool all = true;
  auto lacks = [&](std::string_view what, std::string_view name) {
    fmt::print("FAILED: no seed came by {}{}\n", what, name);
    all = false;
  };
  for (size_t i = 0; i < kFaultKinds; ++i) {
    if (report.faults[i] == 0) lacks("fault ", kFaultKindNames[i]);
  }
  for (size_t i = 0; i < kCounters; ++i) {
    if (report.counters[i] == 0 && is_required(static_cast<Counter>(i))) lacks("", kCounterNames[i]);
  }
  for (const auto& row : tally_names()) {
    if (row.required && report.tallies[row.index] == 0) lacks("", row.name);
  }
  return all;
}

// Answers the worst: a crash before what is wrong before what is stuck.
int print_report(const RunReport& report, const RunOptions& run) {
  print_counters(report.counters, report.faults, report.tallies);
  int code = 0;
  size_t shrunk = 0;
  for (const Failure& failure : report.failures) {
    print_failure(failure, run);
    if (shrunk++ < kShrunkMax) print_failure(failure, {.small = run.small, .cut = shrink(failure, run)});
    const int of_failure = exit_code(failure.verdict);
    if (code != kCrash && (code != kWrong || of_failure == kCrash)) code = of_failure;
  }
  const auto seeds = static_cast<double>(report.passed + report.failed);
  fmt::print("{:.1f} seeds per second and core ({:.1f} s of processor time, {:.1f} s in all)\n",
             seeds / report.cpu_seconds, report.cpu_seconds, report.wall_seconds);
  fmt::print("{} passed, {} failed\n", report.passed, report.failed);
  return code;
}

int run_one(const Arguments& arguments) {
  const RunOptions& run = arguments.run;
  const Outcome outcome =
      run_seed(*arguments.seed, arguments.twice, {.small = run.small, .transcript = arguments.trace, .cut = run.cut});
  if (!arguments.trace) print_counters(outcome.counters, outcome.faults, outcome.tallies);
  fmt::print("seed {}: {} events, trace {}\n", *arguments.seed, outcome.events, to_hex(outcome.trace_hash));
  const bool passed = outcome.verdict == Verdict::kPassed;
  if (!passed) print_failure({*arguments.seed, outcome.verdict, outcome.reason}, run);
  fmt::print("{} passed, {} failed\n", passed ? 1 : 0, passed ? 0 : 1);
  return exit_code(outcome.verdict);
}

// Seeds that once found a bug. Run in workers too, so that a crash names its seed.
int run_regressions(const Arguments& arguments) {
  std::FILE* file = std::fopen(std::string(arguments.regressions).c_str(), "r");
  if (file == nullptr) {
    fmt::print(stderr, "aerodb-sim: can't read {}\n", arguments.regressions);
    return static_cast<int>(ExitCode::kBadData);
  }
  RunReport all;
  char line[1'000];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text = line;
    const auto seed = number(text.substr(0, text.find_first_not_of("0123456789")));
    if (!seed) continue;
    add(all, run_seeds({.first = *seed, .seeds = 1, .jobs = 1, .twice_every = 1}));
  }
  std::fclose(file);
  return print_report(all, {});
}

// Unit tests catch these (docs/testing.md): what they do wrong shows in no answer and on no disk here, or needs files
// larger than the simulation's.
[[maybe_unused]] bool is_beyond_the_simulator(Fault fault) {
  switch (fault) {
    case Fault::kTombstoneDroppedEarly:
    case Fault::kAppendWithoutProof:
    case Fault::kReadsBeforeReady:
    case Fault::kInstallUnverified:
    case Fault::kPromotedWhenHalted:
    case Fault::kPromotedUnvalidated:
    case Fault::kHaltForgotten:
      return true;
    default:
      return false;
  }
}

int run_planted(const Arguments& arguments) {
#if AERODB_FAULTS
  fmt::print("{:<26}{:>8}  {}\n", "planted fault", "seeds", "caught by");
  uint64_t caught = 0;
  uint64_t planted = 0;
  for (const FaultName& fault : kFaultNames) {
    if (is_beyond_the_simulator(fault.fault)) continue;
    ++planted;
    RunOptions options = arguments.run;
    options.seeds = kPlantedSeedsMax;
    options.twice_every = 0;
    options.stop_at_failure = true;
    options.planted = fault.fault;
    const RunReport report = run_seeds(options);
    if (report.failures.empty()) {
      fmt::print("{:<26}{:>8}  NOT CAUGHT\n", fault.name, report.passed);
      continue;
    }
    ++caught;
    const Failure& first = report.failures.front();
    fmt::print("{:<26}{:>8}  seed {}: {}: {}\n", fault.name, first.seed - options.first + 1, first.seed,
               verdict_name(first.verdict), first.reason);
  }
  fmt::print("{} passed, {} failed\n", caught, planted - caught);
  return caught == planted ? 0 : kWrong;
#else
  static_cast<void>(arguments);
  fmt::print(stderr, "aerodb-sim: this build has no planted faults\n");
  return static_cast<int>(ExitCode::kUsage);
#endif
}

}  // namespace
}  // namespace aerodb::sim

int main(int argc, char** argv) {
  using namespace aerodb::sim;
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return static_cast<int>(aerodb::ExitCode::kUsage);
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (arguments->planted) return run_planted(*arguments);
  if (!arguments->regressions.empty()) return run_regressions(*arguments);
  if (arguments->seed) return run_one(*arguments);
  const auto report = run_seeds(arguments->run);
  const int code = print_report(report, arguments->run);
  if (!arguments->every_fault || came_by_everything(report)) return code;
  return code == 0 ? kWrong : code;
}
