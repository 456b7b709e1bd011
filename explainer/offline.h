// Explanations of a directory at rest: what the next start will find and do. Blocking, for a process of its own.
//
// Reads alone: through a disk that refuses every change, without a lock, and built without what repairs or writes. A
// directory that somebody holds, or that changes meanwhile, is not explained.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/rules/explanation.h"
#include "common/runtime/disk.h"

namespace aerodb::explainer {

// "recovery", "halt", "checkpoint", "promotion"
[[nodiscard]] std::vector<std::string> offline_subjects();

// LOCKED, NOT_READY, NOT_INITIALIZED, IO (see offline_watch.h); USAGE for a subject that there is none of. `recovery`
// explains whatever else is found, damage included; the others need a log that verifies and answer its error.
[[nodiscard]] Result<rules::Explanation> explain_directory(runtime::Disk& disk, const std::string& data_dir,
                                                           std::string_view subject);

}  // namespace aerodb::explainer
