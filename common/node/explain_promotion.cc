// explain.promotion: what the log says of the start of an epoch, and what this directory kept of the decision.
#include "common/engine/promotion_evidence.h"
#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

void explain_promotion(Node& node, const wire::ExplainPromotionRequest& request, wire::Responder responder) {
  const auto& engine = *node.engine();
  auto found = engine::find_epoch_start(engine.state_data().authority_records(), engine.visible().lsn, request.epoch);
  if (!found) return responder.error(found.error());
  auto start = std::make_shared<engine::EpochStartFound>(std::move(*found));
  node.runtime().jobs().run(
      [start, data_dir = node.config().data_dir](runtime::Disk& disk) { engine::add_decision(disk, data_dir, *start); },
      [alive = node.alive(), start, responder = std::move(responder)]() mutable {
        if (alive.expired()) return;
        responder.ok(explanation_of(rules::explain_promotion(start->evidence)));
      });
}

}  // namespace

void serve_explain_promotion(Node& node) {
  node.client().handle(wire::kExplainPromotion, [&node](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_promotion(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
