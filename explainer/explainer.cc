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

Explainer::Explainer(runtime::Runtime& runtime, ExplainerConfig config, std::string_view version)
    : runtime_(runtime),
      config_(std::move(config)),
      version_(version),
      metrics_(observe::Process::kExplainer),
      peers_(runtime, config_, metrics_),
      parts_{peers_, metrics_, runtime.log()},
      api_(parts_) {
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

void Explainer::serve() {
  server_->handle(wire::kWitnessRead, [this](const wire::WitnessReadRequest& request, wire::Responder responder) {
    ask_about_read(parts_, {request.node, request.collection, request.id, request.at_commit},
                   answer_to(std::move(responder)));
  });
  server_->handle(wire::kWitnessReplication,
                  [this](const wire::WitnessReplicationRequest& request, wire::Responder responder) {
                    ask_about_replication(parts_, {request.node, request.at_commit}, answer_to(std::move(responder)));
                  });
}

void Explainer::handle_http(const http::HttpRequest& request, http::HttpReply reply) {
  api_.handle(request, std::move(reply));
}

}  // namespace aerodb::explainer
