// control.diagnose: a diagnosis is a storage operation that the control plane asks for.
#include <fmt/format.h>

#include "common/node/node.h"
#include "common/node/operations.h"
#include "common/node/repairs.h"
#include "common/node/translate.h"
#include "common/rules/diagnosis_rules.h"

namespace aerodb::node {
namespace {

std::optional<std::string> under_way(Node& node) {
  auto& storage = node.engine()->storage();
  if (storage.running()) {
    const auto& operation = storage.operations().back();
    return fmt::format("{} {}", engine::operation_kind_name(operation.kind), operation.number);
  }
  if (node.repairs().running()) return std::string(node.repairs().view().kind.value_or(""));
  return std::nullopt;
}

rules::DiagnosisEvidence evidence_of(Node& node) {
  auto& engine = *node.engine();
  const auto& manifest = engine.storage().manifest();
  rules::DiagnosisEvidence e;
  e.node = engine.node().name;
  e.instance = engine.node().instance;
  e.state = engine.state();
  if (const auto* current = engine.visible_authority().current()) e.lineage = current->lineage;
  e.operation_running = under_way(node);
  e.manifest_lsn = manifest.lsn;
  e.runs = manifest.runs.size();
  e.run_bytes = manifest.run_bytes();
  e.durable_lsn = engine.visible().lsn;
  e.commit = engine.visible().commit;
  e.memory_bytes = engine.state_data().layers().memory_bytes();
  return e;
}

void diagnose(Node& node, const wire::ControlDiagnoseRequest& request, wire::Responder responder) {
  const auto evidence = evidence_of(node);
  start_operation(
      node, rules::kDiagnose, request.request, std::move(responder), [&](engine::Storage& storage) -> Result<uint64_t> {
        rules::NoTrace trace;
        if (const auto refusal = rules::decide_diagnosis(evidence, trace)) {
          return fail(*refusal,
                      fmt::format("diagnose {}: state {}, under way: {}", evidence.node,
                                  rules::enum_name(evidence.state), evidence.operation_running.value_or("nothing")));
        }
        return storage.diagnose();
      });
}

}  // namespace

void explain_diagnosis(Node& node, wire::Responder responder) {
  responder.ok(explanation_of(rules::explain_diagnosis(evidence_of(node))));
}

void serve_diagnose(Node& node) {
  node.control().handle(wire::kControlDiagnose, [&node](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    diagnose(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
