// Starts a program and watches it: for the launcher of a local cluster, and for tests. Thread: the loop's.
//
// The child's standard input is a pipe that we hold and never write: it ends when we end, and a child that watches it
// ends with us. Its standard output and error are delivered in lines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

enum class ChildStream : uint8_t { kOutput, kError };

struct ChildExit {
  int status = 0;  // exit code; 0 where a signal ended it
  int signal = 0;  // 0 where it exited by itself
};

struct ChildOptions {
  std::string program;                 // a path, or a name to find in PATH
  std::vector<std::string> arguments;  // without the program's name
  std::string directory;               // empty: ours
  // A process group of its own: what a terminal sends to ours (Ctrl-C) does not reach it.
  bool own_group = false;
};

struct ChildEvents {
  // Without the line's end. Lines longer than 64 KiB come in pieces of that size.
  std::move_only_function<void(ChildStream stream, std::string_view line)> on_line;
  // Once, last. After all lines, unless a grandchild still holds the pipes open one second after the child's end.
  std::move_only_function<void(ChildExit exit)> on_exit;
};

class ChildProcess {
 public:
  // Errors: CONFIG_INVALID, with program and cause (not found, not executable).
  [[nodiscard]] static Result<std::unique_ptr<ChildProcess>> spawn(UvRuntime& runtime, const ChildOptions& options,
                                                                   ChildEvents events);
  // Closes the child's standard input; no event comes any more. The child is not killed. Allowed inside an event.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] int pid() const;
  [[nodiscard]] bool running() const;
  // No effect after its end.
  void kill(int signal);
  void close_stdin();

 private:
  class Handles;
  std::shared_ptr<Handles> handles_;

 public:
  explicit ChildProcess(std::shared_ptr<Handles> handles);  // for spawn()
};

}  // namespace aerodb::uv
