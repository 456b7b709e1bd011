// A Job is linear, blocking code with inputs of its own and one completion on the loop. Really it is a thread; in the
// simulator a fiber that yields at each Disk call, so that messages and crashes come in between.
#pragma once

#include <functional>

#include "common/runtime/disk.h"
#include "common/runtime/loop.h"

namespace aerodb::runtime {

class Jobs {
 public:
  virtual ~Jobs() = default;
  // Runs `work` off the loop, then `done` on the loop. `work` touches nothing that the loop touches meanwhile.
  // After a crash of the simulated process, or during shutdown, `done` is dropped.
  virtual void run(std::move_only_function<void(Disk&)> work, Callback done) = 0;
  // The same for work that is long and has no request waiting for it: the processor serves requests first.
  virtual void run_long(std::move_only_function<void(Disk&)> work, Callback done) {
    run(std::move(work), std::move(done));
  }
};

}  // namespace aerodb::runtime
