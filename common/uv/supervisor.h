// The service manager that started this process, where there is one (notify_socket.h), kept told of its life: READY=1
// when it serves, STATUS= with what it does, STOPPING=1, and the error that ends it.
//
// During a start, which may have a long log to read, it looks at the progress of the work four times a second. The
// manager's time-out is put off only when work went on since the last look: a start that hangs is ended by it.
// Thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/uv/notify_socket.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

class Supervisor {
 public:
  // `describe` answers what the process does, in a few words. A manager that can't be told is a line in the log and
  // nothing more. `runtime` outlives this.
  Supervisor(UvRuntime& runtime, Result<NotifySocket> socket, std::function<std::string()> describe);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void starting();
  void serving();
  // describe() may answer something else now; only while it serves. Cheap where it does not.
  void changed();
  void stopping(std::string_view reason);
  void failed(const Error& error);

 private:
  enum class Phase : uint8_t { kStarting, kServing, kEnding };
  void look();
  // `lines` and, where it is another one, the status.
  void tell(std::string lines, std::string status);

  UvRuntime& runtime_;
  std::function<std::string()> describe_;
  NotifySocket socket_;
  Phase phase_ = Phase::kStarting;
  std::string told_status_;
  uint64_t seen_bytes_ = 0;  // moved by Jobs, at the last look
  runtime::TimerId next_look_ = runtime::TimerId::kNone;
};

}  // namespace aerodb::uv
