// The diagnosis of a running node; storage.h has its stages.
//
// No other storage operation runs meanwhile, so that no segment is released and no run removed (CKPT-8). Its Jobs see
// the disk through a StoppableDisk: they can't write, and end soon when the operation does.
#include <fmt/format.h>

#include "common/engine/log_check.h"
#include "common/engine/storage_task.h"
#include "common/runtime/read_only_disk.h"
#include "common/store/block_cache.h"

namespace aerodb::engine {
namespace {

constexpr uint64_t kCacheBytes = 16u << 20;
constexpr uint64_t kPieceBytes = 1u << 20;  // of the log, at a time

}  // namespace

// Of one diagnosis. The Job that replays a piece of the log has it to itself.
struct Storage::Replay {
  std::shared_ptr<WriteProgress> progress;
  KnownPosition durable;  // of the node, when it began
  uint64_t run_bytes = 0;
  std::unique_ptr<State> state;
  std::optional<LogCheck> check;

  Result<void> apply(runtime::Disk& disk, const wal::Records& records) {
    store::DirectBlocks blocks(disk, kCacheBytes);
    ByteSpan rest = records.bytes;
    while (!rest.empty()) {
      auto record = wal::read_record(rest);
      if (!record) return fail(std::move(record.error()));
      if (record->header.lsn > durable.lsn) return {};
      auto applied = state->apply(*record, Trust::kPeer, blocks);
      blocks.settle();
      if (!applied) return applied;
      if (auto taken = check->take(*record, state->layers().memory_bytes()); !taken) return taken;
      rest = rest.subspan(record->bytes.size());
    }
    progress->bytes = run_bytes + check->bytes();
    return {};
  }
};

Result<uint64_t> Storage::diagnose() {
  if (auto refused = refusal(OperationKind::kDiagnosis)) return fail(std::move(*refused));
  return begin(OperationKind::kDiagnosis, false, {});
}

void Storage::prove_runs() {
  auto replay = std::make_shared<Replay>();
  replay->progress = task_->progress;
  replay->durable = log_.durable();
  replay->run_bytes = manifest_.run_bytes();
  const uint64_t memory_bytes = state_.layers().memory_bytes();
  status().total_bytes = replay->run_bytes + memory_bytes;
  enter(OperationStage::kProvingRuns);
  auto proven = std::make_shared<Result<std::unique_ptr<State>>>();
  VerifyOptions options;
  options.cache_bytes = kCacheBytes;
  options.progress = [progress = task_->progress](uint64_t done, uint64_t) { progress->bytes = done; };
  run_job(
      [proven, options, replay, data_dir = data_dir_, cluster = state_.cluster(),
       manifest = manifest_](runtime::Disk& disk) {
        runtime::StoppableDisk reading(disk, replay->progress->stopped);
        *proven = verify_runs(reading, data_dir, cluster, manifest, false, options);
      },
      [this, proven, replay, memory_bytes] {
        if (!*proven) return end(std::move(proven->error()));
        replay->state = std::move(**proven);
        // The node itself holds these records in its table: twice that is more than any replay of them takes.
        replay->check.emplace(*replay->state, replay->durable, 2 * memory_bytes + kCacheBytes);
        status().lsn = manifest_.lsn;
        status().commit = manifest_.commit;
        enter(OperationStage::kProvingLog);
        prove_log(replay);
      });
}

void Storage::prove_log(const std::shared_ptr<Replay>& replay) {
  const Position& proven = replay->check->end();
  status().lsn = proven.lsn;
  status().commit = proven.commit;
  if (proven.lsn >= replay->durable.lsn) {
    auto held = replay->check->finish();
    // Freeing a large table takes longer than a turn of the loop should.
    runtime_.jobs().run_long([state = std::move(replay->state)](runtime::Disk&) mutable { state.reset(); }, [] {});
    return end(held ? std::nullopt : std::optional(std::move(held.error())));
  }
  auto piece = std::make_shared<Result<wal::Records>>();
  auto next = step([this, replay, piece, from = proven.lsn.next()]() mutable {
    if (!*piece && piece->error().code == ErrorCode::kLogReleased) {
      return end(Error{
          ErrorCode::kWalHole,
          fmt::format("diagnosis: LSN {} is durable, and no segment file holds a valid frame with it", from.value()),
          {}}.with("lsn", from.value()));
    }
    if (!*piece) return end(std::move(piece->error()));
    auto applied = std::make_shared<Result<void>>();
    run_job(
        [applied, replay, piece](runtime::Disk& disk) {
          runtime::StoppableDisk reading(disk, replay->progress->stopped);
          *applied = replay->apply(reading, **piece);
        },
        [this, applied, replay] {
          if (!*applied) return end(std::move(applied->error()));
          prove_log(replay);
        });
  });
  log_.read_files(proven.lsn.next(), kPieceBytes,
                  [piece, next = std::move(next)](Result<wal::Records> records) mutable {
                    *piece = std::move(records);
                    next();
                  });
}

}  // namespace aerodb::engine
