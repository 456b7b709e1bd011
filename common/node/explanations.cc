// explain.*: evidence gathered from the engine, decided and rendered by common/rules. Writes nothing.
#include <fmt/format.h>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

void explain_read(Node& node, const wire::ExplainReadRequest& request, wire::Responder responder) {
  auto& engine = *node.engine();
  const auto& visible = engine.visible();
  const CommitId bound = request.at_commit.value_or(visible.commit);
  if (bound > visible.commit) {
    return responder.error(Error{
        ErrorCode::kBehind,
        fmt::format("explain.read on {}: commit {} is not visible yet (MVCC-2)", node.config().name, bound.value()),
        {}}.with("applied_commit", visible.commit.value()));
  }
  rules::ReadVisibilityEvidence evidence;
  evidence.collection = request.collection;
  evidence.id = request.id;
  evidence.commit = bound;
  evidence.floor = engine.floor();
  node.client_restarts().run(
      engine, std::move(responder),
      [&](Attempt& attempt) { return engine.version_chain(request.collection, request.id, bound, attempt.blocks); },
      [&](Result<std::vector<rules::VersionEvidence>> versions, wire::Responder asked) {
        if (!versions) return asked.error(versions.error());
        evidence.versions = std::move(*versions);
        asked.ok(explanation_of(rules::explain_visibility(std::move(evidence), visible.lineage)));
      });
}

void explain_replication(Node& node, const wire::ExplainReplicationRequest& request, wire::Responder responder) {
  auto& engine = *node.engine();
  rules::ReplicationSafetyEvidence evidence;
  evidence.gate = engine.gate_evidence(request.at_commit, std::nullopt);
  evidence.own_lsn = engine.visible().lsn;
  evidence.own_chain = engine.visible().chain;
  if (request.source) {
    evidence.source_lsn = request.source->lsn;
    evidence.source_chain = request.source->chain;
    evidence.source_node =
        engine.visible_authority().current() == nullptr ? "" : engine.visible_authority().current()->node;
    evidence.own_chain_at_source_lsn = engine.chain_at(request.source->lsn);
  }
  responder.ok(explanation_of(rules::explain_replication_safety(evidence, engine.visible().lineage)));
}

}  // namespace

void serve_explanations(Node& node) {
  auto& server = node.client();
  server.handle(wire::kExplainRead, [&](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_read(node, request, std::move(responder));
  });
  server.handle(wire::kExplainReplication, [&](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_replication(node, request, std::move(responder));
  });
  serve_explain_query(node);
  serve_explain_recovery(node);
  serve_explain_checkpoint(node);
  serve_explain_halt(node);
  serve_explain_promotion(node);
}

}  // namespace aerodb::node
