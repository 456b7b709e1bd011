// The explanations of which golden files are kept: every type with every kind of conclusion.
#pragma once

#include <string>
#include <vector>

#include "common/rules/authority_rules.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"

namespace aerodb::rules::golden {

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}
inline const LineageId kLineage = id_of<LineageId>(0x1e);

inline ReadVisibilityEvidence visibility(uint64_t commit, uint64_t floor = 0) {
  ReadVisibilityEvidence e;
  e.collection = "countries";
  e.id = "AW";
  e.commit = CommitId(commit);
  e.floor = CommitId(floor);
  const VersionEvidence all[] = {
      {CommitId(9), Lsn(12), "tombstone", 0, DocumentHash{}, CommitId(7)},
      {CommitId(7), Lsn(10), "document", 2, id_of<DocumentHash>(0xd7), CommitId(4)},
      {CommitId(4), Lsn(6), "document", 1, id_of<DocumentHash>(0xd4), CommitId(0)},
  };
  for (const auto& version : all) {
    if (version.commit <= e.commit) e.versions.push_back(version);
  }
  return e;
}

inline ReplicationSafetyEvidence safety() {
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

inline AuthorityEvidence authority(AuthorityCommand command) {
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

struct Golden {
  std::string name;  // of the file
  Explanation explanation;
};

inline std::vector<Golden> all() {
  std::vector<Golden> list;
  list.push_back({"read-visible", explain_visibility(visibility(8), kLineage)});
  list.push_back({"read-tombstone", explain_visibility(visibility(10), kLineage)});
  list.push_back({"read-none", explain_visibility(visibility(3), kLineage)});
  list.push_back({"read-below-floor", explain_visibility(visibility(5, 6), kLineage)});

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
  return list;
}

}  // namespace aerodb::rules::golden
