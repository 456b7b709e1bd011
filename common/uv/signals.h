// Orderly end on SIGINT and SIGTERM. Thread: the loop's.
#pragma once

#include <functional>
#include <memory>

#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

class SignalWatch {
 public:
  // Calls `on_signal` with the signal's number for the first SIGINT or SIGTERM. From then on both have their default
  // effect again, so that a second one ends a process that hangs.
  SignalWatch(UvRuntime& runtime, std::move_only_function<void(int signal)> on_signal);
  // Also inside `on_signal`. Before the runtime.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aerodb::uv
