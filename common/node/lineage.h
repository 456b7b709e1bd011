// Lineages on a node: what an ancestry that another node shows means for this one (AUTH-3). The command that ends a
// lineage is served beside it (serve_lineage). Thread: the loop's.
#pragma once

#include <functional>

#include "common/node/node.h"

namespace aerodb::node {

// Reads the ancestry of a replica.open on a node that holds authority, is sealed or fenced. Where this node's own log
// proves that another lineage goes on without it, the node is fenced: durably, then in force, then `done` gets FENCED,
// as it does where the node was fenced before. A claim that is not proven changes nothing but the event log. `done` may
// run before this returns, and does not run where the node ends before. Needs an engine.
void hear_ancestry(Node& node, const wire::ReplicaOpenRequest& request,
                   std::move_only_function<void(Result<void>)> done);

[[nodiscard]] Error fenced_error(const Node& node, const engine::Fence& fence);

}  // namespace aerodb::node
