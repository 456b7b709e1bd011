#include "primary/no_intake.h"

#include <fmt/format.h>

namespace aerodb::primary {

void refuse_records(node::Node& node) {
  auto refuse = [&node](const auto&, wire::Responder responder) {
    responder.error({ErrorCode::kNotAReplica,
                     fmt::format("{}: aerodb-primary takes no records; a sealed directory follows under aerodb-replica",
                                 node.config().name),
                     {}});
  };
  node.replication().handle(wire::kReplicaOpen, refuse);
  node.replication().handle(wire::kReplicaAppend, refuse);
}

}  // namespace aerodb::primary
