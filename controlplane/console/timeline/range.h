// The part of a timeline between two ends. Pure.
//
// An entry is outside where it is proven to be: before an end of --from, or after an end of --to. What no proof puts
// outside is in the range. Several ends narrow it from several sources.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/timeline/order.h"

namespace aerodb::console::timeline {

struct Range {
  std::vector<EntryName> from;  // none: from the beginning
  std::vector<EntryName> to;    // none: to the end
};
// USAGE for an end that is no entry name.
[[nodiscard]] Result<Range> range_of(const std::vector<std::string>& from, const std::vector<std::string>& to);

// Indexes of the entries in the range, in the order of the listing. USAGE for an end that is none of the entries.
[[nodiscard]] Result<std::vector<size_t>> select(const Timeline& timeline, const Range& range);

}  // namespace aerodb::console::timeline
