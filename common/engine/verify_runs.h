// The part of verification that a node's directory, a snapshot and a backup have in common: a manifest and its runs.
#pragma once

#include <memory>
#include <string>

#include "common/engine/state.h"
#include "common/engine/verify.h"

namespace aerodb::engine {

// Checks what `options.level` asks for of the runs in ROOT/runs and answers the state at the manifest. `hashed`: their
// SHA-256 was checked already. RUN_DAMAGED, MANIFEST_DAMAGED, DIGEST_MISMATCH, BAD_RECORD (a document that its schema
// does not admit), NEWER_FORMAT, IO.
[[nodiscard]] Result<std::unique_ptr<State>> verify_runs(runtime::Disk& disk, const std::string& root,
                                                         const ClusterId& cluster, const store::Manifest& manifest,
                                                         bool hashed, const VerifyOptions& options);

}  // namespace aerodb::engine
