// The records behind a manifest, one by one, as a verification follows them: position, authority, and a position known
// from elsewhere that the log must hold. Whoever replays them too applies each before it is taken.
#pragma once

#include <optional>
#include <string>

#include "common/engine/authority.h"
#include "common/engine/state.h"
#include "common/engine/verify_runs.h"

namespace aerodb::engine {

class LogCheck {
 public:
  // `at_manifest`: the state that the log goes on from.
  LogCheck(const State& at_manifest, const std::optional<KnownPosition>& against, uint64_t max_memory_bytes);

  // `memory_bytes`: of what was replayed so far. WAL_DISCONTINUITY; MEMORY_FULL.
  [[nodiscard]] Result<void> take(const wal::RecordView& record, uint64_t memory_bytes);
  // Behind the last record. POSITION_NOT_HELD; LOG_RELEASED where the known position lies before the manifest.
  [[nodiscard]] Result<void> finish() const;

  [[nodiscard]] const Position& end() const { return end_; }
  [[nodiscard]] uint64_t records() const { return records_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::optional<std::string> follow(const wal::RecordView& record);
  void see(Lsn lsn, const Chain& chain);

  std::optional<KnownPosition> known_;
  uint64_t max_memory_bytes_;
  Lsn from_;
  std::optional<Chain> found_;  // at the known position
  Authority authority_;
  Position end_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace aerodb::engine
