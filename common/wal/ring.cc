#include "common/wal/ring.h"

#include <fmt/format.h>

namespace aerodb::wal {

uint64_t Ring::left_in_segment(RingCursor from) const {
  return from.segment_sequence == 0 ? 0 : geometry_.segment_bytes - from.offset;
}

std::optional<RingCursor> Ring::place(RingCursor from, uint64_t frame_bytes) const {
  if (frame_bytes <= left_in_segment(from)) return from;
  if (frame_bytes > geometry_.segment_bytes - kSegmentHeaderBytes) return std::nullopt;
  const uint64_t next = from.segment_sequence + 1;
  if (next > released_ + geometry_.slots) return std::nullopt;
  return RingCursor{next, kSegmentHeaderBytes};
}

uint64_t Ring::free_bytes(RingCursor from) const {
  const uint64_t startable = released_ + geometry_.slots - from.segment_sequence;
  return left_in_segment(from) + startable * (geometry_.segment_bytes - kSegmentHeaderBytes);
}

std::vector<std::string> segment_files(const std::string& directory, uint32_t slots) {
  std::vector<std::string> paths;
  for (uint32_t slot = 0; slot < slots; ++slot) paths.push_back(fmt::format("{}/{:04}.seg", directory, slot));
  return paths;
}

std::vector<std::string> segment_paths(const std::string& data_dir, uint32_t slots) {
  return segment_files(data_dir + "/wal", slots);
}

}  // namespace aerodb::wal
