// Private to common/uv: runtime::Network on libuv. Thread: the loop's.
#pragma once

#include "common/runtime/network.h"
#include "common/uv/uv_internal.h"
#include "common/uv/uv_loop.h"

namespace aerodb::uv {

class UvNetwork final : public runtime::Network {
 public:
  // Both must outlive every stream made here that is not ended.
  UvNetwork(uv_loop_t* loop, UvLoop& posts) : loop_(loop), posts_(posts), read_buffer_(kReadBytes) {}

  Result<std::unique_ptr<runtime::Listener>> listen(
      const runtime::Endpoint& endpoint,
      std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept) override;
  [[nodiscard]] std::unique_ptr<Attempt> connect(
      const runtime::Endpoint& endpoint,
      std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done) override;

  // One buffer serves all streams: libuv asks for it, fills it and hands it on without a callback in between.
  [[nodiscard]] uv_buf_t read_buffer() { return uv_buf_init(read_buffer_.data(), kReadBytes); }
  [[nodiscard]] uv_loop_t* loop() { return loop_; }
  [[nodiscard]] UvLoop& posts() { return posts_; }

 private:
  static constexpr unsigned kReadBytes = 64 * 1024;
  uv_loop_t* loop_;
  UvLoop& posts_;
  std::vector<char> read_buffer_;
};

}  // namespace aerodb::uv
