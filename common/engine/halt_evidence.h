// Evidence of node.halt, from the records of a directory; of a running node and of one at rest alike.
#pragma once

#include "common/engine/node_directory.h"
#include "common/engine/state.h"
#include "common/rules/halt_rules.h"

namespace aerodb::engine {

struct HaltParts {
  const NodeFile& node;
  rules::NodeState state;
  rules::Role role;
  bool log_validated;
  Position applied;
  const std::optional<Halt>& halt;
  const std::optional<Fence>& fence;
  std::optional<Chain> own_chain_at_fork;  // where there is a fence and it is still held
};

[[nodiscard]] rules::HaltEvidence halt_evidence_of(const HaltParts& parts);

}  // namespace aerodb::engine
