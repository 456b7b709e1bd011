// Private to common/uv: one libuv stream, alive from init until its close callback.
//
// The happy path: kConnecting (or accepted) -> kOpen -> close() -> kFlushing until the last byte was handed to the
// system -> kEnded, uv_close -> the close callback frees the handle and reports on_close.
// A read or write error, the peer's end of stream, or the destruction of the Connection goes to kEnded at once; libuv
// then cancels a write in flight before the close callback. on_close is always reported from the close callback, so
// never from inside a call of the owner, and at most once.
#pragma once

#include <vector>

#include "common/runtime/network.h"
#include "common/uv/uv_internal.h"
#include "common/uv/uv_network.h"

namespace aerodb::uv {

using ConnectDone = std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)>;

class UvStream final : public HandleOwner, public std::enable_shared_from_this<UvStream> {
 public:
  [[nodiscard]] static std::shared_ptr<UvStream> create(UvNetwork& network, runtime::Endpoint::Kind kind);
  explicit UvStream(UvNetwork& network) : network_(network) {}

  void connect(const runtime::Endpoint& endpoint, ConnectDone done);
  // No effect once connected.
  void cancel_connect();
  // Takes the next connection of a listener. False: there was none.
  [[nodiscard]] bool accept_from(uv_stream_t* listener);

  void set_events(runtime::ConnectionEvents* events);
  void send(Bytes data);
  // Copies only what the system does not take at once.
  void send_view(ByteSpan data);
  [[nodiscard]] uint64_t queued_bytes() const;
  void pause_reading();
  void resume_reading();
  void close();
  // The Connection is destroyed: end at once, tell nobody.
  void abandon();
  void shut_down() override { abandon(); }
  [[nodiscard]] const runtime::PeerIdentity& peer() const { return peer_; }

 private:
  enum class State : uint8_t {
    kConnecting,
    kOpen,
    kFlushing,  // close() was called, bytes are still queued
    kEnded,     // uv_close was called; the handle must not be touched
  };
  // Which of them is in use follows from the endpoint's kind; all begin with the same members.
  union Handle {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };

  // nullptr: connected. A failure is a text that lives for ever.
  void finish_connect(const char* failure);
  void opened();
  void start_reading();
  void on_read(ssize_t count, const uv_buf_t* buffer);
  void write_waiting(size_t skip);
  void on_written(int status);
  void post_drained();
  void end(std::string why);
  void on_closed();
  void report_close();
  static UvStream& of(void* data) { return static_cast<UvStream&>(*static_cast<HandleOwner*>(data)); }

  UvNetwork& network_;
  Handle handle_{};
  std::shared_ptr<UvStream> self_;  // set while the handle is open
  uv_connect_t connect_request_{};
  uv_write_t write_request_{};
  runtime::Endpoint target_;  // of connect()
  ConnectDone connect_done_;
  runtime::ConnectionEvents* events_ = nullptr;
  runtime::PeerIdentity peer_;
  State state_ = State::kConnecting;
  std::string why_;
  // At most one write is with libuv; what is sent meanwhile waits and goes out as one vectored write.
  std::vector<Bytes> in_flight_;
  std::vector<Bytes> waiting_;
  uint64_t waiting_bytes_ = 0;
  bool paused_ = false;
  bool drained_posted_ = false;
  bool closed_ = false;  // the close callback ran
  bool close_reported_ = false;
  bool abandoned_ = false;
};

// What users hold. Outlives the stream and even the runtime: calls on an ended stream have no effect.
class UvConnection final : public runtime::Connection {
 public:
  explicit UvConnection(std::shared_ptr<UvStream> stream) : stream_(std::move(stream)) {}
  ~UvConnection() override { stream_->abandon(); }
  void set_events(runtime::ConnectionEvents* events) override { stream_->set_events(events); }
  void send(Bytes data) override { stream_->send(std::move(data)); }
  void send_view(ByteSpan data) override { stream_->send_view(data); }
  [[nodiscard]] uint64_t queued_bytes() const override { return stream_->queued_bytes(); }
  void pause_reading() override { stream_->pause_reading(); }
  void resume_reading() override { stream_->resume_reading(); }
  void close() override { stream_->close(); }
  [[nodiscard]] const runtime::PeerIdentity& peer() const override { return stream_->peer(); }

 private:
  std::shared_ptr<UvStream> stream_;
};

}  // namespace aerodb::uv
