// Private to common/uv: runtime::Jobs on threads of our own.
//
// A thread is started when a job finds none idle, up to kMaxThreads, and kept until shutdown: short reads of
// blocks reuse one, and a long backup never makes them wait. Long jobs have threads of their own, which get a tenth of
// a processor that the loop wants too: about what a checkpoint needs to keep up with what is written meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "common/runtime/jobs.h"
#include "common/uv/posix_disk.h"
#include "common/uv/uv_internal.h"

namespace aerodb::uv {

class UvJobs final : public runtime::Jobs {
 public:
  explicit UvJobs(uv_loop_t* loop);
  ~UvJobs() override { shut_down(); }

  void run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) override {
    run_on(prompt_, std::move(work), std::move(done));
  }
  void run_long(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) override {
    run_on(patient_, std::move(work), std::move(done));
  }
  // By the files of all Jobs.
  [[nodiscard]] uint64_t moved_bytes() const { return moved_->load(std::memory_order_relaxed); }
  // Waits for the jobs that run, drops those that do not and every `done`. Jobs asked for later are dropped.
  void shut_down();

 private:
  static constexpr size_t kMaxThreads = 16;
  struct Job {
    std::move_only_function<void(runtime::Disk&)> work;
    runtime::Callback done;
  };
  struct Pool {
    explicit Pool(int threads_nice) : nice(threads_nice) {}
    const int nice;
    std::vector<std::thread> threads;  // the loop's thread only
    std::condition_variable wake;
    std::deque<Job> queued;  // guarded by mutex_, like idle
    size_t idle = 0;
  };
  void run_on(Pool& pool, std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done);
  void work_loop(Pool& pool);
  void report();

  OwnedHandle<uv_async_t> wake_loop_;
  const std::shared_ptr<MovedBytes> moved_ = std::make_shared<MovedBytes>(0);
  PosixDisk disk_{moved_};
  std::mutex mutex_;
  Pool prompt_{0};
  Pool patient_{10};
  std::vector<Job> finished_;  // guarded by mutex_; `work` is destroyed on the loop too: its captures came from there
  bool stopping_ = false;      // guarded by mutex_
};

}  // namespace aerodb::uv
