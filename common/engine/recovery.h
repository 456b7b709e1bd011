// Opening a data directory: the same bytes give the same result. Blocking; runs as a Job.
//
// In this order: LOCK, NODE, HALT, scan of the ring with replay, tail decision, repair of the tail (quarantine, rewrite
// of the last frame), comparison of digests (with every record). Only then may the node serve.
#pragma once

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
  std::optional<std::string> name;  // the configuration's: WRONG_NODE where NODE says another
};

// What recovery did, for events, statistics and explanations.
struct RecoveryReport {
  wal::TailLabel label = wal::TailLabel::kT1;
  wal::TailEvidence tail;
  uint64_t records_replayed = 0;
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
  State state;
  wal::RingScan scan;
  RecoveryReport report;
  bool declined_seal = false;  // a decline of the seal that the log ends with is on disk
};

// The first, quick step: identity, lock, halt. LOCKED, NOT_INITIALIZED, WRONG_NODE, NEWER_FORMAT, BAD_NODE_FILE, IO.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options);
// The second: the log. WAL_SEGMENT_MISSING, WAL_HOLE (T2), WAL_BOUND_LOST (T3), WAL_DISCONTINUITY (T4),
// DIGEST_MISMATCH, BAD_RECORD, NEWER_FORMAT, WRONG_NODE, IO.
[[nodiscard]] Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened);
// Both.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> open_directory(runtime::Disk& disk, const OpenOptions& options);

}  // namespace aerodb::engine
