#include "common/uv/fd_watch.h"

#include <fmt/format.h>

#include "common/uv/uv_internal.h"

namespace aerodb::uv {

struct FdWatch::State : std::enable_shared_from_this<FdWatch::State> {
  OwnedHandle<uv_poll_t> poll;
  runtime::Callback readable;
};

FdWatch::FdWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
FdWatch::~FdWatch() { state_->poll.close(); }

Result<std::unique_ptr<FdWatch>> FdWatch::start(UvRuntime& runtime, int fd, runtime::Callback readable) {
  auto state = std::make_shared<State>();
  state->readable = std::move(readable);
  int status = state->poll.open(
      state.get(), [&runtime, fd](uv_poll_t* handle) { return uv_poll_init(runtime.raw_loop(), handle, fd); });
  if (status == 0) {
    status = uv_poll_start(state->poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto keep = static_cast<State*>(handle->data)->shared_from_this();  // the callback may destroy the watch
      keep->readable();
    });
  }
  if (status < 0) return fail(ErrorCode::kIo, fmt::format("watch descriptor {}: {}", fd, uv_strerror(status)));
  return std::make_unique<FdWatch>(std::move(state));
}

}  // namespace aerodb::uv
