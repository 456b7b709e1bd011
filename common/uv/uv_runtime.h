// The real world: one libuv loop, sockets, threads for Jobs and for the log device, POSIX files, the machine's clock.
//
// Thread: the one that constructed it, for everything but the LogSink. SIGPIPE is ignored from construction on, since
// every write to a socket can raise it.
#pragma once

#include <memory>

#include "common/runtime/runtime.h"

struct uv_loop_s;

namespace aerodb::uv {

class UvRuntime final : public runtime::Runtime {
 public:
  explicit UvRuntime(std::unique_ptr<LogSink> log);
  // Waits for running Jobs and for a log write in flight, drops every callback not yet run, ends every connection,
  // listener and child's pipe still open without telling its owner, then asserts that the loop closes clean.
  // Connections, listeners, attempts and children may be destroyed later; signal, stdin and descriptor watches and HTTP
  // servers not.
  ~UvRuntime() override;
  UvRuntime(const UvRuntime&) = delete;
  UvRuntime& operator=(const UvRuntime&) = delete;

  // Runs the loop until stop(). May be called again afterwards.
  void run();
  // Ends run() after the callbacks of this turn. Called outside run(): the next run() answers at once.
  void stop();

  runtime::Loop& loop() override;
  runtime::Clock& clock() override;
  runtime::Random& random() override;
  runtime::Network& network() override;
  runtime::Jobs& jobs() override;
  LogSink& log() override;
  runtime::LogDevice& log_device() override;

  // Bytes that Jobs have read from files and written to them; grows while they get on.
  [[nodiscard]] uint64_t moved_bytes() const;

  // For the other files of this folder.
  [[nodiscard]] uv_loop_s* raw_loop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aerodb::uv
