// A bound and listening socket, before libuv or the HTTP library takes it over. Blocking calls, none of which waits.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/runtime/network.h"
#include "common/uv/unique_fd.h"

namespace aerodb::uv {

// The file of a Unix socket: removed on destruction, if it is still the file that was made.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(std::string path, dev_t device, ino_t inode);
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile();

 private:
  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct ListenSocket {
  UniqueFd fd;                 // non-blocking, close-on-exec
  runtime::Endpoint endpoint;  // with the port actually bound
  SocketFile file;             // Unix sockets only
};

// TCP: numeric hosts only; SO_REUSEADDR, so that a restart does not wait for old connections to time out.
// Unix: mode 0600 from the first moment; a socket file is replaced only if nobody listens on it.
// Errors: CONFIG_INVALID, with the address and the cause.
[[nodiscard]] Result<ListenSocket> open_listen_socket(const runtime::Endpoint& endpoint);

// The address in text form, "127.0.0.1:7301", "[::1]:7301" or "unix".
[[nodiscard]] std::string address_text(const sockaddr* address);

// The binary form of a numeric host and a port. nullopt where the host is not numeric.
struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
[[nodiscard]] std::optional<TcpAddress> tcp_address(const std::string& host, uint16_t port);

}  // namespace aerodb::uv
