#include "common/uv/uv_network.h"

#include <fmt/format.h>

#include "common/base/assert.h"
#include "common/uv/listen_socket.h"
#include "common/uv/uv_stream.h"

namespace aerodb::uv {
namespace {

using runtime::Connection;
using runtime::Endpoint;
using Accept = std::move_only_function<void(std::unique_ptr<Connection>)>;

// A listening handle, alive until its close callback.
class ListenHandle final : public HandleOwner {
 public:
  ListenHandle(UvNetwork& network, Accept accept) : network_(network), accept_(std::move(accept)) {}

  // `self` is this object.
  Result<void> open(const std::shared_ptr<ListenHandle>& self, ListenSocket socket) {
    const Endpoint& endpoint = socket.endpoint;
    const bool tcp = endpoint.kind == Endpoint::Kind::kTcp;
    int status = tcp ? uv_tcp_init(network_.loop(), &handle_.tcp) : uv_pipe_init(network_.loop(), &handle_.pipe, 0);
    AERODB_ASSERT(status == 0);
    handle_.any.data = static_cast<HandleOwner*>(this);
    self_ = self;
    status = tcp ? uv_tcp_open(&handle_.tcp, socket.fd.get()) : uv_pipe_open(&handle_.pipe, socket.fd.get());
    if (status == 0) {
      static_cast<void>(socket.fd.release());  // uv_close closes it
      status = uv_listen(&handle_.stream, kBacklog, [](uv_stream_t* server, int accept_status) {
        static_cast<ListenHandle*>(static_cast<HandleOwner*>(server->data))->on_connection(accept_status);
      });
    }
    if (status < 0) {
      shut_down();
      return fail(ErrorCode::kConfigInvalid, fmt::format("listen {}: {}", endpoint.text(), uv_strerror(status)));
    }
    endpoint_ = endpoint;
    file_ = std::move(socket.file);
    return {};
  }

  void shut_down() override {
    if (uv_is_closing(&handle_.any)) return;
    file_ = {};  // removed before the socket goes: nobody finds a file without a listener
    uv_close(&handle_.any, [](uv_handle_t* handle) {
      auto gone = std::move(static_cast<ListenHandle*>(static_cast<HandleOwner*>(handle->data))->self_);
    });
  }

  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  void on_connection(int status) {
    // A connection that failed before it was taken harms nobody but its peer.
    if (status < 0 || uv_is_closing(&handle_.any)) return;
    auto stream = UvStream::create(network_, endpoint_.kind);
    if (stream->accept_from(&handle_.stream)) accept_(std::make_unique<UvConnection>(std::move(stream)));
  }

  static constexpr int kBacklog = 128;
  union Handle {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  UvNetwork& network_;
  Accept accept_;
  Handle handle_{};
  Endpoint endpoint_;
  SocketFile file_;
  std::shared_ptr<ListenHandle> self_;
};

class UvListener final : public runtime::Listener {
 public:
  explicit UvListener(std::shared_ptr<ListenHandle> handle) : handle_(std::move(handle)) {}
  ~UvListener() override { handle_->shut_down(); }
  [[nodiscard]] Endpoint endpoint() const override { return handle_->endpoint(); }

 private:
  std::shared_ptr<ListenHandle> handle_;
};

class UvAttempt final : public runtime::Network::Attempt {
 public:
  explicit UvAttempt(std::shared_ptr<UvStream> stream) : stream_(std::move(stream)) {}
  ~UvAttempt() override { stream_->cancel_connect(); }

 private:
  std::shared_ptr<UvStream> stream_;
};

}  // namespace

Result<std::unique_ptr<runtime::Listener>> UvNetwork::listen(const Endpoint& endpoint, Accept accept) {
  auto socket = open_listen_socket(endpoint);
  if (!socket) return fail(std::move(socket.error()));
  auto handle = std::make_shared<ListenHandle>(*this, std::move(accept));
  if (auto opened = handle->open(handle, std::move(*socket)); !opened) return fail(std::move(opened.error()));
  return std::make_unique<UvListener>(std::move(handle));
}

std::unique_ptr<runtime::Network::Attempt> UvNetwork::connect(
    const Endpoint& endpoint, std::move_only_function<void(Result<std::unique_ptr<Connection>>)> done) {
  auto stream = UvStream::create(*this, endpoint.kind);
  stream->connect(endpoint, std::move(done));
  return std::make_unique<UvAttempt>(std::move(stream));
}

}  // namespace aerodb::uv
