#include "controlplane/console/timeline/report_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/bytes.h"

namespace aerodb::console::timeline {
namespace {

std::string ends_text(const std::vector<std::string>& ends, std::string_view none) {
  return ends.empty() ? std::string(none) : fmt::format("{}", fmt::join(ends, ", "));
}

std::string audit_text(const wire::AuditVerifyResponse& audit) {
  if (audit.whole) return fmt::format("whole, {} records, head {}", audit.records, to_hex(ByteSpan(audit.head)));
  return fmt::format("BROKEN at record {}: {}; from there on its records prove nothing", audit.first_broken.value_or(0),
                     audit.why.value_or(""));
}

std::string_view evaluation_text(const std::optional<bool>& evaluation) {
  if (!evaluation) return "undetermined";
  return *evaluation ? "true" : "false";
}

void add(Lines& lines, std::string_view name, const std::optional<std::string>& value) {
  if (value && !value->empty()) lines.emplace_back(name, *value);
}

}  // namespace

Lines head_lines(const Report& report) {
  return {{"from", ends_text(report.from, "the beginning")},
          {"to", ends_text(report.to, "the end")},
          {"holds", fmt::format("{} audit records, {} events", report.audit_records, report.events)},
          {"audit log", audit_text(report.audit)}};
}

std::string node_line(const ReportNode& node) {
  auto line = fmt::format("{} ({}): ", node.node, node.address);
  if (!node.reached) line += fmt::format("unreached, {}; ", node.why.value_or("no answer"));
  if (!node.first_event) return line + "no events shown";
  line += fmt::format("events {} to {} shown", *node.first_event, *node.last_event);
  if (*node.first_event > 1) line += ", older ones no longer";
  return line + fmt::format("; {} in the range", node.events);
}

std::string command_title(const ReportCommand& command) { return fmt::format("{} {}", command.command, command.node); }

Lines command_lines(const ReportCommand& command) {
  Lines lines;
  add(lines, "request id", command.request_id);
  add(lines, "asked by",
      command.uid ? fmt::format("{} (user id {})", command.operator_name, *command.uid) : command.operator_name);
  add(lines, "reason", command.reason);
  std::vector<std::string> stages;
  for (const auto& stage : command.stages) stages.push_back(fmt::format("{} {}", stage.number, stage.stage));
  add(lines, "audit records", fmt::format("{}", fmt::join(stages, ", ")));
  if (command.interactive)
    lines.emplace_back("phrase", *command.interactive ? "typed on a terminal" : "given by a program");
  add(lines, "unreached then", command.unreached);
  add(lines, "explanation", command.explanation_sha256);
  add(lines, "it concludes", command.conclusion);
  std::vector<std::string> rules;
  for (const auto& rule : command.rules)
    rules.push_back(fmt::format("{} {}", rule.rule_id, evaluation_text(rule.evaluation)));
  add(lines, "rules", fmt::format("{}", fmt::join(rules, ", ")));
  add(lines, "the node noted", fmt::format("{}", fmt::join(command.noted, ", ")));
  add(lines, "outcome", command.outcome);
  add(lines, "code", command.error_code);
  add(lines, "in its words", command.error_message);
  add(lines, "answer", command.answer);
  return lines;
}

std::string proof_line(const ReportProof& proof) {
  return fmt::format("{} before {}: {}", proof.before, proof.after, proof.proof);
}

std::string known_before(const ReportEntry& entry) {
  std::vector<std::string> others;
  for (const auto& place : entry.proven_before) {
    if (place.node != entry.node) others.push_back(fmt::format("{} {}", place.node.value_or("audit"), place.number));
  }
  return fmt::format("{}", fmt::join(others, ", "));
}

}  // namespace aerodb::console::timeline
