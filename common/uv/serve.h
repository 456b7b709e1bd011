// The life of a role process on the real runtime: start, run until a signal or the end of standard input, stop in good
// order, answer the exit code. A service manager that started it is told of all that (supervisor.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/config/program.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

struct Service {
  std::string program;  // for messages
  // Runs `done` once, in this call or later: the service answers, or why it can't.
  std::function<void(std::move_only_function<void(Result<void>)> done)> start;
  // Keeps whom to tell, at any time, that the service can't go on. Empty: it never says so.
  std::function<void(std::move_only_function<void(const Error&)> lost)> on_lost = nullptr;
  // Asked for once, and only after a successful start. Runs `done` when the process may end.
  std::function<void(std::string_view reason, runtime::Callback done)> stop;
  // What it does now, in a few words for the service manager. Empty: "starting", then "serving".
  std::function<std::string()> describe = nullptr;
  // Keeps whom to tell that describe() may answer something else. Empty: it never does while it serves.
  std::function<void(std::function<void()> changed)> on_change = nullptr;
};

// Blocks. The exit code is that of the error with which start failed or the service was lost, else 0.
[[nodiscard]] int serve(UvRuntime& runtime, const config::ProgramOptions& options, const Service& service);

}  // namespace aerodb::uv
