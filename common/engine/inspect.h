// The reading half of opening a data directory: identity, manifest, runs, log, state, and the decision about the log's
// end. It changes nothing, so programs that may write nothing have this without what repairs (recovery.h). Blocking.
//
// What is found on the way is gathered as the evidence of recovery.process while the work goes on, by a start and by
// whoever only looks alike.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/engine/node_directory.h"
#include "common/engine/state.h"
#include "common/rules/recovery_rules.h"
#include "common/wal/scan.h"

namespace aerodb::engine {

struct OpenOptions {
  std::string data_dir;
  wal::RingGeometry geometry;
  std::optional<std::string> name;     // the configuration's: WRONG_NODE where NODE says another
  uint64_t cache_bytes = 64ull << 20;  // blocks of runs held during replay
  runtime::Clock* clock = nullptr;     // times the replay for the report; none: it reports 0. Used by the Job
  std::shared_ptr<std::atomic<Lsn>> reached = nullptr;  // for who waits: the record last replayed. Written by the Job
};

// What recovery did, for events, statistics and explanations.
struct RecoveryReport {
  rules::RecoveryEvidence evidence;
  LineageId lineage;  // of the state; zero where none was loaded
  wal::TailLabel label = wal::TailLabel::kT1;
  uint64_t records_replayed = 0;
  uint64_t replay_us = 0;
  std::string quarantined;  // file name; empty where nothing was
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
  std::vector<DeclinedSeal> declined_seals;  // at the end of the log, or beyond it
};

// Where the log goes on behind a manifest; from the very beginning where there is none (number 0).
[[nodiscard]] inline wal::LogStart log_start_of(const store::Manifest& manifest) {
  return {manifest.lsn, manifest.chain, manifest.segment_sequence};
}

// NODE, and that it is the node that was asked for. NOT_INITIALIZED, WRONG_NODE, NEWER_FORMAT, BAD_NODE_FILE, IO.
[[nodiscard]] Result<NodeFile> identify(runtime::Disk& disk, const OpenOptions& options);
// The same, and what was said of the node: halt, fence, accepted lineage. Takes no lock and finishes nothing that a
// crash left; `held_by_another` is for the caller to fill in. The same errors.
[[nodiscard]] Result<std::unique_ptr<OpenedNode>> read_directory(runtime::Disk& disk, const OpenOptions& options);

// How the log is read: with replay into the state, or without (no `trust`); and who looks on. What `visit` refuses ends
// the reading with its error.
struct Inspection {
  std::optional<Trust> trust;
  std::function<Result<void>(const wal::RecordView& record, const State& state)> visit;
};
// Manifest, runs, log: all that a start reads and decides before it repairs anything. MANIFEST_DAMAGED, RUN_DAMAGED,
// WAL_SEGMENT_MISSING, WAL_HOLE (T2), WAL_BOUND_LOST (T3), WAL_DISCONTINUITY (T4), DIGEST_MISMATCH, BAD_RECORD,
// NEWER_FORMAT, WRONG_NODE, IO. What was found until then stays in `opened`, its evidence with it.
[[nodiscard]] Result<void> inspect_log(runtime::Disk& disk, const OpenOptions& options, const Inspection& inspection,
                                       OpenedNode& opened);

// The trouble that ended the work, put down as evidence: without the directory's name, which is no part of its content.
void note_trouble(const Error& error, const std::string& data_dir, rules::RecoveryEvidence& evidence);
// The steps that a start would take now, put down as evidence. Requires that inspect_log() went through.
void plan_steps(OpenedNode& opened);

}  // namespace aerodb::engine
