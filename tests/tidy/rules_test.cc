// Each rule finds what it forbids, in a tree made for it. A rule that can't fail would prove nothing about the real
// one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

using Rule = Problems (*)(const Tree&);

Problems run(Rule rule, std::vector<File> files) { return rule(Tree{std::move(files)}); }

// Breaks with `bad` and not with `good` in its place.
void expect_tells_apart(Rule rule, const std::vector<File>& bad, const std::vector<File>& good) {
  EXPECT_EQ(run(rule, bad).size(), 1u);
  EXPECT_EQ(run(rule, good), Problems());
}

TEST(TidyRules, AnArrowUpwardsIsFound) {
  expect_tells_apart(check_common_arrows, {{"common/wal/a.cc", "#include \"common/engine/engine.h\"\n"}},
                     {{"common/engine/a.cc", "#include \"common/wal/record.h\"\n"}});
  expect_tells_apart(check_common_arrows, {{"common/node/a.cc", "#include \"primary/no_intake.h\"\n"}},
                     {{"common/node/a.cc", "#include \"common/node/node.h\"\n"}});
  EXPECT_EQ(run(check_common_arrows, {{"common/new/a.cc", "#include \"common/base/ids.h\"\n"}}).size(), 1u);
}

TEST(TidyRules, TheRealRuntimeInACoreIsFound) {
  expect_tells_apart(check_uv_is_glue, {{"shipper/core.cc", "#include \"common/uv/uv_runtime.h\"\n"}},
                     {{"shipper/main.cc", "#include \"common/uv/uv_runtime.h\"\n"},
                      {"explainer/api.h", "#include \"common/uv/http/http_types.h\"\n"}});
}

TEST(TidyRules, ARoleInARoleIsFound) {
  expect_tells_apart(check_roles_apart, {{"replica/a.cc", "#include \"shipper/chunk.h\"\n"}},
                     {{"replica/a.cc", "#include \"replica/intake.h\"\n"}});
  expect_tells_apart(check_roles_apart, {{"controlplane/console/a.cc", "#include \"controlplane/daemon/desk.h\"\n"}},
                     {{"controlplane/console/a.cc", "#include \"controlplane/daemon/audit_verify.h\"\n"}});
}

TEST(TidyRules, AnEngineInTheWitnessIsFound) {
  expect_tells_apart(check_witnesses_without_engine, {{"explainer/a.cc", "#include \"common/engine/engine.h\"\n"}},
                     {{"explainer/a.cc", "#include \"common/rules/rederive.h\"\n"}});
  expect_tells_apart(check_witnesses_without_engine,
                     {{"explainer/offline.cc", "#include \"common/engine/recovery.h\"\n"}},
                     {{"explainer/offline.cc", "#include \"common/engine/inspect.h\"\n"}});
  expect_tells_apart(check_witnesses_without_engine,
                     {{"controlplane/daemon/a.cc", "#include \"common/rules/rederive.h\"\n"}},
                     {{"controlplane/daemon/a.cc", "#include \"common/wire/client.h\"\n"}});
}

TEST(TidyRules, AHeavyHeaderElsewhereIsFound) {
  expect_tells_apart(check_heavy_headers, {{"common/engine/a.cc", "#include <nlohmann/json.hpp>\n"}},
                     {{"common/document/json.cc", "#include <nlohmann/json.hpp>\n"}});
  expect_tells_apart(check_heavy_headers, {{"tests/unit/uv/a_test.cc", "#include <uv.h>\n"}},
                     {{"common/uv/uv_internal.h", "#include <uv.h>\n"}});
}

TEST(TidyRules, AHeaderWithoutContractIsFound) {
  expect_tells_apart(check_headers_open_with_their_contract, {{"shipper/a.h", "#pragma once\n"}},
                     {{"shipper/a.h", "// What.\n#pragma once\n"}});
}

TEST(TidyRules, AControlMethodBesideTheAdapterIsFound) {
  const File table{"common/wire/methods.h",
                   "inline constexpr Method<A, B> kControlDemote{ListenerKind::kControl, \"control.demote\", \"\"};\n"};
  expect_tells_apart(check_kernel_adapter_alone, {table, {"controlplane/daemon/desk.cc", "call(wire::kControlDemote)"}},
                     {table, {"controlplane/daemon/kernel_adapter.cc", "call(wire::kControlDemote)"}});
}

TEST(TidyRules, RepairOutsideTheKernelIsFound) {
  expect_tells_apart(check_repair_stays_in_kernel, {{"explainer/a.cc", "wal::repair_tail(disk)"}},
                     {{"common/engine/a.cc", "wal::repair_tail(disk)"}});
}

TEST(TidyRules, AnIndirectLinkIsFound) {
  const std::string others =
      "aerodb_library(aerodb_controlplane SOURCES a.cc)\naerodb_library(aerodb_shipper SOURCES "
      "a.cc)\naerodb_library(aerodb_node SOURCES a.cc)\n"
      "aerodb_library(aerodb_primary SOURCES a.cc)\naerodb_library(aerodb_replica SOURCES "
      "a.cc)\naerodb_library(aerodb_engine SOURCES a.cc)\n"
      "aerodb_library(aerodb_inspect SOURCES a.cc)\naerodb_library(aerodb_offline SOURCES a.cc)\n";
  expect_tells_apart(
      check_link_arrows,
      {{"CMakeLists.txt",
        others + "aerodb_library(aerodb_x DEPS aerodb_engine)\naerodb_library(aerodb_explainer DEPS aerodb_x)"}},
      {{"CMakeLists.txt",
        others + "aerodb_library(aerodb_x DEPS aerodb_rules)\naerodb_library(aerodb_explainer DEPS aerodb_x)"}});
}

TEST(TidyRules, ASourceThatNothingBuildsIsFound) {
  const File list{"tests/unit/wal/CMakeLists.txt", "aerodb_test(unit_wal SOURCES frame_test.cc) # old_test.cc\n"};
  expect_tells_apart(check_every_source_is_built, {list, {"tests/unit/wal/old_test.cc", ""}},
                     {list, {"tests/unit/wal/frame_test.cc", ""}});
}

TEST(TidyRules, AProcessTestThatIsNotDiscoveredIsFound) {
  const File makefile{"Makefile", "\tpython -m unittest discover -s tests/process -p '*_test.py' -v\n"};
  const File list{"tests/process/CMakeLists.txt", "file(GLOB process_tests *_test.py)\n"};
  expect_tells_apart(check_process_tests_are_run,
                     {{"Makefile", "\tpython -m unittest discover -s tests/process -v\n"}, list}, {makefile, list});
  expect_tells_apart(check_process_tests_are_run, {makefile, {list.path, "file(GLOB process_tests *.sh)\n"}},
                     {makefile, list});
  EXPECT_EQ(run(check_process_tests_are_run, {makefile}).size(), 1u);
  EXPECT_EQ(
      run(check_process_tests_are_run, {makefile, list, {"tests/process/a.py", "class A:\n    def test_b(self):\n"}})
          .size(),
      1u);
}

TEST(TidyRules, ABinaryThatIsNotListedIsFound) {
  const File target{"shipper/CMakeLists.txt", "aerodb_binary(aerodb-shipper SOURCES main.cc)"};
  expect_tells_apart(check_binaries_listed, {target, {"CMakeLists.txt", "add_custom_target(binaries DEPENDS)"}},
                     {target, {"CMakeLists.txt", "add_custom_target(binaries DEPENDS aerodb-shipper)"}});
}

TEST(TidyRules, PackagesOutOfOrderAreFound) {
  expect_tells_apart(check_debian_packages, {{".ci/debian-packages", "# list\ng++\ncmake\n"}},
                     {{".ci/debian-packages", "# list\ncmake\ng++\n"}});
  expect_tells_apart(check_debian_packages, {{".ci/debian-packages", "cmake\ncmake\n"}},
                     {{".ci/debian-packages", "cmake\n"}});
}

TEST(TidyRules, ADrawerIsFound) {
  expect_tells_apart(check_banned_names, {{"common/wal/helpers.cc", ""}}, {{"common/wal/ring.cc", ""}});
  expect_tells_apart(check_banned_names, {{"common/util/ring.cc", ""}}, {{"common/wal/utility_meter.cc", ""}});
}

TEST(TidyRules, ADisabledTestIsFound) {
  expect_tells_apart(check_no_test_disabled, {{"tests/unit/a_test.cc", "TEST(A, DISABLED_B) {}\n"}},
                     {{"tests/unit/a_test.cc", "TEST(A, B) {}\n"}});
}

TEST(TidyRules, AnOpenPointWithoutNumberIsFound) {
  expect_tells_apart(check_open_points_are_numbered, {{"common/wal/a.cc", "// TODO: later\n"}},
                     {{"common/wal/a.cc", "// TODO(#12): later\n// kTODOList\n"}});
}

TEST(TidyRules, AMachinePathIsFound) {
  expect_tells_apart(check_no_machine_in_the_tree, {{"docs/a.md", "cd /home/me/aerodb\n"}},
                     {{"docs/a.md", "cd aerodb\n"}});
}

TEST(TidyRules, AFolderWithoutRowIsFound) {
  const File row{"docs/architecture.md", "## Folders\n\n| folder | holds |\n| --- | --- |\n| `docs/` | text |\n"};
  expect_tells_apart(check_folder_table, {row, {"shipper/a.cc", ""}}, {row});
  EXPECT_EQ(run(check_folder_table, {{"docs/architecture.md", row.text + "| `gone` | nothing |\n"}}).size(), 1u);
}

TEST(TidyRules, AnUnknownErrorCodeIsFound) {
  expect_tells_apart(check_documented_error_codes, {{"docs/a.md", "answers `NO_SUCH_THING`"}},
                     {{"docs/a.md", "answers `NOT_PRIMARY`, see `AERODB_KILLS`"}});
}

TEST(TidyRules, ABadInputWithoutTestIsFound) {
  const File cpp{"tests/unit/a_test.cc", "TEST(Scanner, RefusesDepth33) {}\n"};
  const File python{"tests/process/bad_input_test.py", "class ListenerTest(X):\n    def test_random(self):\n"};
  const std::string head = "## Bad input\n| input | code | test |\n| --- | --- | --- |\n";
  const auto with = [&](std::string cell) {
    return std::vector<File>{{"docs/testing.md", head + "| deep | X | " + cell + " |\n"}, cpp, python};
  };
  expect_tells_apart(check_bad_input_table, with("-"),
                     with("`Scanner.RefusesDepth33`, `bad_input_test.py::ListenerTest.test_random`"));
  EXPECT_EQ(run(check_bad_input_table, with("`Scanner.Gone`")).size(), 1u);
}

TEST(TidyRules, ARuleWithoutTestIsFound) {
  const File cpp{"tests/unit/a_test.cc", "TEST(Rules, Gap) {}\n"};
  const File invariants{"docs/spec/INVARIANTS.md",
                        "| id | statement | source |\n| --- | --- | --- |\n| <a id=\"WAL-1\"></a>WAL-1 | s | t |\n"
                        "| <a id=\"WAL-2\"></a>WAL-2 | s | t |\n"};
  const auto with = [&](const std::string& rows) {
    return std::vector<File>{
        {"docs/testing.md", "## Rules\n| rule | test |\n| --- | --- |\n| WAL-1 | `Rules.Gap` |\n" + rows},
        invariants,
        cpp};
  };
  expect_tells_apart(check_rules_tested, with(""), with("| WAL-2 | `Rules.Gap` |\n"));
  EXPECT_EQ(run(check_rules_tested, with("| WAL-2 | `Rules.Gone` |\n")).size(), 1u);
  EXPECT_EQ(run(check_rules_tested, with("| WAL-2 | `Rules.Gap` |\n| WAL-3 | `Rules.Gap` |\n")).size(), 1u);
  EXPECT_EQ(run(check_rules_tested, with("| WAL-2 | `Rules.Gap` |\n| WAL-2 | `Rules.Gap` |\n")).size(), 1u);
}

TEST(TidyRules, APlantedFaultThatNothingFindsIsFound) {
  const File cpp{"tests/unit/a_test.cc", "TEST(Rules, Gap) {}\n"};
  std::string rows = "## Planted faults\n| fault | rule | test | seeds |\n| --- | --- | --- | --- |\n";
  for (const auto& fault : kFaultNames) {
    if (fault.name != "gap_accepted") rows += fmt::format("| `{}` | R | `Rules.Gap` | - |\n", fault.name);
  }
  const auto with = [&](std::string row) { return std::vector<File>{{"docs/testing.md", rows + row}, cpp}; };
  expect_tells_apart(check_planted_faults, with(""), with("| `gap_accepted` | R | - | 5 |\n"));
  EXPECT_EQ(run(check_planted_faults, with("| `gap_accepted` | R | - | - |\n")).size(), 1u);
  EXPECT_EQ(run(check_planted_faults, with("| `gap_accepted` | R | `Rules.Gone` | 5 |\n")).size(), 1u);
  EXPECT_EQ(run(check_planted_faults, with("| `gap_accepted` | R | - | 5 |\n| `other` | R | - | 5 |\n")).size(), 1u);
}

TEST(TidyRules, AFailureWithoutTestIsFound) {
  const File cpp{"tests/unit/a_test.cc", "TEST(Tail, Torn) {}\n"};
  const auto with = [&](std::string cell) {
    return std::vector<File>{
        {"docs/spec/FAILURE_MODEL.md", "| failure | test |\n| --- | --- |\n| torn | " + cell + " |\n"}, cpp};
  };
  expect_tells_apart(check_failure_model, with("-"), with("`Tail.Torn`"));
  EXPECT_EQ(run(check_failure_model, with("`Tail.Gone`")).size(), 1u);
}

TEST(TidyRules, ALineOfTheScopeWithoutTestIsFound) {
  constexpr std::pair<std::string_view, int> kChapters[] = {{"3.1", 9}, {"3.2", 7}, {"3.3", 6}, {"3.4", 5},
                                                            {"3.5", 6}, {"4.1", 5}, {"4.2", 5}, {"4.3", 4},
                                                            {"4.4", 4}, {"4.5", 5}, {"4.6", 2}};  // one less
  std::string rows = "## Scope\n| chapter | it says | test |\n| --- | --- | --- |\n";
  for (const auto& [number, lines] : kChapters) {
    for (int i = 0; i < lines; ++i) rows += fmt::format("| {} | so | `Desk.Asks` |\n", number);
  }
  const File cpp{"tests/unit/a_test.cc", "TEST(Desk, Asks) {}\n"};
  const auto with = [&](std::string row) { return std::vector<File>{{"docs/spec/CONTROL_PLANE.md", rows + row}, cpp}; };
  expect_tells_apart(check_control_plane_scope, with(""), with("| 4.6 | so | `Desk.Asks` |\n"));
  EXPECT_EQ(run(check_control_plane_scope, with("| 4.6 | so | `Desk.Gone` |\n")).size(), 1u);
  EXPECT_EQ(run(check_control_plane_scope, with("| 4.6 | so | - |\n")).size(), 1u);
  EXPECT_EQ(run(check_control_plane_scope, with("| 4.6 | so | `Desk.Asks` |\n| 4.7 | so | `Desk.Asks` |\n")).size(),
            1u);
}

TEST(TidyRules, AStatusBeyondOpenAndCompleteIsFound) {
  const std::string head = "## Status\n\n| phase | state | exists | missing |\n| --- | --- | --- | --- |\n";
  expect_tells_apart(check_status_table, {{"README.md", head + "| 1 kernel | mostly | all | x |\n"}},
                     {{"README.md", head + "| 1 kernel | open | log | checkpoints |\n"}});
}

}  // namespace
}  // namespace aerodb::tidy
