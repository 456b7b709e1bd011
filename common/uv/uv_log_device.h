// Private to common/uv: runtime::LogDevice on open segment files and one thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "common/runtime/disk.h"
#include "common/runtime/log_device.h"
#include "common/uv/uv_internal.h"

namespace aerodb::uv {

class UvLogDevice final : public runtime::LogDevice {
 public:
  explicit UvLogDevice(uv_loop_t* loop);
  ~UvLogDevice() override { shut_down(); }

  Result<void> open(const std::vector<std::string>& paths) override;
  void submit(uint32_t slot, uint64_t offset, ByteSpan data, runtime::Completion completion,
              std::move_only_function<void(Result<void>)> done) override;
  // Waits for the write in flight and drops its `done`; later writes are dropped.
  void shut_down();

 private:
  struct Write {
    runtime::File* segment;
    uint64_t offset;
    ByteSpan data;
  };
  static Result<void> carry_out(const Write& write);
  void work_loop();
  void report();

  // The loop's thread only; segments_ is replaced by the Job that opens them, while no write is in flight.
  OwnedHandle<uv_async_t> wake_loop_;
  std::vector<std::unique_ptr<runtime::File>> segments_;
  std::move_only_function<void(Result<void>)> done_;
  bool in_flight_ = false;
  bool shut_down_ = false;
  std::thread thread_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_thread_;
  std::optional<Write> asked_;
  std::optional<Result<void>> answer_;
  bool stopping_ = false;
};

}  // namespace aerodb::uv
