// Is this node halted or fenced, why, what does it refuse, and until which command? (rules FAIL-2, FAIL-4, AUTH-3, and
// the rule that the record of the halt names, in this order; false: it stops requests here)
#pragma once

#include <optional>
#include <string>

#include "common/rules/authority_rules.h"
#include "common/rules/explanation.h"
#include "common/rules/read_gate.h"

namespace aerodb::rules {

struct HaltEvidence {
  std::string node;
  InstanceId instance;
  NodeState state = NodeState::kInitializing;
  Role role = Role::kReplica;
  bool log_validated = false;
  Lsn applied_lsn;
  CommitId commit;
  // The record of the halt; absent where there is none, or the cause knew no such value.
  std::optional<std::string> halt_rule;
  std::optional<std::string> halt_code;
  std::optional<std::string> halt_reason;
  std::optional<Lsn> halt_lsn;
  std::optional<std::string> halt_expected;
  std::optional<std::string> halt_found;
  // Whether log and state verify and the cause is gone. Only the command that ends a halt finds out.
  std::optional<bool> cause_gone;
  // The record of the fence; absent where there is none.
  bool fenced = false;
  std::optional<LineageId> fence_lineage;
  std::optional<std::string> fence_node;
  std::optional<InstanceId> fence_instance;
  std::optional<Lsn> fork_lsn;
  std::optional<Chain> fork_chain;
  std::optional<Chain> own_chain_at_fork;  // absent too where it is not held any more
  // Set by the decision: the codes of the read gate and of write admission; absent: they let pass.
  std::optional<std::string> read_refusal;
  std::optional<std::string> write_refusal;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("instance", self.instance);
    visit("state", self.state);
    visit("role", self.role);
    visit("log_validated", self.log_validated);
    visit("applied_lsn", self.applied_lsn);
    visit("commit", self.commit);
    visit("halt_rule", self.halt_rule);
    visit("halt_code", self.halt_code);
    visit("halt_reason", self.halt_reason);
    visit("halt_lsn", self.halt_lsn);
    visit("halt_expected", self.halt_expected);
    visit("halt_found", self.halt_found);
    visit("cause_gone", self.cause_gone);
    visit("fenced", self.fenced);
    visit("fence_lineage", self.fence_lineage);
    visit("fence_node", self.fence_node);
    visit("fence_instance", self.fence_instance);
    visit("fork_lsn", self.fork_lsn);
    visit("fork_chain", self.fork_chain);
    visit("own_chain_at_fork", self.own_chain_at_fork);
    visit("read_refusal", self.read_refusal);
    visit("write_refusal", self.write_refusal);
  }
};

// Fills in what the read gate and write admission answer, by their own functions.
void decide_halt(HaltEvidence& evidence, RecordingTrace& trace);

// Node-local. The commit observed is the applied one.
[[nodiscard]] Explanation explain_halt(HaltEvidence evidence, LineageId lineage);

}  // namespace aerodb::rules
