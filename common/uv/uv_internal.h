// Private to common/uv: the one place that includes libuv's header, and the one way handles are owned.
//
// libuv uses a handle's memory until its close callback ran. So no handle is a plain member of an object that callers
// can destroy: it is an OwnedHandle, or it lives in a HandleOwner that keeps itself alive.
#pragma once

#include <uv.h>

#include <memory>
#include <utility>

namespace aerodb::uv {

// A timer, async, idle, prepare, poll or signal handle. Closed on destruction; its memory is freed in the close
// callback.
template <class Handle>
class OwnedHandle {
 public:
  OwnedHandle() = default;
  ~OwnedHandle() { close(); }
  OwnedHandle(const OwnedHandle&) = delete;
  OwnedHandle& operator=(const OwnedHandle&) = delete;

  // Runs `init` (the handle's uv_*_init) and sets `data`. Answers libuv's status; after a failure there is no handle.
  template <class Init>
  int open(void* data, Init init) {
    handle_ = std::make_unique<Handle>();
    int status = init(handle_.get());
    if (status < 0) {
      handle_.reset();
    } else {
      handle_->data = data;
    }
    return status;
  }
  void close() {
    if (!handle_) return;
    uv_close(reinterpret_cast<uv_handle_t*>(handle_.release()),
             [](uv_handle_t* handle) { std::unique_ptr<Handle> gone(reinterpret_cast<Handle*>(handle)); });
  }
  [[nodiscard]] Handle* get() const { return handle_.get(); }

 private:
  std::unique_ptr<Handle> handle_;
};

// What `data` of every stream and process handle points to, so that the runtime can end what its users left open.
class HandleOwner {
 public:
  virtual ~HandleOwner() = default;
  // Closes all handles of this owner; nothing is reported to its user from here on.
  virtual void shut_down() = 0;
};

}  // namespace aerodb::uv
