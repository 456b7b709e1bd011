// The ring of segments as an account of places: where the next frame goes, and whether there is room. No I/O.
//
// Segment sequence s lives in slot (s - 1) mod slots. It may start when the one it displaces, s - slots, is released.
// Frames never cross a segment; what is left at the end of one is not used.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/wal/format.h"

namespace aerodb::wal {

struct RingGeometry {
  uint32_t slots = 0;
  uint64_t segment_bytes = 0;  // multiple of kSectorBytes
  [[nodiscard]] uint64_t max_wal_bytes() const { return slots * segment_bytes; }
  // Kept free for seals, floors and schemas when commits are refused with WAL_FULL.
  [[nodiscard]] uint64_t reserve_bytes() const { return segment_bytes / 16; }
  friend bool operator==(const RingGeometry&, const RingGeometry&) = default;
};

// Where the next frame goes unless it does not fit there any more.
struct RingCursor {
  uint64_t segment_sequence = 0;  // 0: no segment was started yet
  uint64_t offset = 0;
  friend auto operator<=>(const RingCursor&, const RingCursor&) = default;
};

class Ring {
 public:
  Ring(RingGeometry geometry, RingCursor end, uint64_t released_sequence)
      : geometry_(geometry), end_(end), released_(released_sequence) {}

  // Where a frame of `frame_bytes` on disk goes when the ring ends at `from`; nullopt: no released segment is left.
  [[nodiscard]] std::optional<RingCursor> place(RingCursor from, uint64_t frame_bytes) const;
  // Bytes between `from` and the end of the last segment that may be started.
  [[nodiscard]] uint64_t free_bytes(RingCursor from) const;
  // Largest frame that fits at `from` without starting a segment.
  [[nodiscard]] uint64_t left_in_segment(RingCursor from) const;

  [[nodiscard]] const RingGeometry& geometry() const { return geometry_; }
  [[nodiscard]] RingCursor end() const { return end_; }
  void set_end(RingCursor end) { end_ = end; }
  // Segments up to this sequence may be displaced.
  void release(uint64_t sequence) { released_ = sequence; }
  [[nodiscard]] uint64_t released() const { return released_; }
  [[nodiscard]] uint32_t slot_of(uint64_t sequence) const {
    return static_cast<uint32_t>((sequence - 1) % geometry_.slots);
  }

 private:
  RingGeometry geometry_;
  RingCursor end_;
  uint64_t released_;
};

// "0000.seg" and so on in a directory of segments.
[[nodiscard]] std::vector<std::string> segment_files(const std::string& directory, uint32_t slots);
// The same in the directory "wal" below a data directory.
[[nodiscard]] std::vector<std::string> segment_paths(const std::string& data_dir, uint32_t slots);

}  // namespace aerodb::wal
