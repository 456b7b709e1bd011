#include "common/uv/uv_stream.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

#include "common/base/assert.h"
#include "common/uv/listen_socket.h"

namespace aerodb::uv {

using runtime::Endpoint;

std::shared_ptr<UvStream> UvStream::create(UvNetwork& network, Endpoint::Kind kind) {
  auto stream = std::make_shared<UvStream>(network);
  int status = kind == Endpoint::Kind::kTcp ? uv_tcp_init(network.loop(), &stream->handle_.tcp)
                                            : uv_pipe_init(network.loop(), &stream->handle_.pipe, 0);
  AERODB_ASSERT(status == 0);  // neither makes a descriptor yet
  stream->handle_.any.data = static_cast<HandleOwner*>(stream.get());
  stream->self_ = stream;
  return stream;
}

void UvStream::connect(const Endpoint& endpoint, ConnectDone done) {
  target_ = endpoint;
  connect_done_ = std::move(done);
  auto refuse_later = [this](const char* why) {
    network_.posts().post([stream = shared_from_this(), why] { stream->finish_connect(why); });
  };
  uv_connect_cb on_connect = [](uv_connect_t* request, int status) {
    of(request->handle->data).finish_connect(status < 0 ? uv_strerror(status) : nullptr);
  };
  if (endpoint.kind == Endpoint::Kind::kUnix) {
    constexpr size_t kMaxPath = 107;  // libuv would cut a longer one short without a word
    if (endpoint.path.empty() || endpoint.path.size() > kMaxPath) return refuse_later("the path has 1 to 107 bytes");
    uv_pipe_connect(&connect_request_, &handle_.pipe, endpoint.path.c_str(), on_connect);
    return;
  }
  auto address = tcp_address(endpoint.host, endpoint.port);
  if (!address) return refuse_later("the host must be a numeric address");
  int status = uv_tcp_connect(&connect_request_, &handle_.tcp, address->get(), on_connect);
  if (status < 0) refuse_later(uv_strerror(status));
}

void UvStream::finish_connect(const char* failure) {
  if (state_ != State::kConnecting) return;  // cancelled
  auto keep = shared_from_this();
  auto done = std::move(connect_done_);
  if (failure != nullptr) {
    end({});
    done(fail(ErrorCode::kUnreachable, fmt::format("connect {}: {}", target_.text(), failure)));
    return;
  }
  opened();
  done(std::make_unique<UvConnection>(keep));
}

void UvStream::cancel_connect() {
  if (state_ != State::kConnecting) return;
  connect_done_ = nullptr;
  end({});
}

bool UvStream::accept_from(uv_stream_t* listener) {
  if (uv_accept(listener, &handle_.stream) < 0) {
    end({});
    return false;
  }
  opened();
  return true;
}

void UvStream::opened() {
  state_ = State::kOpen;
  if (handle_.any.type == UV_TCP) {
    uv_tcp_nodelay(&handle_.tcp, 1);
    sockaddr_storage address{};
    int size = sizeof address;
    // A peer that is gone already has no name; the first read will say so.
    int status = uv_tcp_getpeername(&handle_.tcp, reinterpret_cast<sockaddr*>(&address), &size);
    peer_.address = status == 0 ? address_text(reinterpret_cast<const sockaddr*>(&address)) : "unknown";
    return;
  }
  uv_os_fd_t fd = -1;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (uv_fileno(&handle_.any, &fd) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer_.address = fmt::format("unix:uid={},pid={}", credentials.uid, credentials.pid);
    peer_.uid = credentials.uid;
  } else {
    peer_.address = "unix:unknown";
  }
}

void UvStream::set_events(runtime::ConnectionEvents* events) {
  events_ = events;
  if (closed_ && events != nullptr && !close_reported_) {
    network_.posts().post([stream = shared_from_this()] { stream->report_close(); });
  }
  start_reading();
}

void UvStream::start_reading() {
  if (state_ != State::kOpen) return;
  if (paused_ || events_ == nullptr) {
    uv_read_stop(&handle_.stream);
    return;
  }
  int status = uv_read_start(
      &handle_.stream,
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) { *buffer = of(handle->data).network_.read_buffer(); },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) { of(stream->data).on_read(count, buffer); });
  if (status < 0 && status != UV_EALREADY) end(uv_strerror(status));
}

void UvStream::pause_reading() {
  paused_ = true;
  start_reading();
}

void UvStream::resume_reading() {
  paused_ = false;
  start_reading();
}

void UvStream::on_read(ssize_t count, const uv_buf_t* buffer) {
  if (state_ != State::kOpen || count == 0) return;
  if (count < 0) {
    end(count == UV_EOF ? "the peer closed the stream" : uv_strerror(static_cast<int>(count)));
    return;
  }
  events_->on_data({reinterpret_cast<const uint8_t*>(buffer->base), static_cast<size_t>(count)});
}

void UvStream::send(Bytes data) {
  if (state_ != State::kOpen || data.empty()) return;
  AERODB_ASSERT(data.size() <= std::numeric_limits<unsigned>::max());
  if (!in_flight_.empty()) {
    waiting_bytes_ += data.size();
    waiting_.push_back(std::move(data));
    return;
  }
  uv_buf_t piece = uv_buf_init(reinterpret_cast<char*>(data.data()), static_cast<unsigned>(data.size()));
  int count = uv_try_write(&handle_.stream, &piece, 1);
  if (count < 0 && count != UV_EAGAIN) return end(uv_strerror(count));
  size_t written = count > 0 ? static_cast<size_t>(count) : 0;
  if (written == data.size()) return post_drained();
  waiting_.push_back(std::move(data));
  write_waiting(written);
}

void UvStream::send_view(ByteSpan data) {
  if (state_ != State::kOpen || data.empty()) return;
  size_t written = 0;
  if (in_flight_.empty()) {
    const auto length = static_cast<unsigned>(std::min<size_t>(data.size(), std::numeric_limits<unsigned>::max()));
    // libuv does not write through this pointer.
    uv_buf_t piece = uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(data.data())), length);
    const int count = uv_try_write(&handle_.stream, &piece, 1);
    if (count < 0 && count != UV_EAGAIN) return end(uv_strerror(count));
    written = count > 0 ? static_cast<size_t>(count) : 0;
    if (written == data.size()) return;
  }
  send(Bytes(data.begin() + static_cast<ptrdiff_t>(written), data.end()));
}

// Hands all that waits to libuv; the first `skip` bytes of it went out already.
void UvStream::write_waiting(size_t skip) {
  in_flight_.swap(waiting_);
  waiting_bytes_ = 0;
  std::vector<uv_buf_t> pieces;
  pieces.reserve(in_flight_.size());
  for (Bytes& data : in_flight_) {
    pieces.push_back(
        uv_buf_init(reinterpret_cast<char*>(data.data()) + skip, static_cast<unsigned>(data.size() - skip)));
    skip = 0;
  }
  int status = uv_write(&write_request_, &handle_.stream, pieces.data(), static_cast<unsigned>(pieces.size()),
                        [](uv_write_t* request, int result) { of(request->handle->data).on_written(result); });
  if (status < 0) {
    in_flight_.clear();
    end(uv_strerror(status));
  }
}

void UvStream::on_written(int status) {
  in_flight_.clear();
  if (state_ == State::kEnded) return;
  if (status < 0) return end(uv_strerror(status));
  if (!waiting_.empty()) return write_waiting(0);
  if (state_ == State::kFlushing) return end("closed");
  if (events_ != nullptr) events_->on_drained();
}

// The bytes went out inside send(); its caller hears of it in a later turn, once for all sends of this one.
void UvStream::post_drained() {
  if (drained_posted_) return;
  drained_posted_ = true;
  network_.posts().post([stream = shared_from_this()] {
    stream->drained_posted_ = false;
    if (stream->state_ == State::kOpen && stream->in_flight_.empty() && stream->events_ != nullptr) {
      stream->events_->on_drained();
    }
  });
}

uint64_t UvStream::queued_bytes() const {
  if (state_ == State::kEnded || state_ == State::kConnecting) return 0;
  return waiting_bytes_ + uv_stream_get_write_queue_size(&handle_.stream);
}

void UvStream::close() {
  if (state_ != State::kOpen) return;
  if (in_flight_.empty()) return end("closed");
  uv_read_stop(&handle_.stream);
  state_ = State::kFlushing;
}

void UvStream::abandon() {
  abandoned_ = true;
  events_ = nullptr;
  connect_done_ = nullptr;
  end({});
}

void UvStream::end(std::string why) {
  if (state_ == State::kEnded) return;
  state_ = State::kEnded;
  why_ = std::move(why);
  waiting_.clear();
  waiting_bytes_ = 0;
  uv_close(&handle_.any, [](uv_handle_t* handle) { of(handle->data).on_closed(); });
}

void UvStream::on_closed() {
  auto keep = std::move(self_);
  closed_ = true;
  report_close();
}

void UvStream::report_close() {
  if (close_reported_ || abandoned_ || events_ == nullptr) return;
  close_reported_ = true;
  std::exchange(events_, nullptr)->on_close(why_);
}

}  // namespace aerodb::uv
