// The disk work of snapshots and of clearing up after operations. Blocking, for Jobs.
//
// A snapshot, DIR/snapshots/NAME, holds second names of the manifest's runs and, written last, the manifest with the
// schemas in it: without its manifest a snapshot is incomplete and counts for nothing.
#pragma once

#include <string>
#include <vector>

#include "common/runtime/disk.h"
#include "common/store/manifest.h"

namespace aerodb::engine {

// 1 to 128 letters, digits, '.', '_' and '-', not starting with '.'.
[[nodiscard]] bool is_snapshot_name(std::string_view name);

// SNAPSHOT_EXISTS where the name is taken (by an incomplete one too) or there are `max_snapshots` already.
[[nodiscard]] Result<void> make_snapshot(runtime::Disk& disk, const std::string& data_dir, const std::string& name,
                                         const store::Manifest& manifest, uint64_t max_snapshots);

struct SnapshotFound {
  std::string name;
  bool complete = false;
};
// Sorted by name; empty where there is no directory of them.
[[nodiscard]] Result<std::vector<SnapshotFound>> list_snapshots(runtime::Disk& disk, const std::string& data_dir);

// Removes the run files that neither `manifest` nor the one on disk names, except `kept`. The two differ where the last
// install failed: either may be there after a crash.
[[nodiscard]] Result<void> remove_strays(runtime::Disk& disk, const std::string& data_dir,
                                         const store::Manifest& manifest, const std::vector<std::string>& kept);

}  // namespace aerodb::engine
