// Listener `maintenance`: what an operator does about a node that halted, was left behind or lost its primary.
//
// Resume, bootstrap and export are repairs: each begins at once and goes on by itself, one at a time; repair.status
// tells how far it is, also after the node has opened its directory anew.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct RepairResumeRequest {
  Request request;
  std::optional<LineageId> accept_lineage;
  std::optional<std::string> source;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason; the reason is mandatory");
    visit("accept_lineage", self.accept_lineage, "not halted: follow a source of this lineage from now on");
    visit("source", self.source,
          "replication listener of the node to compare with; needed after a divergence, and to accept a lineage");
  }
};

struct RepairBootstrapRequest {
  Request request;
  std::string source;
  bool discard = false;
  std::optional<std::string> phrase;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason; the reason is mandatory");
    visit("source", self.source, "replication listener of the node whose snapshot is taken");
    visit("discard", self.discard, "replace a log that is not empty");
    visit("phrase", self.phrase, "with discard: \"discard the history of NODE\", with this node's name as NODE");
  }
};

struct RepairExportRequest {
  Request request;
  std::string file;
  std::optional<std::string> source;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
    visit("file", self.file, "absolute path on this node's machine; must not exist");
    visit("source", self.source, "replication listener of the node to compare with; not needed on a fenced node");
  }
};

struct RepairStatusResponse {
  std::optional<std::string> kind;
  std::string request_id;
  std::string stage;
  bool finished = false;
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  std::optional<Lsn> fork_lsn;
  std::optional<CommitId> fork_commit;
  Lsn end_lsn;
  CommitId end_commit;
  std::optional<uint64_t> orphans;
  std::optional<Sha256> sha256;
  std::optional<std::string> error_code;
  std::optional<std::string> error_message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind, "resume, bootstrap or export; nil: none since this process started");
    visit("request_id", self.request_id, "of the command");
    visit("stage", self.stage, "what it is doing; done or failed at its end");
    visit("finished", self.finished, "it ended, one way or the other");
    visit("done_bytes", self.done_bytes, "transferred and verified so far");
    visit("total_bytes", self.total_bytes, "to transfer in all; 0: not known yet");
    visit("fork_lsn", self.fork_lsn, "last LSN that this log and the source have in common; nil: not asked for");
    visit("fork_commit", self.fork_commit, "last commit at fork_lsn");
    visit("end_lsn", self.end_lsn, "end of this node's log: before it, and once done after it");
    visit("end_commit", self.end_commit, "last commit at end_lsn");
    visit("orphans", self.orphans, "export: versions written");
    visit("sha256", self.sha256, "export: SHA-256 of the file");
    visit("error_code", self.error_code, "why it failed");
    visit("error_message", self.error_message, "what was found");
  }
};

// A node that the operator's configuration lists, beside the one asked and the one lost.
struct ConfiguredPeer {
  std::string name;
  std::string address;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name, "configured name");
    visit("address", self.address, "its replication listener");
  }
};

struct EndLineageRequest {
  Request request;
  std::string lost;
  std::vector<std::string> absent;
  std::vector<ConfiguredPeer> peers;
  std::string phrase;
  std::string loss_phrase;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason; the reason is mandatory");
    visit("lost", self.lost, "node whose disk is gone: it holds the authority that ends");
    visit("absent", self.absent, "peers that can't answer, named by the operator");
    visit("peers", self.peers, "every other configured node; each is asked for its position");
    visit("phrase", self.phrase, "\"end the lineage of LOST\", with the lost node's name as LOST");
    visit("loss_phrase", self.loss_phrase,
          "\"give up what LOST acknowledged after LSN N\", N being the end of this node's log");
  }
};
// What one peer answered.
struct PeerPosition {
  std::string name;
  bool answered = false;
  std::optional<Lsn> durable_lsn;
  std::optional<Lsn> seal_lsn;
  std::optional<std::string> error_code;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name, "configured name");
    visit("answered", self.answered, "it told its position");
    visit("durable_lsn", self.durable_lsn, "end of its durable log");
    visit("seal_lsn", self.seal_lsn, "seal that its log ends with");
    visit("error_code", self.error_code, "why it did not answer");
  }
};
struct EndLineageResponse {
  LineageId lineage;
  LineageId parent;
  Epoch epoch;
  Lsn fork_lsn;
  CommitId fork_commit;
  std::vector<PeerPosition> peers;
  bool repeated = false;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lineage", self.lineage, "lineage that started");
    visit("parent", self.parent, "lineage that ended here");
    visit("epoch", self.epoch, "its first epoch");
    visit("fork_lsn", self.fork_lsn, "last LSN of the parent in this log");
    visit("fork_commit", self.fork_commit, "last commit at fork_lsn");
    visit("peers", self.peers, "what each configured node answered");
    visit("repeated", self.repeated, "the record stood already; nothing was written");
    visit("receipt", self.receipt, "position of the record");
  }
};

}  // namespace aerodb::wire
