// Sentences that the text and the HTML form of a report share. Plain text; what came from outside is not escaped yet.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "controlplane/console/timeline/report.h"

namespace aerodb::console::timeline {

inline constexpr std::string_view kOrderNote =
    "An entry comes after the one above it by proof, unless it says that this is unproven. Times are what each "
    "machine's "
    "clock showed; they order nothing.";

using Lines = std::vector<std::pair<std::string, std::string>>;  // name and value

[[nodiscard]] Lines head_lines(const Report& report);
[[nodiscard]] std::string node_line(const ReportNode& node);
[[nodiscard]] std::string command_title(const ReportCommand& command);
[[nodiscard]] Lines command_lines(const ReportCommand& command);
[[nodiscard]] std::string proof_line(const ReportProof& proof);
// "audit 4, p1 8": of each source the last entry that is proven to be before `entry`, its own source left out.
[[nodiscard]] std::string known_before(const ReportEntry& entry);

}  // namespace aerodb::console::timeline
