#include "common/config/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::config {
namespace {

constexpr size_t kMaxSocketPathBytes = 107;  // sockaddr_un, without its terminator

}  // namespace

void check_listeners(std::initializer_list<NamedListener> listeners, bool allow_remote, Problems& problems) {
  std::vector<const NamedListener*> seen;
  for (const NamedListener& listener : listeners) {
    const runtime::Endpoint& endpoint = listener.endpoint;
    if (!is_set(endpoint)) continue;
    if (!endpoint.is_loopback() && !allow_remote) {
      problems.add(
          listener.key, quote(endpoint.text()),
          "a loopback address or Unix socket: there is neither encryption nor login here, so a listener that other "
          "machines can reach needs listen.allow_remote = true");
    }
    if (endpoint.path.size() > kMaxSocketPathBytes) {
      problems.add(listener.key, fmt::format("a socket path of {} bytes", endpoint.path.size()),
                   fmt::format("at most {} bytes", kMaxSocketPathBytes));
    }
    const bool any_port = endpoint.kind == runtime::Endpoint::Kind::kTcp && endpoint.port == 0;
    auto same = std::ranges::find_if(seen, [&](const NamedListener* other) { return other->endpoint == endpoint; });
    if (same != seen.end() && !any_port) {
      problems.add(listener.key, quote(endpoint.text()), fmt::format("another address than that of {}", (*same)->key));
    }
    seen.push_back(&listener);
  }
}

void check_names_of(std::string_view key, const std::vector<std::string_view>& names, Problems& problems) {
  for (size_t i = 0; i < names.size(); ++i) {
    auto first = std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]);
    if (first == names.begin() + static_cast<ptrdiff_t>(i)) continue;
    problems.add(fmt::format("{}[{}].name", key, i), quote(names[i]),
                 fmt::format("another name than that of {}[{}]", key, first - names.begin()));
  }
}

runtime::Endpoint unix_socket(std::string_view directory, std::string_view name) {
  runtime::Endpoint endpoint;
  endpoint.kind = runtime::Endpoint::Kind::kUnix;
  endpoint.path = fmt::format("{}/{}", directory, name);
  return endpoint;
}

}  // namespace aerodb::config
