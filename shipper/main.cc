// aerodb-shipper: one shipper in one process.
#include "common/config/program.h"
#include "common/uv/serve.h"
#include "shipper/shipper.h"

namespace {

using namespace aerodb;

constexpr std::string_view kProgram = "aerodb-shipper";

int run(const shipper::ShipperConfig& config, const config::ProgramOptions& options) {
  uv::UvRuntime runtime(make_stderr_log(config.name, config.log_level));
  shipper::Shipper shipper(runtime, config);
  if (config.listen_allow_remote)
    runtime.log().write(LogLevel::kWarn, "remote_allowed",
                        {{"note", std::string("listeners are neither encrypted nor authenticated")}});
  return uv::serve(runtime, options,
                   {.program = std::string(kProgram),
                    .start = [&](auto done) { done(shipper.start()); },
                    .stop = [&](std::string_view, runtime::Callback done) { shipper.stop(std::move(done)); }});
}

}  // namespace

int main(int argc, char** argv) {
  return config::run_program<shipper::ShipperConfig>(
      argc, argv, {.name = std::string(kProgram), .summary = "Ships the log of one node to its replicas."}, run);
}
