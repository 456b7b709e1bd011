// The event loop of a process: everything a core does happens in callbacks of one loop, on one thread.
#pragma once

#include <cstdint>
#include <functional>

namespace aerodb::runtime {

using Callback = std::move_only_function<void()>;
enum class TimerId : uint64_t { kNone = 0 };

class Loop {
 public:
  virtual ~Loop() = default;
  // Runs `callback` in a later turn of the loop. Thread: the loop's.
  virtual void post(Callback callback) = 0;
  // Runs `callback` once, `delay_us` from now or later. Thread: the loop's.
  virtual TimerId after(uint64_t delay_us, Callback callback) = 0;
  // No effect on a timer that ran or was cancelled.
  virtual void cancel(TimerId timer) = 0;
};

}  // namespace aerodb::runtime
