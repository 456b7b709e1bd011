// A running node as the source of a backup, over its maintenance listener. Its runs are held as long as the session;
// its log is what its ring still has: LOG_RELEASED where that is not enough.
#pragma once

#include <memory>

#include "common/engine/backup.h"
#include "controlplane/console/session.h"

namespace aerodb::console {

class OnlineSource final : public engine::BackupSource {
 public:
  // Takes a hold, which fixes what the backup will hold. `session` must outlive this.
  [[nodiscard]] static Result<std::unique_ptr<OnlineSource>> open(Session& session);

  [[nodiscard]] const engine::BackupContents& contents() const override { return contents_; }
  [[nodiscard]] Result<void> read_log(const Take& take) override;
  // Several reads are under way at a time; pieces are handed over in order.
  [[nodiscard]] Result<void> read_run(const store::RunInfo& run, const Take& take) override;

 private:
  explicit OnlineSource(Session& session) : session_(session) {}
  Session& session_;
  uint64_t hold_ = 0;
  engine::BackupContents contents_;
};

}  // namespace aerodb::console
