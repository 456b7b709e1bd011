// The part of verification that a node's directory, a snapshot and a backup have in common: a manifest and its runs. A
// node itself needs no more of it. Blocking, read-only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/engine/progress.h"
#include "common/engine/state.h"

namespace aerodb::engine {

enum class VerifyLevel : uint8_t { kManifest, kChain, kReplay };  // see verify.h

// One thing found good, or worth a note.
struct Checked {
  std::string object;  // "runs/00000001.run", "log"
  std::string check;   // what of it
  uint64_t bytes = 0;
  uint64_t items = 0;  // versions, records, documents
  std::string note{};
};

// A position known from elsewhere: a receipt, a replica's status.
struct KnownPosition {
  Lsn lsn;
  Chain chain;  // after lsn
};

struct VerifyOptions {
  VerifyLevel level = VerifyLevel::kReplay;
  std::optional<KnownPosition> against;  // needs level chain
  uint64_t cache_bytes = 64ull << 20;
  uint64_t max_memory_bytes = 1ull << 30;  // of the log replayed; more is MEMORY_FULL
  std::function<void(const Checked&)> checked;
  ProgressFunction progress;
};

// Checks what `options.level` asks for of the runs in ROOT/runs and answers the state at the manifest. `hashed`: their
// SHA-256 was checked already. RUN_DAMAGED, MANIFEST_DAMAGED, DIGEST_MISMATCH, BAD_RECORD (a document that its schema
// does not admit), NEWER_FORMAT, IO.
[[nodiscard]] Result<std::unique_ptr<State>> verify_runs(runtime::Disk& disk, const std::string& root,
                                                         const ClusterId& cluster, const store::Manifest& manifest,
                                                         bool hashed, const VerifyOptions& options);

}  // namespace aerodb::engine
