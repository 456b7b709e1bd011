// aerodb-controlplane: the operator's desk. All it does is in control_plane.h; here it meets the real world.
#include <memory>
#include <optional>

#include "common/config/program.h"
#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"
#include "common/uv/uv_runtime.h"
#include "controlplane/daemon/control_plane.h"

namespace {

using namespace aerodb;

constexpr std::string_view kName = "aerodb-controlplane";

int run(const controlplane::ControlplaneConfig& config, const config::ProgramOptions& options) {
  uv::UvRuntime runtime(make_stderr_log(kName, config.log_level));
  runtime.log().write(LogLevel::kInfo, "start",
                      {{"version", std::string(config::version())}, {"config", options.effective_config}});
  controlplane::ControlPlane control_plane(runtime, config);
  std::optional<Error> failure;
  enum class Phase { kStarting, kServing, kEnding } phase = Phase::kStarting;
  auto end = [&] {
    // Before it serves there is nothing to bring to an end.
    if (phase == Phase::kStarting) runtime.stop();
    if (phase == Phase::kServing) control_plane.stop([&] { runtime.stop(); });
    phase = Phase::kEnding;
  };
  control_plane.start([&](Result<void> started) {
    if (started) {
      phase = Phase::kServing;
      return;
    }
    failure = std::move(started.error());
    runtime.stop();
  });
  uv::SignalWatch signals(runtime, [&](int) { end(); });
  std::optional<uv::StdinWatch> stdin_watch;
  if (options.exit_with_stdin) stdin_watch.emplace(runtime, [&] { end(); });
  runtime.run();
  if (failure) return config::report_error(kName, *failure);
  runtime.log().write(LogLevel::kInfo, "stopped", {});
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int main(int argc, char** argv) {
  return config::run_program<controlplane::ControlplaneConfig>(
      argc, argv,
      {.name = std::string(kName),
       .summary =
           "The operator's desk: shows what nodes say, explains, confirms, dispatches and audits control commands."},
      run);
}
