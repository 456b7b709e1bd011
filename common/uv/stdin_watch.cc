#include "common/uv/stdin_watch.h"

#include <fcntl.h>

#include <cerrno>

namespace aerodb::uv {
namespace {

// A description of our own where the system gives one, since watching sets it non-blocking and a terminal is
// shared with the shell. A socket can't be opened again; it is used as it is.
UniqueFd own_stdin() {
  UniqueFd reopened(::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (reopened.valid()) return reopened;
  return UniqueFd(::fcntl(0, F_DUPFD_CLOEXEC, 3));
}

}  // namespace

struct StdinWatch::State {
  UniqueFd fd;  // outlives the watch
  std::unique_ptr<FdWatch> watch;
  runtime::Callback on_end;

  void drain() {
    char buffer[4096];
    ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
    watch.reset();
    auto callback = std::move(on_end);  // may destroy all of this
    callback();
  }
};

StdinWatch::StdinWatch(UvRuntime& runtime, runtime::Callback on_end) : state_(std::make_shared<State>()) {
  state_->on_end = std::move(on_end);
  state_->fd = own_stdin();
  if (state_->fd.valid()) {
    auto watch = FdWatch::start(runtime, state_->fd.get(), [state = state_.get()] { state->drain(); });
    if (watch) {
      state_->watch = std::move(*watch);
      return;
    }
  }
  runtime.loop().post([weak = std::weak_ptr(state_)] {
    if (auto state = weak.lock()) state->on_end();
  });
}

StdinWatch::~StdinWatch() = default;

}  // namespace aerodb::uv
