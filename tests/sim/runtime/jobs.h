// Jobs as fibers: each Disk call of a Job is a point where everything else may happen first.
#pragma once

#include <memory>
#include <vector>

#include "common/runtime/jobs.h"
#include "tests/sim/runtime/fiber.h"
#include "tests/sim/runtime/options.h"

namespace aerodb::sim {

class SimProcess;

class SimJobs final : public runtime::Jobs {
 public:
  explicit SimJobs(SimProcess& process) : process_(process) {}
  void run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) override;

  // In a Job: comes back after a delay, or at once when the process is dead. Elsewhere: comes back at once.
  void pause(Range delay_us);
  // The process is dead: Jobs under way run to their end, the others never run. Requires that no fiber runs.
  void finish_all();
  [[nodiscard]] size_t under_way() const;

 private:
  struct Job {
    std::move_only_function<void(runtime::Disk&)> work;
    runtime::Callback done;
    std::unique_ptr<Fiber> fiber;  // null until it starts
    bool used = false;
  };
  void start(uint32_t index);
  void resume(uint32_t index);

  SimProcess& process_;
  std::vector<std::unique_ptr<Job>> jobs_;  // slots, reused
  uint32_t current_ = 0;                    // slot of the fiber that runs, plus 1; 0: none
};

}  // namespace aerodb::sim
