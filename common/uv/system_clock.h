// The machine's clock and its source of unpredictable numbers. Thread: any.
#pragma once

#include <cstddef>

#include "common/runtime/clock.h"

namespace aerodb::uv {

class SystemClock final : public runtime::Clock {
 public:
  uint64_t monotonic_us() override;
  uint64_t wall_us() override;
};

// getrandom(2), a call a number: ids and salts are rare.
class SystemRandom final : public runtime::Random {
 public:
  uint64_t next() override;
};

}  // namespace aerodb::uv
