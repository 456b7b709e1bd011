// An HTTP/1.1 server on the loop: libmicrohttpd without threads of its own, driven by the descriptor and the timeout it
// names. Thread: the loop's.
//
// Hostile input: heads beyond 16 KiB, bodies beyond max_body_bytes, connections beyond max_connections (they wait in
// the system's queue) and idle ones beyond timeout_s are refused or closed; a Host header off the allow-list (a foreign
// page that found this port by a name of its own) gets 403 HOST_NOT_ALLOWED before the handler hears of it.
//
// Every answer carries `Content-Security-Policy: default-src 'self'`, `X-Content-Type-Options: nosniff` and
// `Cache-Control: no-store` unless the response names those headers itself. There is no CORS header.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/uv/http/http_types.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::http {

struct HttpOptions {
  runtime::Endpoint endpoint;
  // "localhost" allows every port of that name, "localhost:7340" that one only.
  std::vector<std::string> allowed_hosts = {"localhost", "127.0.0.1", "[::1]"};
  uint64_t max_body_bytes = 16ull << 20;
  uint32_t max_connections = 64;
  uint32_t timeout_s = 30;  // without progress; a request that the handler has not answered does not count
};

class HttpServer {
 public:
  // Errors: CONFIG_INVALID, with the address and the cause.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(uv::UvRuntime& runtime, HttpOptions options,
                                                                 HttpHandler handler);
  // Ends all connections; replies still held have no effect from then on. Not from inside the handler. Before the
  // runtime.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] runtime::Endpoint endpoint() const;  // with the port actually bound
  [[nodiscard]] uint32_t connections() const;

 private:
  class Daemon;
  std::shared_ptr<Daemon> daemon_;

 public:
  explicit HttpServer(std::shared_ptr<Daemon> daemon);  // for start()
};

}  // namespace aerodb::http
