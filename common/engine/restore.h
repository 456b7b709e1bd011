// Makes a node of a backup. The command is the operator's grant of authority: the restored node starts a lineage of its
// own, whose first record continues LSN, commit id and chain of the backup. Blocking.
//
// In this order:
//   1. The whole backup is proven at level replay (CKPT-7). Nothing of the target has changed until here.
//   2. The target, empty or absent, gets a LOCK and a directory restore.partial. In it are made: the runs as they lie
//   in
//      the backup; one run of what the log adds after them; a manifest that covers the last record replayed; a ring of
//      the asked geometry, empty but for one lineage_start; NODE. Each is synced.
//   3. All but NODE move from restore.partial into the target; the target is synced; then NODE moves and makes it a
//   node.
//
// What can go wrong: an error or a crash in 2 or 3 leaves a directory without NODE, which no program opens. Everything
// made is inside restore.partial or beside it, and the next restore into this directory clears it away first.
#pragma once

#include <optional>
#include <string>

#include "common/engine/node_directory.h"
#include "common/engine/verify.h"

namespace aerodb::engine {

inline constexpr std::string_view kRestorePartial = "restore.partial";

struct RestoreOptions {
  std::string data_dir;
  std::string name;  // empty: that of the backup's node
  wal::RingGeometry geometry;
  bool same_cluster = false;  // keeps the backup's cluster id; otherwise `cluster`, or a random one
  std::optional<ClusterId> cluster;
  std::optional<LineageId> lineage;  // fixed ids, for comparisons between runs
  std::optional<InstanceId> instance;
  std::optional<CommitId> to_commit;  // from the manifest's commit to the end; default: everything
  std::string operator_name;
  std::string reason;
  uint64_t cache_bytes = 64ull << 20;
  uint64_t max_memory_bytes = 1ull << 30;  // of the log replayed; more is MEMORY_FULL
  ProgressFunction progress;
};

struct RestoreReport {
  NodeFile node;
  BackupInfo backup;
  Position restored;  // of the last record of the backup that is in it
  Position start;     // after the lineage_start that continues it
  uint64_t live_documents = 0;
  uint64_t runs = 0;
  uint64_t records_replayed = 0;  // of the backup's log, up to `restored`
};

// Whether a restore may go there: absent, empty (lost+found and LOCK apart), or with nothing in it but what a restore
// that did not end left behind. ALREADY_INITIALIZED names what is in the way.
[[nodiscard]] Result<void> check_restore_target(runtime::Disk& disk, const std::string& data_dir);

// ALREADY_INITIALIZED; BAD_REQUEST for a commit out of range; WRONG_NODE where the cluster asked for is not the one
// kept; what verify_backup() answers; LOCKED, IO.
[[nodiscard]] Result<RestoreReport> restore_backup(runtime::Disk& disk, runtime::Random& random,
                                                   const std::string& backup, const RestoreOptions& options);

}  // namespace aerodb::engine
