// Storage operations of one node: checkpoint, compact, snapshot, and what they need: manifest, runs, block cache, pins
// and holds. Only by command, one at a time (CKPT-8). Thread: the loop's; the disk work runs in Jobs.
//
// A checkpoint, step by step. Writes go on throughout.
//   freezing      the memory table becomes immutable at LSN L; what the manifest will say of L is noted down
//   writing_run   a Job writes the frozen versions as a run, at most 1 MiB between two syncs
//   awaiting_log  until the log is durable up to L (CKPT-1)
//   installing    a Job replaces the manifest: the one atomic step. Then the frozen table goes, and the segments of the
//                 ring below L are free (CKPT-2)
//   merging       neighbours of one size class become one run, by the fixed rule; ends with a manifest of its own
//   removing      run files that no manifest and no reader needs any more
//
// A diagnosis (diagnose) proves on the running node what a dead directory's verification does, and changes nothing:
//   proving_runs  every run: checksums, content, documents under their schemas, the digest at the manifest
//   proving_log   the records behind the manifest, from the segment files, replayed up to where the log was durable
//                 when it began: chain and digest end where the node itself stood
//
// What can go wrong: any failed disk call ends the operation with its error; the old manifest stays, the frozen table
// stays readable and is written first by the next checkpoint, a half-written run is a stray file whose number is never
// used again. A halted node finishes nothing.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/engine/checkpoint_evidence.h"
#include "common/engine/state.h"
#include "common/engine/verify_runs.h"
#include "common/engine/write_run.h"
#include "common/runtime/runtime.h"
#include "common/store/block_cache.h"
#include "common/store/manifest.h"
#include "common/wal/reader.h"

namespace aerodb::engine {

enum class OperationKind : uint8_t { kCheckpoint, kCompact, kSnapshot, kDiagnosis };
[[nodiscard]] std::string_view operation_kind_name(OperationKind kind);
enum class OperationStage : uint8_t {
  kWritingRun,
  kAwaitingLog,
  kInstalling,
  kMerging,
  kLinking,  // snapshot: the runs get second names
  kRemoving,
  kProvingRuns,  // diagnosis
  kProvingLog,
  kDone,
  kFailed,
};
[[nodiscard]] std::string_view operation_stage_name(OperationStage stage);

struct OperationStatus {
  uint64_t number = 0;  // of this process; first is 1
  OperationKind kind = OperationKind::kCheckpoint;
  OperationStage stage = OperationStage::kWritingRun;
  uint64_t done_bytes = 0;   // written so far; read, by a diagnosis
  uint64_t total_bytes = 0;  // estimate of what that will be
  Lsn lsn;                   // that the installed manifest covers, or will; proven so far, by a diagnosis
  CommitId commit;
  uint64_t manifest = 0;  // number of the last manifest it installed
  uint64_t runs_merged = 0;
  std::string snapshot;  // name of the directory
  std::optional<Error> error;
  uint64_t started_us = 0;  // monotonic
  uint64_t ended_us = 0;
  [[nodiscard]] bool finished() const { return stage == OperationStage::kDone || stage == OperationStage::kFailed; }
};

struct StorageOptions {
  uint64_t cache_bytes = 64ull << 20;
  store::Compression compression = store::Compression::kNone;
  uint64_t max_snapshots = 64;     // more are refused
  uint64_t operations_before = 0;  // number of the last one that this process ran on the directory before
};

// What storage operations ask of the log.
struct LogConnection {
  std::function<uint64_t(Lsn)> segment_of;        // that holds a record, 0: none
  std::function<void(uint64_t)> release_through;  // segments may be reused
  std::function<LogOffsets()> offsets;
  std::function<KnownPosition()> durable;  // where the node itself stands, as far as the log is durable
  // See wal::Reader::read_files().
  std::function<void(Lsn from, uint64_t max_bytes, std::move_only_function<void(Result<wal::Records>)> done)>
      read_files;
};

// Runs and manifest of one moment, kept on disk as long as this exists: for backup and bootstrap.
struct StorageHold {
  store::Manifest manifest;
  std::vector<std::shared_ptr<const store::Run>> runs;
};

class StorageEvents {
 public:
  virtual ~StorageEvents() = default;
  virtual void on_operation(const OperationStatus& status) = 0;  // at each change of stage
};

class Storage {
 public:
  // `installed`: the manifest that the directory holds, or an empty one (number 0), and what the start did for it.
  // `state` has its runs loaded.
  Storage(runtime::Runtime& runtime, std::string data_dir, StorageOptions options, State& state,
          store::Manifest installed, InstallRecord found, store::RunNumber next_run);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] const store::Manifest& manifest() const { return manifest_; }
  // Of the installed one, without what its files say.
  [[nodiscard]] rules::CheckpointEvidence evidence() const { return evidence_of(manifest_, record_); }
  [[nodiscard]] store::BlockCache& cache() { return cache_; }
  [[nodiscard]] const store::BlockCache& cache() const { return cache_; }
  // Newest last; the last 16 of this process.
  [[nodiscard]] const std::deque<OperationStatus>& operations();
  [[nodiscard]] bool running() const { return !operations_.empty() && !operations_.back().finished(); }
  [[nodiscard]] uint64_t last_operation() const {
    return operations_.empty() ? options_.operations_before : operations_.back().number;
  }
  // Whether a Job of an operation, one that ended included, still works on the directory; and who is told when none
  // does any more.
  [[nodiscard]] bool working() const { return jobs_under_way_ > 0; }
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

  // Each answers the operation's number at once. OPERATION_RUNNING; NOTHING_TO_DO where no record came since the
  // manifest (checkpoint) or there are fewer than two runs and nothing to drop (compact).
  [[nodiscard]] Result<uint64_t> checkpoint(bool merge);
  [[nodiscard]] Result<uint64_t> compact();
  // A checkpoint, where there is anything new, and then DIR/snapshots/NAME. SNAPSHOT_EXISTS.
  [[nodiscard]] Result<uint64_t> snapshot(std::string name);
  // Reads and proves runs and log; see above. Its errors: RUN_DAMAGED, MANIFEST_DAMAGED, BAD_RECORD, DIGEST_MISMATCH,
  // WAL_HOLE, WAL_DISCONTINUITY, POSITION_NOT_HELD, MEMORY_FULL, NEWER_FORMAT, IO.
  [[nodiscard]] Result<uint64_t> diagnose();
  // For good: the operation under way ends with `error`, and so does every later one. Its Job ends soon afterwards.
  void fail_running(const Error& error);

  // Pins keep versions from being merged away below `commit`; each ends with its connection.
  uint64_t pin(uint64_t connection, CommitId commit);
  [[nodiscard]] Result<void> unpin(uint64_t connection, uint64_t pin);
  void release_connection(uint64_t connection);
  [[nodiscard]] std::optional<CommitId> lowest_pin() const;
  [[nodiscard]] size_t pins() const { return pins_.size(); }

  [[nodiscard]] std::shared_ptr<const StorageHold> hold() const;

  // The engine tells, so that waiting steps go on.
  void on_durable(Lsn durable);
  void connect_log(LogConnection log) { log_ = std::move(log); }
  void set_events(StorageEvents* events) { events_ = events; }
  // Versions at or below this and not newest may be dropped by the next merge.
  [[nodiscard]] CommitId drop_floor() const;

 private:
  struct Pin {
    uint64_t connection = 0;
    CommitId commit;
  };
  struct Task;
  OperationStatus& status() { return operations_.back(); }
  [[nodiscard]] bool has_news() const;  // since the manifest
  // Why none may begin now; nullopt: one may.
  [[nodiscard]] std::optional<Error> refusal(OperationKind kind) const;
  [[nodiscard]] uint64_t begin(OperationKind kind, bool merge, std::string snapshot);
  [[nodiscard]] runtime::Callback step(runtime::Callback next);
  // Runs a part of the operation under way in a Job, then `next` as a step.
  void run_job(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback next);
  void enter(OperationStage stage);
  void end(std::optional<Error> error);
  [[nodiscard]] store::RunWriterOptions run_options(CommitId first, CommitId last);
  void write_next_frozen();
  void install_checkpoint();
  struct Candidate {
    store::Manifest manifest;
    InstallRecord record;
    std::vector<rules::SyncStepEvidence> steps;  // of this operation for it
  };
  // The draft, numbered as the next one, with what was done for it so far: the steps of the run written for it, and the
  // log as durable as it is now.
  [[nodiscard]] Candidate candidate(store::Manifest draft, std::optional<rules::MergeEvidence> merge,
                                    const std::vector<rules::SyncStepEvidence>& steps) const;
  [[nodiscard]] rules::CheckpointEvidence evidence_of(const store::Manifest& manifest,
                                                      const InstallRecord& record) const {
    return checkpoint_evidence_of(manifest, record, log_.offsets());
  }
  [[nodiscard]] rules::InstallDecision may_install(const Candidate& next, std::optional<uint64_t> written) const;
  void install(Candidate next, runtime::Callback then);
  void release_covered();
  void merge_or_go_on();
  void merge_from(size_t from);
  void link_snapshot();
  void remove_obsolete();
  struct Replay;
  void prove_runs();
  void prove_log(const std::shared_ptr<Replay>& replay);

  runtime::Runtime& runtime_;
  std::string data_dir_;
  StorageOptions options_;
  State& state_;
  store::Manifest manifest_;
  InstallRecord record_;  // of manifest_
  store::RunNumber next_run_;
  store::BlockCache cache_;
  std::deque<OperationStatus> operations_;
  std::unique_ptr<Task> task_;    // the operation under way
  store::Manifest frozen_draft_;  // of the frozen table, while there is one
  std::optional<Error> stopped_;
  std::vector<std::shared_ptr<const store::Run>> obsolete_;  // not in the manifest; files go when nobody holds them
  std::map<uint64_t, Pin> pins_;
  uint64_t last_pin_ = 0;
  Lsn durable_;
  LogConnection log_;
  StorageEvents* events_ = nullptr;
  uint32_t jobs_under_way_ = 0;
  std::function<void()> on_idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerodb::engine
