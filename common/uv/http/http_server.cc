// One request: on_target (raw target) -> on_request, first call: checked, refusal kept -> body collected -> last call:
// handler. Answered at once: queued. Otherwise the connection is suspended; reply() stores the answer and resumes it,
// and the library calls on_request again, which queues it. on_completed clears the request, on_connection(closed) the
// connection.
#include "common/uv/http/http_server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "common/base/assert.h"
#include "common/uv/fd_watch.h"
#include "common/uv/listen_socket.h"

namespace aerodb::http {
namespace {

constexpr size_t kHeadBytes = size_t{16} << 10;

struct Connection {
  enum class Phase : uint8_t {
    kIdle,       // between requests
    kReceiving,  // head checked, body on its way
    kHandling,   // inside the handler
    kWaiting,    // suspended until reply()
    kAnswered,   // response_ is set
  };
  MHD_Connection* handle = nullptr;
  std::string peer;
  std::string target;  // of the request on its way
  Phase phase = Phase::kIdle;
  uint64_t serial = 0;  // counts requests, so that a late reply does not answer the next one
  HttpRequest request;
  uint64_t body_received = 0;
  std::optional<HttpResponse> response;
  runtime::Callback wake;  // has the library look at resumed connections in a later turn
};

// The reply given to handlers. Destroyed uncalled, it answers 500.
class Reply {
 public:
  explicit Reply(const std::shared_ptr<Connection>& connection)
      : connection_(connection), serial_(connection->serial) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    answer([] { return http_error(Error{ErrorCode::kInternal, "the request ended without an answer", {}}); });
  }
  void operator()(HttpResponse response) {
    answer([&] { return std::move(response); });
  }

 private:
  template <class Make>
  void answer(Make make) {
    using Phase = Connection::Phase;
    auto connection = std::exchange(connection_, {}).lock();
    if (!connection || connection->serial != serial_) return;
    const bool waiting = connection->phase == Phase::kWaiting;
    if (!waiting && connection->phase != Phase::kHandling) return;
    connection->response = make();
    connection->phase = Phase::kAnswered;
    if (!waiting) return;
    MHD_resume_connection(connection->handle);
    connection->wake();
  }
  std::weak_ptr<Connection> connection_;
  uint64_t serial_;
};

std::string header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string() : std::string(value);
}

std::vector<std::pair<std::string, std::string>> headers_of(MHD_Connection* connection) {
  std::vector<std::pair<std::string, std::string>> headers;
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* into, MHD_ValueKind, const char* key, const char* value) {
        static_cast<decltype(headers)*>(into)->emplace_back(key, value == nullptr ? "" : value);
        return MHD_YES;
      },
      &headers);
  return headers;
}

struct ResponseDelete {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using ResponsePointer = std::unique_ptr<MHD_Response, ResponseDelete>;

// Empty where the library refuses a header (a line break in a value).
ResponsePointer make_response(HttpResponse from) {
  std::string* body = std::make_unique<std::string>(std::move(from.body)).release();
  const auto free_body = [](void* owned) { std::unique_ptr<std::string> gone(static_cast<std::string*>(owned)); };
  ResponsePointer response(
      MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), free_body, body));
  if (!response) {
    free_body(body);
    return response;
  }
  const auto add = [&](const char* name, const char* value) {
    return MHD_add_response_header(response.get(), name, value) == MHD_YES;
  };
  bool valid = from.content_type.empty() || add(MHD_HTTP_HEADER_CONTENT_TYPE, from.content_type.c_str());
  for (const auto& [name, value] : from.headers) valid = add(name.c_str(), value.c_str()) && valid;
  constexpr std::pair<const char*, const char*> kDefaults[] = {
      {"Content-Security-Policy", "default-src 'self'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Cache-Control", "no-store"},
  };
  for (const auto& [name, value] : kDefaults) {
    const char* replaced = name;
    const bool given = std::any_of(from.headers.begin(), from.headers.end(),
                                   [&](const auto& extra) { return ::strcasecmp(extra.first.c_str(), replaced) == 0; });
    if (!given) valid = add(name, value) && valid;
  }
  if (!valid) response.reset();
  return response;
}

}  // namespace

class HttpServer::Daemon : public std::enable_shared_from_this<Daemon> {
 public:
  Daemon(uv::UvRuntime& runtime, HttpOptions options, HttpHandler handler)
      : runtime_(runtime), options_(std::move(options)), handler_(std::move(handler)) {}
  ~Daemon() { stop(); }

  Result<void> start() {
    auto socket = uv::open_listen_socket(options_.endpoint);
    if (!socket) return fail(std::move(socket.error()));
    endpoint_ = socket->endpoint;
    file_ = std::move(socket->file);
    const int listening = socket->fd.release();  // the library's from here on, after most of its failures as well
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, on_request, this,  //
                               MHD_OPTION_LISTEN_SOCKET, static_cast<MHD_socket>(listening),                     //
                               MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options_.max_connections),     //
                               MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(options_.timeout_s),         //
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeadBytes,                                   //
                               MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                  //
                               MHD_OPTION_URI_LOG_CALLBACK, on_target, this,                                     //
                               MHD_OPTION_NOTIFY_COMPLETED, on_completed, this,                                  //
                               MHD_OPTION_NOTIFY_CONNECTION, on_connection, this,                                //
                               MHD_OPTION_END);
    if (daemon_ == nullptr) {
      return fail(ErrorCode::kConfigInvalid,
                  fmt::format("serve HTTP on {}: the library did not start", endpoint_.text()));
    }
    const MHD_DaemonInfo* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    AERODB_ASSERT(info != nullptr);
    auto watch = uv::FdWatch::start(runtime_, info->epoll_fd, [this] { turn(); });
    if (!watch) return fail(std::move(watch.error()));
    watch_ = std::move(*watch);
    turn();
    return {};
  }

  void stop() {
    AERODB_ASSERT(!in_library_);
    watch_.reset();
    runtime_.loop().cancel(std::exchange(timer_, runtime::TimerId::kNone));
    if (daemon_ == nullptr) return;
    for (auto& [handle, connection] : connections_) {
      if (connection->phase == Connection::Phase::kWaiting) MHD_resume_connection(handle);
      connection->phase = Connection::Phase::kIdle;
      ++connection->serial;
    }
    file_ = {};
    in_library_ = true;
    MHD_stop_daemon(std::exchange(daemon_, nullptr));
    in_library_ = false;
  }

  [[nodiscard]] const runtime::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] uint32_t connections() const { return static_cast<uint32_t>(connections_.size()); }

 private:
  // Lets the library do all it can without waiting, then notes when it wants to be called next at the latest.
  void turn() {
    in_library_ = true;
    MHD_run(daemon_);
    in_library_ = false;
    auto& loop = runtime_.loop();
    loop.cancel(std::exchange(timer_, runtime::TimerId::kNone));
    MHD_UNSIGNED_LONG_LONG delay_ms = 0;
    if (MHD_get_timeout(daemon_, &delay_ms) != MHD_YES) return;
    if (delay_ms == 0) return post_turn();
    timer_ = loop.after(std::min<uint64_t>(delay_ms, kMaxDelayMs) * 1000, [this] { turn(); });
  }

  void post_turn() {
    runtime_.loop().post([weak = weak_from_this()] {
      auto self = weak.lock();
      if (self && self->daemon_ != nullptr) self->turn();
    });
  }

  static Connection& connection_of(MHD_Connection* handle) {
    const MHD_ConnectionInfo* info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    AERODB_ASSERT(info != nullptr && info->socket_context != nullptr);
    return *static_cast<Connection*>(info->socket_context);
  }

  static void on_connection(void* self, MHD_Connection* handle, void** context, MHD_ConnectionNotificationCode code) {
    auto& daemon = *static_cast<Daemon*>(self);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
      daemon.connections_.erase(handle);
      return;
    }
    auto connection = std::make_shared<Connection>();
    connection->handle = handle;
    connection->wake = [&daemon] { daemon.post_turn(); };  // the connection ends before the daemon
    const MHD_ConnectionInfo* info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    connection->peer =
        info != nullptr && info->client_addr != nullptr ? uv::address_text(info->client_addr) : "unknown";
    *context = connection.get();
    daemon.connections_.insert_or_assign(handle, std::move(connection));
  }

  static void* on_target(void*, const char* target, MHD_Connection* handle) {
    connection_of(handle).target = target;
    return nullptr;
  }

  static void on_completed(void*, MHD_Connection* handle, void**, MHD_RequestTerminationCode) {
    Connection& connection = connection_of(handle);
    connection.phase = Connection::Phase::kIdle;
    ++connection.serial;
    connection.request = {};
    connection.response.reset();
  }

  static MHD_Result on_request(void* self, MHD_Connection* handle, const char*, const char* method, const char*,
                               const char* upload, size_t* upload_size, void** context) {
    auto& daemon = *static_cast<Daemon*>(self);
    Connection& connection = connection_of(handle);
    if (*context == nullptr) {
      *context = &connection;
      return daemon.begin(connection, method);
    }
    if (*upload_size > 0) {
      const std::string_view piece(upload, std::exchange(*upload_size, 0));
      return daemon.receive(connection, piece) ? MHD_YES : MHD_NO;
    }
    if (!connection.response) daemon.handle(handle);
    return connection.response ? queue(connection) : MHD_YES;
  }

  // The head is there. What can be refused without the body is refused; the answer goes out when the request is
  // complete, so that the connection stays usable, but a body known to be too large is not waited for.
  MHD_Result begin(Connection& connection, const char* method) {
    connection.phase = Connection::Phase::kReceiving;
    connection.body_received = 0;
    HttpRequest& request = connection.request;
    request = {};
    request.method = method;
    request.peer = connection.peer;
    request.headers = headers_of(connection.handle);
    // Two Host headers are as good as none.
    request.host = header_of(request, MHD_HTTP_HEADER_HOST).value_or(std::nullopt).value_or("");
    request.content_type = header(connection.handle, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (!host_allowed(request.host, options_.allowed_hosts)) {
      connection.response = http_error({ErrorCode::kHostNotAllowed,
                                        fmt::format("the Host header \"{}\" is not on the allow-list", request.host),
                                        {}});
    } else if (auto parsed = parse_target(connection.target, request); !parsed) {
      connection.response = http_error(parsed.error());
    }
    const std::string length_text = header(connection.handle, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t length = 0;
    std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
    if (length <= options_.max_body_bytes) return MHD_YES;
    refuse_body(connection);
    return queue(connection);
  }

  // False: the client goes on sending after a body without a stated length was refused.
  bool receive(Connection& connection, std::string_view piece) {
    connection.body_received += piece.size();
    if (connection.body_received > options_.max_body_bytes) {
      connection.request.body = {};
      refuse_body(connection);
      return connection.body_received <= 2 * options_.max_body_bytes;
    }
    if (!connection.response) connection.request.body.append(piece);
    return true;
  }

  void refuse_body(Connection& connection) const {
    connection.response =
        http_error({ErrorCode::kMessageTooLarge,
                    fmt::format("the body of a request has at most {} bytes", options_.max_body_bytes),
                    {}});
  }

  void handle(MHD_Connection* handle) {
    auto connection = connections_.at(handle);
    connection->phase = Connection::Phase::kHandling;
    handler_(connection->request, Reply(connection));
    if (connection->response) return;
    connection->phase = Connection::Phase::kWaiting;
    MHD_suspend_connection(handle);
  }

  static MHD_Result queue(Connection& connection) {
    HttpResponse from = std::move(*connection.response);
    connection.response.reset();
    connection.phase = Connection::Phase::kAnswered;
    auto status = static_cast<unsigned>(from.status);
    auto response = make_response(std::move(from));
    if (!response) {
      status = MHD_HTTP_INTERNAL_SERVER_ERROR;
      response = make_response(http_error({ErrorCode::kInternal, "a header of the answer is not valid", {}}));
    }
    if (!response) return MHD_NO;
    return MHD_queue_response(connection.handle, status, response.get());
  }

  static constexpr uint64_t kMaxDelayMs = 60'000;
  uv::UvRuntime& runtime_;
  HttpOptions options_;
  HttpHandler handler_;
  runtime::Endpoint endpoint_;
  uv::SocketFile file_;
  MHD_Daemon* daemon_ = nullptr;
  std::map<MHD_Connection*, std::shared_ptr<Connection>> connections_;
  std::unique_ptr<uv::FdWatch> watch_;
  runtime::TimerId timer_ = runtime::TimerId::kNone;
  bool in_library_ = false;
};

HttpServer::HttpServer(std::shared_ptr<Daemon> daemon) : daemon_(std::move(daemon)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(uv::UvRuntime& runtime, HttpOptions options,
                                                      HttpHandler handler) {
  auto daemon = std::make_shared<Daemon>(runtime, std::move(options), std::move(handler));
  if (auto started = daemon->start(); !started) return fail(std::move(started.error()));
  return std::make_unique<HttpServer>(std::move(daemon));
}

runtime::Endpoint HttpServer::endpoint() const { return daemon_->endpoint(); }
uint32_t HttpServer::connections() const { return daemon_->connections(); }

}  // namespace aerodb::http
