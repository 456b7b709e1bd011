// A role that was started by a launcher ends when the launcher ends: its standard input is a pipe whose other end
// nobody holds any more. Thread: the loop's.
#pragma once

#include <memory>

#include "common/uv/fd_watch.h"
#include "common/uv/unique_fd.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

class StdinWatch {
 public:
  // Calls `on_end` once, in a later turn, when descriptor 0 is at its end. What arrives before is read and dropped. A
  // descriptor 0 that is closed or can't be watched (a file, /dev/null) counts as ended.
  StdinWatch(UvRuntime& runtime, runtime::Callback on_end);
  // Also inside `on_end`. Before the runtime.
  ~StdinWatch();
  StdinWatch(const StdinWatch&) = delete;
  StdinWatch& operator=(const StdinWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace aerodb::uv
