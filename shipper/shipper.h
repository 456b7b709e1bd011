// A shipper: pulls the log of one source and pushes it to the targets of its configuration. It owns nothing on disk and
// decides nothing about the log; what it does is decided by SourceCore and TargetCore, and carried out here.
//
// Callbacks of connections and timers queue an event; once per loop turn the events go through the cores and their
// effects are carried out. Runs on any runtime. Thread: the loop's.
#pragma once

#include <deque>
#include <memory>
#include <variant>
#include <vector>

#include "common/observe/metrics.h"
#include "common/runtime/runtime.h"
#include "common/wire/client.h"
#include "common/wire/server.h"
#include "shipper/shipper_config.h"
#include "shipper/source_core.h"
#include "shipper/target_core.h"

namespace aerodb::shipper {

class Shipper {
 public:
  // The runtime must outlive this object.
  Shipper(runtime::Runtime& runtime, ShipperConfig config);
  ~Shipper();  // ends every connection; no callback runs after this
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  // Listens and begins to connect. Errors: those of Network::listen; nothing was started then. Called once.
  Result<void> start();
  // Ends every connection and the listener. `done` runs once, in a later turn. Nothing needs to be flushed: what a
  // target did not answer is sent again by the next shipper. Called once at most.
  void stop(runtime::Callback done);

  [[nodiscard]] runtime::Endpoint endpoint() const;  // of the listener, once started
  [[nodiscard]] wire::ShipperStatusResponse status() const;
  [[nodiscard]] wire::StatsResponse stats() const;

 private:
  struct Peer {
    std::unique_ptr<wire::Client> client;
    runtime::TimerId timer = runtime::TimerId::kNone;
    std::optional<uint64_t> heard_us;  // monotonic
  };
  struct Target {
    Target(const config::Peer& configured, TargetCore target_core) : place(configured), core(std::move(target_core)) {}
    config::Peer place;
    TargetCore core;
    Peer peer{};
    std::optional<Lsn> durable_lsn{};
    std::optional<Lsn> applied_lsn{};
    std::optional<CommitId> applied_commit{};
    uint64_t connect_attempts = 0;
    uint64_t records_sent = 0;
    uint64_t bytes_sent = 0;
    uint64_t bytes_answered = 0;
  };
  struct QueuedTargetEvent {
    size_t target;
    TargetEvent event;
  };
  using Queued = std::variant<SourceEvent, QueuedTargetEvent>;

  void serve();
  void queue(Queued event);
  void queue_to_all(const TargetEvent& event);
  void pump();
  void step_source(const SourceEvent& event);
  void step_target(size_t index, const TargetEvent& event);
  void carry_out(const SourceEffect& effect);
  void carry_out(size_t index, const TargetEffect& effect);

  // Connects anew; `connected` and `lost` make the events to queue.
  void connect(Peer& peer, const runtime::Endpoint& address, std::function<Queued(Result<void>)> connected,
               std::function<Queued(Error)> lost);
  void arm(Peer& peer, uint32_t ms, Queued event);
  void disarm(Peer& peer);
  void connect_source(uint64_t connection);
  void ask_position(uint64_t connection);
  void fetch(uint64_t connection, const FetchAsk& ask);
  void connect_target(size_t index, uint64_t connection);
  void open(size_t index, uint64_t round);
  void append(size_t index, const TargetEffect& effect);
  // Of a target's answer to replica.open or replica.append.
  template <class Answer>
  void heard(Target& target, const Answer& answer) {
    target.durable_lsn = answer.durable_lsn;
    target.applied_lsn = answer.applied_lsn;
    target.applied_commit = answer.applied_commit;
    target.peer.heard_us = runtime_.clock().monotonic_us();
  }

  void log_source(SourceState before) const;
  void log_target(const Target& target, TargetState before) const;
  [[nodiscard]] std::optional<uint64_t> us_ago(const Peer& peer) const;
  [[nodiscard]] wire::TargetView view_of(const Target& target) const;
  void refresh_gauges() const;

  runtime::Runtime& runtime_;
  ShipperConfig config_;
  InstanceId instance_;  // of this start
  mutable observe::Metrics metrics_{observe::Process::kShipper};
  SourceCore source_core_;
  Peer source_;
  std::vector<std::unique_ptr<Target>> targets_;  // each stays where it is: callbacks hold its index
  std::unique_ptr<wire::Server> server_;
  std::deque<Queued> events_;
  bool pump_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what was posted
};

}  // namespace aerodb::shipper
