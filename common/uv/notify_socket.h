// Tells a service manager what the process does: systemd's notification protocol (sd_notify), which is one datagram of
// "NAME=value" lines to the Unix socket that $NOTIFY_SOCKET names. Not by libsystemd: for this one call it would map
// half a dozen more libraries into every role, and the protocol is documented as stable and open to be spoken directly.
//
// Blocking while the manager's queue is full, five seconds at most. Thread: any, one call at a time.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/uv/unique_fd.h"

namespace aerodb::uv {

class NotifySocket {
 public:
  // `address` as in $NOTIFY_SOCKET: an absolute path, or '@' and an abstract name. Empty: there is nobody to tell, and
  // send() does nothing. CONFIG_INVALID where it is neither; IO where no socket can be made.
  [[nodiscard]] static Result<NotifySocket> open(std::string_view address);
  // That of this process's environment.
  [[nodiscard]] static Result<NotifySocket> of_process();

  [[nodiscard]] bool anybody() const { return fd_.valid(); }
  // One or more lines, e.g. "READY=1\nSTATUS=serving". IO where they were not taken.
  [[nodiscard]] Result<void> send(std::string_view lines);

 private:
  UniqueFd fd_;
  std::string text_;  // of the address, for messages
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
};

}  // namespace aerodb::uv
