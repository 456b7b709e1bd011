#include "common/uv/system_clock.h"

#include <sys/random.h>
#include <time.h>

#include <cerrno>

#include "common/base/assert.h"

namespace aerodb::uv {
namespace {

uint64_t read_clock_us(clockid_t id) {
  timespec now{};
  AERODB_ASSERT(clock_gettime(id, &now) == 0);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

uint64_t SystemClock::monotonic_us() { return read_clock_us(CLOCK_MONOTONIC); }
uint64_t SystemClock::wall_us() { return read_clock_us(CLOCK_REALTIME); }

uint64_t SystemRandom::next() {
  uint64_t number = 0;
  ssize_t count = 0;
  do {
    count = getrandom(&number, sizeof number, 0);
  } while (count < 0 && errno == EINTR);
  // Requests of up to 256 bytes are never cut short, and the call exists on every kernel this runs on.
  AERODB_ASSERT(count == sizeof number);
  return number;
}

}  // namespace aerodb::uv
