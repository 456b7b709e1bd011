// Where records lie: sparse places of frames, so that a reader starts near the record it wants. No I/O.
#pragma once

#include <deque>
#include <optional>

#include "common/base/ids.h"
#include "common/wal/ring.h"

namespace aerodb::wal {

struct FramePlace {
  Lsn first_lsn;
  RingCursor at;
};

// About one place every 64 KiB, and always a segment's first.
class Places {
 public:
  // Frames come in order.
  void note(const FramePlace& place);
  // Forgets the segments below this sequence.
  void drop_below(uint64_t segment_sequence);
  // The last place noted at or before the record; nullopt: it lies before them all.
  [[nodiscard]] std::optional<RingCursor> before(Lsn lsn) const;
  // 0 where there is none.
  [[nodiscard]] Lsn first_lsn() const { return places_.empty() ? Lsn() : places_.front().first_lsn; }
  [[nodiscard]] size_t size() const { return places_.size(); }

 private:
  std::deque<FramePlace> places_;
};

}  // namespace aerodb::wal
