#include "tests/sim/shrink.h"

#include <algorithm>
#include <cctype>

namespace aerodb::sim {
namespace {

// Without numbers, hexadecimal ones too, and without names of nodes.
std::string shape_of(const std::string& reason) {
  std::string shape;
  std::string word;
  auto end_word = [&] {
    const bool has_digit = std::ranges::any_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
    shape += has_digit ? "#" : word;
    word.clear();
  };
  for (const char c : reason) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    end_word();
    shape += c;
  }
  end_word();
  return shape;
}

class Shrinker {
 public:
  Shrinker(const Failure& failure, const RunOptions& run) : failure_(failure), run_(run) {
    run_.first = failure.seed;
    run_.seeds = 1;
    run_.jobs = 1;
    run_.twice_every = 0;
  }

  Cut shrink() {
    // The largest parts first, and all once more: what was needed for one part is not always needed without another.
    for (int round = 0; round < 2; ++round) {
      for (size_t i = kParts; i-- > 0;) drop(static_cast<Part>(i));
    }
    const SeedPlan plan(failure_.seed, run_.small, run_.cut);
    lower(plan.nodes, 1, [](Cut& cut, uint64_t n) { cut.nodes = static_cast<uint32_t>(n); });
    lower(plan.operator_steps, 0, [](Cut& cut, uint64_t n) { cut.steps = static_cast<uint32_t>(n); });
    lower(plan.client_operations, 0, [](Cut& cut, uint64_t n) { cut.bursts = static_cast<uint32_t>(n); });
    lower(plan.duration_us, 0, [](Cut& cut, uint64_t n) { cut.until_us = n; });
    return run_.cut;
  }

 private:
  bool still_fails(const Cut& cut) {
    RunOptions run = run_;
    run.cut = cut;
    const RunReport report = run_seeds(run);
    return !report.failures.empty() && is_same_failure(report.failures.front(), failure_);
  }
  void drop(Part part) {
    if (run_.cut.lacks(part)) return;
    Cut cut = run_.cut;
    cut.drop(part);
    if (still_fails(cut)) run_.cut = cut;
  }
  // The lowest number found by halving; how a seed fails need not follow from it in one direction.
  template <class Set>
  void lower(uint64_t from, uint64_t least, Set set) {
    uint64_t fails_at = from;
    uint64_t low = least;
    while (low < fails_at) {
      const uint64_t middle = low + (fails_at - low) / 2;
      Cut cut = run_.cut;
      set(cut, middle);
      if (still_fails(cut)) {
        fails_at = middle;
        run_.cut = cut;
      } else {
        low = middle + 1;
      }
    }
  }

  const Failure& failure_;
  RunOptions run_;
};

}  // namespace

bool is_same_failure(const Failure& a, const Failure& b) {
  return a.verdict == b.verdict && shape_of(a.reason) == shape_of(b.reason);
}

Cut shrink(const Failure& failure, const RunOptions& run) {
  if (failure.verdict == Verdict::kCrash && failure.reason.contains("Alarm")) return run.cut;
  return Shrinker(failure, run).shrink();
}

}  // namespace aerodb::sim
