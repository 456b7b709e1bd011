#include "common/uv/listen_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace aerodb::uv {
namespace {

using runtime::Endpoint;

constexpr int kBacklog = 128;

std::unexpected<Error> refuse(const Endpoint& endpoint, std::string_view what, int error) {
  return fail(ErrorCode::kConfigInvalid, fmt::format("listen {}: {}: {}", endpoint.text(), what, std::strerror(error)));
}

UniqueFd make_socket(int family) { return UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// Removes a socket file that nobody listens on. A file of any other kind, or a live socket, is left alone and refused.
Result<void> remove_stale_file(const Endpoint& endpoint, const sockaddr_un& address) {
  struct stat found{};
  if (::lstat(address.sun_path, &found) != 0) {
    if (errno == ENOENT) return {};
    return refuse(endpoint, "stat", errno);
  }
  if (!S_ISSOCK(found.st_mode)) return refuse(endpoint, "the path is there and is no socket", EEXIST);
  UniqueFd probe = make_socket(AF_UNIX);
  if (!probe.valid()) return refuse(endpoint, "socket", errno);
  int status = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (status == 0 || errno != ECONNREFUSED) return refuse(endpoint, "another process listens there", EADDRINUSE);
  if (::unlink(address.sun_path) != 0 && errno != ENOENT) return refuse(endpoint, "remove the stale socket", errno);
  return {};
}

Result<ListenSocket> listen_unix(const Endpoint& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (endpoint.path.empty() || endpoint.path.size() >= sizeof address.sun_path) {
    return refuse(endpoint, "path of a Unix socket", ENAMETOOLONG);
  }
  endpoint.path.copy(address.sun_path, endpoint.path.size());
  if (auto removed = remove_stale_file(endpoint, address); !removed) return fail(std::move(removed.error()));
  ListenSocket made;
  made.endpoint = endpoint;
  made.fd = make_socket(AF_UNIX);
  if (!made.fd.valid()) return refuse(endpoint, "socket", errno);
  // bind() gives the file the mode of the socket: nobody else can connect at any moment.
  if (::fchmod(made.fd.get(), 0600) != 0) return refuse(endpoint, "chmod", errno);
  if (::bind(made.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return refuse(endpoint, "bind", errno);
  }
  struct stat file{};
  if (::lstat(address.sun_path, &file) != 0) return refuse(endpoint, "stat", errno);
  made.file = SocketFile(endpoint.path, file.st_dev, file.st_ino);
  if (::listen(made.fd.get(), kBacklog) != 0) return refuse(endpoint, "listen", errno);
  return made;
}

Result<ListenSocket> listen_tcp(const Endpoint& endpoint) {
  auto address = tcp_address(endpoint.host, endpoint.port);
  if (!address) return refuse(endpoint, "the host must be a numeric address", EINVAL);
  const int family = address->get()->sa_family;
  ListenSocket made;
  made.endpoint = endpoint;
  made.fd = make_socket(family);
  if (!made.fd.valid()) return refuse(endpoint, "socket", errno);
  const int on = 1;
  if (::setsockopt(made.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return refuse(endpoint, "SO_REUSEADDR", errno);
  }
  // [::] means IPv6 only: an address is taken by its letter.
  if (family == AF_INET6 && ::setsockopt(made.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return refuse(endpoint, "IPV6_V6ONLY", errno);
  }
  if (::bind(made.fd.get(), address->get(), address->size) != 0) return refuse(endpoint, "bind", errno);
  if (::listen(made.fd.get(), kBacklog) != 0) return refuse(endpoint, "listen", errno);
  TcpAddress bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(made.fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return refuse(endpoint, "getsockname", errno);
  }
  made.endpoint.port = ntohs(family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound.storage)->sin6_port
                                                : reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);
  return made;
}

}  // namespace

SocketFile::SocketFile(std::string path, dev_t device, ino_t inode)
    : path_(std::move(path)), device_(device), inode_(inode) {}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

SocketFile::~SocketFile() {
  if (path_.empty()) return;
  struct stat found{};
  if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

Result<ListenSocket> open_listen_socket(const Endpoint& endpoint) {
  return endpoint.kind == Endpoint::Kind::kUnix ? listen_unix(endpoint) : listen_tcp(endpoint);
}

std::string address_text(const sockaddr* address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    return fmt::format("{}:{}", host, ntohs(v4->sin_port));
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return fmt::format("[{}]:{}", host, ntohs(v6->sin6_port));
  }
  return "unix";
}

std::optional<TcpAddress> tcp_address(const std::string& host, uint16_t port) {
  TcpAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    return address;
  }
  address.storage = {};
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
    return address;
  }
  return std::nullopt;
}

}  // namespace aerodb::uv
