#include "common/node/run_node.h"

#include <fmt/format.h>

#include "common/node/rest.h"
#include "common/uv/http/http_server.h"
#include "common/uv/serve.h"

namespace aerodb::node {
namespace {

// For whoever looks at the service: where a start is, and what a node that serves may do.
std::string describe(Node& node, const uv::UvRuntime& runtime) {
  const auto& name = node.config().name;
  const auto state = rules::enum_name(node.state());
  if (const auto* engine = node.engine()) {
    return fmt::format("{} {}, role {}{}", name, state, rules::enum_name(engine->role()),
                       engine->fence_reason() ? ", fenced" : "");
  }
  const Lsn lsn = node.replayed_to();
  const auto at = lsn == Lsn() ? std::string() : fmt::format(", LSN {} replayed", lsn.value());
  return fmt::format("{} {}{}, {} bytes read and written", name, state, at, runtime.moved_bytes());
}

// REST and its listener, where the configuration names one.
struct HttpSide {
  HttpSide(uv::UvRuntime& in, Node& of) : runtime(in), node(of), rest(of) {}
  // With the node's own listeners: one that still recovers answers NOT_READY.
  Result<void> listen() {
    const auto& config = node.config();
    if (!config::is_set(config.http_listen)) return {};
    auto started = http::HttpServer::start(
        runtime,
        {.endpoint = config.http_listen,
         .allowed_hosts = config.http_allowed_hosts,
         .max_body_bytes = Rest::max_body_bytes(config),
         .max_connections = config.limits_max_connections},
        [this](const auto& request, http::HttpReply reply) { rest.handle(request, std::move(reply)); });
    if (!started) return fail(std::move(started.error()));
    server = std::move(*started);
    return {};
  }

  uv::UvRuntime& runtime;
  Node& node;
  Rest rest;
  std::unique_ptr<http::HttpServer> server;
};

}  // namespace

int run_node(int argc, const char* const* argv, Binary binary, const config::ProgramInfo& info,
             const std::function<std::shared_ptr<void>(Node&)>& attach) {
  return config::run_program<NodeConfig>(
      argc, argv, info, [&](const NodeConfig& config, const config::ProgramOptions& options) {
        uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
        if (config.listen_allow_remote)
          runtime.log().write(LogLevel::kWarn, "remote_allowed",
                              {{"note", std::string("listeners are neither encrypted nor authenticated")}});
        Node node(runtime, config, binary, options.repair ? Damaged::kStaysForRepairs : Damaged::kEnds);
        auto attached = attach(node);
        HttpSide http(runtime, node);
        node.listen_too([&http] { return http.listen(); });
        return uv::serve(
            runtime, options,
            {.program = info.name,
             .start =
                 [&](auto done) {
                   node.start([&info, done = std::move(done)](Result<void> started) mutable {
                     const bool damaged = !started && started.error().row().exit_code == ExitCode::kBadData;
                     if (damaged && info.has_repair) {
                       started.error().with(
                           "way_on", "--repair starts it all the same, HALTED, for `aerodb bootstrap --discard`");
                     }
                     done(std::move(started));
                   });
                 },
             .on_lost = [&](auto lost) { node.on_lost(std::move(lost)); },
             .stop = [&](std::string_view reason, runtime::Callback done) { node.stop(reason, std::move(done)); },
             .describe = [&] { return describe(node, runtime); },
             .on_change = [&](auto changed) { node.on_progress(std::move(changed)); }});
      });
}

}  // namespace aerodb::node
