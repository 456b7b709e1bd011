#include "common/uv/uv_runtime.h"

#include <signal.h>

#include "common/base/assert.h"
#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "common/uv/uv_internal.h"
#include "common/uv/uv_jobs.h"
#include "common/uv/uv_log_device.h"
#include "common/uv/uv_loop.h"
#include "common/uv/uv_network.h"

namespace aerodb::uv {
namespace {

// The loop itself: open before any part uses it, closed after all of them are gone.
struct LoopMemory {
  LoopMemory() { AERODB_ASSERT(uv_loop_init(&loop) == 0); }
  uv_loop_t loop{};
};

void end_handle(uv_handle_t* handle, void* /*unused*/) {
  if (uv_is_closing(handle)) return;
  const uv_handle_type type = uv_handle_get_type(handle);
  // Anything else still open is a watch that its owner should have destroyed before the runtime.
  AERODB_ASSERT(type == UV_TCP || type == UV_NAMED_PIPE || type == UV_PROCESS);
  static_cast<HandleOwner*>(handle->data)->shut_down();
}

}  // namespace

struct UvRuntime::Parts {
  explicit Parts(std::unique_ptr<LogSink> sink)
      : log(std::move(sink)),
        loop(std::make_unique<UvLoop>(&memory.loop, clock)),
        network(std::make_unique<UvNetwork>(&memory.loop, *loop)),
        jobs(std::make_unique<UvJobs>(&memory.loop)),
        log_device(std::make_unique<UvLogDevice>(&memory.loop)) {}

  LoopMemory memory;
  std::unique_ptr<LogSink> log;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<UvLoop> loop;
  std::unique_ptr<UvNetwork> network;
  std::unique_ptr<UvJobs> jobs;
  std::unique_ptr<UvLogDevice> log_device;
};

UvRuntime::UvRuntime(std::unique_ptr<LogSink> log) {
  AERODB_ASSERT(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  parts_ = std::make_unique<Parts>(std::move(log));
}

UvRuntime::~UvRuntime() {
  // Threads first, so that nothing new arrives; then callbacks, whose captures may own connections; then the handles.
  parts_->jobs->shut_down();
  parts_->log_device->shut_down();
  parts_->loop->shut_down();
  uv_loop_t* loop = &parts_->memory.loop;
  parts_->jobs.reset();
  parts_->log_device.reset();
  parts_->loop.reset();
  uv_walk(loop, end_handle, nullptr);
  // A stop() that no run() saw ends the first of these at once.
  while (uv_run(loop, UV_RUN_DEFAULT) != 0) {
  }
  AERODB_ASSERT(uv_loop_close(loop) == 0);
}

void UvRuntime::run() { uv_run(&parts_->memory.loop, UV_RUN_DEFAULT); }
void UvRuntime::stop() { uv_stop(&parts_->memory.loop); }

runtime::Loop& UvRuntime::loop() { return *parts_->loop; }
runtime::Clock& UvRuntime::clock() { return parts_->clock; }
runtime::Random& UvRuntime::random() { return parts_->random; }
runtime::Network& UvRuntime::network() { return *parts_->network; }
runtime::Jobs& UvRuntime::jobs() { return *parts_->jobs; }
LogSink& UvRuntime::log() { return *parts_->log; }
runtime::LogDevice& UvRuntime::log_device() { return *parts_->log_device; }
uint64_t UvRuntime::moved_bytes() const { return parts_->jobs->moved_bytes(); }
uv_loop_s* UvRuntime::raw_loop() { return &parts_->memory.loop; }

}  // namespace aerodb::uv
