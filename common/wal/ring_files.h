// The files of a ring: making them, opening them, and what their first sectors say. Blocking.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/runtime/disk.h"
#include "common/wal/frame.h"
#include "common/wal/ring.h"

namespace aerodb::wal {

// All slots open for reading, and the valid headers by sequence.
struct OpenRing {
  RingGeometry geometry;
  std::vector<std::unique_ptr<runtime::File>> files;  // by slot
  std::map<uint64_t, SegmentHeader> segments;
  [[nodiscard]] runtime::File& file_of(uint64_t sequence) const { return *files[(sequence - 1) % geometry.slots]; }
};

// Opens the ring in `directory`. IO, WAL_SEGMENT_MISSING (a file is absent, surplus, of the wrong size or in another's
// slot), NEWER_FORMAT, WRONG_NODE (another node's segments).
[[nodiscard]] Result<OpenRing> open_ring(runtime::Disk& disk, const std::string& directory,
                                         const RingGeometry& geometry, const ClusterId& cluster,
                                         const InstanceId& instance);

// In create_ring.cc. Creates DIR/wal and the ring's files in it, every byte zero and durable. For init. The entry in
// DIR is the caller's to sync.
[[nodiscard]] Result<void> create_ring(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry);
// The same in a directory of another name.
[[nodiscard]] Result<void> create_ring_in(runtime::Disk& disk, const std::string& directory,
                                          const RingGeometry& geometry);

// What the files in DIR/wal say of the geometry. WAL_SEGMENT_MISSING where they contradict one another; IO.
[[nodiscard]] Result<RingGeometry> ring_geometry(runtime::Disk& disk, const std::string& data_dir);

}  // namespace aerodb::wal
