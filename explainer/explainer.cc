#include "explainer/explainer.h"

namespace aerodb::explainer {
namespace {

WitnessDone answer_to(wire::Responder responder) {
  return [responder = std::move(responder)](const Result<WitnessReport>& report) mutable {
    if (report) {
      responder.ok(report->response());
    } else {
      responder.error(report.error());
    }
  };
}

}  // namespace

Explainer::Explainer(runtime::Runtime& runtime, ExplainerConfig config, std::string_view version,
                     std::span<const UiFile> files)
    : runtime_(runtime),
      config_(std::move(config)),
      version_(version),
      metrics_(observe::Process::kExplainer),
      peers_(runtime, config_, metrics_),
      parts_{peers_, metrics_, runtime.log()},
      api_(parts_, files, [this] { return stats(); }) {
  metrics_.set(observe::MetricId::kStartWallUs, runtime.clock().wall_us());
}

Explainer::~Explainer() = default;

Result<void> Explainer::start() {
  if (!config_.enabled) {
    runtime_.log().write(LogLevel::kInfo, "explainer.disabled", {{"explainer", config_.name}});
    return {};
  }
  wire::HelloResponse identity;
  identity.program = "aerodb-explainer";
  identity.version = version_;
  identity.node = config_.name;
  server_ = std::make_unique<wire::Server>(runtime_, wire::ListenerKind::kExplainer, std::move(identity),
                                           wire::ServerLimits{});
  serve();
  if (auto listening = server_->listen(config_.listen_explainer); !listening) return listening;
  runtime_.log().write(LogLevel::kInfo, "explainer.listening",
                       {{"explainer", config_.name}, {"endpoint", server_->endpoint().text()}});
  return {};
}

wire::StatsResponse Explainer::stats() const {
  observe::Metrics metrics = metrics_;
  if (server_) {
    using enum observe::MetricId;
    const auto& counters = server_->counters();
    metrics.set(kConnectionsAcceptedCount, counters.connections_accepted);
    metrics.set(kConnectionsRefusedCount, counters.connections_refused);
    metrics.set(kConnectionsBrokenCount, counters.connections_broken);
    metrics.set(kRequestsCount, counters.requests);
    metrics.set(kErrorsAnsweredCount, counters.errors_answered);
  }
  wire::StatsResponse response;
  metrics.visit([&](const observe::MetricView& view) {
    response.metrics.push_back({std::string(view.name), view.value, std::string(observe::unit_name(view.unit))});
  });
  return response;
}

void Explainer::serve() {
  const auto on = [this](const auto& method, auto ask) {
    server_->handle(method, [this, ask](const auto& request, wire::Responder responder) {
      ask(parts_, request, std::move(responder));
    });
  };
  server_->handle(wire::kExplainerStats, [this](const auto&, wire::Responder responder) { responder.ok(stats()); });
  on(wire::kWitnessRead, [](auto& parts, const auto& asked, auto responder) {
    ask_about_read(parts, {asked.node, asked.collection, asked.id, asked.at_commit}, answer_to(std::move(responder)));
  });
  on(wire::kWitnessQuery, [](auto& parts, const auto& asked, auto responder) {
    auto query = QueryRequest::from_json(asked.query);
    if (!query) return responder.error(query.error());
    ask_about_query(parts, {asked.node, std::move(*query)}, answer_to(std::move(responder)));
  });
  on(wire::kWitnessRecovery, [](auto& parts, const auto& asked, auto responder) {
    ask_about_recovery(parts, asked.node, answer_to(std::move(responder)));
  });
  on(wire::kWitnessCheckpoint, [](auto& parts, const auto& asked, auto responder) {
    ask_about_checkpoint(parts, asked.node, answer_to(std::move(responder)));
  });
  on(wire::kWitnessHalt, [](auto& parts, const auto& asked, auto responder) {
    ask_about_halt(parts, asked.node, answer_to(std::move(responder)));
  });
  on(wire::kWitnessPromotion, [](auto& parts, const auto& asked, auto responder) {
    ask_about_promotion(parts, {asked.node, asked.epoch}, answer_to(std::move(responder)));
  });
  on(wire::kWitnessCommand, [](auto& parts, const auto& asked, auto responder) {
    ask_about_command(parts, {asked.node, asked.command, asked.successor, asked.successor_instance},
                      answer_to(std::move(responder)));
  });
  on(wire::kWitnessReplication, [](auto& parts, const auto& asked, auto responder) {
    ask_about_replication(parts, {asked.node, asked.at_commit}, answer_to(std::move(responder)));
  });
}

void Explainer::handle_http(const http::HttpRequest& request, http::HttpReply reply) {
  api_.handle(request, std::move(reply));
}

}  // namespace aerodb::explainer
