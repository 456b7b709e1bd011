#include "common/uv/uv_jobs.h"

#include "common/base/assert.h"

namespace aerodb::uv {

UvJobs::UvJobs(uv_loop_t* loop) {
  int status = wake_loop_.open(this, [loop](uv_async_t* handle) {
    return uv_async_init(loop, handle, [](uv_async_t* async) { static_cast<UvJobs*>(async->data)->report(); });
  });
  AERODB_ASSERT(status == 0);
}

void UvJobs::run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) {
  bool start_thread = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    queued_.push_back({std::move(work), std::move(done)});
    start_thread = idle_threads_ < queued_.size() && threads_.size() < kMaxThreads;
  }
  if (start_thread) {
    threads_.emplace_back([this] { work_loop(); });
  } else {
    wake_thread_.notify_one();
  }
}

void UvJobs::work_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_threads_;
    wake_thread_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
    --idle_threads_;
    if (stopping_) return;
    Job job = std::move(queued_.front());
    queued_.pop_front();
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
  std::deque<Job> never_run;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    never_run.swap(queued_);
  }
  wake_thread_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  auto dropped = std::move(finished_);
  finished_.clear();
  wake_loop_.close();
}

}  // namespace aerodb::uv
