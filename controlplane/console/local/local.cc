// aerodb local: a whole cluster on this machine, in the foreground.
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "common/uv/signals.h"
#include "common/uv/stdin_watch.h"
#include "controlplane/console/command_line.h"
#include "controlplane/console/local/launcher.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Local final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "local",
            .summary = "Starts every role that a directory configures, until Ctrl-C.",
            .example = "aerodb local configs/local --init-primary p1",
            .notes =
                "Each *.toml directly in DIR is one process; the programs are those beside this one. What happens is\n"
                "said on standard output, a line each: init NAME ROLE ..., started NAME PROGRAM pid N, ready NAME,\n"
                "halted NAME WHY, silent NAME 10 s, ended NAME CODE. Lines of the processes go to standard error.\n"
                "A node's directory proves its role: aerodb-primary is tried first, and where that ends with\n"
                "WRONG_ROLE, aerodb-replica. Nothing that ended is started again. All of them end with this process."};
  }
  void declare(Options& options) override {
    options.argument("DIR", directory_, "directory of the configurations");
    options.text("--init-primary", "NAME", init_primary_,
                 "first make nodes of empty data directories: NAME a primary, all others its replicas");
    options.flag("--exit-with-stdin", exit_with_stdin_, "stop in good order when standard input closes");
  }
  Result<ExitCode> run(Output& output) override {
    auto roles = read_roles(directory_);
    if (!roles) return fail(std::move(roles.error()));
    std::vector<InitialisedNode> made;
    if (!init_primary_.empty()) {
      auto initialised = init_empty_nodes(*roles, init_primary_, output);
      if (!initialised) return fail(std::move(initialised.error()));
      made = std::move(*initialised);
    }
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail(ErrorCode::kIo, fmt::format("read /proc/self/exe: {}", error.message()));

    uv::UvRuntime runtime(make_silent_log());
    Launcher launcher(runtime, output, self.parent_path().string());
    launcher.on_end([&runtime] { runtime.stop(); });
    uv::SignalWatch signals(runtime, [&launcher](int) { launcher.stop(); });
    std::optional<uv::StdinWatch> stdin_watch;
    if (exit_with_stdin_) stdin_watch.emplace(runtime, [&launcher] { launcher.stop(); });
    launcher.start(std::move(*roles), made);
    runtime.run();
    return launcher.exit_code();
  }

 private:
  std::string directory_;
  std::string init_primary_;
  bool exit_with_stdin_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_local() { return std::make_unique<Local>(); }

}  // namespace aerodb::console
