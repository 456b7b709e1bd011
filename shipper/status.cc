// What a shipper shows of itself: its listener, its status, its metrics, its log lines. Raw positions of both sides and
// their age, never a difference.
#include "common/config/program.h"
#include "shipper/shipper.h"

namespace aerodb::shipper {
namespace {

using observe::MetricId;

// Every attempt to reach a peer that is away would fill the log with lines.
LogLevel level_of(TargetState state, TargetState before) {
  switch (state) {
    case TargetState::kStopped:
      return LogLevel::kError;
    case TargetState::kFull:
    case TargetState::kWaitingForSource:
      return LogLevel::kWarn;
    case TargetState::kStreaming:
      return LogLevel::kInfo;
    case TargetState::kDisconnected:
      return before == TargetState::kConnecting ? LogLevel::kDebug : LogLevel::kWarn;
    default:
      return LogLevel::kDebug;
  }
}

LogLevel level_of(SourceState state, SourceState before) {
  switch (state) {
    case SourceState::kStopped:
      return LogLevel::kError;
    case SourceState::kReady:
      return LogLevel::kInfo;
    case SourceState::kDisconnected:
      return before == SourceState::kConnecting ? LogLevel::kDebug : LogLevel::kWarn;
    default:
      return LogLevel::kDebug;
  }
}

std::string code_of(const std::optional<Error>& error) { return error ? std::string(error->row().name) : ""; }
std::string message_of(const std::optional<Error>& error) { return error ? error->message : ""; }

}  // namespace

void Shipper::serve() {
  wire::HelloResponse identity;
  identity.program = "aerodb-shipper";
  identity.version = config::version();
  identity.node = config_.name;
  server_ = std::make_unique<wire::Server>(runtime_, wire::ListenerKind::kShipper, identity, wire::ServerLimits{});
  server_->handle(wire::kShipperStatus,
                  [this](const wire::Empty&, wire::Responder responder) { responder.ok(status()); });
  server_->handle(wire::kShipperStats,
                  [this](const wire::Empty&, wire::Responder responder) { responder.ok(stats()); });
}

runtime::Endpoint Shipper::endpoint() const { return server_->endpoint(); }

std::optional<uint64_t> Shipper::us_ago(const Peer& peer) const {
  if (!peer.heard_us) return std::nullopt;
  return runtime_.clock().monotonic_us() - *peer.heard_us;
}

wire::ShipperStatusResponse Shipper::status() const {
  wire::ShipperStatusResponse status;
  status.shipper = config_.name;
  status.instance = instance_;
  status.source = config_.source_name;
  status.source_address = config_.source_address.text();
  status.source_state = source_state_name(source_core_.state());
  if (source_core_.state() == SourceState::kStopped) {
    status.source_stopped_by = code_of(source_core_.error());
    status.source_stopped_message = message_of(source_core_.error());
  }
  status.source_durable = source_core_.view().durable;
  status.source_heard_us_ago = us_ago(source_);
  for (const auto& target : targets_) status.targets.push_back(view_of(*target));
  return status;
}

wire::TargetView Shipper::view_of(const Target& target) const {
  wire::TargetView view;
  view.target = target.place.name;
  view.address = target.place.address.text();
  const auto state = target.core.state();
  view.state = target_state_name(state);
  if (state == TargetState::kStopped || state == TargetState::kFull) {
    view.stopped_by = code_of(target.core.error());
    view.stopped_message = message_of(target.core.error());
  }
  view.durable_lsn = target.durable_lsn;
  view.applied_lsn = target.applied_lsn;
  view.applied_commit = target.applied_commit;
  view.heard_us_ago = us_ago(target.peer);
  view.connect_attempts = target.connect_attempts;
  view.records_sent = target.records_sent;
  view.bytes_sent = target.bytes_sent;
  view.bytes_answered = target.bytes_answered;
  view.in_flight_bytes = target.core.in_flight_bytes();
  return view;
}

void Shipper::refresh_gauges() const {
  uint64_t stopped = 0;
  uint64_t in_flight_bytes = 0;
  for (const auto& target : targets_) {
    if (target->core.state() == TargetState::kStopped) ++stopped;
    in_flight_bytes += target->core.in_flight_bytes();
  }
  metrics_.set(MetricId::kShipperTargetsStoppedCount, stopped);
  metrics_.set(MetricId::kShipperInFlightBytes, in_flight_bytes);
  metrics_.set(MetricId::kShipperSourceLsn, source_core_.view().durable_lsn().value());
  if (!server_) return;
  const auto& counters = server_->counters();
  metrics_.set(MetricId::kConnectionsAcceptedCount, counters.connections_accepted);
  metrics_.set(MetricId::kConnectionsRefusedCount, counters.connections_refused);
  metrics_.set(MetricId::kConnectionsBrokenCount, counters.connections_broken);
  metrics_.set(MetricId::kRequestsCount, counters.requests);
  metrics_.set(MetricId::kErrorsAnsweredCount, counters.errors_answered);
}

wire::StatsResponse Shipper::stats() const {
  refresh_gauges();
  wire::StatsResponse stats;
  metrics_.visit([&](const observe::MetricView& metric) {
    stats.metrics.push_back({std::string(metric.name), metric.value, std::string(observe::unit_name(metric.unit))});
  });
  return stats;
}

// --- log lines

void Shipper::log_source(SourceState before) const {
  const auto state = source_core_.state();
  runtime_.log().write(level_of(state, before), "source_state",
                       {{"source", config_.source_name},
                        {"state", std::string(source_state_name(state))},
                        {"before", std::string(source_state_name(before))},
                        {"error", code_of(source_core_.error())},
                        {"message", message_of(source_core_.error())}});
}

void Shipper::log_target(const Target& target, TargetState before) const {
  const auto state = target.core.state();
  runtime_.log().write(level_of(state, before), "target_state",
                       {{"target", target.place.name},
                        {"state", std::string(target_state_name(state))},
                        {"before", std::string(target_state_name(before))},
                        {"error", code_of(target.core.error())},
                        {"message", message_of(target.core.error())}});
}

}  // namespace aerodb::shipper
