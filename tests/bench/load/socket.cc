#include "tests/bench/load/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/runtime/network.h"

namespace aerodb::bench {

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> system_error(std::string_view what) {
  return fail(ErrorCode::kIo, fmt::format("{}: {}", what, std::strerror(errno)));
}

Result<Descriptor> connect_to(const std::string& address) {
  auto endpoint = runtime::Endpoint::parse(address);
  if (!endpoint) return fail(std::move(endpoint.error()));
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(endpoint->port);
  const int one = 1;
  if (::inet_pton(AF_INET, endpoint->host.c_str(), &to.sin_addr) != 1 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
    return fail(ErrorCode::kUnreachable, fmt::format("connect {}: {}", address, std::strerror(errno)));
  return fd;
}

}  // namespace aerodb::bench
