// The house rules, on this tree. A failure names each place and what to do there.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

void expect_none(Problems (*rule)(const Tree&)) {
  const auto problems = rule(read_project());
  EXPECT_TRUE(problems.empty()) << fmt::format("{} to put right:\n  {}", problems.size(), fmt::join(problems, "\n  "));
}

TEST(Tidy, ReadsTheProject) {
  const auto tree = read_project();
  EXPECT_GT(tree.files.size(), 100u);
  EXPECT_NE(tree.find("common/base/error.cc"), nullptr) << "run this test in the root of the project";
}

TEST(Tidy, FoldersOfCommonIncludeDownwardsOnly) { expect_none(check_common_arrows); }
TEST(Tidy, OnlyProcessGlueKnowsTheRealRuntime) { expect_none(check_uv_is_glue); }
TEST(Tidy, ARoleIncludesNoOtherRole) { expect_none(check_roles_apart); }
TEST(Tidy, WitnessDeskAndShipperIncludeNoEngine) { expect_none(check_witnesses_without_engine); }
TEST(Tidy, HeavyHeadersStayInTheirWrappers) { expect_none(check_heavy_headers); }
TEST(Tidy, HeadersOpenWithTheirContract) { expect_none(check_headers_open_with_their_contract); }
TEST(Tidy, OnlyTheKernelAdapterNamesControlMethods) { expect_none(check_kernel_adapter_alone); }
TEST(Tidy, RepairStaysInTheKernel) { expect_none(check_repair_stays_in_kernel); }

TEST(Tidy, LibrariesLinkDownwardsOnly) { expect_none(check_link_arrows); }
TEST(Tidy, EverySourceIsBuilt) { expect_none(check_every_source_is_built); }
TEST(Tidy, ProcessTestsAreRun) { expect_none(check_process_tests_are_run); }
TEST(Tidy, EveryBinaryIsListed) { expect_none(check_binaries_listed); }
TEST(Tidy, DebianPackagesAreSortedAndUnique) { expect_none(check_debian_packages); }

TEST(Tidy, NoFolderOrFileIsADrawer) { expect_none(check_banned_names); }
TEST(Tidy, NoTestIsDisabled) { expect_none(check_no_test_disabled); }
TEST(Tidy, OpenPointsAreNumbered) { expect_none(check_open_points_are_numbered); }
TEST(Tidy, NoMachineOrRegistryIsNamed) { expect_none(check_no_machine_in_the_tree); }

TEST(Tidy, FolderTableEqualsTheDisk) { expect_none(check_folder_table); }
TEST(Tidy, DocumentedErrorCodesExist) { expect_none(check_documented_error_codes); }
TEST(Tidy, EveryBadInputHasItsTest) { expect_none(check_bad_input_table); }
TEST(Tidy, EveryRuleHasItsTest) { expect_none(check_rules_tested); }
TEST(Tidy, EveryPlantedFaultIsFound) { expect_none(check_planted_faults); }
TEST(Tidy, EveryFailureHasItsTest) { expect_none(check_failure_model); }
TEST(Tidy, EveryLineOfTheControlPlanesScopeHasItsTest) { expect_none(check_control_plane_scope); }
TEST(Tidy, StatusIsStatedPhaseByPhase) { expect_none(check_status_table); }

}  // namespace
}  // namespace aerodb::tidy
