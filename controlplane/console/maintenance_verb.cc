#include "controlplane/console/maintenance_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "controlplane/console/node/init.h"
#include "controlplane/console/phrase.h"

namespace aerodb::console {

void MaintenanceVerb::declare(Options& options) {
  options.text("--reason", "TEXT", reason_, "why; stands in the node's events");
  node_.declare(options);
  format_.declare(options);
}

wire::Request MaintenanceVerb::request() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {fmt::format("{}-{}", std::chrono::duration_cast<std::chrono::microseconds>(now).count(), getpid()),
          account_name(), reason_, std::nullopt};
}

Result<std::unique_ptr<Session>> MaintenanceVerb::connect(Output& output) {
  format_.apply(output);
  return node_.connect();
}

Result<void> MaintenanceVerb::check_reason() const {
  if (!reason_.empty()) return {};
  return fail(ErrorCode::kReasonRequired, fmt::format("{}: --reason TEXT is missing", text().path));
}

Result<std::string> MaintenanceVerb::typed(std::string_view option, const std::string& given, const std::string& wanted,
                                           Output& output) const {
  if (!given.empty()) return given;
  if (can_ask(output)) {
    if (auto phrase = ask_phrase(wanted, output); phrase && !phrase->empty()) return *phrase;
  }
  return fail(Error{
      ErrorCode::kConfirmationRequired,
      fmt::format("{}: nothing was typed and no {} given; it is \"{}\"", text().path, option, wanted),
      {}}.with("phrase", wanted));
}

}  // namespace aerodb::console
