#include "common/engine/engine.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/assert.h"
#include "common/base/fault.h"

namespace aerodb::engine {
namespace {
constexpr size_t kChainWindow = 65'536;

Error halted_error() { return {ErrorCode::kHalted, "storage operation: the node halted", {}}; }

}  // namespace

Engine::Engine(runtime::Runtime& runtime, std::unique_ptr<OpenedNode> opened, EngineOptions options,
               EngineEvents& events)
    : runtime_(runtime),
      events_(events),
      options_(std::move(options)),
      opened_(std::move(opened)),
      writer_(runtime.log_device(), runtime.clock(), runtime.random(), *this, opened_->node.cluster,
              opened_->node.instance,
              wal::Ring(options_.geometry, opened_->scan.end.cursor, opened_->scan.released_sequence),
              opened_->scan.end, options_.writer),
      reader_(writer_, runtime.jobs(), options_.data_dir, std::move(opened_->scan.places)),
      storage_(std::make_unique<Storage>(runtime, options_.data_dir, options_.storage, state_(), opened_->manifest,
                                         found_at_start(opened_->report.evidence), opened_->next_run)),
      visible_(state_().position()),
      visible_floor_(state_().floor()),
      visible_authority_(state_().authority()),
      chain_window_{visible_.chain},
      chain_window_from_(visible_.lsn),
      halt_(opened_->halt),
      halt_recorded_(opened_->halt.has_value()),
      fence_(opened_->fence),
      declined_seals_(std::move(opened_->declined_seals)) {
  storage_->connect_log(
      {[this](Lsn lsn) { return reader_.segment_of(lsn); },
       [this](uint64_t sequence) { writer_.release_through(sequence); },
       [this] { return LogOffsets{visible_.lsn, reader_.first_lsn(), writer_.ring().released()}; },
       [this] { return KnownPosition{visible_.lsn, visible_.chain}; },
       [this](Lsn from, uint64_t max_bytes, auto done) { reader_.read_files(from, max_bytes, std::move(done)); }});
  storage_->on_durable(visible_.lsn);
  if (halt_) storage_->fail_running(halted_error());
  storage_->on_idle([this] { note_rest(); });
  reader_.on_idle([this] { note_rest(); });
}

Engine::~Engine() { *alive_ = false; }

std::optional<Chain> Engine::chain_at(Lsn lsn) const {
  if (lsn == Lsn() || lsn > visible_.lsn || lsn < chain_window_from_ ||
      lsn.value() + kChainWindow <= visible_.lsn.value())
    return std::nullopt;
  return chain_window_[(lsn.value() - chain_window_from_.value()) % kChainWindow];
}

void Engine::note_visible_chain() {
  const size_t index = (visible_.lsn.value() - chain_window_from_.value()) % kChainWindow;
  if (index == chain_window_.size())
    chain_window_.push_back(visible_.chain);
  else
    chain_window_[index] = visible_.chain;
}

wal::RecordHeader Engine::next_header(Epoch epoch) const {
  const Position& end = newest();
  wal::RecordHeader header;
  header.epoch = epoch;
  header.lsn = end.lsn.next();
  header.commit = end.commit;
  header.chain_before = end.chain;
  header.digest_after = end.digest;
  return header;
}

Engine::Appended Engine::append_own(const wal::RecordHeader& header, const wal::Payload& payload) {
  Bytes& out = writer_.encode_buffer();
  const size_t begin = out.size();
  wal::encode_record(header, payload, out);
  auto record = wal::read_record(ByteSpan(out).subspan(begin));
  AERODB_ASSERT(record.has_value());
  const Position after{header.lsn,       header.commit,         header.epoch,
                       newest().lineage, record->chain_after(), header.digest_after};
  writer_.append(header.lsn, record->bytes.size());
  return {*record, after};
}

void Engine::appended(const Position& position) {
  pending_.push_back(position);
  schedule_pump();
}

// One frame per loop turn at the earliest: everything that the turn admits goes into it.
void Engine::schedule_pump() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  runtime_.loop().post([this, alive = alive_] {
    if (!*alive) return;
    pump_scheduled_ = false;
    const bool inline_now = inline_policy_ && inline_policy_();
    writer_.pump(inline_now ? runtime::Completion::kInline : runtime::Completion::kLater);
  });
}

void Engine::when_durable(Lsn lsn, std::move_only_function<void(Result<void>)> done) {
  if (lsn <= visible_.lsn) {
    done({});
  } else if (halt_) {
    done(fail(ErrorCode::kOutcomeUnknown,
              fmt::format("write: the node halted before LSN {} was durable ({})", lsn.value(), halt_->reason)));
  } else {
    AERODB_ASSERT(held_.empty() || held_.back().lsn <= lsn);
    held_.push_back({lsn, std::move(done)});
  }
}

void Engine::on_durable(Lsn lsn) {
  while (!pending_.empty() && pending_.front().lsn <= lsn) {
    visible_ = pending_.front();
    note_visible_chain();
    pending_.pop_front();
  }
  while (!pending_authority_.empty() && pending_authority_.front().lsn <= lsn) {
    visible_authority_ = std::move(pending_authority_.front().authority);
    pending_authority_.pop_front();
  }
  while (!pending_floors_.empty() && pending_floors_.front().lsn <= lsn) {
    visible_floor_ = pending_floors_.front().floor;
    pending_floors_.pop_front();
  }
  while (!held_.empty() && held_.front().lsn <= visible_.lsn) {
    auto done = std::move(held_.front().done);
    held_.pop_front();
    done({});
  }
  storage_->on_durable(visible_.lsn);
  events_.on_durable(visible_);
  note_rest();
}

void Engine::on_log_failure(Error error) { halt(halt_for("WAL-5", error, writer_.durable().next())); }

void Engine::fail_held(const Error& error) {
  auto held = std::move(held_);
  held_.clear();
  for (auto& entry : held) entry.done(fail(error));
}

void Engine::halt(Halt reason) {
  if (halt_) return;
  halt_ = std::move(reason);
  runtime_.log().write(
      LogLevel::kError, "halted",
      {{"rule", halt_->rule}, {"code", halt_->code}, {"reason", halt_->reason}, {"lsn", halt_->lsn.value()}});
  // Best effort for an own disk error: without the file the next start decides afresh.
  auto written = std::make_shared<Result<void>>();
  runtime_.jobs().run(
      [written, data_dir = options_.data_dir, halt = *halt_](runtime::Disk& disk) {
        if (!planted(Fault::kHaltForgotten)) *written = write_halt(disk, data_dir, halt);
      },
      [this, alive = alive_, written] {
        if (!*alive) return;
        if (!*written)
          runtime_.log().write(LogLevel::kError, "halt_not_recorded", {{"reason", written->error().message}});
        halt_recorded_ = true;
        for (auto& done : std::exchange(halt_waiters_, {})) done();
        note_rest();
      });
  storage_->fail_running(halted_error());
  fail_held({ErrorCode::kOutcomeUnknown,
             fmt::format("write: the node halted before the outcome was durable ({})", halt_->reason),
             {}});
  events_.on_halt(*halt_);
}

void Engine::when_halt_recorded(runtime::Callback done) {
  if (!halt_ || halt_recorded_) return done();
  halt_waiters_.push_back(std::move(done));
}

void Engine::fence(const Fence& fence, std::move_only_function<void(Result<void>)> done) {
  if (fence_) return done({});
  fence_waiters_.push_back(std::move(done));
  if (fence_on_its_way_) return;
  fence_on_its_way_ = fence;
  auto written = std::make_shared<Result<void>>();
  runtime_.jobs().run([written, data_dir = options_.data_dir,
                       fence](runtime::Disk& disk) { *written = write_fence(disk, data_dir, fence); },
                      [this, alive = alive_, written] {
                        if (*alive) fence_written(*written);
                      });
}

void Engine::fence_written(const Result<void>& written) {
  auto fence = std::exchange(fence_on_its_way_, std::nullopt);
  if (written) fence_ = std::move(fence);
  for (auto& done : std::exchange(fence_waiters_, {})) done(written);
  note_rest();
}

void Engine::end(std::string_view why, runtime::Callback at_rest) {
  AERODB_ASSERT(!at_rest_);
  at_rest_ = std::move(at_rest);
  storage_->fail_running({ErrorCode::kNotReady, fmt::format("storage operation: the log was closed ({})", why), {}});
  fail_held({ErrorCode::kOutcomeUnknown,
             fmt::format("write: the log was closed before the outcome was durable ({})", why),
             {}});
  note_rest();
}

bool Engine::at_rest() const {
  return writer_.at_rest() && !reader_.reading() && !storage_->working() && (!halt_ || halt_recorded_) &&
         declining_.empty() && keeping_ == 0 && !fence_on_its_way_;
}

// In a later turn: whoever tells of the last thing that ended is still on the stack.
void Engine::note_rest() {
  if (!at_rest_ || !at_rest()) return;
  runtime_.loop().post([this, alive = alive_] {
    if (!*alive || !at_rest_ || !at_rest()) return;
    auto done = std::exchange(at_rest_, nullptr);
    done();
  });
}

Result<void> Engine::clean_stop(runtime::Disk& disk) const {
  AERODB_ASSERT(writer_.idle());
  return write_clean_stop(disk, options_.data_dir, {visible_.lsn, visible_.chain});
}

Restartable<Result<Lsn>> Engine::append_batch(ByteSpan records, uint32_t count, store::LeasedBlocks& blocks) {
  if (halt_) return fail(ErrorCode::kHalted, "replica.append: the node is halted");
  if (newest().lsn != writer_.appended()) {
    return fail(ErrorCode::kReplicaDiverged,
                "replica.append: a batch before this one was refused behind its first record");
  }
  const size_t at_most = std::min<size_t>(count, records.size() / wal::kRecordHeaderBytes);
  std::vector<wal::RecordView> views;
  std::vector<uint64_t> sizes;
  views.reserve(at_most);
  sizes.reserve(at_most);
  ByteSpan rest = records;
  Chain chain = newest().chain;
  Lsn lsn = newest().lsn;
  for (uint32_t i = 0; i < count && !rest.empty(); ++i) {
    auto record = wal::read_record(rest);
    if (!record) return fail(std::move(record.error()));
    const bool starts_log = record->header.lsn == Lsn(1);  // its genesis chain is checked when it is applied
    const bool follows = record->header.lsn == lsn.next() && (starts_log || record->header.chain_before == chain);
    if (!follows && !planted(Fault::kGapAccepted)) {
      return fail(Error{
          ErrorCode::kReplicaDiverged,
          fmt::format("replica.append: LSN {} breaks the chain inside the batch (REPL-1)", record->header.lsn.value()),
          {}}.with("expected", to_hex(chain))
                      .with("found", to_hex(record->header.chain_before)));
    }
    record->note_chain_after();
    chain = record->chain_after();
    lsn = record->header.lsn;
    rest = rest.subspan(record->bytes.size());
    sizes.push_back(record->bytes.size());
    views.push_back(*record);
  }
  if (views.size() != count || !rest.empty())
    return fail(ErrorCode::kBadRecord, "replica.append: the batch holds another number of records than it says");
  if (!writer_.has_room_for(sizes))
    return fail(ErrorCode::kReplicaFull, "replica.append: the ring has no released segment left (WAL-6)");
  if (state_().layers().memory_bytes() >= options_.max_memory_bytes)
    return fail(ErrorCode::kReplicaFull, "replica.append: the memory table is at memory.max_bytes (WAL-6)");
  bool warm = true;
  for (const auto& record : views) warm = state_().warm(record, blocks) && warm;
  if (!warm) {
    if (blocks.trouble()) return fail(*blocks.trouble());
    return std::nullopt;
  }

  std::vector<Position> positions;
  positions.reserve(views.size());
  for (const auto& record : views) {
    if (auto applied = state_().apply(record, Trust::kPeer, blocks); !applied) return fail(std::move(applied.error()));
    positions.push_back(newest());
    const auto type = record.header.type;
    if (type == wal::RecordType::kCommit || type == wal::RecordType::kSchema) continue;
    if (type == wal::RecordType::kFloor) {
      pending_floors_.push_back({newest().lsn, state_().floor()});
      continue;
    }
    pending_authority_.push_back({newest().lsn, state_().authority()});
  }
  for (size_t i = 0; i < views.size(); ++i) {
    Bytes& out = writer_.encode_buffer();
    out.insert(out.end(), views[i].bytes.begin(), views[i].bytes.end());
    writer_.append(views[i].header.lsn, views[i].bytes.size());
    appended(positions[i]);
  }
  return newest().lsn;
}

}  // namespace aerodb::engine
