#include "common/uv/serve.h"

#include <csignal>
#include <memory>

#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"
#include "common/uv/supervisor.h"

namespace aerodb::uv {

int serve(UvRuntime& runtime, const config::ProgramOptions& options, const Service& service) {
  enum class Phase : uint8_t { kStarting, kServing, kEnding };
  Phase phase = Phase::kStarting;
  int exit_code = 0;
  Supervisor supervisor(runtime, NotifySocket::of_process(), [&]() -> std::string {
    if (service.describe) return service.describe();
    return phase == Phase::kStarting ? "starting" : "serving";
  });
  if (service.on_change) service.on_change([&supervisor] { supervisor.changed(); });
  runtime.log().write(LogLevel::kInfo, "process_start",
                      {{"program", service.program},
                       {"version", std::string(config::version())},
                       {"config", options.effective_config}});
  auto end = [&](std::string_view reason) {
    const Phase before = std::exchange(phase, Phase::kEnding);
    if (before == Phase::kEnding) return;
    runtime.log().write(LogLevel::kInfo, "process_stop", {{"reason", std::string(reason)}});
    supervisor.stopping(reason);
    // Before it serves there is nothing to bring to an end.
    if (before == Phase::kStarting)
      runtime.stop();
    else
      service.stop(reason, [&runtime] { runtime.stop(); });
  };
  auto fail_with = [&](const Error& error) {
    phase = Phase::kEnding;
    supervisor.failed(error);
    exit_code = config::report_error(service.program, error);
    runtime.stop();
  };
  if (service.on_lost) service.on_lost(fail_with);
  SignalWatch signals(runtime, [&](int signal) { end(signal == SIGINT ? "SIGINT" : "SIGTERM"); });
  std::unique_ptr<StdinWatch> stdin_watch;
  if (options.exit_with_stdin)
    stdin_watch = std::make_unique<StdinWatch>(runtime, [&] { end("standard input ended"); });
  supervisor.starting();
  service.start([&](Result<void> started) {
    if (phase == Phase::kEnding) return;
    if (started) {
      phase = Phase::kServing;
      supervisor.serving();
      return;
    }
    fail_with(started.error());
  });
  runtime.run();
  return exit_code;
}

}  // namespace aerodb::uv
