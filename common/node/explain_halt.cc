// explain.halt: the records of halt and fence, and this log's chain where the fence says that another one forks.
#include "common/engine/halt_evidence.h"
#include "common/node/node.h"
#include "common/node/own_chain.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

void answer(engine::Engine& engine, std::optional<Chain> own_chain_at_fork, wire::Responder responder) {
  const auto gate = engine.gate_evidence(std::nullopt, std::nullopt);
  auto evidence =
      engine::halt_evidence_of({engine.node(), engine.state(), engine.role(), gate.log_validated, engine.visible(),
                                engine.halt_reason(), engine.fence_reason(), own_chain_at_fork});
  responder.ok(explanation_of(rules::explain_halt(std::move(evidence), engine.visible().lineage)));
}

}  // namespace

void serve_explain_halt(Node& node) {
  node.client().handle(wire::kExplainHalt, [&node](const wire::Empty& /*request*/, wire::Responder responder) {
    auto* engine = node.engine();
    if (engine == nullptr) return responder.error(node.not_ready());
    const auto& fence = engine->fence_reason();
    if (!fence) return answer(*engine, std::nullopt, std::move(responder));
    own_chain_after(*engine, fence->fork_lsn,
                    [engine, responder = std::move(responder)](const std::optional<Chain>& chain) mutable {
                      answer(*engine, chain, std::move(responder));
                    });
  });
}

}  // namespace aerodb::node
