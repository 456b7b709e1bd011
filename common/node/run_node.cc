#include "common/node/run_node.h"

#include "common/uv/serve.h"

namespace aerodb::node {

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
             .stop = [&](std::string_view reason, runtime::Callback done) { node.stop(reason, std::move(done)); }});
      });
}

}  // namespace aerodb::node
