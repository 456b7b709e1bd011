// What is true of four_commits(), as evidence of the types of explanation that speak of a node.
#pragma once

#include "common/rules/checkpoint_rules.h"
#include "common/rules/halt_rules.h"
#include "common/rules/promotion_rules.h"
#include "common/rules/query_rules.h"
#include "common/rules/recovery_rules.h"

namespace aerodb::explainer::testing {

inline Digest digest_at(Lsn lsn) {
  Digest digest;
  digest.bytes.fill(static_cast<uint8_t>(lsn.value()));
  return digest;
}

inline rules::QueryEvidence true_query() {
  rules::QueryEvidence evidence;
  evidence.collection = "countries";
  evidence.schema_version = 1;
  evidence.limit = 10;
  evidence.commit = CommitId(4);
  evidence.indexed_fields = {{{"_id", "string"}}};
  evidence.plan_hash.emplace().fill(7);
  evidence.bound_entries = 11;
  evidence.entries_proposed = 2;
  evidence.dropped_no_document = 1;
  evidence.dropped_other_value = 0;
  evidence.entries_visited = 1;
  evidence.dropped_by_predicates = 0;
  evidence.documents_taken = 1;
  evidence.ended_by = std::string(rules::kEndedByRange);
  evidence.answer_sha256.emplace().fill(8);
  return evidence;
}

inline rules::RecoveryEvidence true_recovery() {
  rules::RecoveryEvidence evidence;
  evidence.carried_out = true;
  evidence.final_lsn = Lsn(5);
  evidence.final_commit = CommitId(4);
  evidence.replayed_digest = evidence.stated_digest = digest_at(Lsn(5));
  evidence.tail.end_lsn = Lsn(5);
  return evidence;
}

// Of a manifest at LSN 3.
inline rules::CheckpointEvidence true_checkpoint(Chain chain) {
  rules::CheckpointEvidence evidence;
  evidence.manifest = 1;
  evidence.lsn = Lsn(3);
  evidence.commit = CommitId(2);
  evidence.epoch = Epoch(1);
  evidence.chain = chain;
  evidence.digest = digest_at(Lsn(3));
  evidence.durable_lsn = Lsn(5);
  evidence.first_lsn = Lsn(1);
  return evidence;
}

inline rules::HaltEvidence true_halt(std::string node) {
  rules::HaltEvidence evidence;
  evidence.role = node == "p1" ? rules::Role::kPrimary : rules::Role::kReplica;
  evidence.node = std::move(node);
  evidence.state = rules::NodeState::kReady;
  evidence.log_validated = true;
  evidence.applied_lsn = Lsn(5);
  evidence.commit = CommitId(4);
  return evidence;
}

inline rules::AuthorityEvidence true_command(std::string node, LineageId lineage) {
  rules::AuthorityEvidence evidence;
  evidence.role = node == "p1" ? rules::Role::kPrimary : rules::Role::kReplica;
  evidence.node = std::move(node);
  evidence.state = rules::NodeState::kReady;
  evidence.log_validated = true;
  evidence.lineage = lineage;
  evidence.epoch = Epoch(1);
  evidence.authority_node = "p1";
  evidence.durable_lsn = Lsn(5);
  evidence.commit = CommitId(4);
  return evidence;
}

}  // namespace aerodb::explainer::testing
