#include <fmt/format.h>

#include "controlplane/console/output.h"
#include "controlplane/console/timeline/report_lines.h"

namespace aerodb::console::timeline {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>AeroDB: what happened</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #5d6670; --line: #d5dae0;
  --warn: #9a3412; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --paper: #14171a; --faint: #9aa4ae; --line: #363d45; --warn: #fdba74; }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1, h2, h3 { line-height: 1.2; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0 0 1rem; }
dt, .time, .known { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; unicode-bidi: isolate; }
ol { list-style: none; padding: 0; }
ol > li { border-top: 1px solid var(--line); padding: .4rem 0; }
.name { font-weight: 600; }
.unproven { color: var(--warn); }
pre { margin: .2rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; font-size: .8rem; }
@media print { body { margin: 0; max-width: none; } .name, h2, h3 { break-after: avoid; } }
</style>
</head>
<body>
<h1>What happened</h1>
)";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe.push_back(c);
    }
  }
  return safe;
}

void put(std::string& out, const Lines& lines) {
  out += "<dl>\n";
  for (const auto& [name, value] : lines) out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  out += "</dl>\n";
}

void put(std::string& out, std::string_view title, const std::vector<std::string>& lines) {
  out += fmt::format("<h2>{}</h2>\n<ul>\n", title);
  for (const auto& line : lines) out += fmt::format("<li>{}</li>\n", escaped(line));
  out += "</ul>\n";
}

void put(std::string& out, const ReportEntry& entry) {
  out += fmt::format("<li id=\"{}\">", escaped(entry.entry));
  if (entry.order == "unproven") out += "<div class=\"unproven\">order to the entry above: unproven</div>";
  out += fmt::format("<span class=\"name\">{}</span> {} <span class=\"time\">{}</span>", escaped(entry.entry),
                     escaped(entry.what), time_text(entry.wall_us));
  if (const auto before = known_before(entry); !before.empty())
    out += fmt::format(" <span class=\"known\">after {}</span>", escaped(before));
  out += fmt::format("\n<pre>{}</pre></li>\n", escaped(entry.verbatim));
}

std::vector<std::string> lines_of(const std::vector<ReportProof>& proofs) {
  std::vector<std::string> lines;
  for (const auto& proof : proofs) lines.push_back(proof_line(proof));
  return lines;
}

}  // namespace

std::string html_of(const Report& report) {
  std::string out(kHead);
  put(out, head_lines(report));
  std::vector<std::string> nodes;
  for (const auto& node : report.nodes) nodes.push_back(node_line(node));
  put(out, "Nodes", nodes);
  out += "<h2>Commands</h2>\n";
  for (const auto& command : report.commands) {
    out += fmt::format("<h3>{}</h3>\n", escaped(command_title(command)));
    put(out, command_lines(command));
  }
  if (!report.proofs.empty()) put(out, "Order between sources", lines_of(report.proofs));
  if (!report.contradictions.empty()) put(out, "Contradictions, which prove nothing", lines_of(report.contradictions));
  out += fmt::format("<h2>Records and events</h2>\n<p>{}</p>\n<ol>\n", escaped(kOrderNote));
  for (const auto& entry : report.entries) put(out, entry);
  return out + "</ol>\n</body>\n</html>\n";
}

}  // namespace aerodb::console::timeline
