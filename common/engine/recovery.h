// Opening a data directory: the same bytes give the same result. Blocking; runs as a Job.
//
// In this order: LOCK, NODE, HALT, FENCED, manifest, runs (headers and footers only), scan of the ring from the
// manifest on with replay, comparison of digests (with every record), tail decision: all of that by inspect.h, which
// changes nothing. Then what is relied on is made durable (REC-9) and the tail repaired (quarantine, rewrite of the
// last frame). Only then may the node serve. Start-up is bounded by the log since the last manifest.
//
// Why REC-9: a process may have been killed between the rename of MANIFEST and the sync of its directory. The next one
// sees the new manifest and lets the ring reuse what it covers; a power loss after that must not bring the old one
// back.
#pragma once

#include <memory>

#include "common/engine/inspect.h"

namespace aerodb::engine {

// The first, quick step: identity, lock, halt, fence. LOCKED, NOT_INITIALIZED, WRONG_NODE, NEWER_FORMAT, BAD_NODE_FILE,
// IO.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options);
// The same by the process that has the lock already. It is taken over only where this succeeds.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options,
                                                                  std::unique_ptr<runtime::DirectoryLock>& held);
// The second: inspect_log() with its errors, then the steps; IO.
[[nodiscard]] Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened);
// Both.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> open_directory(runtime::Disk& disk, const OpenOptions& options);

}  // namespace aerodb::engine
