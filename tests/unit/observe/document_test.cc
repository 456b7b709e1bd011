// docs/spec/OBSERVABILITY.md says what the tables say, and names every log line of the sources. With AERODB_UPDATE=1 in
// the environment the generated tables are written into the document instead of compared.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "common/observe/events.h"
#include "common/observe/metrics.h"

namespace aerodb::observe {
namespace {

// Tests run in the root of the source tree.
constexpr auto kDocument = "docs/spec/OBSERVABILITY.md";

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Section {
  size_t begin = 0;
  size_t bytes = 0;
};
Section section(const std::string& text, const std::string& name) {
  const auto open = fmt::format("<!-- {} -->\n", name);
  const size_t at = text.find(open);
  const size_t end = text.find(fmt::format("<!-- /{} -->", name));
  if (at == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << kDocument << " lacks the section " << name;
    return {};
  }
  return {at + open.size(), end - at - open.size()};
}

void expect_documented(const std::string& name, const std::string& table) {
  std::string text = read_text(kDocument);
  const Section place = section(text, name);
  if (std::getenv("AERODB_UPDATE") != nullptr) {
    text.replace(place.begin, place.bytes, table);
    std::ofstream(kDocument) << text;
    return;
  }
  EXPECT_EQ(text.substr(place.begin, place.bytes), table) << "AERODB_UPDATE=1 rewrites " << kDocument;
}

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
  expect_documented("metrics", table);
}

TEST(Document, HasEveryHistogram) {
  std::string table = "| histogram | unit | N | processes | what it is |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& row : histogram_table()) {
    table += fmt::format("| `{}` | {} | {} to {} | {} | {} |\n", row.name, unit_name(row.unit),
                         uint64_t{1} << row.first_power, uint64_t{1} << row.last_power, processes_text(row.processes),
                         row.help);
  }
  expect_documented("histograms", table);
}

TEST(Document, HasEveryEvent) {
  std::string table = "| event | level | fields | when |\n| --- | --- | --- | --- |\n";
  for (const auto& row : event_table())
    table += fmt::format("| `{}` | {} | {} | {} |\n", row.name, level_text(row.level), row.fields, row.help);
  expect_documented("events", table);
}

using LogLines = std::set<std::pair<std::string, std::string>>;  // name, level

LogLines lines_of_sources() {
  const std::regex call(R"re(log(?:\(\))?\.write\(\s*([^";]*?),\s*"([a-z_.]+)")re");
  const std::regex constant("LogLevel::k([A-Z][a-z]+)");
  LogLines lines;
  for (const auto* root : {"common", "primary", "replica", "shipper", "explainer", "controlplane"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cc") continue;
      const std::string text = read_text(entry.path());
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
  const std::string text = read_text(kDocument);
  const Section place = section(text, "log-lines");
  const std::string table = text.substr(place.begin, place.bytes);
  const std::regex row(R"(\| `([a-z_.]+)` \| ([a-z]+) \|)");
  LogLines documented;
  for (std::sregex_iterator match(table.begin(), table.end(), row), none; match != none; ++match)
    EXPECT_TRUE(documented.emplace((*match)[1], (*match)[2]).second) << (*match)[1];
  EXPECT_GT(documented.size(), 10u);
  EXPECT_EQ(documented, lines_of_sources());
}

}  // namespace
}  // namespace aerodb::observe
