#include "common/uv/uv_jobs.h"

#include <sys/resource.h>

#include "common/base/assert.h"

namespace aerodb::uv {

UvJobs::UvJobs(uv_loop_t* loop) {
  int status = wake_loop_.open(this, [loop](uv_async_t* handle) {
    return uv_async_init(loop, handle, [](uv_async_t* async) { static_cast<UvJobs*>(async->data)->report(); });
  });
  AERODB_ASSERT(status == 0);
}

void UvJobs::run_on(Pool& pool, std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) {
  bool start_thread = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    pool.queued.push_back({std::move(work), std::move(done)});
    start_thread = pool.idle < pool.queued.size() && pool.threads.size() < kMaxThreads;
  }
  if (start_thread) {
    pool.threads.emplace_back([this, &pool] { work_loop(pool); });
  } else {
    pool.wake.notify_one();
  }
}

void UvJobs::work_loop(Pool& pool) {
  // Of this thread alone, as Linux has it. Without it long jobs are only in the way more.
  if (pool.nice != 0) (void)::setpriority(PRIO_PROCESS, 0, pool.nice);
  std::unique_lock lock(mutex_);
  for (;;) {
    ++pool.idle;
    pool.wake.wait(lock, [this, &pool] { return stopping_ || !pool.queued.empty(); });
    --pool.idle;
    if (stopping_) return;
    Job job = std::move(pool.queued.front());
    pool.queued.pop_front();
    lock.unlock();
    job.work(disk_);
    lock.lock();
    finished_.push_back(std::move(job));
    if (!stopping_) uv_async_send(wake_loop_.get());
  }
}

void UvJobs::report() {
  std::vector<Job> finished;
  {
    std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (Job& job : finished) {
    job.work = nullptr;
    job.done();
  }
}

void UvJobs::shut_down() {
  std::deque<Job> never_run[2];
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    never_run[0].swap(prompt_.queued);
    never_run[1].swap(patient_.queued);
  }
  for (Pool* pool : {&prompt_, &patient_}) {
    pool->wake.notify_all();
    for (std::thread& thread : pool->threads) thread.join();
    pool->threads.clear();
  }
  auto dropped = std::move(finished_);
  finished_.clear();
  wake_loop_.close();
}

}  // namespace aerodb::uv
