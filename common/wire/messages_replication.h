// Listener `replication`: the log as a source serves it and as a replica takes it.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct WalPositionResponse {
  std::string node;
  InstanceId instance;
  ClusterId cluster;
  Lsn first_lsn;  // oldest still served
  Receipt durable;
  std::vector<AncestryEntry> ancestry;
  // The seal that its durable log ends with; absent where it ends with none.
  std::optional<Lsn> seal_lsn;
  std::optional<std::string> seal_successor;
  std::optional<InstanceId> seal_successor_instance;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "name of the source");
    visit("instance", self.instance, "its instance");
    visit("cluster", self.cluster, "its cluster id");
    visit("first_lsn", self.first_lsn, "oldest record it still serves");
    visit("durable", self.durable, "its durable boundary; lineage zero and lsn 0 before the first record");
    visit("ancestry", self.ancestry, "its lineages and epochs");
    visit("seal_lsn", self.seal_lsn, "LSN of the seal that its log ends with; nil: it ends with none");
    visit("seal_successor", self.seal_successor, "node that the seal names");
    visit("seal_successor_instance", self.seal_successor_instance, "instance that the seal names");
  }
};

struct WalFetchRequest {
  Lsn from_lsn;
  uint32_t max_bytes = 0;
  uint32_t wait_ms = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from_lsn", self.from_lsn, "first record wanted");
    visit("max_bytes", self.max_bytes, "at most so many bytes; 1 MiB at most, more only for a single larger record");
    visit("wait_ms", self.wait_ms, "answer empty after this long when there is nothing newer; 60,000 at most");
  }
};
struct WalFetchResponse {
  Lsn first_lsn;
  uint32_t count = 0;
  Chain chain_before;
  Receipt durable;
  ByteSpan records;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("first_lsn", self.first_lsn, "LSN of the first record; from_lsn of the request");
    visit("count", self.count, "records; 0: nothing newer came within wait_ms");
    visit("chain_before", self.chain_before, "chain before first_lsn");
    visit("durable", self.durable, "the source's durable boundary now");
    visit("records", self.records, "verbatim records, one after another");
  }
};

struct ReplicaOpenRequest {
  std::string shipper;
  InstanceId shipper_instance;
  std::string source_node;
  InstanceId source_instance;
  ClusterId cluster;
  Receipt source_durable;
  std::vector<AncestryEntry> ancestry;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("shipper", self.shipper, "name of the shipper");
    visit("shipper_instance", self.shipper_instance, "made anew at each start of a shipper");
    visit("source_node", self.source_node, "name of the source");
    visit("source_instance", self.source_instance, "its instance");
    visit("cluster", self.cluster, "its cluster id");
    visit("source_durable", self.source_durable, "its durable boundary when asked last");
    visit("ancestry", self.ancestry, "its lineages and epochs");
  }
};
struct ReplicaOpenResponse {
  uint64_t session = 0;
  std::string node;
  InstanceId instance;
  Lsn durable_lsn;
  Lsn applied_lsn;
  Chain chain;
  CommitId applied_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("session", self.session, "number of the session; supersedes all older ones");
    visit("node", self.node, "name of the replica");
    visit("instance", self.instance, "its instance");
    visit("durable_lsn", self.durable_lsn, "end of its log");
    visit("applied_lsn", self.applied_lsn, "last record visible to its reads");
    visit("chain", self.chain, "chain after durable_lsn");
    visit("applied_commit", self.applied_commit, "last commit visible to its reads");
  }
};

// Zero records: proof that the target's end lies on the source's chain, and position report.
struct ReplicaAppendRequest {
  uint64_t session = 0;
  Chain chain_before;
  Lsn first_lsn;
  uint32_t count = 0;
  Receipt source_durable;
  ByteSpan records;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("session", self.session, "from replica.open");
    visit("chain_before", self.chain_before, "the source's chain before first_lsn");
    visit("first_lsn", self.first_lsn, "LSN of the first record, or of the next one where there are none");
    visit("count", self.count, "records; 0: proof only");
    visit("source_durable", self.source_durable, "the source's durable boundary as last heard");
    visit("records", self.records, "verbatim records, one after another");
  }
};
struct ReplicaAppendResponse {
  Lsn durable_lsn;
  Lsn applied_lsn;
  CommitId applied_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("durable_lsn", self.durable_lsn, "end of the replica's durable log");
    visit("applied_lsn", self.applied_lsn, "last record visible to its reads");
    visit("applied_commit", self.applied_commit, "last commit visible to its reads");
  }
};

// One target as a shipper sees it: observe.replication on a shipper.
struct TargetView {
  std::string target;
  std::string address;
  std::string state;
  std::optional<std::string> stopped_by;  // error code
  std::optional<std::string> stopped_message;
  std::optional<Lsn> durable_lsn;  // as last heard; absent: never heard
  std::optional<Lsn> applied_lsn;
  std::optional<CommitId> applied_commit;
  std::optional<uint64_t> heard_us_ago;
  uint64_t connect_attempts = 0;
  uint64_t records_sent = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_answered = 0;
  uint64_t in_flight_bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("target", self.target, "configured name");
    visit("address", self.address, "its replication listener");
    visit("state", self.state, "state of the session");
    visit("stopped_by", self.stopped_by, "error that ended shipping to it");
    visit("stopped_message", self.stopped_message, "that error's message");
    visit("durable_lsn", self.durable_lsn, "as last heard; nil: never heard");
    visit("applied_lsn", self.applied_lsn, "as last heard; nil: never heard");
    visit("applied_commit", self.applied_commit, "as last heard; nil: never heard");
    visit("heard_us_ago", self.heard_us_ago, "how long ago; nil: never");
    visit("connect_attempts", self.connect_attempts, "connections tried");
    visit("records_sent", self.records_sent, "records handed to the target since this start");
    visit("bytes_sent", self.bytes_sent, "bytes of these records");
    visit("bytes_answered", self.bytes_answered, "bytes of those that the target said it has durable");
    visit("in_flight_bytes", self.in_flight_bytes, "bytes sent and not answered yet");
  }
};
struct ShipperStatusResponse {
  std::string shipper;
  InstanceId instance;
  std::string source;
  std::string source_address;
  std::string source_state;
  std::optional<std::string> source_stopped_by;  // error code
  std::optional<std::string> source_stopped_message;
  std::optional<Receipt> source_durable;
  std::optional<uint64_t> source_heard_us_ago;
  std::vector<TargetView> targets;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("shipper", self.shipper, "configured name");
    visit("instance", self.instance, "made at this start");
    visit("source", self.source, "configured name of the source");
    visit("source_address", self.source_address, "its replication listener");
    visit("source_state", self.source_state, "state of the connection to it");
    visit("source_stopped_by", self.source_stopped_by, "error for which nothing more is asked of it until a restart");
    visit("source_stopped_message", self.source_stopped_message, "that error's message");
    visit("source_durable", self.source_durable, "as last heard; nil: never heard");
    visit("source_heard_us_ago", self.source_heard_us_ago, "how long ago; nil: never");
    visit("targets", self.targets, "in order of the configuration");
  }
};

// observe.replication on a node: what it knows of its own prefix and of the session that feeds it.
struct NodeReplicationResponse {
  std::string role;
  std::string state;
  Lsn durable_lsn;
  Lsn applied_lsn;
  CommitId applied_commit;
  std::optional<uint64_t> session;
  std::optional<std::string> shipper;
  std::optional<std::string> source_node;
  std::optional<Lsn> source_durable_lsn;
  std::optional<CommitId> source_commit;
  std::optional<uint64_t> source_heard_us_ago;
  uint64_t batches_received = 0;
  uint64_t batches_validated = 0;
  uint64_t batches_durable = 0;
  uint64_t batches_applied = 0;
  uint64_t batches_refused = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("role", self.role, "primary, sealed or replica");
    visit("state", self.state, "node state");
    visit("durable_lsn", self.durable_lsn, "end of the durable log");
    visit("applied_lsn", self.applied_lsn, "last record visible to reads");
    visit("applied_commit", self.applied_commit, "last commit visible to reads");
    visit("session", self.session, "current session; nil: none since start");
    visit("shipper", self.shipper, "shipper that opened it");
    visit("source_node", self.source_node, "source it ships from");
    visit("source_durable_lsn", self.source_durable_lsn, "the source's durable boundary as last heard; nil: unknown");
    visit("source_commit", self.source_commit, "the source's commit as last heard; nil: unknown");
    visit("source_heard_us_ago", self.source_heard_us_ago, "how long ago; nil: never");
    visit("batches_received", self.batches_received, "batches taken in since start");
    visit("batches_validated", self.batches_validated, "of these validated");
    visit("batches_durable", self.batches_durable, "of these durable");
    visit("batches_applied", self.batches_applied, "of these applied");
    visit("batches_refused", self.batches_refused, "refused without a trace in the log");
  }
};

}  // namespace aerodb::wire
