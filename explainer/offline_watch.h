// Whether a directory stays at rest while it is read: nobody holds it, and nothing in it changes. Blocking, read-only.
#pragma once

#include <optional>
#include <string>

#include "common/base/checksum.h"
#include "common/runtime/disk.h"
#include "common/wal/ring.h"

namespace aerodb::explainer {

class OfflineWatch {
 public:
  // LOCKED: a process holds the directory. NOT_READY: an install or a resize was broken off, and the next start
  // completes it before it reads anything. IO.
  [[nodiscard]] static Result<OfflineWatch> begin(runtime::Disk& disk, std::string data_dir);
  // Where the log was found to end: what stands there is watched too.
  [[nodiscard]] Result<void> note_end(wal::RingGeometry geometry, wal::RingCursor end);
  // LOCKED: somebody holds it now, or did meanwhile. Else what was read is of one moment. IO.
  [[nodiscard]] Result<void> end();

 private:
  OfflineWatch(runtime::Disk& disk, std::string data_dir) : disk_(&disk), data_dir_(std::move(data_dir)) {}
  [[nodiscard]] Result<void> check_free() const;

  runtime::Disk* disk_;
  std::string data_dir_;
  Sha256 before_{};
  std::string end_path_;  // of the segment that the log ends in; empty: none was noted
  uint64_t end_offset_ = 0;
  Bytes at_end_;
};

}  // namespace aerodb::explainer
