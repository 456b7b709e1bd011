// explain.checkpoint: what the node holds of the installed manifest, and what its files say, read in a Job.
#include <fmt/format.h>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

struct Gathering {
  store::Manifest manifest;
  rules::CheckpointEvidence evidence;
  std::shared_ptr<const engine::StorageHold> hold;  // its runs stay on disk meanwhile
  LineageId lineage;
};

// While one manifest takes the place of another, what memory says and what the disk says need not agree.
bool being_replaced(engine::Storage& storage) {
  return storage.running() && storage.operations().back().stage == engine::OperationStage::kInstalling;
}

void explain_checkpoint(Node& node, wire::Responder responder) {
  auto& storage = node.engine()->storage();
  const auto replaced = [&node] {
    return Error{ErrorCode::kOperationRunning,
                 fmt::format("explain.checkpoint on {}: an operation replaces the manifest", node.config().name),
                 {}};
  };
  if (being_replaced(storage)) return responder.error(replaced());
  auto gathering = std::make_shared<Gathering>(
      Gathering{storage.manifest(), storage.evidence(), storage.hold(), node.engine()->visible().lineage});
  if (gathering->manifest.number > 0) gathering->lineage = gathering->manifest.lineage;
  node.runtime().jobs().run(
      [gathering, data_dir = node.config().data_dir](runtime::Disk& disk) {
        engine::add_checkpoint_files(disk, data_dir, gathering->manifest, gathering->evidence);
      },
      [&node, alive = node.alive(), gathering, replaced, responder = std::move(responder)]() mutable {
        if (alive.expired()) return;
        if (!node.engine()) return responder.error(node.not_ready());
        auto& now = node.engine()->storage();
        if (being_replaced(now) || now.manifest().number != gathering->manifest.number)
          return responder.error(replaced());
        responder.ok(explanation_of(rules::explain_checkpoint(gathering->evidence, gathering->lineage)));
      });
}

}  // namespace

void serve_explain_checkpoint(Node& node) {
  node.client().handle(wire::kExplainCheckpoint, [&node](const wire::Empty& /*request*/, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    explain_checkpoint(node, std::move(responder));
  });
}

}  // namespace aerodb::node
