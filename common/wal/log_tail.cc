#include "common/wal/log_tail.h"

#include <algorithm>

#include "common/base/assert.h"
#include "common/wal/record.h"

namespace aerodb::wal {

std::unique_ptr<FrameBuffer> LogTail::push(std::unique_ptr<FrameBuffer> frame) {
  held_bytes_ += frame->bytes.capacity();
  frames_.push_back(std::move(frame));
  std::unique_ptr<FrameBuffer> oldest;
  // Several small frames may have to leave for a large one.
  while (held_bytes_ > max_bytes_ && frames_.size() > 1) {
    oldest = std::move(frames_.front());
    frames_.pop_front();
    held_bytes_ -= oldest->bytes.capacity();
  }
  return oldest;
}

Lsn LogTail::first_lsn() const { return frames_.empty() ? Lsn() : frames_.front()->first_lsn; }

uint32_t LogTail::read(Lsn from, Lsn up_to, uint64_t max_bytes, Bytes& out) const {
  auto frame =
      std::upper_bound(frames_.begin(), frames_.end(), from, [](Lsn lsn, const auto& f) { return lsn < f->first_lsn; });
  AERODB_ASSERT(frame != frames_.begin());
  --frame;
  const size_t begin = out.size();
  uint32_t count = 0;
  for (; frame != frames_.end() && (*frame)->first_lsn <= up_to; ++frame) {
    const size_t before = out.size();
    const size_t taken = before - begin;
    if (count > 0 && taken >= max_bytes) break;
    ByteSpan body = ByteSpan((*frame)->bytes).subspan(kSegmentHeaderBytes + kFrameHeaderBytes, (*frame)->body_bytes);
    const uint32_t more = take_records(body, (*frame)->first_lsn, std::max(from, (*frame)->first_lsn), up_to,
                                       std::max<uint64_t>(max_bytes, taken) - taken, out);
    // A frame's first record is taken whatever its size: given back where it is not the very first.
    if (count > 0 && out.size() - begin > max_bytes) {
      out.resize(before);
      break;
    }
    count += more;
    // Records of this frame that found no room: nothing of the next one may follow.
    if (from.value() + count < (*frame)->first_lsn.value() + (*frame)->count) break;
  }
  return count;
}

uint32_t take_records(ByteSpan body, Lsn first, Lsn skip_to, Lsn up_to, uint64_t max_bytes, Bytes& out) {
  size_t at = 0;
  Lsn lsn = first;
  size_t begin = 0;
  uint32_t count = 0;
  while (at < body.size() && lsn <= up_to) {
    // Only the length is needed: the frame's checksum covers the rest.
    const uint64_t bytes = kRecordHeaderBytes + round_up(ByteReader(body.subspan(at)).u32(), 8);
    AERODB_ASSERT(bytes <= body.size() - at);
    if (lsn < skip_to) {
      begin = at + bytes;
    } else {
      if (count > 0 && at + bytes - begin > max_bytes) break;
      ++count;
    }
    at += bytes;
    lsn = lsn.next();
  }
  if (count > 0)
    out.insert(out.end(), body.begin() + static_cast<ptrdiff_t>(begin), body.begin() + static_cast<ptrdiff_t>(at));
  return count;
}

}  // namespace aerodb::wal
