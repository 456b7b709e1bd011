// MessagePack-RPC client: one connection, many requests in flight, no reconnect of its own. Thread: the loop's.
//
// Requests are handed to the network once per loop turn. What the peer sends is bounded by scanner.h like what a server
// reads; a message it may not send closes the connection. Notifications are ignored, and so is an answer to a request
// that timed out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "common/runtime/runtime.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"

namespace aerodb::wire {

class Client {
 public:
  explicit Client(runtime::Runtime& runtime);
  ~Client();  // in a callback of its own too; no callback runs after this
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `done` runs once, in a later turn. Called once, or again after it failed or after on_close.
  void connect(const runtime::Endpoint& endpoint, std::move_only_function<void(Result<void>)> done);
  [[nodiscard]] bool connected() const;
  // Every request in flight was answered CONNECTION_LOST before this runs. Not called by the destructor.
  void on_close(std::move_only_function<void()> callback);
  // Ends the connection at once, without flushing; what follows from that runs in a later turn. While connecting,
  // `done` of connect() gets UNREACHABLE and on_close is not called.
  void close();

  // `done` runs once, in a later turn, with the answer, the peer's error, CONNECTION_LOST, or TIMED_OUT after
  // timeout_ms (0: none). Views in the answer live until `done` returns. Not connected: UNREACHABLE. A request larger
  // than a message may be: MESSAGE_TOO_LARGE, and nothing was sent.
  template <class Request, class Response>
  void call(const Method<Request, Response>& method, const std::type_identity_t<Request>& request, uint32_t timeout_ms,
            std::type_identity_t<std::move_only_function<void(Result<Response>)>> done) {
    send(
        method.name, timeout_ms, [&request](document::PackWriter& out) { encode(request, out); },
        [done = std::move(done)](Result<document::Cursor> answer) mutable {
          if (!answer)
            done(fail(std::move(answer.error())));
          else
            done(decode<Response>(*answer));
        });
  }
  [[nodiscard]] uint32_t in_flight() const;

 private:
  void send(std::string_view method, uint32_t timeout_ms,
            std::move_only_function<void(document::PackWriter&)> write_params,
            std::move_only_function<void(Result<document::Cursor>)> done);
  class State;
  std::shared_ptr<State> state_;  // outlives this object only while one of its callbacks runs
};

}  // namespace aerodb::wire
