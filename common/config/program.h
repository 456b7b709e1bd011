// The command line that every role binary has, and nothing else:
//
//   --config FILE       the configuration; required
//   --check-config      say whether it is valid, then end
//   --print-config      print the effective configuration as TOML, then end
//   --exit-with-stdin   stop in good order when standard input closes (for a supervisor that may die)
//   --repair            nodes only: where the directory does not verify, stay up for repairs
//   --version, --help
//
// Exit codes: 64 for a command line it does not know, 78 for a configuration that is refused, else what main answers.
// Errors go to stderr as text, one problem a line, "FILE:LINE:COLUMN: KEY: found X; expected Y".
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/exit_code.h"
#include "common/config/config.h"

namespace aerodb::config {

// Of this build, e.g. "0.1.0".
[[nodiscard]] std::string_view version();

// An option with a value that stands in place of --config, such as the explainer's --data-dir, and one that chooses
// among a few words what is done with it.
struct Alternative {
  std::string option;  // "--data-dir"
  std::string value;   // "DIR", for --help
  std::string help;
  std::string choice_option;         // "--what"; only with `option`
  std::vector<std::string> choices;  // the first one where none is named
  std::string choice_help;
  std::function<int(const std::string& value, const std::string& choice)> run;
};

struct ProgramInfo {
  std::string name;     // "aerodb-primary"
  std::string summary;  // what it does, one sentence
  std::optional<Alternative> alternative = std::nullopt;
  bool has_repair = false;  // --repair
};

struct ProgramOptions {
  std::string config_path;
  bool check_config = false;
  bool print_config = false;
  bool exit_with_stdin = false;
  bool repair = false;
  std::string effective_config;  // as --print-config shows it; for the log line of the start
};

// `main` gets a valid configuration; neither --check-config nor --print-config was given. Answers the exit code.
template <class Config>
[[nodiscard]] int run_program(int argc, const char* const* argv, const ProgramInfo& info,
                              const std::function<int(const Config&, const ProgramOptions&)>& main);

// Prints message and details to stderr; answers the exit code of the error.
int report_error(std::string_view program, const Error& error);

// What run_program does, without the type of the configuration. `load` answers the effective configuration as TOML.
struct ProgramSteps {
  std::function<Result<std::string>(const std::string& path)> load;
  std::function<int(const ProgramOptions&)> main;
};
[[nodiscard]] int run_steps(int argc, const char* const* argv, const ProgramInfo& info, const ProgramSteps& steps);

template <class Config>
int run_program(int argc, const char* const* argv, const ProgramInfo& info,
                const std::function<int(const Config&, const ProgramOptions&)>& main) {
  Config config;
  return run_steps(argc, argv, info,
                   {.load = [&](const std::string& path) -> Result<std::string> {
                      auto loaded = load<Config>(path);
                      if (!loaded) return fail(std::move(loaded.error()));
                      config = std::move(*loaded);
                      return print(config);
                    },
                    .main = [&](const ProgramOptions& options) { return main(config, options); }});
}

}  // namespace aerodb::config
