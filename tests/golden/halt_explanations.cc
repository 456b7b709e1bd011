// node.halt
#include "common/rules/halt_rules.h"

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

HaltEvidence ready() {
  HaltEvidence e;
  e.node = "r1";
  e.instance = id_of<InstanceId>(0x21);
  e.state = NodeState::kReady;
  e.role = Role::kReplica;
  e.log_validated = true;
  e.applied_lsn = Lsn(20);
  e.commit = CommitId(15);
  return e;
}

HaltEvidence halted() {
  auto e = ready();
  e.state = NodeState::kHalted;
  e.halt_rule = "REC-6";
  e.halt_code = "DIGEST_MISMATCH";
  e.halt_reason = "apply record: LSN 21: the state digest differs (REC-6, REPL-3)";
  e.halt_lsn = Lsn(21);
  e.halt_expected = "d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1";
  e.halt_found = "d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2";
  return e;
}

void fence(HaltEvidence& e) {
  e.fenced = true;
  e.fence_lineage = id_of<LineageId>(0x2e);
  e.fence_node = "r2";
  e.fence_instance = id_of<InstanceId>(0x22);
  e.fork_lsn = Lsn(18);
  e.fork_chain = id_of<Chain>(0xc8);
  e.own_chain_at_fork = id_of<Chain>(0xc8);
}

}  // namespace

std::vector<Golden> halt_explanations() {
  auto by_disk = halted();
  by_disk.halt_rule = "WAL-5";
  by_disk.halt_code = "IO";
  by_disk.halt_reason = "a sync of the log failed";
  by_disk.halt_expected.reset();
  by_disk.halt_found.reset();
  auto by_unknown = halted();
  by_unknown.halt_rule = "REPL-99";
  auto fenced = ready();
  fenced.role = Role::kPrimary;
  fence(fenced);
  auto fenced_long_ago = fenced;
  fenced_long_ago.own_chain_at_fork.reset();
  auto both = by_disk;
  fence(both);
  auto recovering = ready();
  recovering.state = NodeState::kRecovering;
  recovering.log_validated = false;
  return {{"halt-none", explain_halt(ready(), kLineage)},
          {"halt-digest", explain_halt(halted(), kLineage)},
          {"halt-disk", explain_halt(by_disk, kLineage)},
          {"halt-unknown-rule", explain_halt(by_unknown, kLineage)},
          {"halt-fenced", explain_halt(fenced, kLineage)},
          {"halt-fenced-fork-released", explain_halt(fenced_long_ago, kLineage)},
          {"halt-and-fenced", explain_halt(both, kLineage)},
          {"halt-none-recovering", explain_halt(recovering, kLineage)}};
}

}  // namespace aerodb::rules::golden
