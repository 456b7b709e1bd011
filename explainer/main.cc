// aerodb-explainer: explanations of a cluster's nodes, checked by a witness; RPC and HTTP, both read-only.
#include <cstdio>
#include <memory>

#include "common/config/program.h"
#include "common/rules/saved.h"
#include "common/uv/http/http_server.h"
#include "common/uv/posix_disk.h"
#include "common/uv/serve.h"
#include "explainer/explainer.h"
#include "explainer/offline.h"

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
  uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
  explainer::Explainer explainer(runtime, config, config::version(), explainer::ui_files());
  std::unique_ptr<http::HttpServer> http;
  // Where it is not enabled it has no listeners and stays, so that a supervisor sees what was asked for: a running
  // process.
  auto start = [&](auto done) {
    if (auto started = explainer.start(); !started) return done(std::move(started));
    if (!config.enabled) return done({});
    auto started = start_http(runtime, explainer);
    if (!started) return done(fail(std::move(started.error())));
    http = std::move(*started);
    done({});
  };
  return uv::serve(runtime, options,
                   {.program = std::string(kProgram),
                    .start = start,
                    .stop = [](std::string_view, runtime::Callback done) { done(); }});
}

// A directory of which nobody answers: its explanation as it is kept in a file, on standard output.
int explain_at_rest(const std::string& data_dir, const std::string& subject) {
  uv::PosixDisk disk;
  auto explanation = explainer::explain_directory(disk, data_dir, subject);
  if (!explanation) return config::report_error(kProgram, explanation.error());
  auto saved = rules::saved_explanation(explanation->packed, explanation->sha256, explanation->rule_sha256);
  if (!saved) return config::report_error(kProgram, saved.error());
  const bool written =
      std::fwrite(saved->data(), 1, saved->size(), stdout) == saved->size() && std::fflush(stdout) == 0;
  return static_cast<int>(written ? ExitCode::kOk : ExitCode::kIo);
}

}  // namespace

int main(int argc, char** argv) {
  const config::Alternative at_rest{.option = "--data-dir",
                                    .value = "DIR",
                                    .help = "explain a directory that no process has open, then end",
                                    .choice_option = "--what",
                                    .choices = explainer::offline_subjects(),
                                    .choice_help = "what of it",
                                    .run = explain_at_rest};
  const config::ProgramInfo info{std::string(kProgram),
                                 "Checks what nodes explain against their logs; asks them, changes nothing.", at_rest};
  return config::run_program<explainer::ExplainerConfig>(argc, argv, info, run);
}
