// A failing seed made small: parts of its plan are taken away as long as it fails in the same way.
#pragma once

#include "tests/sim/runner.h"

namespace aerodb::sim {

// Whether two failures are one and the same: verdict and reason, apart from numbers and names in it.
[[nodiscard]] bool is_same_failure(const Failure& a, const Failure& b);

// The cut with which the seed still fails like `failure`; that of `run` where nothing more can go. Each try runs in a
// process of its own. A seed that ended by running out of time is not tried again.
[[nodiscard]] Cut shrink(const Failure& failure, const RunOptions& run);

}  // namespace aerodb::sim
