// Why could an epoch begin? What the log itself says of it, and what the node that decided kept beside its log.
//
// Started by        rules, in this order
//   promotion       AUTH-7, AUTH-8, AUTH-4, AUTH-5, AUTH-6, AUTH-11, AUTH-2
//   end             AUTH-15, AUTH-13, AUTH-14
//   init, restore   AUTH-1: nobody decided, the log begins there or was given on
// The rules are those of the decision (authority_rules.h, lineage_rules.h), applied to the same evidence once more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/rules/explanation.h"
#include "common/rules/lineage_rules.h"
#include "common/rules/states.h"

namespace aerodb::rules {

struct PromotionEvidence {
  // the record that starts the epoch
  Epoch epoch;
  LineageId lineage;
  std::string started_by;  // promotion, end, init, restore
  Lsn start_lsn;
  CommitId start_commit;  // last one before it
  Chain start_chain;      // before it
  Digest digest;          // there
  std::string node;       // that it names
  InstanceId instance;
  std::string request_id;
  std::string operator_name;
  std::string reason;
  std::optional<LineageId> parent;      // of a lineage that did not begin with its cluster
  std::optional<Lsn> answers_seal_lsn;  // epoch_start: the seal that it says it answers
  // the epoch before it; absent: it is the first
  std::optional<Epoch> previous_epoch;
  std::optional<std::string> previous_node;
  std::optional<InstanceId> previous_instance;
  // the seal that the log ended with; absent: it ended with none
  std::optional<Lsn> seal_lsn;
  std::optional<uint64_t> seal_number;
  std::optional<std::string> seal_successor;
  std::optional<InstanceId> seal_successor_instance;
  std::optional<Chain> seal_chain;  // after it
  // the successor's statement that the record holds; absent: it holds none
  std::optional<Lsn> decline_seal_lsn;
  std::optional<std::string> decline_node;
  std::optional<InstanceId> decline_instance;
  // What the deciding node kept; absent: it did not, or this is another node.
  std::optional<NodeState> state;
  std::optional<bool> fenced;
  std::optional<bool> log_validated;
  std::optional<bool> declined_here;
  std::optional<Lsn> durable_lsn;
  std::optional<CommitId> durable_commit;
  std::optional<std::string> lost;
  std::optional<std::vector<PeerEvidence>> peers;
  // Why that could not be read, where it is there.
  std::optional<std::string> failed_code;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch);
    visit("lineage", self.lineage);
    visit("started_by", self.started_by);
    visit("start_lsn", self.start_lsn);
    visit("start_commit", self.start_commit);
    visit("start_chain", self.start_chain);
    visit("digest", self.digest);
    visit("node", self.node);
    visit("instance", self.instance);
    visit("request_id", self.request_id);
    visit("operator_name", self.operator_name);
    visit("reason", self.reason);
    visit("parent", self.parent);
    visit("answers_seal_lsn", self.answers_seal_lsn);
    visit("previous_epoch", self.previous_epoch);
    visit("previous_node", self.previous_node);
    visit("previous_instance", self.previous_instance);
    visit("seal_lsn", self.seal_lsn);
    visit("seal_number", self.seal_number);
    visit("seal_successor", self.seal_successor);
    visit("seal_successor_instance", self.seal_successor_instance);
    visit("seal_chain", self.seal_chain);
    visit("decline_seal_lsn", self.decline_seal_lsn);
    visit("decline_node", self.decline_node);
    visit("decline_instance", self.decline_instance);
    visit("state", self.state);
    visit("fenced", self.fenced);
    visit("log_validated", self.log_validated);
    visit("declined_here", self.declined_here);
    visit("durable_lsn", self.durable_lsn);
    visit("durable_commit", self.durable_commit);
    visit("lost", self.lost);
    visit("peers", self.peers);
    visit("failed_code", self.failed_code);
  }
};

enum class PromotionVerdict : uint8_t {
  kNobodyDecided,
  kGranted,
  kDenied,  // the evidence kept does not satisfy the rules: it should never be
  kUndetermined,
  kIncomplete,
};

[[nodiscard]] PromotionVerdict decide_promotion(const PromotionEvidence& evidence, RecordingTrace& trace);

// The commit observed is the last one before the epoch.
[[nodiscard]] Explanation explain_promotion(const PromotionEvidence& evidence);

}  // namespace aerodb::rules
