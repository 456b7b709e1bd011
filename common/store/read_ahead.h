// Reads a file front to back in large pieces. Blocking.
#pragma once

#include <algorithm>

#include "common/runtime/disk.h"

namespace aerodb::store {

class ReadAhead {
 public:
  ReadAhead(runtime::File& file, uint64_t file_bytes)
      : file_(file), window_bytes_(std::min<uint64_t>(file_bytes, 1u << 20)) {}
  // `count` bytes at `offset`, fewer only at the end of the file; valid until the next call.
  [[nodiscard]] Result<ByteSpan> at(uint64_t offset, size_t count);

 private:
  runtime::File& file_;
  size_t window_bytes_;
  Bytes window_;
  uint64_t window_at_ = 0;
};

}  // namespace aerodb::store
