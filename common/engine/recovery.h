// Opening a data directory: the same bytes give the same result. Blocking; runs as a Job.
//
// In this order: LOCK, NODE, HALT, FENCED, manifest, runs (headers and footers only), scan of the ring from the
// manifest on with replay, tail decision, repair of the tail (quarantine, rewrite of the last frame), comparison of
// digests (with every record). Only then may the node serve. Start-up is bounded by the log since the last manifest.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/engine/node_directory.h"
#include "common/engine/state.h"
#include "common/wal/scan.h"

namespace aerodb::engine {

struct OpenOptions {
  std::string data_dir;
  wal::RingGeometry geometry;
  std::optional<std::string> name;     // the configuration's: WRONG_NODE where NODE says another
  uint64_t cache_bytes = 64ull << 20;  // blocks of runs held during replay
  runtime::Clock* clock = nullptr;     // times the replay for the report; none: it reports 0. Used by the Job
};

// What recovery did, for events, statistics and explanations.
struct RecoveryReport {
  wal::TailLabel label = wal::TailLabel::kT1;
  wal::TailEvidence tail;
  uint64_t manifest_number = 0;  // 0: none yet
  Lsn manifest_lsn;
  CommitId manifest_commit;
  uint64_t runs = 0;
  Lsn first_replayed_lsn;  // 0 where none was
  uint64_t records_replayed = 0;
  uint64_t replay_us = 0;
  uint64_t segments_read = 0;
  std::string quarantined;  // file name; empty where nothing was
  std::optional<wal::RingCursor> rewritten_frame;
  uint64_t rewritten_frame_bytes = 0;
};

struct OpenedNode {
  explicit OpenedNode(NodeFile file) : node(std::move(file)), state(node.cluster) {}
  NodeFile node;
  std::unique_ptr<runtime::DirectoryLock> lock;
  std::optional<Halt> halt;
  std::optional<Fence> fence;
  std::optional<LineageId> accepted_lineage;
  store::Manifest manifest;  // number 0: none yet
  store::RunNumber next_run = 1;
  State state;
  wal::RingScan scan;
  RecoveryReport report;
  bool declined_seal = false;  // a decline of the seal that the log ends with is on disk
};

// Where the log goes on behind a manifest; from the very beginning where there is none (number 0).
[[nodiscard]] inline wal::LogStart log_start_of(const store::Manifest& manifest) {
  return {manifest.lsn, manifest.chain, manifest.segment_sequence};
}

// The first, quick step: identity, lock, halt, fence. LOCKED, NOT_INITIALIZED, WRONG_NODE, NEWER_FORMAT, BAD_NODE_FILE,
// IO.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options);
// The same by the process that has the lock already. It is taken over only where this succeeds.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options,
                                                                  std::unique_ptr<runtime::DirectoryLock>& held);
// How the log is read: with replay into the state, or without (no `trust`); and who looks on. What `visit` refuses ends
// the reading with its error.
struct Inspection {
  std::optional<Trust> trust;
  std::function<Result<void>(const wal::RecordView& record, const State& state)> visit;
};
// All that recover_log() reads and decides, with the same errors, and nothing that it changes: for offline tools.
[[nodiscard]] Result<void> inspect_log(runtime::Disk& disk, const OpenOptions& options, const Inspection& inspection,
                                       OpenedNode& opened);
// The second: manifest, runs, log. MANIFEST_DAMAGED, RUN_DAMAGED, WAL_SEGMENT_MISSING, WAL_HOLE (T2), WAL_BOUND_LOST
// (T3), WAL_DISCONTINUITY (T4), DIGEST_MISMATCH, BAD_RECORD, NEWER_FORMAT, WRONG_NODE, IO.
[[nodiscard]] Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened);
// Both.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> open_directory(runtime::Disk& disk, const OpenOptions& options);

}  // namespace aerodb::engine
