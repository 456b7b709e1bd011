// Listener of the explainer: a node's explanation, unchanged, with the witness's two verdicts beside it.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct WitnessReadRequest {
  std::string node;
  std::string collection;
  std::string id;
  std::optional<CommitId> at_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("at_commit", self.at_commit, "absent: the newest visible one");
  }
};
struct WitnessReplicationRequest {
  std::string node;
  std::optional<CommitId> at_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the replica");
    visit("at_commit", self.at_commit, "absent: the applied one");
  }
};
// The query as one JSON object, the form that people write and links carry.
struct WitnessQueryRequest {
  std::string node;
  std::string query;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
    visit("query", self.query, "the fields of doc.query as a JSON object");
  }
};
// recovery, checkpoint, halt: what a node says of itself.
struct WitnessNodeRequest {
  std::string node;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
  }
};
struct WitnessPromotionRequest {
  std::string node;
  std::optional<Epoch> epoch;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
    visit("epoch", self.epoch, "epoch whose beginning is explained; absent: the newest");
  }
};
struct WitnessCommandRequest {
  std::string node;
  std::string command;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
    visit("command", self.command, "demote, promote, decline or diagnose");
    visit("successor", self.successor, "demote: node that shall take over");
    visit("successor_instance", self.successor_instance, "demote: its instance, as its status showed it");
  }
};
struct WitnessResponse {
  std::string node;
  Packed explanation;
  Sha256 sha256{};
  std::vector<Sha256> rule_sha256;
  std::string rules_follow;  // true, false
  std::optional<std::string> rules_follow_why;
  std::string evidence_checked;  // log, peer, status, none
  std::string evidence_agrees;   // true, false, unknown
  std::optional<std::string> evidence_why;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "node that was asked");
    visit("explanation", self.explanation, "its bytes, unchanged");
    visit("sha256", self.sha256, "SHA-256 of the canonical JSON");
    visit("rule_sha256", self.rule_sha256, "SHA-256 of each rule entry, in order");
    visit("rules_follow", self.rules_follow, "true: the same rules over the same evidence give the same object");
    visit("rules_follow_why", self.rules_follow_why, "first difference, where they don't");
    visit("evidence_checked", self.evidence_checked,
          "log: against records fetched; peer: against another node; status: against its own status; none");
    visit("evidence_agrees", self.evidence_agrees, "true, false, or unknown where nothing could be checked");
    visit("evidence_why", self.evidence_why, "first difference, or why nothing was checked");
  }
};

}  // namespace aerodb::wire
