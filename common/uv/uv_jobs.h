// Private to common/uv: runtime::Jobs on threads of our own.
//
// A thread is started when a job finds none idle, up to kMaxThreads, and kept until shutdown: short reads of
// blocks reuse one, and a long backup never makes them wait.
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

  void run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) override;
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
  void work_loop();
  void report();

  OwnedHandle<uv_async_t> wake_loop_;
  const std::shared_ptr<MovedBytes> moved_ = std::make_shared<MovedBytes>(0);
  PosixDisk disk_{moved_};
  std::vector<std::thread> threads_;  // the loop's thread only
  std::mutex mutex_;                  // guards all below
  std::condition_variable wake_thread_;
  std::deque<Job> queued_;
  std::vector<Job> finished_;  // `work` is destroyed on the loop too: its captures came from there
  size_t idle_threads_ = 0;
  bool stopping_ = false;
};

}  // namespace aerodb::uv
