#include "common/engine/halt_evidence.h"

namespace aerodb::engine {

rules::HaltEvidence halt_evidence_of(const HaltParts& parts) {
  rules::HaltEvidence e;
  e.node = parts.node.name;
  e.instance = parts.node.instance;
  e.state = parts.state;
  e.role = parts.role;
  e.log_validated = parts.log_validated;
  e.applied_lsn = parts.applied.lsn;
  e.commit = parts.applied.commit;
  if (const auto& halt = parts.halt) {
    e.halt_rule = halt->rule;
    e.halt_code = halt->code;
    e.halt_reason = halt->reason;
    e.halt_lsn = halt->lsn;
    e.halt_expected = halt->expected;
    e.halt_found = halt->found;
  }
  if (const auto& fence = parts.fence) {
    e.fenced = true;
    e.fence_lineage = fence->lineage;
    e.fence_node = fence->node;
    e.fence_instance = fence->instance;
    e.fork_lsn = fence->fork_lsn;
    e.fork_chain = fence->fork_chain;
    e.own_chain_at_fork = parts.own_chain_at_fork;
  }
  return e;
}

}  // namespace aerodb::engine
