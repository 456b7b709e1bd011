// What the tests of server and client share: raw MessagePack-RPC bytes, and a peer that speaks them without our client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/document/msgpack.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"
#include "common/wire/scanner.h"
#include "common/wire/server.h"
#include "tests/unit/wire/memory_runtime.h"

namespace aerodb::wire::testing {

// [0, id, method, [params]]
template <class Params>
Bytes request_bytes(uint32_t id, std::string_view method, const Params& params) {
  Bytes bytes;
  document::PackWriter out(bytes);
  out.array(4);
  out.unsigned_integer(0);
  out.unsigned_integer(id);
  out.text(method);
  out.array(1);
  encode(params, out);
  return bytes;
}

inline Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (int value : values) bytes.push_back(static_cast<uint8_t>(value));
  return bytes;
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// What a raw peer got for one request.
struct Answer {
  uint32_t id = 0;
  std::optional<Error> error;
  Bytes result;  // packed
};

// A connection of which the test sends and sees the bytes.
class RawPeer final : public runtime::ConnectionEvents {
 public:
  RawPeer(MemoryRuntime& runtime, const runtime::Endpoint& endpoint) {
    attempt_ = runtime.network().connect(endpoint, [this](auto connection) {
      AERODB_ASSERT(connection.has_value());
      connection_ = std::move(*connection);
      connection_->set_events(this);
    });
    while (!connection_) runtime.turn();
  }
  void send(const Bytes& bytes) { connection_->send(bytes); }
  void stop_reading() { connection_->pause_reading(); }
  void read_on() { connection_->resume_reading(); }
  void hang_up() { connection_.reset(); }

  void on_data(ByteSpan data) override {
    ++deliveries;
    input_.feed(data);
    while (const auto message = input_.next()) {
      document::Tape tape;
      AERODB_ASSERT(tape.parse(*message).has_value());
      const auto error = tape.root().first().skip().skip();
      Answer answer{*input_.scanner().id(), std::nullopt, {}};
      if (!error.is_nil()) answer.error = decode_error(error);
      const auto result = error.skip().raw();
      answer.result.assign(result.begin(), result.end());
      answers.push_back(std::move(answer));
    }
    input_.release();
  }
  void on_close(std::string_view) override { closed = true; }

  // Names of the errors answered, "OK" for a result.
  [[nodiscard]] std::vector<std::string> outcomes() const {
    std::vector<std::string> names;
    for (const auto& answer : answers) names.emplace_back(answer.error ? answer.error->row().name : "OK");
    return names;
  }
  [[nodiscard]] std::vector<uint32_t> ids() const {
    std::vector<uint32_t> ids;
    for (const auto& answer : answers) ids.push_back(answer.id);
    return ids;
  }
  std::vector<Answer> answers;
  size_t deliveries = 0;  // pieces received
  bool closed = false;

 private:
  std::unique_ptr<runtime::Network::Attempt> attempt_;
  std::unique_ptr<runtime::Connection> connection_;
  MessageInput input_;
};

inline runtime::Endpoint any_endpoint() {
  runtime::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  return endpoint;
}

// A server of the client listener with `ping` echoing, and `status` kept unanswered until the test says so.
struct TestServer {
  explicit TestServer(ServerLimits limits = {}) : server(runtime, ListenerKind::kClient, identity(), limits) {
    server.handle(kPing, [](const PingRequest& request, Responder responder) { responder.ok(request); });
    server.handle(kStatus, [this](const Empty&, Responder responder) { held.push_back(std::move(responder)); });
    server.on_disconnect([this](uint64_t connection) { disconnected.push_back(connection); });
    AERODB_ASSERT(server.listen(any_endpoint()).has_value());
  }
  static HelloResponse identity() {
    HelloResponse hello;
    hello.program = "aerodb-test";
    hello.version = "0";
    hello.node = "n1";
    return hello;
  }
  MemoryRuntime runtime;
  std::vector<Responder> held;
  std::vector<uint64_t> disconnected;
  Server server;
};

inline Bytes ping_bytes(uint32_t id, uint64_t nonce) { return request_bytes(id, "ping", PingRequest{nonce}); }
inline Bytes status_bytes(uint32_t id) { return request_bytes(id, "status", Empty{}); }

}  // namespace aerodb::wire::testing
