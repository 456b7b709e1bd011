// A stopped node's directory as the source of a backup. Under its LOCK, otherwise read-only: nothing is repaired.
#pragma once

#include <memory>

#include "common/engine/backup.h"
#include "common/engine/recovery.h"

namespace aerodb::engine {

class DirectorySource final : public BackupSource {
 public:
  // Reads what a start would read and refuses what it would refuse, with the same errors (see recovery.h). The node's
  // configuration is not needed: the ring's files say its geometry. `disk` must outlive this.
  [[nodiscard]] static Result<std::unique_ptr<DirectorySource>> open(runtime::Disk& disk, const std::string& data_dir);

  [[nodiscard]] const BackupContents& contents() const override { return contents_; }
  [[nodiscard]] Result<void> read_log(const Take& take) override;
  [[nodiscard]] Result<void> read_run(const store::RunInfo& run, const Take& take) override;

 private:
  DirectorySource(runtime::Disk& disk, OpenOptions options, std::unique_ptr<OpenedNode> opened);
  runtime::Disk& disk_;
  OpenOptions options_;
  std::unique_ptr<OpenedNode> opened_;  // holds the lock
  wal::LogStart start_;
  BackupContents contents_;
};

}  // namespace aerodb::engine
