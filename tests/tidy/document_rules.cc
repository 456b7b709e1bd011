#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "common/base/error.h"
#include "common/base/fault.h"
#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

constexpr std::string_view kArchitecture = "docs/architecture.md";
constexpr std::string_view kTesting = "docs/testing.md";
constexpr std::string_view kFailureModel = "docs/spec/FAILURE_MODEL.md";
constexpr std::string_view kInvariants = "docs/spec/INVARIANTS.md";
constexpr std::string_view kControlPlane = "docs/spec/CONTROL_PLANE.md";
constexpr std::string_view kScope = "## Scope";

// How many things each chapter of the scope of phase 7 says.
struct Chapter {
  std::string_view number;
  size_t lines;
};
constexpr Chapter kScopeChapters[] = {{"3.1", 9}, {"3.2", 7}, {"3.3", 6}, {"3.4", 5}, {"3.5", 6}, {"4.1", 5},
                                      {"4.2", 5}, {"4.3", 4}, {"4.4", 4}, {"4.5", 5}, {"4.6", 3}};

bool is_upper_snake(std::string_view word) {
  return word.find('_') != std::string_view::npos && std::isupper(static_cast<unsigned char>(word.front())) != 0 &&
         std::ranges::all_of(word,
                             [](unsigned char c) { return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_'; });
}

// Words of that shape that are names of something else.
bool is_other_name(std::string_view word) {
  return word.starts_with("AERODB_") || word == "MSGPACK_NO_BOOST" || word == "NO_COLOR";
}

// "Suite.Name" of every GoogleTest test in tests/.
std::set<std::string> cpp_tests(const Tree& tree) {
  std::set<std::string> names;
  for (const auto& file : tree.files) {
    if (!is_test(file.path) || !file.path.ends_with(".cc")) continue;
    for (const auto& line : lines_of(file)) {
      if (!line.text.starts_with("TEST(") && !line.text.starts_with("TEST_F(") && !line.text.starts_with("TEST_P(") &&
          !line.text.starts_with("TYPED_TEST("))
        continue;
      const auto open = line.text.find('(');
      const auto comma = line.text.find(',', open);
      const auto close = line.text.find(')', open);
      if (comma == std::string_view::npos || close == std::string_view::npos || comma > close) continue;
      auto name = line.text.substr(comma + 1, close - comma - 1);
      while (name.starts_with(' ')) name.remove_prefix(1);
      names.insert(fmt::format("{}.{}", line.text.substr(open + 1, comma - open - 1), name));
    }
  }
  return names;
}

// "file.py::Class.test" of every test in Python.
std::set<std::string> python_tests(const Tree& tree) {
  std::set<std::string> names;
  for (const auto& file : tree.files) {
    if (!is_test(file.path) || !file.path.ends_with("_test.py")) continue;
    const auto base = file.path.substr(file.path.rfind('/') + 1);
    std::string group;
    for (const auto& line : lines_of(file)) {
      constexpr std::string_view kDef = "    def ";
      if (line.text.starts_with("class ")) group = line.text.substr(6, line.text.find_first_of("(:") - 6);
      if (!line.text.starts_with("    def test_")) continue;
      names.insert(
          fmt::format("{}::{}.{}", base, group, line.text.substr(kDef.size(), line.text.find('(') - kDef.size())));
    }
  }
  return names;
}

// The last cell of every row of every table after `heading` (the whole page where it is empty) names tests that exist.
Problems check_tests_named(const Tree& tree, std::string_view page, std::string_view heading) {
  const auto* document = tree.find(page);
  if (document == nullptr) return {fmt::format("{}: it is gone; its tables name the tests behind them", page)};
  auto known = cpp_tests(tree);
  known.merge(python_tests(tree));
  const auto rows = all_table_rows(*document, heading, "");
  Problems problems;
  if (rows.empty()) problems.push_back(fmt::format("{}: no table where tests are named", page));
  for (const auto& row : rows) {
    const auto tests = code_spans(row.cells.back());
    if (tests.empty())
      problems.push_back(fmt::format("{}:{}: \"{}\" names no test; write one, or take the claim out", page, row.line,
                                     row.cells.front()));
    for (const auto& test : tests) {
      if (!known.contains(test))
        problems.push_back(fmt::format("{}:{}: there is no test {}; names are Suite.Name or file.py::Class.test", page,
                                       row.line, test));
    }
  }
  return problems;
}

}  // namespace

Problems check_folder_table(const Tree& tree) {
  const auto* document = tree.find(kArchitecture);
  if (document == nullptr) return {fmt::format("{}: write it; it shows every folder", kArchitecture)};
  std::set<std::string> documented;
  Problems problems;
  for (const auto& row : table_rows(*document, "## Folders")) {
    const auto spans = code_spans(row.cells.front());
    auto folder = spans.empty() ? row.cells.front() : spans.front();
    if (folder.ends_with('/')) folder.pop_back();
    if (!documented.insert(folder).second)
      problems.push_back(fmt::format("{}:{}: {} stands there twice", kArchitecture, row.line, folder));
    if (row.cells.size() < 2 || row.cells[1].empty())
      problems.push_back(fmt::format("{}:{}: say what {} holds", kArchitecture, row.line, folder));
  }
  const auto on_disk = tree.folders(2);
  for (const auto& folder : on_disk) {
    if (!documented.contains(folder))
      problems.push_back(fmt::format("{}: `## Folders` lacks {}; add a row that says its duty in one sentence",
                                     kArchitecture, folder));
  }
  for (const auto& folder : documented) {
    if (!on_disk.contains(folder))
      problems.push_back(
          fmt::format("{}: `## Folders` names {}, which has no file; delete the row", kArchitecture, folder));
  }
  return problems;
}

Problems check_documented_error_codes(const Tree& tree) {
  Problems problems;
  for (const auto& file : tree.files) {
    if (!file.path.ends_with(".md")) continue;
    for (const auto& line : lines_of(file)) {
      for (const auto& word : code_spans(line.text)) {
        if (word.empty() || !is_upper_snake(word) || is_other_name(word) || error_code_from_name(word)) continue;
        problems.push_back(fmt::format("{}:{}: {} is no code of common/base/error.cc; use the code that is answered",
                                       file.path, line.number, word));
      }
    }
  }
  return problems;
}

Problems check_bad_input_table(const Tree& tree) { return check_tests_named(tree, kTesting, "## Bad input"); }

Problems check_planted_faults(const Tree& tree) {
  const auto* document = tree.find(kTesting);
  if (document == nullptr) return {fmt::format("{}: it is gone; it says what finds each planted fault", kTesting)};
  const auto known = cpp_tests(tree);
  std::set<std::string> documented;
  Problems problems;
  for (const auto& row : table_rows(*document, "## Planted faults")) {
    for (auto& name : code_spans(row.cells.front())) {
      if (std::ranges::find(kFaultNames, name, &FaultName::name) == std::end(kFaultNames))
        problems.push_back(fmt::format("{}:{}: {} is no planted fault; delete the row", kTesting, row.line, name));
      if (!documented.insert(name).second)
        problems.push_back(fmt::format("{}:{}: {} stands there twice", kTesting, row.line, name));
    }
    const auto finders = code_spans(row.cells[row.cells.size() > 2 ? 2 : 0]);
    const bool in_simulator = row.cells.size() > 3 && !row.cells[3].empty() && row.cells[3] != "-";
    if (finders.empty() && !in_simulator)
      problems.push_back(fmt::format("{}:{}: nothing finds {}", kTesting, row.line, row.cells.front()));
    for (const auto& test : finders) {
      if (!known.contains(test))
        problems.push_back(fmt::format("{}:{}: there is no test {}", kTesting, row.line, test));
    }
  }
  for (const auto& fault : kFaultNames) {
    if (!documented.contains(std::string(fault.name)))
      problems.push_back(fmt::format("{}: `## Planted faults` lacks {}; say what finds it", kTesting, fault.name));
  }
  return problems;
}

Problems check_rules_tested(const Tree& tree) {
  auto problems = check_tests_named(tree, kTesting, "## Rules");
  const auto* invariants = tree.find(kInvariants);
  const auto* testing = tree.find(kTesting);
  if (invariants == nullptr || testing == nullptr) return {fmt::format("{} or {} is gone", kInvariants, kTesting)};
  std::set<std::string> stated;
  for (const auto& row : all_table_rows(*invariants, "", "")) {
    const auto& cell = row.cells.front();  // <a id="WAL-1"></a>WAL-1
    if (const auto anchor = cell.rfind('>'); anchor != std::string::npos) stated.insert(cell.substr(anchor + 1));
  }
  std::set<std::string> tested;
  for (const auto& row : table_rows(*testing, "## Rules")) {
    if (!stated.contains(row.cells.front()))
      problems.push_back(fmt::format("{}:{}: {} is no rule of {}", kTesting, row.line, row.cells.front(), kInvariants));
    if (!tested.insert(row.cells.front()).second)
      problems.push_back(fmt::format("{}:{}: {} stands there twice", kTesting, row.line, row.cells.front()));
  }
  for (const auto& rule : stated) {
    if (!tested.contains(rule))
      problems.push_back(fmt::format("{}: `## Rules` lacks {}; name a test of it", kTesting, rule));
  }
  return problems;
}

Problems check_failure_model(const Tree& tree) { return check_tests_named(tree, kFailureModel, ""); }

Problems check_control_plane_scope(const Tree& tree) {
  auto problems = check_tests_named(tree, kControlPlane, kScope);
  const auto* document = tree.find(kControlPlane);
  if (document == nullptr) return problems;
  std::map<std::string, size_t> found;
  for (const auto& row : all_table_rows(*document, kScope, "")) ++found[row.cells.front()];
  for (const auto& chapter : kScopeChapters) {
    const auto lines = found.extract(std::string(chapter.number));
    if (lines.empty() || lines.mapped() != chapter.lines)
      problems.push_back(fmt::format("{}: `{}` has {} rows of chapter {}, which says {} things", kControlPlane, kScope,
                                     lines.empty() ? 0 : lines.mapped(), chapter.number, chapter.lines));
  }
  for (const auto& [number, lines] : found)
    problems.push_back(fmt::format("{}: `{}` has a chapter \"{}\"; the scope has none", kControlPlane, kScope, number));
  return problems;
}

Problems check_status_table(const Tree& tree) {
  const auto* readme = tree.find("README.md");
  if (readme == nullptr)
    return {"README.md: write it; its status table says what may be claimed (docs/decisions/0001)"};
  const auto rows = table_rows(*readme, "## Status");
  Problems problems;
  if (rows.empty())
    problems.push_back("README.md: no table under `## Status`; it says of each phase whether it is open or complete");
  for (const auto& row : rows) {
    if (row.cells.size() < 4) {
      problems.push_back(fmt::format("README.md:{}: expected phase, state, what exists, what is missing", row.line));
      continue;
    }
    const auto& state = row.cells[1];
    if (state != "open" && state != "complete")
      problems.push_back(fmt::format("README.md:{}: state \"{}\"; a phase is open or complete", row.line, state));
    if (state == "open" && row.cells[3].empty())
      problems.push_back(fmt::format("README.md:{}: say what is missing until the phase is complete", row.line));
  }
  return problems;
}

}  // namespace aerodb::tidy
