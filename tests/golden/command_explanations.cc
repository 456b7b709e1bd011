// control.command
#include "common/rules/authority_rules.h"
#include "common/rules/diagnosis_rules.h"

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

AuthorityEvidence authority(AuthorityCommand command) {
  AuthorityEvidence e;
  e.command = command;
  e.node = "r1";
  e.instance = id_of<InstanceId>(0x21);
  e.state = NodeState::kReady;
  e.log_validated = true;
  e.lineage = kLineage;
  e.epoch = Epoch(1);
  e.authority_node = "p1";
  e.durable_lsn = Lsn(41);
  e.commit = CommitId(38);
  if (command == AuthorityCommand::kDemote) {
    e.node = "p1";
    e.instance = id_of<InstanceId>(0x11);
    e.role = Role::kPrimary;
    e.successor = "r1";
    e.successor_instance = id_of<InstanceId>(0x21);
  } else {
    e.seal_lsn = Lsn(41);
    e.seal_successor = "r1";
    e.seal_successor_instance = id_of<InstanceId>(0x21);
  }
  return e;
}

DiagnosisEvidence diagnosis() {
  DiagnosisEvidence e;
  e.node = "r1";
  e.instance = id_of<InstanceId>(0x21);
  e.state = NodeState::kReady;
  e.lineage = kLineage;
  e.manifest_lsn = Lsn(30);
  e.runs = 2;
  e.run_bytes = 81'920;
  e.durable_lsn = Lsn(41);
  e.commit = CommitId(38);
  e.memory_bytes = 6'144;
  return e;
}

}  // namespace

std::vector<Golden> command_explanations() {
  std::vector<Golden> list;
  const std::pair<std::string, AuthorityCommand> commands[] = {{"demote", AuthorityCommand::kDemote},
                                                               {"promote", AuthorityCommand::kPromote},
                                                               {"decline", AuthorityCommand::kDecline}};
  for (const auto& [name, command] : commands) {
    list.push_back({name + "-granted", explain_authority_command(authority(command))});
    auto denied = authority(command);
    denied.state = NodeState::kHalted;
    list.push_back({name + "-denied", explain_authority_command(denied)});
  }
  auto unsealed = authority(AuthorityCommand::kPromote);
  unsealed.seal_lsn.reset();
  unsealed.seal_successor.reset();
  unsealed.seal_successor_instance.reset();
  list.push_back({"promote-undetermined", explain_authority_command(unsealed)});

  list.push_back({"diagnose-granted", explain_diagnosis(diagnosis())});
  auto busy = diagnosis();
  busy.operation_running = "checkpoint 3";
  list.push_back({"diagnose-denied", explain_diagnosis(busy)});
  auto halted = diagnosis();
  halted.state = NodeState::kHalted;
  list.push_back({"diagnose-halted", explain_diagnosis(halted)});
  return list;
}

}  // namespace aerodb::rules::golden
