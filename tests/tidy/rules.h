// The house rules. Each takes a tree and answers what breaks it, one line a place, with what to do about it; nothing
// where all is well. Pure: rules_test.cc shows of each one that it finds what it forbids.
#pragma once

#include <string>
#include <vector>

#include "tests/tidy/tree.h"

namespace aerodb::tidy {

using Problems = std::vector<std::string>;

// include_rules.cc: who may include whom
[[nodiscard]] Problems check_common_arrows(const Tree& tree);
[[nodiscard]] Problems check_uv_is_glue(const Tree& tree);
[[nodiscard]] Problems check_roles_apart(const Tree& tree);
[[nodiscard]] Problems check_witnesses_without_engine(const Tree& tree);
[[nodiscard]] Problems check_heavy_headers(const Tree& tree);
[[nodiscard]] Problems check_headers_open_with_their_contract(const Tree& tree);
[[nodiscard]] Problems check_kernel_adapter_alone(const Tree& tree);
[[nodiscard]] Problems check_repair_stays_in_kernel(const Tree& tree);

// build_rules.cc: what CMake, make and Debian are told
[[nodiscard]] Problems check_link_arrows(const Tree& tree);
[[nodiscard]] Problems check_every_source_is_built(const Tree& tree);
[[nodiscard]] Problems check_process_tests_are_run(const Tree& tree);
[[nodiscard]] Problems check_binaries_listed(const Tree& tree);
[[nodiscard]] Problems check_debian_packages(const Tree& tree);

// text_rules.cc: names and words
[[nodiscard]] Problems check_banned_names(const Tree& tree);
[[nodiscard]] Problems check_no_test_disabled(const Tree& tree);
[[nodiscard]] Problems check_open_points_are_numbered(const Tree& tree);
[[nodiscard]] Problems check_no_machine_in_the_tree(const Tree& tree);

// document_rules.cc: documents against the tree
[[nodiscard]] Problems check_folder_table(const Tree& tree);
[[nodiscard]] Problems check_documented_error_codes(const Tree& tree);
[[nodiscard]] Problems check_bad_input_table(const Tree& tree);
[[nodiscard]] Problems check_planted_faults(const Tree& tree);
// Every rule of INVARIANTS has a row that names tests, and nothing else has one.
[[nodiscard]] Problems check_rules_tested(const Tree& tree);
[[nodiscard]] Problems check_failure_model(const Tree& tree);
[[nodiscard]] Problems check_control_plane_scope(const Tree& tree);
[[nodiscard]] Problems check_status_table(const Tree& tree);

}  // namespace aerodb::tidy
