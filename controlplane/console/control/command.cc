#include "controlplane/console/control/command.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/uv/posix_disk.h"
#include "controlplane/console/phrase.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxStatementBytes = 65536;

std::string pretty(ByteSpan packed) {
  auto text = document::to_json(packed, document::JsonStyle::kPretty);
  return text ? *text : text.error().message;
}

void show_explanation(const wire::CommandExplainResponse& answer, Output& output) {
  if (!output.is_table()) return output.message(answer);
  output.line(pretty(answer.explanation.bytes));
  output.line(fmt::format("sha256        {}", to_hex(answer.sha256)));
  output.line(fmt::format("request_id    {}", printable(answer.request_id)));
  output.line(fmt::format("audit_number  {}", answer.audit_number));
  output.line(fmt::format("challenge     {}", printable(answer.challenge)));
  for (const auto& view : answer.unreached) {
    output.line(
        fmt::format("unreached     {} {} {}", printable(view.node), printable(view.address), view.why.value_or("")));
  }
}

std::unexpected<Error> not_confirmed(const wire::CommandExplainRequest& request, const std::string& why) {
  return fail(ErrorCode::kConfirmationRequired, fmt::format("{} {}: {}", request.command, request.node, why));
}

// The bytes of the statement in the kernel's answer to a decline; absent in any other answer.
Result<void> save_statement(ByteSpan answer, const std::string& path) {
  document::Tape tape;
  if (auto parsed = tape.parse(answer); !parsed) return parsed;
  const auto root = tape.root();
  const auto value = root.type() == document::Type::kMap ? root.find("statement") : std::nullopt;
  const auto statement = value ? value->bytes() : std::nullopt;
  if (!statement) return fail(ErrorCode::kUsage, fmt::format("{}: the answer holds no statement to write", path));
  const std::filesystem::path file(path);
  const std::string directory = file.parent_path().empty() ? "." : file.parent_path().string();
  uv::PosixDisk disk;
  return runtime::replace_file(disk, directory, file.filename().string(), *statement);
}

}  // namespace

void CommandOptions::declare(Options& options) {
  options.text("--reason", "TEXT", reason, "why; required, recorded in the audit log and in the node's record");
  desk.declare(options);
  format.declare(options);
}

wire::CommandExplainRequest CommandOptions::request(std::string command, const std::string& node) const {
  wire::CommandExplainRequest asked;
  asked.command = std::move(command);
  asked.node = node;
  asked.reason = reason;
  return asked;
}

Result<ExitCode> explain_and_confirm(const wire::CommandExplainRequest& request, const CommandOptions& options,
                                     const std::string& statement_file, Output& output) {
  options.format.apply(output);
  if (auto free = check_statement_file(statement_file); !free) return fail(std::move(free.error()));
  auto session = options.desk.connect();
  if (!session) return fail(std::move(session.error()));
  wire::CommandConfirmRequest confirmation;
  std::string form;
  auto called = (*session)->call(wire::kCommandExplain, request, [&](const wire::CommandExplainResponse& answer) {
    show_explanation(answer, output);
    confirmation.challenge = answer.challenge;
    form = answer.phrase_form;
  });
  if (!called) return fail(std::move(called.error()));
  if (!can_ask(output)) {
    return not_confirmed(request, "explained and not confirmed; nothing was carried out");
  }
  const auto phrase = ask_phrase(form, output);
  if (!phrase) return not_confirmed(request, "no phrase was typed; nothing was carried out");
  confirmation.phrase = *phrase;
  confirmation.interactive = true;
  return confirm(**session, confirmation, statement_file, output);
}

Result<ExitCode> confirm(Session& session, const wire::CommandConfirmRequest& request,
                         const std::string& statement_file, Output& output) {
  auto ended = ExitCode::kOk;
  Result<void> saved;
  auto called = session.call(wire::kCommandConfirm, request, [&](const wire::CommandConfirmResponse& answer) {
    output.message(answer);
    ended = exit_code_of(answer);
    if (answer.answer && !statement_file.empty()) saved = save_statement(answer.answer->bytes, statement_file);
  });
  if (called) called = std::move(saved);
  if (!called) return fail(std::move(called.error()));
  return ended;
}

ExitCode exit_code_of(const wire::CommandConfirmResponse& answer) {
  if (answer.outcome == "answered") return ExitCode::kOk;
  if (answer.outcome != "rejected") return ExitCode::kOutcomeUnknown;
  const auto code = error_code_from_name(answer.error_code.value_or(""));
  return code ? error_row(*code).exit_code : ExitCode::kRejected;
}

Result<void> check_statement_file(const std::string& path) {
  if (path.empty()) return {};
  uv::PosixDisk disk;
  auto exists = disk.exists(path);
  if (!exists) return fail(std::move(exists.error()));
  if (*exists) return fail(ErrorCode::kUsage, fmt::format("--output {}: the file exists", path));
  return {};
}

Result<std::optional<Bytes>> read_statement(const std::string& path) {
  if (path.empty()) return std::optional<Bytes>();
  uv::PosixDisk disk;
  auto bytes = runtime::read_file(disk, path, kMaxStatementBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  return std::optional(std::move(*bytes));
}

}  // namespace aerodb::console
