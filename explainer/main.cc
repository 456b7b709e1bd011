// aerodb-explainer: explanations of a cluster's nodes, checked by a witness; RPC and HTTP, both read-only.
#include <memory>

#include "common/config/program.h"
#include "common/uv/http/http_server.h"
#include "common/uv/serve.h"
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
  uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
  explainer::Explainer explainer(runtime, config, config::version());
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

}  // namespace

int main(int argc, char** argv) {
  const config::ProgramInfo info{std::string(kProgram),
                                 "Checks what nodes explain against their logs; asks them, changes nothing."};
  return config::run_program<explainer::ExplainerConfig>(argc, argv, info, run);
}
