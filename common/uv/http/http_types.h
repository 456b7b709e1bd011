// A request and its answer, apart from sockets and from the HTTP library: handlers are plain functions over these, so
// that tests and the simulator call them directly.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace aerodb::http {

struct HttpRequest {
  std::string method;                                        // as sent, e.g. "GET"
  std::string path;                                          // percent-decoded, begins with '/'
  std::vector<std::string> segments;                         // of the path; each decoded by itself, so it may hold '/'
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in the order sent; a name may come twice
  std::string host;                                          // as sent; on the allow-list
  std::string peer;                                          // for people: "127.0.0.1:40000"
  std::string content_type;                                  // as sent; empty if there is none
  std::vector<std::pair<std::string, std::string>> headers;  // all of them, as sent
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones; they replace the server's defaults
};

// Called once at most. Dropped without a call: the server answers 500. A call after the client went has no effect.
using HttpReply = std::move_only_function<void(HttpResponse)>;
// May answer before it returns, or later from any callback of the loop.
using HttpHandler = std::move_only_function<void(const HttpRequest&, HttpReply reply)>;

// The error as JSON, with the status of its row:
// {"error":{"code":"BEHIND","severity":"REJECT","message":"...","rule":"REPL-5","details":{"key":"value"}}}
// `rule` is null where none is involved. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] HttpResponse http_error(const Error& error);

// The value of a header, by its name in letters of either case. nullopt: not there. BAD_REQUEST where it is there
// twice.
[[nodiscard]] Result<std::optional<std::string>> header_of(const HttpRequest& request, std::string_view name);

[[nodiscard]] bool is_utf8(std::string_view text);

// A JSON string with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);

// Splits and decodes a request target into `path`, `segments` and `query`. BAD_REQUEST unless it begins with '/' and
// every percent sign is followed by two hex digits that are not 00. In the query, '+' is a space; empty parts are
// skipped.
[[nodiscard]] Result<void> parse_target(std::string_view target, HttpRequest& request);

// True if `host` equals an entry, or an entry equals it without its port. Letters of either case.
[[nodiscard]] bool host_allowed(std::string_view host, const std::vector<std::string>& allowed);

}  // namespace aerodb::http
