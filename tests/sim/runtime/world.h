// A deterministic world: virtual time, one event queue, one source of randomness, one trace.
//
// Everything that happens is an event, run in the order of (time, sequence number). The same seed and the same calls
// give the same events, and trace_hash() proves it: it covers each event, each disk call and all bytes written or
// delivered.
//
// Who owns what: the world owns machines, network and fibers. The caller owns the SimProcess objects and what runs on
// them, and destroys them before the world. Single-threaded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/checksum.h"
#include "common/base/random.h"
#include "common/runtime/loop.h"
#include "tests/sim/runtime/options.h"

namespace aerodb::sim {

class FiberPool;
class SimMachine;
class SimNetwork;
class SimProcess;

// The number of one incarnation of a process; its events die with it.
using Owner = uint32_t;
inline constexpr Owner kWorld = 0;  // events of nobody

enum class EventId : uint64_t { kNone = 0 };

enum class EventKind : uint8_t {
  kPost,
  kTimer,
  kJobStart,
  kJobStep,
  kJobDone,
  kLogWrite,
  kLogSync,
  kLogDone,
  kConnect,
  kConnected,
  kDeliver,
  kDrained,
  kClosed,
  kSilenceEnds,
  kScript,    // the simulator's own
  kDiskCall,  // trace only
  kBytes,     // trace only
  kStart,     // trace only: a process started
  kCrash,     // trace only
};
[[nodiscard]] std::string_view event_kind_name(EventKind kind);

// One line of the trace. Meaning of a and b by kind: kDiskCall call and bytes, kBytes count, kCrash the CrashKind.
struct TraceEntry {
  uint64_t time_us = 0;
  uint64_t sequence = 0;  // of the event; 0 for trace-only entries
  EventKind kind = EventKind::kPost;
  Owner owner = kWorld;
  uint64_t a = 0;
  uint64_t b = 0;
};

class SimWorld {
 public:
  SimWorld(uint64_t seed, const SimOptions& options);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  [[nodiscard]] uint64_t seed() const { return seed_; }
  [[nodiscard]] uint64_t now_us() const { return now_us_; }
  [[nodiscard]] SimOptions& options() { return options_; }  // may be changed at any time
  [[nodiscard]] SeededRandom& random() { return random_; }
  [[nodiscard]] uint64_t pick(Range range) { return range.low + random_.below(range.high - range.low + 1); }

  // True when a fault of this kind is to happen now; counts it. A rate of 0 takes nothing from the randomness.
  [[nodiscard]] bool hit(FaultKind kind);
  // Of a kind that is rolled: the `calls`-th roll from now (1: the next) hits, once; 0: none does. For tests that want
  // one fault in one place.
  void arm(FaultKind kind, uint64_t calls) { armed_[static_cast<size_t>(kind)] = calls; }
  void count(FaultKind kind) { ++hits_[static_cast<size_t>(kind)]; }
  [[nodiscard]] uint64_t hits(FaultKind kind) const { return hits_[static_cast<size_t>(kind)]; }

  // Runs `run` once, `delay_us` from now; events of one time run in the order scheduled. For a dead owner: dropped.
  EventId schedule(uint64_t delay_us, EventKind kind, Owner owner, runtime::Callback run);
  // No effect on an event that ran, was cancelled or was dropped.
  void cancel(EventId id);

  // Runs the next event. False: there is none.
  bool step();
  // Runs every event up to `time_us`; then it is that time.
  void run_until(uint64_t time_us);
  void run_for(uint64_t duration_us) { run_until(now_us_ + duration_us); }
  // Runs until nothing is left; false when `max_events` were not enough.
  [[nodiscard]] bool run_to_idle(uint64_t max_events = 1'000'000);
  [[nodiscard]] uint64_t events_run() const { return events_run_; }

  void trace(EventKind kind, Owner owner, uint64_t a, uint64_t b) { trace({now_us_, 0, kind, owner, a, b}); }
  void trace_bytes(Owner owner, ByteSpan bytes);
  [[nodiscard]] std::array<uint8_t, 16> trace_hash() const { return hash_.finish(); }
  // Sees each entry as it happens, for the transcript of a failing seed. Must change nothing.
  void observe(std::move_only_function<void(const TraceEntry&)> observer) { observer_ = std::move(observer); }

  // A contract of the runtime was broken by the code under test. The simulator fails the seed.
  void violation(std::string what) { violations_.push_back(std::move(what)); }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

  // Addresses are 10.0.0.1, 10.0.0.2, ... in the order of creation.
  SimMachine& add_machine(std::string name);
  [[nodiscard]] const std::vector<std::unique_ptr<SimMachine>>& machines() const { return machines_; }
  [[nodiscard]] SimNetwork& network() { return *network_; }
  [[nodiscard]] FiberPool& fibers() { return *fibers_; }

  // For SimProcess.
  [[nodiscard]] Owner admit();
  void retire(Owner owner);                                               // dead from now on
  [[nodiscard]] std::vector<runtime::Callback> drop_events(Owner owner);  // answers their callbacks, which never run
  [[nodiscard]] bool alive(Owner owner) const { return alive_[owner]; }
  [[nodiscard]] Owner executing() const { return executing_; }
  void reap_later(SimProcess& process);  // after the event that is running, or before the next
  void forget(SimProcess& process);

 private:
  struct QueueEntry {
    uint64_t time_us;
    uint64_t sequence;
    uint32_t slot;
  };
  struct Slot {
    runtime::Callback run;
    uint64_t sequence = 0;  // 0: free, or cancelled
    uint32_t generation = 1;
    EventKind kind = EventKind::kPost;
    Owner owner = kWorld;
  };
  static bool later(const QueueEntry& a, const QueueEntry& b);
  void trace(const TraceEntry& entry);
  runtime::Callback release(uint32_t slot);
  void drop_stale();
  void reap();

  uint64_t seed_;
  SimOptions options_;
  SeededRandom random_;
  uint64_t now_us_ = 0;
  uint64_t next_sequence_ = 1;
  uint64_t events_run_ = 0;
  Owner executing_ = kWorld;
  std::vector<QueueEntry> queue_;  // a heap
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<bool> alive_ = {true};
  std::vector<SimProcess*> to_reap_;
  std::array<uint64_t, kFaultKinds> hits_{};
  std::array<uint64_t, kFaultKinds> armed_{};
  std::vector<std::string> violations_;
  Xxh3Stream hash_;
  std::move_only_function<void(const TraceEntry&)> observer_;
  std::unique_ptr<FiberPool> fibers_;
  std::unique_ptr<SimNetwork> network_;
  std::vector<std::unique_ptr<SimMachine>> machines_;
};

}  // namespace aerodb::sim
