#include "common/uv/serve.h"

#include <csignal>
#include <memory>

#include "common/config/program.h"
#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"

namespace aerodb::uv {

int serve(UvRuntime& runtime, const Service& service) {
  int exit_code = 0;
  bool stopping = false;
  auto stop = [&](std::string_view reason) {
    if (stopping) return;
    stopping = true;
    service.stop(reason, [&runtime] { runtime.stop(); });
  };
  SignalWatch signals(runtime, [&](int signal) { stop(signal == SIGINT ? "SIGINT" : "SIGTERM"); });
  std::unique_ptr<StdinWatch> stdin_watch;
  if (service.exit_with_stdin)
    stdin_watch = std::make_unique<StdinWatch>(runtime, [&] { stop("standard input ended"); });
  service.start([&](Result<void> started) {
    if (started) return;
    exit_code = config::report_error(service.program, started.error());
    runtime.stop();
  });
  runtime.run();
  return exit_code;
}

}  // namespace aerodb::uv
