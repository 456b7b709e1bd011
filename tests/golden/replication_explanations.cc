// replication.safety
#include "common/rules/read_gate.h"

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

ReplicationSafetyEvidence safety() {
  ReplicationSafetyEvidence e;
  e.gate.state = NodeState::kReady;
  e.gate.log_validated = true;
  e.gate.applied_lsn = e.own_lsn = Lsn(20);
  e.gate.applied_commit = e.gate.commit = CommitId(15);
  e.gate.receipt_lineage = kLineage;
  e.gate.receipt_epoch = Epoch(2);
  e.gate.receipt_lsn = Lsn(18);
  e.gate.receipt_chain = e.gate.own_chain_at_receipt = id_of<Chain>(0xc8);
  e.own_chain = id_of<Chain>(0xca);
  e.source_node = "p1";
  e.source_lsn = Lsn(20);
  e.source_chain = e.own_chain_at_source_lsn = id_of<Chain>(0xca);
  return e;
}

}  // namespace

std::vector<Golden> replication_explanations() {
  std::vector<Golden> list;
  list.push_back({"safety-read-safe", explain_replication_safety(safety(), kLineage)});
  auto behind = safety();
  behind.gate.receipt_lsn = Lsn(25);
  list.push_back({"safety-not-read-safe", explain_replication_safety(behind, kLineage)});
  auto alone = safety();
  alone.source_node.reset();
  alone.source_lsn.reset();
  alone.source_chain.reset();
  alone.own_chain_at_source_lsn.reset();
  list.push_back({"safety-undetermined", explain_replication_safety(alone, kLineage)});
  return list;
}

}  // namespace aerodb::rules::golden
