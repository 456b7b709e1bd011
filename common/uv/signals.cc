#include "common/uv/signals.h"

#include <csignal>

#include "common/base/assert.h"
#include "common/uv/uv_internal.h"

namespace aerodb::uv {

struct SignalWatch::State {
  OwnedHandle<uv_signal_t> interrupt;
  OwnedHandle<uv_signal_t> terminate;
  std::move_only_function<void(int)> on_signal;

  void close() {
    interrupt.close();
    terminate.close();
  }
  void watch(uv_loop_t* loop, OwnedHandle<uv_signal_t>& handle, int number) {
    int status = handle.open(this, [loop](uv_signal_t* signal) { return uv_signal_init(loop, signal); });
    AERODB_ASSERT(status == 0);
    status = uv_signal_start(
        handle.get(),
        [](uv_signal_t* signal, int caught) {
          auto* state = static_cast<State*>(signal->data);
          auto tell = std::move(state->on_signal);  // may destroy the watch
          state->close();
          tell(caught);
        },
        number);
    AERODB_ASSERT(status == 0);
  }
};

SignalWatch::SignalWatch(UvRuntime& runtime, std::move_only_function<void(int signal)> on_signal)
    : state_(std::make_unique<State>()) {
  state_->on_signal = std::move(on_signal);
  state_->watch(runtime.raw_loop(), state_->interrupt, SIGINT);
  state_->watch(runtime.raw_loop(), state_->terminate, SIGTERM);
}

SignalWatch::~SignalWatch() { state_->close(); }

}  // namespace aerodb::uv
