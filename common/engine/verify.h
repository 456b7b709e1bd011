// Proves that a node's directory, a snapshot or a backup holds what it should. Read-only; a directory is held by its
// LOCK meanwhile. The first trouble ends it, with an error that names the place. Blocking.
//
//   level      what is proven
//   manifest   the manifest, the runs' headers and footers, the SHA-256 of every run; of a backup, every byte
//   chain      also every frame and record behind the manifest: checksums, LSNs, commit ids, chains, authority; where
//              the log ends and why (tail label)
//   replay     also every block, index section and filter of the runs, every document under its schema, and the state
//              digest at the manifest and after each record
#pragma once

#include <optional>
#include <string>

#include "common/engine/backup_archive.h"
#include "common/engine/state.h"
#include "common/engine/verify_runs.h"
#include "common/wal/tail_decision.h"

namespace aerodb::engine {

enum class VerifiedKind : uint8_t { kNode, kSnapshot, kBackup };
struct VerifyReport {
  VerifiedKind kind = VerifiedKind::kNode;
  ClusterId cluster;
  std::string node;  // empty: a snapshot
  Position end;      // as far as the level looked
  uint64_t manifest_number = 0;
  uint64_t runs = 0;
  uint64_t records = 0;                 // behind the manifest
  uint64_t live_documents = 0;          // level replay
  std::optional<wal::TailLabel> label;  // a node's, from level chain on
};

// Errors: those of recovery.h; POSITION_NOT_HELD, and LOG_RELEASED where the position lies before the manifest.
[[nodiscard]] Result<VerifyReport> verify_directory(runtime::Disk& disk, const std::string& directory,
                                                    const VerifyOptions& options);
// BACKUP_DAMAGED, NEWER_FORMAT, IO, MEMORY_FULL; POSITION_NOT_HELD, LOG_RELEASED.
[[nodiscard]] Result<VerifyReport> verify_backup(runtime::Disk& disk, const std::string& path,
                                                 const VerifyOptions& options);

// A backup proven at level replay, with the state that its log adds up to.
struct VerifiedBackup {
  std::unique_ptr<BackupArchive> archive;
  std::unique_ptr<State> state;
  VerifyReport report;
};
[[nodiscard]] Result<VerifiedBackup> replay_backup(std::unique_ptr<BackupArchive> archive,
                                                   const VerifyOptions& options);
// The state up to the commit (the records before the next one included), of a backup that was proven.
[[nodiscard]] Result<std::unique_ptr<State>> replay_to_commit(BackupArchive& archive, CommitId commit,
                                                              const VerifyOptions& options);

}  // namespace aerodb::engine
