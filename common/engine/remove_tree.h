// Removing directories whole. Blocking; making it durable is the caller's.
#pragma once

#include <string>

#include "common/runtime/disk.h"

namespace aerodb::engine {

// A file, or a directory with all that is in it.
[[nodiscard]] Result<void> remove_tree(runtime::Disk& disk, const std::string& path);
// The same; success where nothing is there.
[[nodiscard]] Result<void> remove_if_there(runtime::Disk& disk, const std::string& path);

}  // namespace aerodb::engine
