// explain.recovery: how this process's last start came to its end. The evidence is that of the start itself.
#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {

void serve_explain_recovery(Node& node) {
  node.client().handle(wire::kExplainRecovery, [&node](const wire::Empty& /*request*/, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    const auto& report = node.engine()->recovery();
    responder.ok(explanation_of(rules::explain_recovery(report.evidence, report.lineage)));
  });
}

}  // namespace aerodb::node
