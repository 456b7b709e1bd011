// SHA-256 of a whole file, read in pieces. Blocking.
#pragma once

#include <string>

#include "common/base/ids.h"
#include "common/runtime/disk.h"

namespace aerodb::store {

// IO.
[[nodiscard]] Result<Sha256> sha256_of_file(runtime::Disk& disk, const std::string& path);

}  // namespace aerodb::store
