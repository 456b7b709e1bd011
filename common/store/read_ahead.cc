#include "common/store/read_ahead.h"

namespace aerodb::store {

Result<ByteSpan> ReadAhead::at(uint64_t offset, size_t count) {
  const bool held =
      offset >= window_at_ && offset - window_at_ <= window_.size() && count <= window_.size() - (offset - window_at_);
  if (!held) {
    window_.resize(std::max(count, window_bytes_));
    window_at_ = offset;
    auto read = file_.read(offset, window_);
    if (!read) return fail(std::move(read.error()));
    window_.resize(*read);
  }
  const size_t from = offset - window_at_;
  return ByteSpan(window_).subspan(from, std::min(count, window_.size() - from));
}

}  // namespace aerodb::store
