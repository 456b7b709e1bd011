// Tells when a descriptor can be read. For descriptors that are not streams of ours. Thread: the loop's.
#pragma once

#include <memory>

#include "common/base/error.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

class FdWatch {
 public:
  // Calls `readable` once per loop turn while `fd` is readable or broken. Sets the descriptor non-blocking, does not
  // own it; it must stay open until this is destroyed. Errors: IO, for descriptors that the system can't watch (plain
  // files).
  [[nodiscard]] static Result<std::unique_ptr<FdWatch>> start(UvRuntime& runtime, int fd, runtime::Callback readable);
  // Also inside `readable`. Before the runtime.
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;

 public:
  explicit FdWatch(std::shared_ptr<State> state);  // for start()
};

}  // namespace aerodb::uv
