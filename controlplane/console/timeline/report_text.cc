#include <fmt/format.h>

#include "controlplane/console/output.h"
#include "controlplane/console/timeline/report_lines.h"

namespace aerodb::console::timeline {
namespace {

void put(std::string& out, const Lines& lines, std::string_view indent) {
  for (const auto& [name, value] : lines) out += fmt::format("{}{:<16}{}\n", indent, name, printable(value));
}

void put(std::string& out, const ReportEntry& entry) {
  if (entry.order == "unproven") out += "  -- order to the entry above: unproven --\n";
  const auto before = known_before(entry);
  out += printable(fmt::format("  {}  {}  {}", entry.entry, time_text(entry.wall_us), entry.what));
  out += before.empty() ? "\n" : printable(fmt::format("  (after {})", before)) + "\n";
  out += "      " + printable(entry.verbatim) + "\n";
}

}  // namespace

std::string text_of(const Report& report) {
  std::string out = "AeroDB: what happened\n\n";
  put(out, head_lines(report), "");
  out += "\nNodes\n";
  for (const auto& node : report.nodes) out += "  " + printable(node_line(node)) + "\n";
  out += "\nCommands\n";
  for (const auto& command : report.commands) {
    out += "  " + printable(command_title(command)) + "\n";
    put(out, command_lines(command), "    ");
  }
  if (!report.proofs.empty()) out += "\nOrder between sources\n";
  for (const auto& proof : report.proofs) out += "  " + printable(proof_line(proof)) + "\n";
  if (!report.contradictions.empty()) out += "\nContradictions, which prove nothing\n";
  for (const auto& proof : report.contradictions) out += "  " + printable(proof_line(proof)) + "\n";
  out += fmt::format("\nRecords and events\n  {}\n\n", kOrderNote);
  for (const auto& entry : report.entries) put(out, entry);
  return out;
}

}  // namespace aerodb::console::timeline
