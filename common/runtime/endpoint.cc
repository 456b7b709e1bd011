#include <fmt/format.h>

#include <charconv>

#include "common/runtime/network.h"

namespace aerodb::runtime {
namespace {

std::unexpected<Error> bad_endpoint(std::string_view text) {
  return fail(ErrorCode::kConfigInvalid,
              fmt::format("address \"{}\": expected HOST:PORT with a numeric host, [IPV6]:PORT, or unix:PATH", text));
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  Endpoint endpoint;
  if (text.starts_with("unix:")) {
    endpoint.kind = Kind::kUnix;
    endpoint.path = text.substr(5);
    // sockaddr_un holds 107 bytes and a terminator.
    if (endpoint.path.empty() || endpoint.path.size() > 107) return bad_endpoint(text);
    return endpoint;
  }
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad_endpoint(text);
  std::string_view host = text.substr(0, colon);
  std::string_view port = text.substr(colon + 1);
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return bad_endpoint(text);
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad_endpoint(text);
  }
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc{} || end != port.data() + port.size()) return bad_endpoint(text);
  endpoint.host = host;
  return endpoint;
}

std::string Endpoint::text() const {
  if (kind == Kind::kUnix) return "unix:" + path;
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

bool Endpoint::is_loopback() const { return kind == Kind::kUnix || host == "::1" || host.starts_with("127."); }

}  // namespace aerodb::runtime
