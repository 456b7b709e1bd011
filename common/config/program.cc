#include "common/config/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace aerodb::config {
namespace {

int exit_of(ExitCode code) { return static_cast<int>(code); }

// True once the effective configuration reached stdout, false where it could not be written.
bool print_out(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int run_with_config(const ProgramInfo& info, ProgramOptions options, const ProgramSteps& steps) {
  auto effective = steps.load(options.config_path);
  if (!effective) return report_error(info.name, effective.error());
  options.effective_config = std::move(*effective);
  if (options.check_config || options.print_config) {
    const std::string said =
        options.print_config ? options.effective_config : fmt::format("{}: valid\n", options.config_path);
    return exit_of(print_out(said) ? ExitCode::kOk : ExitCode::kIo);
  }
  return steps.main(options);
}

}  // namespace

std::string_view version() { return AERODB_VERSION; }

int report_error(std::string_view program, const Error& error) {
  fmt::print(stderr, "{}: {}: {}\n", program, error.row().name, error.message);
  for (const ErrorDetail& detail : error.details) fmt::print(stderr, "{}: {}: {}\n", program, detail.key, detail.value);
  return exit_of(error.row().exit_code);
}

int run_steps(int argc, const char* const* argv, const ProgramInfo& info, const ProgramSteps& steps) {
  CLI::App app(info.summary, info.name);
  ProgramOptions options;
  app.add_option("--config", options.config_path, "the configuration, a TOML file")->type_name("FILE");
  app.add_flag("--check-config", options.check_config, "say whether the configuration is valid, then end");
  app.add_flag("--print-config", options.print_config, "print the effective configuration, then end");
  app.add_flag("--exit-with-stdin", options.exit_with_stdin, "stop in good order when standard input closes");
  if (info.has_repair) {
    app.add_flag("--repair", options.repair,
                 "where log, runs or state do not verify, stay up, HALTED, for `aerodb bootstrap --discard`");
  }
  app.set_version_flag("--version", fmt::format("{} {}", info.name, version()));
  std::string value, choice;
  if (const auto& other = info.alternative) {
    choice = other->choices.front();
    auto* option = app.add_option(other->option, value, other->help)->type_name(other->value)->excludes("--config");
    app.add_option(other->choice_option, choice, other->choice_help)
        ->check(CLI::IsMember(other->choices))
        ->needs(option);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return report_error(info.name, {ErrorCode::kUsage, fmt::format("{}; --help shows the options", error.what()), {}});
  }
  if (info.alternative && app.count(info.alternative->option) > 0) return info.alternative->run(value, choice);
  if (options.config_path.empty()) {
    return report_error(info.name, {ErrorCode::kUsage, "--config FILE is required; --help shows the options", {}});
  }
  return run_with_config(info, std::move(options), steps);
}

}  // namespace aerodb::config
