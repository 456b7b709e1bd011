#include "primary/no_intake.h"

#include <fmt/format.h>

#include "common/node/lineage.h"

namespace aerodb::primary {

void refuse_records(node::Node& node) {
  const Error refusal{
      ErrorCode::kNotAReplica,
      fmt::format("{}: aerodb-primary takes no records; a sealed directory follows under aerodb-replica",
                  node.config().name),
      {}};
  node.replication().handle(wire::kReplicaOpen, [&node, refusal](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(refusal);
    node::hear_ancestry(node, request, [refusal, responder = std::move(responder)](Result<void> heard) mutable {
      responder.error(heard ? refusal : heard.error());
    });
  });
  node.replication().handle(wire::kReplicaAppend,
                            [refusal](const auto&, wire::Responder responder) { responder.error(refusal); });
}

}  // namespace aerodb::primary
