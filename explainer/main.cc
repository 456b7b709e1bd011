// aerodb-explainer: explanations of a cluster's nodes, checked by a witness; RPC and HTTP, both read-only.
#include <memory>

#include "common/config/program.h"
#include "common/uv/http/http_server.h"
#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"
#include "common/uv/uv_runtime.h"
#include "explainer/explainer.h"

namespace {

using namespace aerodb;

constexpr std::string_view kProgram = "aerodb-explainer";

Result<std::unique_ptr<http::HttpServer>> start_http(uv::UvRuntime& runtime, explainer::Explainer& explainer) {
  http::HttpOptions options;
  options.endpoint = explainer.config().listen_http;
  options.allowed_hosts = explainer.config().http_allowed_hosts;
  options.max_body_bytes = 64 * config::kKiB;  // no route has a body; the method is what shall be refused
  return http::HttpServer::start(runtime, std::move(options), [&explainer](const auto& request, http::HttpReply reply) {
    explainer.handle_http(request, std::move(reply));
  });
}

int run(const explainer::ExplainerConfig& config, const config::ProgramOptions& options) {
  uv::UvRuntime runtime(make_stderr_log(kProgram, config.log_level));
  explainer::Explainer explainer(runtime, config, config::version());
  runtime.log().write(LogLevel::kInfo, "explainer.start",
                      {{"explainer", config.name}, {"config", options.effective_config}});
  if (auto started = explainer.start(); !started) return config::report_error(kProgram, started.error());
  std::unique_ptr<http::HttpServer> http;
  if (config.enabled) {
    auto started = start_http(runtime, explainer);
    if (!started) return config::report_error(kProgram, started.error());
    http = std::move(*started);
    runtime.log().write(LogLevel::kInfo, "explainer.http_listening", {{"endpoint", http->endpoint().text()}});
  }
  // Without listeners it stays too, so that a supervisor sees what the configuration asked for: a running process.
  uv::SignalWatch signals(runtime, [&](int signal) {
    runtime.log().write(LogLevel::kInfo, "explainer.stop", {{"signal", static_cast<int64_t>(signal)}});
    runtime.stop();
  });
  std::unique_ptr<uv::StdinWatch> watch;
  if (options.exit_with_stdin) watch = std::make_unique<uv::StdinWatch>(runtime, [&] { runtime.stop(); });
  runtime.run();
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int main(int argc, char** argv) {
  const config::ProgramInfo info{std::string(kProgram),
                                 "Checks what nodes explain against their logs; asks them, changes nothing."};
  return config::run_program<explainer::ExplainerConfig>(argc, argv, info, run);
}
