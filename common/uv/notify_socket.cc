#include "common/uv/notify_socket.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace aerodb::uv {
namespace {

constexpr timeval kLongestWait{.tv_sec = 5, .tv_usec = 0};

Error error_of(ErrorCode code, std::string_view address, std::string_view what) {
  return {code, fmt::format("notify socket {}: {}", address, what), {}};
}

}  // namespace

Result<NotifySocket> NotifySocket::open(std::string_view address) {
  NotifySocket made;
  if (address.empty()) return made;
  auto& to = made.address_;
  const bool abstract = address.front() == '@';
  if (!abstract && address.front() != '/')
    return fail(error_of(ErrorCode::kConfigInvalid, address, "neither a path nor an abstract name"));
  // A path ends with a zero, an abstract name with its length.
  const size_t bytes = address.size() + (abstract ? 0 : 1);
  if (address.size() < 2 || bytes > sizeof to.sun_path)
    return fail(error_of(ErrorCode::kConfigInvalid, address, std::strerror(ENAMETOOLONG)));
  to.sun_family = AF_UNIX;
  address.copy(to.sun_path, address.size());
  if (abstract) to.sun_path[0] = '\0';
  made.address_bytes_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes);
  made.text_ = address;
  made.fd_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!made.fd_.valid() ||
      ::setsockopt(made.fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &kLongestWait, sizeof kLongestWait) != 0)
    return fail(error_of(ErrorCode::kIo, address, std::strerror(errno)));
  return made;
}

Result<NotifySocket> NotifySocket::of_process() {
  const char* address = std::getenv("NOTIFY_SOCKET");
  return open(address == nullptr ? "" : address);
}

Result<void> NotifySocket::send(std::string_view lines) {
  const auto* to = reinterpret_cast<const sockaddr*>(&address_);
  while (anybody() && ::sendto(fd_.get(), lines.data(), lines.size(), MSG_NOSIGNAL, to, address_bytes_) < 0) {
    if (errno != EINTR) return fail(error_of(ErrorCode::kIo, text_, std::strerror(errno)));
  }
  return {};
}

}  // namespace aerodb::uv
