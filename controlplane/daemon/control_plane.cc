#include "controlplane/daemon/control_plane.h"

#include <fmt/format.h>

#include "common/config/program.h"
#include "controlplane/daemon/timeline_events.h"

namespace aerodb::controlplane {
namespace {

using observe::MetricId;

constexpr uint32_t kMaxAuditRecordsRead = 1000;
// Each request may open a connection to every node.
constexpr wire::ServerLimits kLimits{.max_connections = 64, .max_in_flight = 16};

Error not_permitted(std::string_view method) {
  return {
      ErrorCode::kNotPermitted,
      fmt::format("{}: commands are taken on the Unix socket of this control plane alone, from a known user", method),
      {}};
}

// Not inlined: GCC 12 would then take the records for uninitialized.
[[gnu::noinline]] void answer_records(wire::Responder& responder, Result<std::vector<wire::AuditRecordView>>& records) {
  if (records)
    responder.ok(wire::AuditReadResponse{std::move(*records)});
  else
    responder.error(records.error());
}

}  // namespace

ControlPlane::ControlPlane(runtime::Runtime& runtime, ControlplaneConfig config, UserNames user_names)
    : runtime_(runtime),
      config_(std::move(config)),
      user_names_(std::move(user_names)),
      metrics_(observe::Process::kControlplane),
      audit_(runtime, config_.audit_dir),
      calls_(runtime, config_.timeout_ms),
      inspector_(calls_, config_),
      kernel_(calls_),
      desk_(runtime, config_, audit_, kernel_, inspector_, metrics_) {
  metrics_.set(MetricId::kStartWallUs, runtime.clock().wall_us());
}

ControlPlane::~ControlPlane() = default;

// --- start and stop

void ControlPlane::start(std::move_only_function<void(Result<void>)> done) {
  audit_.open([this, done = std::move(done)](Result<void> opened) mutable {
    if (!opened) {
      done(std::move(opened));
      return;
    }
    if (const auto refusal = audit_.refusal()) {
      runtime_.log().write(LogLevel::kError, "commands_refused",
                           {{"code", std::string(refusal->row().name)}, {"message", refusal->message}});
    }
    done(listen());
  });
}

Result<void> ControlPlane::listen() {
  server_ = make_server(Commands::kTaken);
  if (auto listening = server_->listen(config_.listen_control_plane); !listening) return listening;
  runtime_.log().write(LogLevel::kInfo, "listening",
                       {{"listener", std::string("control_plane")}, {"address", server_->endpoint().text()}});
  if (!config::is_set(config_.listen_inspect)) return {};
  inspect_server_ = make_server(Commands::kRefused);
  if (auto listening = inspect_server_->listen(config_.listen_inspect); !listening) return listening;
  runtime_.log().write(LogLevel::kInfo, "listening",
                       {{"listener", std::string("inspect")}, {"address", inspect_server_->endpoint().text()}});
  if (!config_.listen_inspect.is_loopback()) {
    runtime_.log().write(LogLevel::kWarn, "remote_listener",
                         {{"meaning", std::string("nothing on it is encrypted or asks who is there")}});
  }
  return {};
}

void ControlPlane::stop(runtime::Callback done) {
  server_.reset();
  inspect_server_.reset();
  calls_.stop();
  desk_.when_idle(std::move(done));
}

const observe::Metrics& ControlPlane::metrics() {
  wire::ServerCounters sum;
  for (const auto* server : {server_.get(), inspect_server_.get()}) {
    if (server == nullptr) continue;
    const auto& counters = server->counters();
    sum.connections_accepted += counters.connections_accepted;
    sum.connections_refused += counters.connections_refused;
    sum.connections_broken += counters.connections_broken;
    sum.requests += counters.requests;
    sum.errors_answered += counters.errors_answered;
  }
  metrics_.set(MetricId::kConnectionsAcceptedCount, sum.connections_accepted);
  metrics_.set(MetricId::kConnectionsRefusedCount, sum.connections_refused);
  metrics_.set(MetricId::kConnectionsBrokenCount, sum.connections_broken);
  metrics_.set(MetricId::kRequestsCount, sum.requests);
  metrics_.set(MetricId::kErrorsAnsweredCount, sum.errors_answered);
  metrics_.set(MetricId::kAuditRecordsCount, audit_.records());
  metrics_.set(MetricId::kAuditBytes, audit_.bytes());
  return metrics_;
}

// --- the methods

std::unique_ptr<wire::Server> ControlPlane::make_server(Commands commands) {
  wire::HelloResponse identity;
  identity.program = "aerodb-controlplane";
  identity.version = config::version();
  identity.node = config_.name;
  auto server =
      std::make_unique<wire::Server>(runtime_, wire::ListenerKind::kControlPlane, std::move(identity), kLimits);
  serve_inspection(*server);
  serve_audit(*server);
  serve_commands(*server, commands);
  return server;
}

void ControlPlane::serve_inspection(wire::Server& server) {
  server.handle(wire::kInspectCluster, [this](const wire::Empty&, wire::Responder responder) {
    inspector_.cluster([responder = std::move(responder)](std::vector<wire::NodeView> views) mutable {
      responder.ok(wire::InspectClusterResponse{std::move(views)});
    });
  });
  server.handle(wire::kInspectNode, [this](const wire::InspectNodeRequest& request, wire::Responder responder) {
    const auto* node = find_node(config_, request.node);
    if (node == nullptr) {
      responder.error(unknown_node("inspect.node", request.node));
      return;
    }
    inspector_.node(*node,
                    [responder = std::move(responder)](const wire::NodeView& view) mutable { responder.ok(view); });
  });
  server.handle(wire::kInspectView, [this](const wire::InspectViewRequest& request, wire::Responder responder) {
    serve_view(request, std::move(responder));
  });
  server.handle(wire::kInspectEvents, [this](const wire::InspectEventsRequest& request, wire::Responder responder) {
    read_events(calls_, config_, request,
                [responder = std::move(responder)](Result<wire::InspectEventsResponse> answer) mutable {
                  responder.answer(answer);
                });
  });
}

void ControlPlane::serve_view(const wire::InspectViewRequest& request, wire::Responder responder) {
  const auto view = view_of_name(request.what);
  if (!view) {
    responder.error({ErrorCode::kBadRequest, fmt::format("inspect.view: nodes show no \"{}\"", request.what), {}});
    return;
  }
  const auto* only = request.node ? find_node(config_, *request.node) : nullptr;
  if (request.node && only == nullptr) {
    responder.error(unknown_node("inspect.view", *request.node));
    return;
  }
  inspector_.view(*view, only, [view, responder = std::move(responder)](std::vector<NodeAnswer> answers) mutable {
    wire::InspectViewResponse response;
    response.method = view_method(*view);
    for (auto& answer : answers) {
      if (answer.packed) answer.row.answer = wire::Packed{*answer.packed};
      response.nodes.push_back(answer.row);
    }
    responder.ok(response);
  });
}

void ControlPlane::serve_audit(wire::Server& server) {
  server.handle(wire::kAuditRead, [this](const wire::AuditReadRequest& request, wire::Responder responder) {
    if (request.limit == 0 || request.limit > kMaxAuditRecordsRead) {
      responder.error({ErrorCode::kBadRequest, fmt::format("audit.read: limit is 1 to {}", kMaxAuditRecordsRead), {}});
      return;
    }
    audit_.read(request.after_number, request.limit,
                [responder = std::move(responder)](Result<std::vector<wire::AuditRecordView>> records) mutable {
                  answer_records(responder, records);
                });
  });
  server.handle(wire::kAuditVerify, [this](const wire::Empty&, wire::Responder responder) {
    audit_.verify([responder = std::move(responder)](Result<wire::AuditVerifyResponse> found) mutable {
      responder.answer(found);
    });
  });
}

void ControlPlane::serve_commands(wire::Server& server, Commands commands) {
  server.handle(wire::kCommandExplain,
                [this, commands](const wire::CommandExplainRequest& request, wire::Responder responder) {
                  if (auto who = operator_of(responder, commands))
                    desk_.explain(request, std::move(*who), std::move(responder));
                  else
                    responder.error(not_permitted(wire::kCommandExplain.name));
                });
  server.handle(wire::kCommandConfirm,
                [this, commands](const wire::CommandConfirmRequest& request, wire::Responder responder) {
                  if (auto who = operator_of(responder, commands))
                    desk_.confirm(request, std::move(*who), std::move(responder));
                  else
                    responder.error(not_permitted(wire::kCommandConfirm.name));
                });
  server.handle(wire::kCommandOutcome,
                [this, commands](const wire::CommandOutcomeRequest& request, wire::Responder responder) {
                  if (operator_of(responder, commands))
                    desk_.outcome(request, std::move(responder));
                  else
                    responder.error(not_permitted(wire::kCommandOutcome.name));
                });
}

std::optional<Operator> ControlPlane::operator_of(const wire::Responder& responder, Commands commands) const {
  const auto uid = responder.peer().uid;
  if (commands == Commands::kRefused || !uid) return std::nullopt;
  return Operator{*uid, user_names_(*uid)};
}

}  // namespace aerodb::controlplane
