#include "tests/sim/runtime/jobs.h"

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {

void SimJobs::run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) {
  if (!process_.alive()) return process_.bury(std::move(done));
  auto free = std::ranges::find_if(jobs_, [](const auto& job) { return !job->used; });
  if (free == jobs_.end()) free = jobs_.insert(jobs_.end(), std::make_unique<Job>());
  Job& job = **free;
  job.work = std::move(work);
  job.done = std::move(done);
  job.used = true;
  const auto index = static_cast<uint32_t>(free - jobs_.begin());
  SimWorld& world = process_.world();
  world.schedule(world.pick(world.options().turn_delay_us), EventKind::kJobStart, process_.owner(),
                 [this, index] { start(index); });
}

void SimJobs::start(uint32_t index) {
  Job& job = *jobs_[index];
  job.fiber = process_.world().fibers().take();
  job.fiber->start([this, &job] { std::exchange(job.work, nullptr)(process_.blocking_disk()); });
  resume(index);
}

void SimJobs::resume(uint32_t index) {
  SimWorld& world = process_.world();
  Job& job = *jobs_[index];
  current_ = index + 1;
  world.fibers().resume(*job.fiber);
  current_ = 0;
  if (!job.fiber->finished()) return;
  world.fibers().give_back(std::move(job.fiber));
  auto done = std::exchange(job.done, nullptr);
  job.used = false;
  if (!process_.alive()) return process_.bury(std::move(done));
  world.schedule(world.pick(world.options().turn_delay_us), EventKind::kJobDone, process_.owner(), std::move(done));
}

void SimJobs::pause(Range delay_us) {
  if (current_ == 0 || !process_.alive()) return;
  SimWorld& world = process_.world();
  const uint32_t index = current_ - 1;
  world.schedule(world.pick(delay_us), EventKind::kJobStep, process_.owner(), [this, index] { resume(index); });
  jobs_[index]->fiber->suspend();
}

void SimJobs::finish_all() {
  AERODB_ASSERT(!process_.alive());
  for (uint32_t index = 0; index < jobs_.size(); ++index) {
    if (jobs_[index]->fiber) resume(index);
    if (jobs_[index]->done) process_.bury(std::move(jobs_[index]->done));  // not begun
  }
  jobs_.clear();
}

size_t SimJobs::under_way() const {
  return static_cast<size_t>(std::ranges::count_if(jobs_, [](const auto& job) { return job->used; }));
}

}  // namespace aerodb::sim
