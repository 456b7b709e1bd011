#include "common/wal/ring_files.h"

#include <fmt/format.h>

namespace aerodb::wal {
namespace {

std::unexpected<Error> segment_missing(std::string what) {
  return fail(ErrorCode::kWalSegmentMissing, "open log: " + what);
}

Result<void> read_slot(runtime::File& file, const std::string& path, uint32_t slot, const ClusterId& cluster,
                       const InstanceId& instance, OpenRing& ring) {
  auto size = file.size();
  if (!size) return fail(std::move(size.error()));
  if (*size != ring.geometry.segment_bytes) {
    return segment_missing(
        fmt::format("{} has {} bytes, the configuration says {}", path, *size, ring.geometry.segment_bytes));
  }
  Bytes sector(kSegmentHeaderBytes);
  auto count = file.read(0, sector);
  if (!count) return fail(std::move(count.error()));
  SegmentHeader header;
  switch (read_segment_header(sector, header)) {
    case SegmentHeaderState::kInvalid:
      return {};
    case SegmentHeaderState::kNewerFormat:
      return fail(ErrorCode::kNewerFormat, fmt::format("open log: {} has a newer format", path));
    case SegmentHeaderState::kValid:
      break;
  }
  if (header.cluster != cluster || header.instance != instance) {
    return fail(ErrorCode::kWrongNode, fmt::format("open log: {} belongs to instance {} of cluster {}", path,
                                                   to_hex(header.instance), to_hex(header.cluster)));
  }
  if ((header.sequence - 1) % ring.geometry.slots != slot) {
    return segment_missing(
        fmt::format("{} holds segment {}, which does not belong in slot {}", path, header.sequence, slot));
  }
  ring.segments.emplace(header.sequence, header);
  return {};
}

}  // namespace

Result<OpenRing> open_ring(runtime::Disk& disk, const std::string& directory, const RingGeometry& geometry,
                           const ClusterId& cluster, const InstanceId& instance) {
  OpenRing ring;
  ring.geometry = geometry;
  const auto paths = segment_files(directory, geometry.slots + 1);
  for (uint32_t slot = 0; slot < geometry.slots; ++slot) {
    auto present = disk.exists(paths[slot]);
    if (!present) return fail(std::move(present.error()));
    if (!*present) return segment_missing(paths[slot] + " is missing");
    auto file = disk.open(paths[slot], runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    ring.files.push_back(std::move(*file));
    if (auto read = read_slot(*ring.files.back(), paths[slot], slot, cluster, instance, ring); !read)
      return fail(std::move(read.error()));
  }
  auto beyond = disk.exists(paths.back());
  if (!beyond) return fail(std::move(beyond.error()));
  if (*beyond) {
    return segment_missing(
        fmt::format("the directory has more than the {} segments of the configuration", geometry.slots));
  }
  return ring;
}

Result<RingGeometry> ring_geometry(runtime::Disk& disk, const std::string& data_dir) {
  auto names = disk.list(data_dir + "/wal");
  if (!names) return fail(std::move(names.error()));
  RingGeometry geometry{static_cast<uint32_t>(names->size()), 0};
  if (names->empty()) return segment_missing(data_dir + "/wal holds no segment");
  for (const auto& path : segment_paths(data_dir, geometry.slots)) {
    auto present = disk.exists(path);
    if (!present) return fail(std::move(present.error()));
    if (!*present) return segment_missing(fmt::format("{} is missing among {} files", path, geometry.slots));
    auto file = disk.open(path, runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    auto size = (*file)->size();
    if (!size) return fail(std::move(size.error()));
    if (geometry.segment_bytes == 0) geometry.segment_bytes = *size;
    if (*size != geometry.segment_bytes || *size == 0 || *size % kSectorBytes != 0) {
      return segment_missing(fmt::format("{} has {} bytes, the first segment {}", path, *size, geometry.segment_bytes));
    }
  }
  return geometry;
}

}  // namespace aerodb::wal
