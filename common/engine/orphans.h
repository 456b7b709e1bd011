// Orphans: what a log holds behind its fork from the history that goes on elsewhere. They are written to a file before
// such a log may be discarded (REPL-12). Blocking; the directory's LOCK is the caller's, and nothing else has it open.
//
// The file is JSON lines: a header (where the log forks and ends), each schema registered behind the fork, each version
// with a commit behind the fork in commit order, tombstones included, from runs and log; and last a summary, without
// which the file is not whole. What garbage collection removed before is in no file: the summary says the floor.
//
// It is written as FILE.partial, synced, renamed; then DIR/authority/orphans says what was exported. Memory is bounded
// by what a start needs and sorted_bytes: versions are gathered by commit in as many passes over the runs as that
// takes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/engine/node_directory.h"
#include "common/engine/state.h"
#include "common/runtime/disk.h"

namespace aerodb::engine {

// What an export covers, kept as DIR/authority/orphans. It counts for a log with this very end alone.
struct OrphansMarker {
  Lsn end_lsn;
  Chain end_chain;  // after end_lsn
  Lsn fork_lsn;
  Sha256 file{};  // SHA-256 of the file
};
// BAD_NODE_FILE, NEWER_FORMAT, IO; nullopt where nothing was exported.
[[nodiscard]] Result<std::optional<OrphansMarker>> read_orphans_marker(runtime::Disk& disk,
                                                                       const std::string& data_dir);
[[nodiscard]] Result<void> write_orphans_marker(runtime::Disk& disk, const std::string& data_dir,
                                                const OrphansMarker& marker);

struct OrphansOptions {
  std::string data_dir;
  std::string file;  // absolute
  Lsn fork_lsn;      // last LSN in common; 0: nothing is
  uint64_t cache_bytes = 64ull << 20;
  uint64_t sorted_bytes = 64ull << 20;  // of versions held to bring them into commit order
  std::function<void(uint64_t written_bytes)> progress{};
};
struct OrphansReport {
  NodeFile node;
  Lsn fork_lsn;
  CommitId fork_commit;  // last commit at fork_lsn
  Position end;
  CommitId floor;
  uint64_t versions = 0;
  uint64_t schemas = 0;
  uint64_t bytes = 0;  // of the file
  Sha256 sha256{};
};
// NOTHING_TO_DO where the log ends at the fork or before it; BAD_REQUEST (the path); BACKUP_EXISTS (FILE or
// FILE.partial is there); what a start would refuse, with the same errors; IO.
[[nodiscard]] Result<OrphansReport> export_orphans(runtime::Disk& disk, const OrphansOptions& options);

}  // namespace aerodb::engine
