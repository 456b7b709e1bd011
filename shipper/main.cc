// aerodb-shipper: one shipper in one process.
#include <cstdlib>
#include <memory>
#include <optional>

#include "common/config/program.h"
#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"
#include "common/uv/uv_runtime.h"
#include "shipper/shipper.h"

namespace {

using namespace aerodb;

constexpr std::string_view kProgram = "aerodb-shipper";

int ship(const shipper::ShipperConfig& config, const config::ProgramOptions& options) {
  uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
  runtime.log().write(LogLevel::kInfo, "start",
                      {{"program", std::string(kProgram)},
                       {"version", std::string(config::version())},
                       {"config", options.effective_config}});
  shipper::Shipper shipper(runtime, config);
  if (auto started = shipper.start(); !started) return config::report_error(kProgram, started.error());
  const auto endpoint = shipper.endpoint();
  runtime.log().write(LogLevel::kInfo, "listening", {{"listener", "shipper"}, {"address", endpoint.text()}});
  if (!endpoint.is_loopback()) {
    runtime.log().write(LogLevel::kWarn, "remote_listener",
                        {{"listener", "shipper"}, {"note", "nothing on it is encrypted or asks who is there"}});
  }

  bool stopping = false;
  auto stop = [&](std::string why) {
    if (std::exchange(stopping, true)) return;
    runtime.log().write(LogLevel::kInfo, "stop", {{"why", std::move(why)}});
    shipper.stop([&] { runtime.stop(); });
  };
  uv::SignalWatch signals(runtime, [&](int) { stop("signal"); });
  std::optional<uv::StdinWatch> supervisor;
  if (options.exit_with_stdin) supervisor.emplace(runtime, [&] { stop("standard input closed"); });
  runtime.run();
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int main(int argc, char** argv) {
  return config::run_program<shipper::ShipperConfig>(
      argc, argv, {.name = std::string(kProgram), .summary = "Ships the log of one node to its replicas."}, ship);
}
