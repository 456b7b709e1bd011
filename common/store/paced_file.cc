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
    if (auto done = write_held(); !done) return done;
  }
  return {};
}

// Synced no sooner than the next piece is to be written: the disk works while that one is made.
Result<void> PacedFile::write_held() {
  if (auto done = sync_written(); !done) return done;
  if (auto done = file_->write(written_, held_); !done) return done;
  file_->start_writing_back(written_, held_.size());
  written_ += held_.size();
  synced_ = false;
  held_.clear();
  return {};
}

Result<void> PacedFile::sync_written() {
  if (synced_) return {};
  if (!planted(Fault::kManifestBeforeRunSync)) {
    if (auto done = file_->sync(); !done) return done;
  }
  synced_ = true;
  if (after_sync_) after_sync_(written_);
  return {};
}

Result<void> PacedFile::flush() {
  if (!held_.empty()) {
    if (auto done = write_held(); !done) return done;
  }
  return sync_written();
}

void PacedFile::rewind() {
  AERODB_ASSERT(held_.empty() && synced_);
  written_ = 0;
}

}  // namespace aerodb::store
