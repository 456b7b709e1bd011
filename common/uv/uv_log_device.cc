#include "common/uv/uv_log_device.h"

#include "common/base/assert.h"
#include "common/base/build.h"
#include "common/uv/posix_disk.h"

namespace aerodb::uv {
namespace {

// A missing one is never made up: `init` made them.
Result<std::unique_ptr<runtime::File>> open_segment(const std::string& path) {
  PlainPosixDisk disk;
#if AERODB_FAULTS
  return open_with_submit_points(disk, path, CrashPoints::of_process());
#else
  return disk.open(path, runtime::OpenMode::kReadWrite);
#endif
}

}  // namespace

UvLogDevice::UvLogDevice(uv_loop_t* loop) {
  int status = wake_loop_.open(this, [loop](uv_async_t* handle) {
    return uv_async_init(loop, handle, [](uv_async_t* async) { static_cast<UvLogDevice*>(async->data)->report(); });
  });
  AERODB_ASSERT(status == 0);
}

Result<void> UvLogDevice::open(const std::vector<std::string>& paths) {
  AERODB_ASSERT(!in_flight_);
  std::vector<std::unique_ptr<runtime::File>> segments;
  for (const std::string& path : paths) {
    auto segment = open_segment(path);
    if (!segment) return fail(std::move(segment.error()));
    segments.push_back(std::move(*segment));
  }
  segments_ = std::move(segments);
  return {};
}

Result<void> UvLogDevice::carry_out(const Write& write) {
  if (auto written = write.segment->write(write.offset, write.data); !written) return written;
  return write.segment->sync();
}

void UvLogDevice::submit(uint32_t slot, uint64_t offset, ByteSpan data, runtime::Completion completion,
                         std::move_only_function<void(Result<void>)> done) {
  AERODB_ASSERT(!in_flight_);
  AERODB_ASSERT(slot < segments_.size());
  if (shut_down_) return;
  const Write write{segments_[slot].get(), offset, data};
  if (completion == runtime::Completion::kInline) {
    done(carry_out(write));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    asked_ = write;
  }
  in_flight_ = true;
  done_ = std::move(done);
  if (thread_.joinable()) {
    wake_thread_.notify_one();
  } else {
    thread_ = std::thread([this] { work_loop(); });
  }
}

void UvLogDevice::work_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_thread_.wait(lock, [this] { return stopping_ || asked_.has_value(); });
    if (!asked_) return;
    const Write write = *asked_;
    asked_.reset();
    lock.unlock();
    auto answer = carry_out(write);
    lock.lock();
    answer_ = std::move(answer);
    if (!stopping_) uv_async_send(wake_loop_.get());
  }
}

void UvLogDevice::report() {
  std::optional<Result<void>> answer;
  {
    std::lock_guard lock(mutex_);
    answer.swap(answer_);
  }
  if (!answer) return;  // libuv may wake once more than asked
  in_flight_ = false;   // `done` may submit the next write
  auto done = std::move(done_);
  done(std::move(*answer));
}

void UvLogDevice::shut_down() {
  shut_down_ = true;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_thread_.notify_one();
  if (thread_.joinable()) thread_.join();
  auto dropped = std::move(done_);
  done_ = nullptr;
  wake_loop_.close();
}

}  // namespace aerodb::uv
