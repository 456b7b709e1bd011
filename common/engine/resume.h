// The end of a halt (FAIL-4): first everything of the directory must verify, then HALT goes. Blocking, for Jobs. The
// directory's LOCK is the caller's, and nothing may write to the directory meanwhile: a halted node does not.
#pragma once

#include "common/engine/node_directory.h"
#include "common/engine/verify_runs.h"

namespace aerodb::engine {

struct ResumeOptions {
  std::string data_dir;
  wal::RingGeometry geometry;
  // What this process knows was durable: the log must still hold it, unless the manifest covers it.
  std::optional<KnownPosition> known{};
  uint64_t cache_bytes = 64ull << 20;
  ProgressFunction progress{};  // of the runs
};

// What was checked.
struct ResumeReport {
  Position end;
  uint64_t manifest_number = 0;  // 0: none
  uint64_t runs = 0;             // every block, every index entry, every document under its schema
  uint64_t run_bytes = 0;
  uint64_t records = 0;  // replayed behind the manifest, each document and digest checked
  uint64_t live_documents = 0;
};

// Reads all of it as a replica would take it from a peer; changes nothing. Errors: those of recovery.h and of
// verify_runs.h; POSITION_NOT_HELD.
[[nodiscard]] Result<ResumeReport> check_resume(runtime::Disk& disk, const ResumeOptions& options);

// A halt for an own disk error or a damaged file is over when everything verifies. Any other stands for what a proven
// peer sent (REPL-1, REPL-3): that peer's history must be compared too.
[[nodiscard]] bool needs_source(const Halt& halt);

// Removes HALT durably.
[[nodiscard]] Result<void> end_halt(runtime::Disk& disk, const std::string& data_dir);

}  // namespace aerodb::engine
