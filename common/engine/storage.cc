#include "common/engine/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "common/engine/snapshot.h"
#include "common/engine/storage_task.h"

namespace aerodb::engine {
namespace {

constexpr size_t kOperationsKept = 16;

void note_step(runtime::ReplaceStep step, InstallRecord& record) {
  if (!record.steps) return;
  constexpr rules::SyncStep kSteps[] = {rules::SyncStep::kManifestSynced, rules::SyncStep::kManifestRenamed,
                                        rules::SyncStep::kDirectorySynced};
  record.steps->push_back(
      {kSteps[static_cast<size_t>(step)], rules::InstalledBy::kOperation, std::nullopt, std::nullopt});
}

uint64_t bytes_of(const Runs& runs) {
  uint64_t bytes = 0;
  for (const auto& run : runs) bytes += run->info().bytes;
  return bytes;
}

}  // namespace

std::string_view operation_kind_name(OperationKind kind) {
  static constexpr std::string_view kNames[] = {"checkpoint", "compact", "snapshot", "diagnosis"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view operation_stage_name(OperationStage stage) {
  static constexpr std::string_view kNames[] = {"writing_run", "awaiting_log", "installing",  "merging", "linking",
                                                "removing",    "proving_runs", "proving_log", "done",    "failed"};
  return kNames[static_cast<size_t>(stage)];
}

Storage::Storage(runtime::Runtime& runtime, std::string data_dir, StorageOptions options, State& state,
                 store::Manifest installed, InstallRecord found, store::RunNumber next_run)
    : runtime_(runtime),
      data_dir_(std::move(data_dir)),
      options_(options),
      state_(state),
      manifest_(std::move(installed)),
      record_(std::move(found)),
      next_run_(next_run),
      cache_(options_.cache_bytes) {}

Storage::~Storage() { *alive_ = false; }

// --- operations

Result<uint64_t> Storage::checkpoint(bool merge) {
  if (auto refused = refusal(OperationKind::kCheckpoint)) return fail(std::move(*refused));
  if (!has_news())
    return fail(ErrorCode::kNothingToDo,
                fmt::format("checkpoint: the manifest covers LSN {}, the last one", manifest_.lsn.value()));
  return begin(OperationKind::kCheckpoint, merge, {});
}

Result<uint64_t> Storage::compact() {
  if (auto refused = refusal(OperationKind::kCompact)) return fail(std::move(*refused));
  const bool one_run_and_no_floor = manifest_.runs.size() == 1 && drop_floor() == CommitId();
  if (manifest_.runs.empty() || one_run_and_no_floor)
    return fail(ErrorCode::kNothingToDo, fmt::format("compact: {} runs, no floor", manifest_.runs.size()));
  return begin(OperationKind::kCompact, true, {});
}

Result<uint64_t> Storage::snapshot(std::string name) {
  if (!is_snapshot_name(name)) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("snapshot: name \"{}\"; expected 1 to 128 letters, digits, '.', '_' and '-'", name));
  }
  if (auto refused = refusal(OperationKind::kSnapshot)) return fail(std::move(*refused));
  return begin(OperationKind::kSnapshot, true, std::move(name));
}

bool Storage::has_news() const { return state_.layers().frozen() || state_.position().lsn > manifest_.lsn; }

std::optional<Error> Storage::refusal(OperationKind kind) const {
  if (stopped_) return stopped_;
  if (!running()) return std::nullopt;
  return Error{ErrorCode::kOperationRunning,
               fmt::format("{}: operation {} is running", operation_kind_name(kind), operations_.back().number),
               {}}
      .with("operation", operations_.back().number);
}

uint64_t Storage::begin(OperationKind kind, bool merge, std::string snapshot) {
  AERODB_ASSERT(!running());
  OperationStatus next;
  next.number = last_operation() + 1;
  next.kind = kind;
  next.started_us = runtime_.clock().monotonic_us();
  operations_.push_back(std::move(next));
  if (operations_.size() > kOperationsKept) operations_.pop_front();
  task_ = std::make_unique<Task>();
  task_->merge = merge;
  task_->snapshot = std::move(snapshot);
  task_->target = state_.position().lsn;
  const uint64_t number = status().number;
  // In a later turn, so that whoever asked knows the number first.
  runtime_.loop().post(step([this] {
    switch (status().kind) {
      case OperationKind::kCompact:
        return merge_from(0);
      case OperationKind::kDiagnosis:
        return prove_runs();
      case OperationKind::kCheckpoint:
      case OperationKind::kSnapshot:
        return write_next_frozen();
    }
  }));
  return number;
}

// A callback that goes on with the operation under way, and does nothing where that one has ended.
runtime::Callback Storage::step(runtime::Callback next) {
  return [this, alive = alive_, number = status().number, next = std::move(next)]() mutable {
    if (*alive && task_ && status().number == number) next();
  };
}

void Storage::run_job(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback next) {
  ++jobs_under_way_;
  runtime_.jobs().run_long(std::move(work), [this, alive = alive_, next = step(std::move(next))]() mutable {
    if (!*alive) return;
    --jobs_under_way_;
    next();
    if (jobs_under_way_ == 0 && on_idle_) on_idle_();
  });
}

const std::deque<OperationStatus>& Storage::operations() {
  if (task_) status().done_bytes = task_->progress->bytes.load();
  return operations_;
}

void Storage::enter(OperationStage stage) {
  status().stage = stage;
  status().done_bytes = task_->progress->bytes.load();
  if (events_ != nullptr) events_->on_operation(status());
}

void Storage::end(std::optional<Error> error) {
  status().error = std::move(error);
  status().ended_us = runtime_.clock().monotonic_us();
  enter(status().error ? OperationStage::kFailed : OperationStage::kDone);
  task_.reset();
}

void Storage::fail_running(const Error& error) {
  stopped_ = error;
  if (!task_) return;
  task_->progress->stopped = true;
  end(error);
}

// --- checkpoint

void Storage::write_next_frozen() {
  auto& layers = state_.layers();
  if (!layers.frozen()) {
    if (manifest_.lsn >= task_->target) return merge_or_go_on();
    frozen_draft_ = state_.draft_manifest();
    layers.freeze();
  }
  status().lsn = frozen_draft_.lsn;
  status().commit = frozen_draft_.commit;
  if (layers.frozen()->versions() == 0) {
    task_->written = nullptr;
    task_->steps.clear();
    return install_checkpoint();
  }
  status().total_bytes = task_->progress->bytes.load() + layers.frozen()->bytes();
  enter(OperationStage::kWritingRun);
  auto written = std::make_shared<WrittenRun>();
  auto options = run_options(manifest_.commit.next(), frozen_draft_.commit);
  options.table = layers.frozen().get();
  run_job(
      [written, options, data_dir = data_dir_, progress = task_->progress,
       table = layers.frozen()](runtime::Disk& disk) {
        auto source = store::versions_of(*table);
        *written = write_run(disk, data_dir, options, *progress, *source);
      },
      [this, written] {
        if (written->error) return end(std::move(written->error));
        task_->written = std::move(written->run);
        task_->steps = std::move(written->steps);
        install_checkpoint();
      });
}

store::RunWriterOptions Storage::run_options(CommitId first, CommitId last) {
  store::RunWriterOptions options;
  options.number = next_run_++;
  options.first_commit = first;
  options.last_commit = last;
  options.indexes = state_.indexes();
  options.compression = options_.compression;
  options.progress = [progress = task_->progress, before = task_->progress->bytes.load()](uint64_t written) {
    progress->bytes = before + written;
  };
  return options;
}

void Storage::on_durable(Lsn durable) {
  durable_ = durable;
  if (task_ && status().stage == OperationStage::kAwaitingLog && durable_ >= frozen_draft_.lsn) install_checkpoint();
}

void Storage::install_checkpoint() {
  store::Manifest draft = frozen_draft_;
  draft.runs = manifest_.runs;
  std::optional<uint64_t> number;
  if (task_->written) {
    draft.runs.push_back(task_->written->info());
    number = task_->written->info().number;
  }
  draft.segment_sequence = log_.segment_of(draft.lsn);
  auto next = candidate(std::move(draft), std::nullopt, task_->steps);
  switch (may_install(next, number)) {
    case rules::InstallDecision::kLogNotDurable:
      return enter(OperationStage::kAwaitingLog);
    case rules::InstallDecision::kDenied:
      return end(Error{ErrorCode::kInternal, "checkpoint: its manifest must not be installed", {}});
    case rules::InstallDecision::kGranted:
      break;
  }
  install(std::move(next), [this] {
    auto runs = state_.layers().runs();
    if (task_->written) runs.push_back(std::move(task_->written));
    // Freeing a large table takes longer than a turn of the loop should.
    runtime_.jobs().run_long(
        [table = state_.layers().replace_frozen(std::move(runs))](runtime::Disk&) mutable { table.reset(); }, [] {});
    release_covered();
    write_next_frozen();
  });
}

// Every segment before the one that holds the manifest's last record.
void Storage::release_covered() {
  if (manifest_.segment_sequence <= 1) return;
  auto covered = evidence();
  covered.released_sequence = manifest_.segment_sequence - 1;
  rules::NoTrace trace;
  if (rules::decide_release(covered, trace)) log_.release_through(covered.released_sequence);
}

Storage::Candidate Storage::candidate(store::Manifest draft, std::optional<rules::MergeEvidence> merge,
                                      const std::vector<rules::SyncStepEvidence>& steps) const {
  draft.number = manifest_.number + 1;
  draft.next_run = next_run_;
  Candidate next{std::move(draft), {}, steps};
  next.steps.push_back({rules::SyncStep::kLogDurable, rules::InstalledBy::kOperation, std::nullopt, durable_});
  next.record = record_for(next.manifest, manifest_, record_, merge);
  if (auto& noted = next.record.steps) noted->insert(noted->end(), next.steps.begin(), next.steps.end());
  return next;
}

rules::InstallDecision Storage::may_install(const Candidate& next, std::optional<uint64_t> written) const {
  auto evidence = evidence_of(next.manifest, next.record);
  evidence.sync_steps = next.steps;
  rules::NoTrace trace;
  return rules::decide_install(evidence, written, trace);
}

void Storage::install(Candidate next, runtime::Callback then) {
  enter(OperationStage::kInstalling);
  auto result = std::make_shared<Result<void>>();
  auto installed = std::make_shared<Candidate>(std::move(next));
  run_job(
      [result, installed, data_dir = data_dir_](runtime::Disk& disk) {
        *result = store::install_manifest(disk, data_dir, installed->manifest,
                                          [&](runtime::ReplaceStep step) { note_step(step, installed->record); });
      },
      [this, result, installed, then = std::move(then)]() mutable {
        // Where it failed, the disk may hold the old manifest or the new one: both are true, and the next one installed
        // replaces either. Until then no segment is released and no file removed.
        if (!*result) return end(std::move(result->error()));
        manifest_ = std::move(installed->manifest);
        record_ = std::move(installed->record);
        status().manifest = manifest_.number;
        then();
      });
}

// --- merging

void Storage::merge_or_go_on() {
  const size_t count = task_->merge ? store::runs_to_merge(manifest_.runs) : 0;
  if (count > 0) return merge_from(manifest_.runs.size() - count);
  if (status().kind == OperationKind::kSnapshot) return link_snapshot();
  remove_obsolete();
}

void Storage::merge_from(size_t from) {
  const Runs merged(state_.layers().runs().begin() + static_cast<ptrdiff_t>(from), state_.layers().runs().end());
  status().total_bytes = task_->progress->bytes.load() + bytes_of(merged);
  if (status().lsn == Lsn()) {
    status().lsn = manifest_.lsn;
    status().commit = manifest_.commit;
  }
  enter(OperationStage::kMerging);
  auto written = std::make_shared<WrittenRun>();
  auto options = run_options(merged.front()->info().first_commit, merged.back()->info().last_commit);
  const store::MergeOptions terms{drop_floor(), from == 0};
  run_job([written, options, merged, terms, data_dir = data_dir_, progress = task_->progress](
              runtime::Disk& disk) { *written = merge_runs(disk, data_dir, options, *progress, merged, terms); },
          [this, written, from, merged, drop_floor = terms.floor] {
            if (written->error) return end(std::move(written->error));
            store::Manifest draft = manifest_;
            draft.runs.resize(from);
            draft.runs.push_back(written->run->info());
            const uint64_t number = written->run->info().number;
            auto next = candidate(std::move(draft), rules::MergeEvidence{number, drop_floor}, written->steps);
            if (may_install(next, number) != rules::InstallDecision::kGranted)
              return end(Error{ErrorCode::kInternal, "merge: its manifest must not be installed", {}});
            install(std::move(next), [this, from, merged, run = std::move(written->run)]() mutable {
              Runs runs = state_.layers().runs();
              runs.resize(from);
              runs.push_back(std::move(run));
              state_.layers().replace_runs(std::move(runs));
              for (const auto& old : merged) {
                cache_.forget(old->info().number);
                obsolete_.push_back(old);
              }
              status().runs_merged += merged.size();
              // In a later turn, when this callback and the runs that it holds are gone.
              runtime_.loop().post(step([this] {
                if (status().kind == OperationKind::kCompact) return remove_obsolete();
                merge_or_go_on();
              }));
            });
          });
}

CommitId Storage::drop_floor() const { return std::min(manifest_.floor, lowest_pin().value_or(manifest_.floor)); }

// --- snapshot, removal

void Storage::link_snapshot() {
  enter(OperationStage::kLinking);
  status().snapshot = task_->snapshot;
  auto result = std::make_shared<Result<void>>();
  run_job([result, data_dir = data_dir_, name = task_->snapshot, manifest = manifest_, runs = state_.layers().runs(),
           max = options_.max_snapshots](
              runtime::Disk& disk) { *result = make_snapshot(disk, data_dir, name, manifest, max); },
          [this, result] {
            if (!*result) return end(std::move(result->error()));
            remove_obsolete();
          });
}

// Files of merged runs that nobody reads any more, and what crashed checkpoints left behind.
void Storage::remove_obsolete() {
  enter(OperationStage::kRemoving);
  std::erase_if(obsolete_, [](const auto& run) { return run.use_count() == 1; });
  std::vector<std::string> kept;
  kept.reserve(obsolete_.size());
  for (const auto& run : obsolete_) kept.push_back(store::run_name(run->info().number));
  auto result = std::make_shared<Result<void>>();
  run_job([result, kept, data_dir = data_dir_,
           manifest = manifest_](runtime::Disk& disk) { *result = remove_strays(disk, data_dir, manifest, kept); },
          [this, result] { end(*result ? std::nullopt : std::optional(std::move(result->error()))); });
}

// --- pins and holds

uint64_t Storage::pin(uint64_t connection, CommitId commit) {
  pins_.emplace(++last_pin_, Pin{connection, commit});
  return last_pin_;
}

Result<void> Storage::unpin(uint64_t connection, uint64_t pin) {
  auto found = pins_.find(pin);
  if (found == pins_.end() || found->second.connection != connection)
    return fail(ErrorCode::kNoSuchPin, fmt::format("pin.release: this connection holds no pin {}", pin));
  pins_.erase(found);
  return {};
}

void Storage::release_connection(uint64_t connection) {
  std::erase_if(pins_, [connection](const auto& entry) { return entry.second.connection == connection; });
}

std::optional<CommitId> Storage::lowest_pin() const {
  std::optional<CommitId> lowest;
  for (const auto& [number, pin] : pins_) lowest = std::min(lowest.value_or(pin.commit), pin.commit);
  return lowest;
}

std::shared_ptr<const StorageHold> Storage::hold() const {
  auto hold = std::make_shared<StorageHold>();
  hold->manifest = manifest_;
  hold->manifest.segment_sequence = 0;
  hold->runs = state_.layers().runs();
  return hold;
}

}  // namespace aerodb::engine
