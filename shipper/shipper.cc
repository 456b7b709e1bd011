#include "shipper/shipper.h"

#include <utility>

namespace aerodb::shipper {
namespace {

using observe::MetricId;

SourceSettings settings_of(const ShipperConfig& config) {
  return {.name = config.source_name,
          .reconnect_ms = config.reconnect_ms,
          .fetch_max_bytes = config.fetch_max_bytes,
          .fetch_wait_ms = config.fetch_wait_ms,
          .window_bytes = config.window_bytes};
}

// Made on this side, in place of an answer.
bool is_no_answer(ErrorCode code) {
  return code == ErrorCode::kConnectionLost || code == ErrorCode::kTimedOut || code == ErrorCode::kUnreachable;
}

}  // namespace

Shipper::Shipper(runtime::Runtime& runtime, ShipperConfig config)
    : runtime_(runtime),
      config_(std::move(config)),
      instance_(runtime::random_id<InstanceId>(runtime.random())),
      source_core_(settings_of(config_)) {
  for (const auto& peer : config_.targets) {
    targets_.push_back(
        std::make_unique<Target>(peer, TargetCore(source_core_.view(), config_.reconnect_ms, config_.window_bytes)));
  }
  metrics_.set(MetricId::kStartWallUs, runtime_.clock().wall_us());
  metrics_.set(MetricId::kShipperTargetsCount, targets_.size());
}

Shipper::~Shipper() {
  disarm(source_);
  for (auto& target : targets_) disarm(target->peer);
}

Result<void> Shipper::start() {
  serve();
  if (auto listening = server_->listen(config_.listen_shipper); !listening) {
    server_.reset();
    return listening;
  }
  queue(SourceEvent{.kind = SourceEvent::Kind::kStart});
  queue_to_all({.kind = TargetEvent::Kind::kStart});
  return {};
}

void Shipper::stop(runtime::Callback done) {
  disarm(source_);
  source_.client.reset();
  for (auto& target : targets_) {
    disarm(target->peer);
    target->peer.client.reset();
  }
  server_.reset();
  events_.clear();
  *alive_ = false;
  runtime_.loop().post(std::move(done));
}

// --- events in, effects out

void Shipper::queue(Queued event) {
  events_.push_back(std::move(event));
  if (std::exchange(pump_posted_, true)) return;
  runtime_.loop().post([this, alive = std::weak_ptr(alive_)] {
    if (const auto still = alive.lock(); still && *still) pump();
  });
}

void Shipper::queue_to_all(const TargetEvent& event) {
  for (size_t i = 0; i < targets_.size(); ++i) queue(QueuedTargetEvent{i, event});
}

// Effects queue events too, which then go through in the same turn.
void Shipper::pump() {
  while (!events_.empty()) {
    const auto next = std::move(events_.front());
    events_.pop_front();
    if (const auto* event = std::get_if<QueuedTargetEvent>(&next))
      step_target(event->target, event->event);
    else
      step_source(std::get<SourceEvent>(next));
  }
  pump_posted_ = false;
}

void Shipper::step_source(const SourceEvent& event) {
  const auto before = source_core_.state();
  const auto effects = source_core_.step(event);
  if (source_core_.state() != before) log_source(before);
  for (const auto& effect : effects) carry_out(effect);
}

void Shipper::step_target(size_t index, const TargetEvent& event) {
  auto& target = *targets_[index];
  const auto before = target.core.state();
  const auto effects = target.core.step(event);
  if (target.core.state() != before) log_target(target, before);
  for (const auto& effect : effects) carry_out(index, effect);
}

void Shipper::carry_out(const SourceEffect& effect) {
  using Kind = SourceEffect::Kind;
  using To = TargetEvent::Kind;
  switch (effect.kind) {
    case Kind::kConnect:
      connect_source(effect.connection);
      break;
    case Kind::kClose:
      source_.client.reset();
      break;
    case Kind::kArmTimer:
      arm(source_, effect.ms, SourceEvent{.kind = SourceEvent::Kind::kTimerDue});
      break;
    case Kind::kAskPosition:
      ask_position(effect.connection);
      break;
    case Kind::kFetch:
      fetch(effect.connection, effect.ask);
      break;
    case Kind::kTellPosition:
      queue_to_all({.kind = To::kSourcePosition});
      break;
    case Kind::kTellLost:
      queue_to_all({.kind = To::kSourceLost});
      break;
    case Kind::kTellHeard:
      queue_to_all({.kind = To::kSourceHeard, .empty = effect.empty});
      break;
    case Kind::kTellReleased:
      queue_to_all({.kind = To::kSourceReleased, .lsn = effect.ask.from});
      break;
    case Kind::kGive:
      queue(QueuedTargetEvent{effect.ask.own->target,
                              {.kind = To::kGiven, .number = effect.ask.own->round, .chunk = effect.chunk}});
      break;
    case Kind::kGiveReleased:
      queue(QueuedTargetEvent{effect.ask.own->target, {.kind = To::kGivenReleased, .number = effect.ask.own->round}});
      break;
  }
}

void Shipper::carry_out(size_t index, const TargetEffect& effect) {
  using Kind = TargetEffect::Kind;
  using To = SourceEvent::Kind;
  auto& target = *targets_[index];
  switch (effect.kind) {
    case Kind::kConnect:
      connect_target(index, effect.number);
      break;
    case Kind::kClose:
      target.peer.client.reset();
      break;
    case Kind::kArmTimer:
      arm(target.peer, effect.ms, QueuedTargetEvent{index, {.kind = TargetEvent::Kind::kTimerDue}});
      break;
    case Kind::kWantPosition:
      queue(SourceEvent{.kind = To::kPositionWanted});
      break;
    case Kind::kOpen:
      open(index, effect.number);
      break;
    case Kind::kAppend:
      append(index, effect);
      break;
    case Kind::kWantTail:
      queue(SourceEvent{.kind = To::kTailWanted, .ask = {.from = effect.lsn}});
      break;
    case Kind::kWantOwn:
      queue(SourceEvent{.kind = To::kOwnWanted, .ask = {.from = effect.lsn, .own = OwnFetch{index, effect.number}}});
      break;
  }
}

// --- connections and timers

void Shipper::connect(Peer& peer, const runtime::Endpoint& address, std::function<Queued(Result<void>)> connected,
                      std::function<Queued(Error)> lost) {
  metrics_.add(MetricId::kShipperConnectAttemptsCount);
  peer.client = std::make_unique<wire::Client>(runtime_);
  peer.client->on_close(
      [this, lost = std::move(lost)] { queue(lost({ErrorCode::kConnectionLost, "the connection ended", {}})); });
  peer.client->connect(
      address, [this, connected = std::move(connected)](Result<void> result) { queue(connected(std::move(result))); });
}

void Shipper::arm(Peer& peer, uint32_t ms, Queued event) {
  disarm(peer);
  peer.timer = runtime_.loop().after(uint64_t{ms} * 1000,
                                     [this, event = std::move(event)]() mutable { queue(std::move(event)); });
}

void Shipper::disarm(Peer& peer) { runtime_.loop().cancel(std::exchange(peer.timer, runtime::TimerId::kNone)); }

// --- the source

void Shipper::connect_source(uint64_t connection) {
  using Kind = SourceEvent::Kind;
  connect(
      source_, config_.source_address,
      [connection](Result<void> result) -> Queued {
        if (result) return SourceEvent{.kind = Kind::kConnected, .connection = connection};
        return SourceEvent{.kind = Kind::kConnectFailed, .connection = connection, .error = std::move(result.error())};
      },
      [connection](Error error) -> Queued {
        return SourceEvent{.kind = Kind::kLost, .connection = connection, .error = std::move(error)};
      });
}

void Shipper::ask_position(uint64_t connection) {
  using Kind = SourceEvent::Kind;
  source_.client->call(wire::kWalPosition, {}, kAnswerMs, [this, connection](Result<wire::WalPositionResponse> answer) {
    SourceEvent event{.kind = Kind::kPositionFailed, .connection = connection};
    if (answer) {
      source_.heard_us = runtime_.clock().monotonic_us();
      event.kind = Kind::kPosition;
      event.position = std::move(*answer);
    } else {
      event.error = std::move(answer.error());
    }
    queue(std::move(event));
  });
}

void Shipper::fetch(uint64_t connection, const FetchAsk& ask) {
  using Kind = SourceEvent::Kind;
  const wire::WalFetchRequest request{ask.from, config_.fetch_max_bytes, ask.wait_ms};
  auto done = [this, connection, ask](Result<wire::WalFetchResponse> answer) {
    SourceEvent event{.kind = Kind::kFetchFailed, .connection = connection, .ask = ask};
    if (answer) {
      source_.heard_us = runtime_.clock().monotonic_us();
      metrics_.add(MetricId::kShipperRecordsFetchedCount, answer->count);
      metrics_.add(MetricId::kShipperBytesFetchedTotal, answer->records.size());
      event.kind = Kind::kFetched;
      event.answer = {answer->first_lsn, answer->count, answer->chain_before, answer->durable,
                      std::make_shared<const Bytes>(answer->records.begin(), answer->records.end())};
    } else {
      event.error = std::move(answer.error());
    }
    queue(std::move(event));
  };
  source_.client->call(wire::kWalFetch, request, ask.wait_ms + kAnswerMs, std::move(done));
}

// --- the targets

void Shipper::connect_target(size_t index, uint64_t connection) {
  using Kind = TargetEvent::Kind;
  auto& target = *targets_[index];
  ++target.connect_attempts;
  connect(
      target.peer, target.place.address,
      [index, connection](Result<void> result) -> Queued {
        if (result) return QueuedTargetEvent{index, {.kind = Kind::kConnected, .number = connection}};
        return QueuedTargetEvent{
            index, {.kind = Kind::kConnectFailed, .number = connection, .error = std::move(result.error())}};
      },
      [index, connection](Error error) -> Queued {
        return QueuedTargetEvent{index, {.kind = Kind::kLost, .number = connection, .error = std::move(error)}};
      });
}

void Shipper::open(size_t index, uint64_t round) {
  using Kind = TargetEvent::Kind;
  auto& target = *targets_[index];
  const auto& view = source_core_.view();
  wire::ReplicaOpenRequest request{config_.name,          instance_,
                                   view.position.node,    view.position.instance,
                                   view.position.cluster, view.durable.value_or(wire::Receipt{}),
                                   view.position.ancestry};
  target.peer.client->call(wire::kReplicaOpen, request, kAnswerMs,
                           [this, index, round](Result<wire::ReplicaOpenResponse> answer) {
                             TargetEvent event{.kind = Kind::kRefused, .number = round};
                             if (answer) {
                               heard(*targets_[index], *answer);
                               event.kind = Kind::kOpened;
                               event.session = answer->session;
                               event.lsn = answer->durable_lsn;
                             } else {
                               event.error = std::move(answer.error());
                             }
                             queue(QueuedTargetEvent{index, std::move(event)});
                           });
}

void Shipper::append(size_t index, const TargetEffect& effect) {
  using Kind = TargetEvent::Kind;
  auto& target = *targets_[index];
  const auto records = effect.chunk.count > 0 ? effect.chunk.records() : ByteSpan();
  const wire::ReplicaAppendRequest request{effect.session,
                                           effect.chain_before,
                                           effect.lsn,
                                           effect.chunk.count,
                                           source_core_.view().durable.value_or(wire::Receipt{}),
                                           records};
  target.records_sent += effect.chunk.count;
  target.bytes_sent += records.size();
  metrics_.add(MetricId::kShipperBatchesSentCount);
  metrics_.add(MetricId::kShipperRecordsSentCount, effect.chunk.count);
  metrics_.add(MetricId::kShipperBytesSentTotal, records.size());
  auto done = [this, index, round = effect.number, bytes = records.size()](Result<wire::ReplicaAppendResponse> answer) {
    TargetEvent event{.kind = Kind::kRefused, .number = round};
    if (answer) {
      heard(*targets_[index], *answer);
      targets_[index]->bytes_answered += bytes;
      event.kind = Kind::kAppended;
      event.bytes = bytes;
    } else {
      if (!is_no_answer(answer.error().code)) metrics_.add(MetricId::kShipperBatchesRefusedCount);
      event.error = std::move(answer.error());
    }
    queue(QueuedTargetEvent{index, std::move(event)});
  };
  target.peer.client->call(wire::kReplicaAppend, request, kAnswerMs, std::move(done));
}

}  // namespace aerodb::shipper
