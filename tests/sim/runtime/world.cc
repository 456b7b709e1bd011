#include "tests/sim/runtime/world.h"

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "tests/sim/runtime/fiber.h"
#include "tests/sim/runtime/network.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {

std::string_view event_kind_name(EventKind kind) {
  static constexpr std::string_view kNames[] = {"post",      "timer",    "job_start", "job_step", "job_done",
                                                "log_write", "log_sync", "log_done",  "connect",  "connected",
                                                "deliver",   "drained",  "closed",    "silence",  "script",
                                                "disk",      "bytes",    "start",     "crash"};
  return kNames[static_cast<size_t>(kind)];
}

SimWorld::SimWorld(uint64_t seed, const SimOptions& options)
    : seed_(seed),
      options_(options),
      random_(seed),
      fibers_(std::make_unique<FiberPool>()),
      network_(std::make_unique<SimNetwork>(*this)) {
  trace({0, 0, EventKind::kScript, kWorld, seed, 0});
}

SimWorld::~SimWorld() {
  for (const auto& machine : machines_) AERODB_ASSERT(machine->processes().empty());
  // What callbacks own may need the network while it is destroyed.
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].sequence != 0) release(index);
  }
}

bool SimWorld::hit(FaultKind kind) {
  uint64_t& armed = armed_[static_cast<size_t>(kind)];
  const bool due = armed > 0 && --armed == 0;
  const uint32_t rate = options_.rate(kind);
  if (!due && (rate == 0 || !random_.one_in(rate))) return false;
  count(kind);
  return true;
}

bool SimWorld::later(const QueueEntry& a, const QueueEntry& b) {
  return a.time_us != b.time_us ? a.time_us > b.time_us : a.sequence > b.sequence;
}

EventId SimWorld::schedule(uint64_t delay_us, EventKind kind, Owner owner, runtime::Callback run) {
  if (!alive_[owner]) return EventId::kNone;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.run = std::move(run);
  slot.sequence = next_sequence_++;
  slot.kind = kind;
  slot.owner = owner;
  delay_us = std::min(delay_us, UINT64_MAX - now_us_);  // "for ever" does not wrap around
  queue_.push_back({now_us_ + delay_us, slot.sequence, index});
  std::push_heap(queue_.begin(), queue_.end(), later);
  return static_cast<EventId>((uint64_t{slot.generation} << 32) | index);
}

// The entry in the queue stays and is recognised by its sequence number.
runtime::Callback SimWorld::release(uint32_t index) {
  Slot& slot = slots_[index];
  slot.sequence = 0;
  ++slot.generation;
  free_slots_.push_back(index);
  return std::exchange(slot.run, nullptr);
}

void SimWorld::cancel(EventId id) {
  auto index = static_cast<uint32_t>(static_cast<uint64_t>(id));
  auto generation = static_cast<uint32_t>(static_cast<uint64_t>(id) >> 32);
  if (index >= slots_.size() || slots_[index].generation != generation || slots_[index].sequence == 0) return;
  // The callback may own objects whose destructors come back here, so it dies as a temporary, after the release.
  release(index);
}

std::vector<runtime::Callback> SimWorld::drop_events(Owner owner) {
  std::vector<runtime::Callback> dropped;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].sequence != 0 && slots_[index].owner == owner) dropped.push_back(release(index));
  }
  return dropped;
}

void SimWorld::drop_stale() {
  while (!queue_.empty() && slots_[queue_.front().slot].sequence != queue_.front().sequence) {
    std::pop_heap(queue_.begin(), queue_.end(), later);
    queue_.pop_back();
  }
}

bool SimWorld::step() {
  AERODB_ASSERT(!fibers_->running());
  reap();
  drop_stale();
  if (queue_.empty()) return false;
  QueueEntry entry = queue_.front();
  std::pop_heap(queue_.begin(), queue_.end(), later);
  queue_.pop_back();
  now_us_ = entry.time_us;
  ++events_run_;
  EventKind kind = slots_[entry.slot].kind;
  executing_ = slots_[entry.slot].owner;
  trace({now_us_, entry.sequence, kind, executing_, 0, 0});
  {
    runtime::Callback run = release(entry.slot);
    run();
  }
  executing_ = kWorld;
  reap();
  return true;
}

void SimWorld::run_until(uint64_t time_us) {
  AERODB_ASSERT(time_us >= now_us_);
  for (;;) {
    drop_stale();
    if (queue_.empty() || queue_.front().time_us > time_us) break;
    step();
  }
  now_us_ = time_us;
}

bool SimWorld::run_to_idle(uint64_t max_events) {
  for (uint64_t count = 0; count < max_events; ++count) {
    if (!step()) return true;
  }
  drop_stale();
  return queue_.empty();
}

void SimWorld::trace(const TraceEntry& entry) {
  const uint64_t words[] = {entry.time_us, entry.sequence,
                            (uint64_t{entry.owner} << 8) | static_cast<uint8_t>(entry.kind), entry.a, entry.b};
  hash_.update({reinterpret_cast<const uint8_t*>(words), sizeof words});
  if (observer_) observer_(entry);
}

void SimWorld::trace_bytes(Owner owner, ByteSpan bytes) {
  trace(EventKind::kBytes, owner, bytes.size(), 0);
  hash_.update(bytes);
}

SimMachine& SimWorld::add_machine(std::string name) {
  machines_.push_back(std::make_unique<SimMachine>(*this, static_cast<uint32_t>(machines_.size()), std::move(name)));
  return *machines_.back();
}

Owner SimWorld::admit() {
  alive_.push_back(true);
  return static_cast<Owner>(alive_.size() - 1);
}

void SimWorld::retire(Owner owner) { alive_[owner] = false; }

void SimWorld::reap_later(SimProcess& process) {
  if (std::ranges::find(to_reap_, &process) == to_reap_.end()) to_reap_.push_back(&process);
}

void SimWorld::forget(SimProcess& process) { std::erase(to_reap_, &process); }

void SimWorld::reap() {
  while (!to_reap_.empty()) {
    SimProcess* process = to_reap_.front();
    to_reap_.erase(to_reap_.begin());
    process->reap();
  }
}

}  // namespace aerodb::sim
