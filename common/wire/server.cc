#include "common/wire/server.h"

#include <fmt/format.h>

#include "common/base/assert.h"
#include "common/wire/server_state.h"

namespace aerodb::wire {

Server::Server(runtime::Runtime& runtime, ListenerKind kind, HelloResponse identity, ServerLimits limits)
    : state_(std::make_shared<ServerState>(runtime, kind, limits)) {
  identity.protocol = kProtocolVersion;
  identity.listener = listener_name(kind);
  handle(HelloMethod{kind, kHelloClient.name, kHelloClient.help},
         [identity = std::move(identity)](const HelloRequest& request, Responder responder) {
           if (request.protocol != kProtocolVersion) {
             responder.error(Error{
                 ErrorCode::kBadRequest,
                 fmt::format("hello: protocol version {} is not spoken here", request.protocol),
                 {}}.with("protocol", uint64_t{kProtocolVersion}));
             return;
           }
           responder.ok(identity);
         });
}

Server::~Server() { state_->stop(); }

void Server::add(ListenerKind kind, std::string_view name, Handler handler) {
  state_->add(kind, name, std::move(handler));
}

Result<void> Server::listen(const runtime::Endpoint& endpoint) { return state_->listen(endpoint); }
void Server::adopt(std::unique_ptr<runtime::Connection> connection) { state_->accept(std::move(connection)); }
void Server::resume(uint64_t connection) { state_->resume(connection); }
void Server::take_no_more() { state_->take_no_more(); }
runtime::Endpoint Server::endpoint() const { return state_->endpoint(); }
const ServerCounters& Server::counters() const { return state_->counters(); }
uint32_t Server::active_connections() const { return state_->active_connections(); }
std::vector<std::string> Server::method_names() const { return state_->method_names(); }

void Server::on_disconnect(std::move_only_function<void(uint64_t connection)> callback) {
  state_->on_disconnect(std::move(callback));
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    drop();
    server_ = std::move(other.server_);
    connection_ = other.connection_;
    request_ = other.request_;
  }
  return *this;
}

void Responder::drop() {
  if (server_ == nullptr) return;
  server_->drop(request_);
  server_.reset();
}

void Responder::put_back() {
  AERODB_ASSERT(server_ != nullptr);
  server_->put_back(request_);
  server_.reset();
}

Bytes* Responder::begin_answer(bool is_error) {
  AERODB_ASSERT(server_ != nullptr);
  auto* out = server_->begin_answer(request_, is_error);
  if (out == nullptr) server_.reset();
  return out;
}

void Responder::end_answer() {
  server_->end_answer();
  server_.reset();
}

void Responder::error(const Error& error) {
  if (auto* out = begin_answer(true)) {
    document::PackWriter writer(*out);
    encode_error(error, writer);
    end_answer();
  }
}

const runtime::PeerIdentity& Responder::peer() const {
  AERODB_ASSERT(server_ != nullptr);
  return server_->identity_of(request_);
}

}  // namespace aerodb::wire
