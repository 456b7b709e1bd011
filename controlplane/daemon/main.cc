// aerodb-controlplane: the operator's desk. All it does is in control_plane.h; here it meets the real world.
#include "common/config/program.h"
#include "common/uv/serve.h"
#include "controlplane/daemon/control_plane.h"

namespace {

using namespace aerodb;

constexpr std::string_view kName = "aerodb-controlplane";

int run(const controlplane::ControlplaneConfig& config, const config::ProgramOptions& options) {
  uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
  controlplane::ControlPlane control_plane(runtime, config);
  return uv::serve(runtime, options,
                   {.program = std::string(kName),
                    .start = [&](auto done) { control_plane.start(std::move(done)); },
                    .stop = [&](std::string_view, runtime::Callback done) { control_plane.stop(std::move(done)); }});
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
