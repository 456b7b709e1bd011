// The life of a control command as the console sees it: asked and explained; confirmed by a phrase that a person types;
// the kernel's answer shown word for word. The console decides nothing and says nothing about whether to go on.
//
// Without a terminal, or with JSON asked for, it ends after the explanation with CONFIRMATION_REQUIRED: the challenge
// is in what was printed, and `aerodb confirm` is the other half.
#pragma once

#include <optional>
#include <string>

#include "controlplane/console/target.h"

namespace aerodb::console {

struct CommandOptions {
  ServiceTarget desk{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format;
  std::string reason;
  void declare(Options& options);  // with --reason
  // The command asked of a node for that reason.
  [[nodiscard]] wire::CommandExplainRequest request(std::string command, const std::string& node) const;
};

// The explanation, then the outcome where it was confirmed at once.
[[nodiscard]] inline JsonShapes command_json() {
  return {shape_of<wire::CommandExplainResponse>, shape_of<wire::CommandConfirmResponse>};
}

// A command that reached its node. `statement_file`: where the statement of a decline goes; empty: nowhere.
[[nodiscard]] Result<ExitCode> explain_and_confirm(const wire::CommandExplainRequest& request,
                                                   const CommandOptions& options, const std::string& statement_file,
                                                   Output& output);

// command.confirm and its answer.
[[nodiscard]] Result<ExitCode> confirm(Session& session, const wire::CommandConfirmRequest& request,
                                       const std::string& statement_file, Output& output);

// Of a confirmed command: `answered`, `rejected` with the kernel's code, `unknown`.
[[nodiscard]] ExitCode exit_code_of(const wire::CommandConfirmResponse& answer);

// USAGE where the file is there already: a statement is never overwritten.
[[nodiscard]] Result<void> check_statement_file(const std::string& path);
// A statement as `decline --output` wrote it; absent for an empty path.
[[nodiscard]] Result<std::optional<Bytes>> read_statement(const std::string& path);

}  // namespace aerodb::console
