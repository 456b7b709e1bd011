// MessagePack-RPC server: one object a listener. Thread: the loop's.
//
// Hostile input: a message beyond the bounds of scanner.h gets a named error where the protocol still allows one (its
// id was read), then that connection is closed; no other is harmed. Limits on connections, on requests in flight and on
// queued bytes per connection; beyond the last two reading pauses. A message that stays half sent for
// half_message_ms closes its connection; a connection that is being closed and does not drain is cut after the same
// time. A well-formed request that can't be carried out (unknown method, bad parameters) is answered and changes
// nothing else. Notifications are ignored; a response closes the connection.
//
// A handler that lacks something it must wait for before it admits anything puts its request back. Nothing further is
// taken from that connection then, so that its order of admission is kept, until resume() lets the same request run
// again; earlier requests in flight are still answered.
//
// Answers are collected and handed to the network once per loop turn and connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "common/runtime/runtime.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"

namespace aerodb::wire {

struct ServerLimits {
  uint32_t max_connections = 1024;
  uint32_t max_in_flight = 1024;            // per connection
  uint64_t max_queued_bytes = 32ull << 20;  // per connection
  uint32_t half_message_ms = 10'000;
};

struct ServerCounters {
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;  // over the limit
  uint64_t connections_broken = 0;   // closed for a violation
  uint64_t requests = 0;
  uint64_t errors_answered = 0;
};

class Server;
class ServerState;

// The duty to answer one request. Move-only, small, no allocation; answering after the connection or the server ended
// has no effect. Dropping it unanswered while both are there is a bug (assert).
class Responder {
 public:
  Responder() = default;
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder() {
    if (server_ != nullptr) drop();
  }
  template <class Response>
  void ok(const Response& response) {
    if (auto* out = begin_answer(false)) {
      {
        document::StagedPackWriter writer(*out);
        encode(response, writer);
      }
      end_answer();
    }
  }
  // An answer that would be larger than a message may be is answered MESSAGE_TOO_LARGE in its place.
  void error(const Error& error);
  template <class Response>
  void answer(const Result<Response>& result) {
    if (result)
      ok(*result);
    else
      error(result.error());
  }
  // Ends this responder without an answer: the request runs again, and before any later one of its connection, once
  // Server::resume() was called for it. Only in the handler that was handed it, before it returns.
  void put_back();
  // Who asked: address, and uid on a Unix socket. Valid until answered; empty where the connection is gone.
  [[nodiscard]] const runtime::PeerIdentity& peer() const;
  // Same number for requests of one connection, never reused within a server.
  [[nodiscard]] uint64_t connection() const { return connection_; }
  explicit operator bool() const { return server_ != nullptr; }

 private:
  friend class ServerState;
  Responder(std::shared_ptr<ServerState> server, uint64_t connection, uint64_t request)
      : server_(std::move(server)), connection_(connection), request_(request) {}
  // The output buffer with the answer's head written, or nullptr where the connection is gone.
  Bytes* begin_answer(bool is_error);
  void end_answer();
  void drop();
  std::shared_ptr<ServerState> server_;
  uint64_t connection_ = 0;
  uint64_t request_ = 0;
};

class Server {
 public:
  // `identity` is what `hello` answers; the server answers `hello` by itself and fills in protocol and listener.
  Server(runtime::Runtime& runtime, ListenerKind kind, HelloResponse identity, ServerLimits limits);
  ~Server();  // in a handler or callback of its own too; ends every connection without flushing
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before listen(); once a method; only methods of this listener. The handler gets a request whose views live until it
  // returns.
  template <class Request, class Response>
  void handle(const Method<Request, Response>& method,
              std::type_identity_t<std::move_only_function<void(const Request&, Responder)>> handler) {
    add(method.listener, method.name,
        [handler = std::move(handler)](document::Cursor params, Responder responder) mutable {
          auto request = decode<Request>(params);
          if (!request) {
            responder.error(request.error());
            return;
          }
          handler(*request, std::move(responder));
        });
  }
  Result<void> listen(const runtime::Endpoint& endpoint);
  // Serves a connection that came on another way than through the listener, by the same limits. Where none is taken any
  // more it is destroyed at once, without an event.
  void adopt(std::unique_ptr<runtime::Connection> connection);
  // Lets the request that `connection` waits with run again, in a later turn. No effect where none was put back, or the
  // connection ended.
  void resume(uint64_t connection);
  // From now on no connection is accepted and no request is taken in; what was taken in is still answered. A request
  // that was put back was not taken in.
  void take_no_more();
  [[nodiscard]] runtime::Endpoint endpoint() const;
  [[nodiscard]] const ServerCounters& counters() const;
  // Connections with a request taken in or in flight during the current turn or the one before: 1 allows inline syncs.
  // Turns in which this server took in and answered nothing don't count.
  [[nodiscard]] uint32_t active_connections() const;
  // Names of the methods handled, for the test that compares them with the table.
  [[nodiscard]] std::vector<std::string> method_names() const;
  // Called when a connection ended (pins and waits of it end with it). Several are called in the order they were given.
  void on_disconnect(std::move_only_function<void(uint64_t connection)> callback);

 private:
  using Handler = std::move_only_function<void(document::Cursor, Responder)>;
  void add(ListenerKind kind, std::string_view name, Handler handler);
  std::shared_ptr<ServerState> state_;  // outlives this object in responders only, and is mute then
};

}  // namespace aerodb::wire
