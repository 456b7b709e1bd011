#include "tests/sim/runtime/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "tests/sim/runtime/fiber.h"

namespace aerodb::sim {
namespace {

constexpr uint64_t kCallsAfterDeathMax = 1'000'000;

// Which kind makes a call of this sort fail.
FaultKind error_kind(SimProcess::Call call) {
  using Call = SimProcess::Call;
  switch (call) {
    case Call::kRead:
      return FaultKind::kReadError;
    case Call::kWrite:
    case Call::kFillZero:
    case Call::kLogWrite:
      return FaultKind::kWriteError;
    case Call::kSync:
    case Call::kSyncDirectory:
    case Call::kLogSync:
      return FaultKind::kSyncFailed;
    default:
      return FaultKind::kCallError;
  }
}

}  // namespace

SimMachine::SimMachine(SimWorld& world, uint32_t index, std::string name)
    : world_(world),
      index_(index),
      name_(std::move(name)),
      address_(fmt::format("10.0.{}.{}", index / 250, index % 250 + 1)),
      disk_(world) {}

void SimMachine::enter(SimProcess& process) {
  processes_.push_back(&process);
  up_ = true;
}

void SimMachine::leave(SimProcess& process) { std::erase(processes_, &process); }

void SimMachine::power_loss() {
  for (SimProcess* process : processes_) process->die(CrashKind::kPower);
  disk_.power_loss();
  up_ = false;
  world_.trace(EventKind::kCrash, kWorld, static_cast<uint64_t>(CrashKind::kPower), index_);
  for (SimProcess* process : std::vector(processes_)) process->reap_when_safe();
}

SimProcess::SimProcess(SimMachine& machine, SimWorld& world, ProcessOptions options)
    : world_(world),
      machine_(machine),
      options_(std::move(options)),
      owner_(world.admit()),
      silent_log_(make_silent_log()),
      log_(options_.log ? options_.log : silent_log_.get()),
      loop_(*this),
      clock_(*this),
      random_(world.random().next()),
      network_(*this),
      disk_(*this),
      jobs_(*this),
      log_device_(*this) {
  machine_.enter(*this);
  world_.trace(EventKind::kStart, owner_, machine_.index(), 0);
}

SimProcess::~SimProcess() {
  die(CrashKind::kProcess);
  reap();
  buried_.clear();
  world_.forget(*this);
  machine_.leave(*this);
}

void SimProcess::crash(CrashKind kind) {
  if (alive_ && kind == CrashKind::kPower) return machine_.power_loss();
  die(kind);
  reap_when_safe();
}

void SimProcess::die(CrashKind kind) {
  if (!alive_) return;
  alive_ = false;
  world_.trace(EventKind::kCrash, owner_, static_cast<uint64_t>(kind), disk_calls_);
  for (PendingWrite* write : pending_writes_) machine_.disk().cut_write(write->node, write->offset, write->data);
  world_.retire(owner_);
  machine_.disk().release_locks(owner_);
  world_.network().process_died(owner_, kind);
}

void SimProcess::reap_when_safe() {
  if (burning_ || world_.executing() == owner_ || world_.fibers().running()) return world_.reap_later(*this);
  reap();
}

void SimProcess::reap() {
  burning_ = false;
  jobs_.finish_all();
  log_device_.abandon();
  for (auto& callback : world_.drop_events(owner_)) bury(std::move(callback));
  world_.network().forget(owner_);
}

Result<void> SimProcess::enter_call(Call call, uint64_t bytes) {
  if (alive_) {
    ++disk_calls_;
    if (fuse_.calls > 0 && --fuse_.calls == 0) {
      burning_ = true;
      crash(fuse_.kind);
    }
  }
  if (!alive_) {
    // A Job that does not give up would hold the crash for ever.
    AERODB_ASSERT(++calls_after_death_ < kCallsAfterDeathMax);
    return fail(ErrorCode::kIo, fmt::format("{}: the process is dead", options_.name));
  }
  world_.trace(EventKind::kDiskCall, owner_, static_cast<uint64_t>(call), bytes);
  const FaultKind kind = error_kind(call);
  if (failing_call_ > 0 && --failing_call_ == 0) world_.arm(kind, 1);
  if (kind == FaultKind::kCallError && machine_.disk().hit(kind))
    return fail(ErrorCode::kIo, fmt::format("{}: input/output error", options_.name));
  return {};
}

// A microsecond each, so that a process that posts for ever can't stop the time.
void SimProcess::LoopFace::post(runtime::Callback callback) {
  if (!process_.alive_) return process_.bury(std::move(callback));
  process_.world_.schedule(1, EventKind::kPost, process_.owner_, std::move(callback));
}

runtime::TimerId SimProcess::LoopFace::after(uint64_t delay_us, runtime::Callback callback) {
  SimWorld& world = process_.world_;
  if (!process_.alive_) {
    process_.bury(std::move(callback));
    return runtime::TimerId::kNone;
  }
  const uint64_t late_us = world.pick(world.options().timer_late_us);
  return static_cast<runtime::TimerId>(
      world.schedule(std::max(delay_us, delay_us + late_us), EventKind::kTimer, process_.owner_, std::move(callback)));
}

void SimProcess::LoopFace::cancel(runtime::TimerId timer) { process_.world_.cancel(static_cast<EventId>(timer)); }

SimProcess::ClockFace::ClockFace(SimProcess& process)
    : process_(process), monotonic_base_us_(1 + process.world_.random().below(1'000'000'000)) {}

uint64_t SimProcess::ClockFace::monotonic_us() { return monotonic_base_us_ + process_.world_.now_us(); }

uint64_t SimProcess::ClockFace::wall_us() {
  SimWorld& world = process_.world_;
  if (world.hit(FaultKind::kWallJump)) {
    constexpr int64_t kHourUs = 3'600'000'000;
    process_.options_.wall_skew_us += static_cast<int64_t>(world.random().below(2 * kHourUs)) - kHourUs;
  }
  return world.options().wall_base_us + world.now_us() + static_cast<uint64_t>(process_.options_.wall_skew_us);
}

}  // namespace aerodb::sim
