#include "common/wal/places.h"

#include <algorithm>

namespace aerodb::wal {
namespace {
constexpr uint64_t kEveryBytes = 64u << 10;
}

void Places::note(const FramePlace& place) {
  if (!places_.empty()) {
    const auto& last = places_.back().at;
    if (last.segment_sequence == place.at.segment_sequence && place.at.offset - last.offset < kEveryBytes) return;
  }
  places_.push_back(place);
}

void Places::drop_below(uint64_t segment_sequence) {
  while (!places_.empty() && places_.front().at.segment_sequence < segment_sequence) places_.pop_front();
}

std::optional<RingCursor> Places::before(Lsn lsn) const {
  const auto behind = std::upper_bound(places_.begin(), places_.end(), lsn,
                                       [](Lsn wanted, const FramePlace& place) { return wanted < place.first_lsn; });
  if (behind == places_.begin()) return std::nullopt;
  return std::prev(behind)->at;
}

}  // namespace aerodb::wal
