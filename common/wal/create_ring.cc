#include "common/wal/ring_files.h"

namespace aerodb::wal {

Result<void> create_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry) {
  return create_ring_in(disk, data_dir + "/wal", geometry);
}

Result<void> create_ring_in(runtime::Disk& disk, const std::string& directory, const RingGeometry& geometry) {
  if (auto made = disk.make_directory(directory); !made) return made;
  for (const auto& path : segment_files(directory, geometry.slots)) {
    auto file = disk.open(path, runtime::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    if (auto filled = (*file)->fill_zero(geometry.segment_bytes); !filled) return filled;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  return disk.sync_directory(directory);
}

}  // namespace aerodb::wal
