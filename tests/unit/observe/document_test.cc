// docs/spec/OBSERVABILITY.md says what the tables say, and names every log line of the sources.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "common/observe/events.h"
#include "common/observe/metrics.h"
#include "tests/documents.h"

namespace aerodb::observe {
namespace {

constexpr auto kDocument = "docs/spec/OBSERVABILITY.md";

std::string processes_text(uint8_t processes) {
  constexpr std::pair<Process, std::string_view> kProcesses[] = {{Process::kNode, "node"},
                                                                 {Process::kShipper, "shipper"},
                                                                 {Process::kExplainer, "explainer"},
                                                                 {Process::kControlplane, "controlplane"}};
  std::string text;
  size_t count = 0;
  for (const auto& [process, name] : kProcesses) {
    if ((processes & static_cast<uint8_t>(process)) == 0) continue;
    text += fmt::format("{}{}", count++ == 0 ? "" : ", ", name);
  }
  return count == std::size(kProcesses) ? "all" : text;
}

std::string_view level_text(LogLevel level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

TEST(Document, HasEveryMetric) {
  std::string table = "| metric | kind | processes | what it is |\n| --- | --- | --- | --- |\n";
  for (const auto& row : metric_table()) {
    table += fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.kind == MetricKind::kCounter ? "counter" : "gauge",
                         processes_text(row.processes), row.help);
  }
  documents::expect_section(kDocument, "metrics", table);
}

TEST(Document, HasEveryHistogram) {
  std::string table = "| histogram | unit | N | processes | what it is |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : histogram_table()) {
    table += fmt::format("| `{}` | {} | {} to {} | {} | {} |\n", row.name, unit_name(row.unit),
                         uint64_t{1} << row.first_power, uint64_t{1} << row.last_power, processes_text(row.processes),
                         row.help);
  }
  documents::expect_section(kDocument, "histograms", table);
}

TEST(Document, HasEveryEvent) {
  std::string table = "| event | level | fields | when |\n| --- | --- | --- | --- |\n";
  for (const auto& row : event_table())
    table += fmt::format("| `{}` | {} | {} | {} |\n", row.name, level_text(row.level), row.fields, row.help);
  documents::expect_section(kDocument, "events", table);
}

using LogLines = std::set<std::pair<std::string, std::string>>;  // name, level

LogLines lines_of_sources() {
  const std::regex call(R"re(log(?:\(\))?\.write\(\s*([^";]*?),\s*"([a-z_.]+)")re");
  const std::regex constant("LogLevel::k([A-Z][a-z]+)");
  LogLines lines;
  for (const auto* root : {"common", "primary", "replica", "shipper", "explainer", "controlplane"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cc") continue;
      const std::string text = documents::read_text(entry.path());
      for (std::sregex_iterator match(text.begin(), text.end(), call), none; match != none; ++match) {
        std::smatch level;
        const std::string expression = (*match)[1];
        std::string name = "varies";
        if (std::regex_match(expression, level, constant)) {
          name = level[1];
          name[0] = static_cast<char>(std::tolower(name[0]));
        }
        lines.emplace((*match)[2], name);
      }
    }
  }
  return lines;
}

TEST(Document, NamesEveryLogLineOfTheSources) {
  const std::string table = documents::read_section(kDocument, "log-lines");
  const std::regex row(R"(\| `([a-z_.]+)` \| ([a-z]+) \|)");
  LogLines documented;
  for (std::sregex_iterator match(table.begin(), table.end(), row), none; match != none; ++match)
    EXPECT_TRUE(documented.emplace((*match)[1], (*match)[2]).second) << (*match)[1];
  EXPECT_GT(documented.size(), 10u);
  EXPECT_EQ(documented, lines_of_sources());
}

}  // namespace
}  // namespace aerodb::observe
