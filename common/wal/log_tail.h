// The newest durable frames, kept in memory so that shipping reads no disk. Bounded in bytes; the oldest leave first.
#pragma once

#include <deque>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace aerodb::wal {

// A frame under construction or done: [segment header][frame header][records][padding].
struct FrameBuffer {
  Bytes bytes;
  size_t body_bytes = 0;
  Lsn first_lsn;
  uint32_t count = 0;
};

class LogTail {
 public:
  explicit LogTail(uint64_t max_bytes) : max_bytes_(max_bytes) {}
  // Frames come in order of LSN. Answers a buffer to recycle where one fell out.
  std::unique_ptr<FrameBuffer> push(std::unique_ptr<FrameBuffer> frame);
  // Oldest LSN held; 0 where nothing is.
  [[nodiscard]] Lsn first_lsn() const;
  // Appends whole records from `from` on, at most max_bytes unless the first alone is larger, none above `up_to`.
  // Requires first_lsn() <= from <= up_to <= newest held. Answers how many.
  uint32_t read(Lsn from, Lsn up_to, uint64_t max_bytes, Bytes& out) const;

 private:
  uint64_t max_bytes_;
  uint64_t held_bytes_ = 0;
  std::deque<std::unique_ptr<FrameBuffer>> frames_;
};

// Appends whole records of `body`, whose first has LSN `first`, under the same terms. `skip_to` is the first one
// wanted.
uint32_t take_records(ByteSpan body, Lsn first, Lsn skip_to, Lsn up_to, uint64_t max_bytes, Bytes& out);

}  // namespace aerodb::wal
