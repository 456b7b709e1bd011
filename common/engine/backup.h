// Writes a backup: one tar of the members that backup_format.h lists. Blocking.
//
// The output is made under a name of its own, FILE.partial, each MiB synced, then renamed: FILE is a whole backup or is
// not there. The log is read first, for it is what a running node may let go; runs are held.
//
// What can go wrong: whatever fails removes FILE.partial again. A crash leaves it; it is then the operator's to remove,
// for nobody can tell it from that of a backup under way.
#pragma once

#include <functional>
#include <string>

#include "common/engine/backup_format.h"
#include "common/engine/progress.h"
#include "common/runtime/disk.h"
#include "common/store/manifest.h"

namespace aerodb::engine {

struct BackupContents {
  BackupInfo info;
  store::Manifest manifest;  // number 0: none; segment_sequence 0
};

// Where a backup comes from: a stopped node's directory, or a running node. Each read hands over everything in order,
// in pieces valid during the call; what `take` refuses ends the read with its error.
class BackupSource {
 public:
  virtual ~BackupSource() = default;
  using Take = std::function<Result<void>(ByteSpan piece)>;
  [[nodiscard]] virtual const BackupContents& contents() const = 0;
  // The records after manifest_lsn up to end_lsn; each piece is whole records. LOG_RELEASED.
  [[nodiscard]] virtual Result<void> read_log(const Take& take) = 0;
  [[nodiscard]] virtual Result<void> read_run(const store::RunInfo& run, const Take& take) = 0;
};

struct BackupReport {
  BackupInfo info;
  Digest digest;  // state at the end
  uint64_t runs = 0;
  uint64_t records = 0;    // of the log
  uint64_t log_bytes = 0;  // theirs
  uint64_t bytes = 0;      // of the file
};

// BACKUP_EXISTS where `path` or `path`.partial is there; what the source gives is checked on the way: a chain that does
// not hold is WAL_DISCONTINUITY, a run that is not the manifest's RUN_DAMAGED. NOTHING_TO_DO for an empty log.
[[nodiscard]] Result<BackupReport> write_backup(runtime::Disk& disk, const std::string& path, BackupSource& source,
                                                const ProgressFunction& progress);

}  // namespace aerodb::engine
