#include "common/store/paced_file.h"

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/fault.h"
#include "common/store/run_format.h"

namespace aerodb::store {

Result<void> PacedFile::append(ByteSpan bytes) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min<size_t>(bytes.size(), kSyncEveryBytes - held_.size()));
    held_.insert(held_.end(), piece.begin(), piece.end());
    bytes = bytes.subspan(piece.size());
    if (held_.size() < kSyncEveryBytes) break;
    if (auto flushed = flush(); !flushed) return flushed;
  }
  return {};
}

Result<void> PacedFile::flush() {
  if (held_.empty()) return {};
  if (auto done = file_->write(written_, held_); !done) return done;
  if (!planted(Fault::kManifestBeforeRunSync)) {
    if (auto done = file_->sync(); !done) return done;
  }
  written_ += held_.size();
  held_.clear();
  if (after_sync_) after_sync_(written_);
  return {};
}

void PacedFile::rewind() {
  AERODB_ASSERT(held_.empty());
  written_ = 0;
}

}  // namespace aerodb::store
