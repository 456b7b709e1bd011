// Listener `client`: liveness, observation, explanation, evidence.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct PingRequest {
  uint64_t nonce = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nonce", self.nonce, "any number; comes back unchanged");
  }
};
using PingResponse = PingRequest;

struct StatusResponse {
  std::string node;
  ClusterId cluster;
  InstanceId instance;
  std::string role;   // primary, sealed, replica
  std::string state;  // INITIALIZING, RECOVERING, READY, HALTED
  bool fenced = false;
  std::optional<LineageId> fenced_by_lineage;
  std::optional<Lsn> fork_lsn;
  std::optional<LineageId> lineage;
  Epoch epoch;
  std::string authority_node;
  Lsn appended_lsn;
  Lsn durable_lsn;
  Lsn applied_lsn;
  CommitId commit_id;
  CommitId floor;
  Chain chain;
  Digest digest;
  std::optional<Lsn> seal_lsn;
  std::optional<std::string> seal_successor;
  std::optional<InstanceId> seal_successor_instance;
  std::optional<std::string> halt_rule;
  std::optional<std::string> halt_reason;
  std::vector<AncestryEntry> ancestry;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("cluster", self.cluster, "cluster id");
    visit("instance", self.instance, "id of this data directory");
    visit("role", self.role, "primary, sealed or replica: a function of the log");
    visit("state", self.state, "INITIALIZING, RECOVERING, READY or HALTED");
    visit("fenced", self.fenced, "a proven statement says that this node was given up");
    visit("fenced_by_lineage", self.fenced_by_lineage, "lineage that ended this node's authority; nil: not fenced");
    visit("fork_lsn", self.fork_lsn, "last LSN in common with that lineage");
    visit("lineage", self.lineage, "current lineage; nil before the first record");
    visit("epoch", self.epoch, "current epoch");
    visit("authority_node", self.authority_node, "node that the last authority record names; empty before the first");
    visit("appended_lsn", self.appended_lsn, "last record admitted");
    visit("durable_lsn", self.durable_lsn, "last record on stable storage");
    visit("applied_lsn", self.applied_lsn, "last record visible to reads");
    visit("commit_id", self.commit_id, "last commit visible to reads");
    visit("floor", self.floor, "oldest commit that can still be read");
    visit("chain", self.chain, "chain after durable_lsn");
    visit("digest", self.digest, "state digest after durable_lsn");
    visit("seal_lsn", self.seal_lsn, "LSN of the seal that ended the current epoch");
    visit("seal_successor", self.seal_successor, "node that the seal names");
    visit("seal_successor_instance", self.seal_successor_instance, "instance that the seal names");
    visit("halt_rule", self.halt_rule, "rule that failed, when HALTED");
    visit("halt_reason", self.halt_reason, "what was found, when HALTED");
    visit("ancestry", self.ancestry, "every lineage and epoch of this log");
  }
};

struct ObserveWalResponse {
  uint32_t segments = 0;
  uint64_t segment_bytes = 0;
  uint64_t max_wal_bytes = 0;
  uint64_t used_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t active_segment_sequence = 0;
  uint64_t active_offset_bytes = 0;
  Lsn first_lsn;
  Lsn durable_lsn;
  Lsn appended_lsn;
  Chain chain;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("segments", self.segments, "slots of the ring");
    visit("segment_bytes", self.segment_bytes, "size of each");
    visit("max_wal_bytes", self.max_wal_bytes, "segments x segment_bytes");
    visit("used_bytes", self.used_bytes, "bytes of slots that hold unreleased records");
    visit("free_bytes", self.free_bytes, "bytes that can be written before WAL_FULL");
    visit("active_segment_sequence", self.active_segment_sequence, "sequence of the segment being written");
    visit("active_offset_bytes", self.active_offset_bytes, "where its next frame goes");
    visit("first_lsn", self.first_lsn, "oldest record still in the ring");
    visit("durable_lsn", self.durable_lsn, "durable boundary");
    visit("appended_lsn", self.appended_lsn, "last record admitted");
    visit("chain", self.chain, "chain after durable_lsn");
  }
};

struct ExplainReadRequest {
  std::string_view collection;
  std::string_view id;
  std::optional<CommitId> at_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("at_commit", self.at_commit, "explain the read at this commit; absent: the newest visible one");
  }
};
struct ExplainReplicationRequest {
  std::optional<CommitId> at_commit;
  std::optional<Receipt> source;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at_commit", self.at_commit, "explain whether reads at this commit are safe; absent: the applied one");
    visit("source", self.source, "the source's own position, where the caller asked it");
  }
};

struct ExplainPromotionRequest {
  std::optional<Epoch> epoch;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch, "epoch whose beginning is explained; absent: the newest");
  }
};
// Raw records around the versions of one document, for a witness that checks an explanation.
struct EvidenceVersionsRequest {
  std::string_view collection;
  std::string_view id;
  std::optional<CommitId> before_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("before_commit", self.before_commit, "for the next page: versions older than this commit");
  }
};
struct EvidenceVersion {
  CommitId commit_id;
  Lsn lsn;
  std::string kind;  // document, tombstone
  uint32_t schema_version = 0;
  std::array<uint8_t, 16> hash{};
  CommitId prev_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commit_id", self.commit_id, "commit that wrote it");
    visit("lsn", self.lsn, "LSN of that commit's record");
    visit("kind", self.kind, "document or tombstone");
    visit("schema_version", self.schema_version, "schema version it was written under; 0 for a tombstone");
    visit("hash", self.hash, "XXH3-128 of the canonical document; zero for a tombstone");
    visit("prev_commit", self.prev_commit, "the version before it; 0: none");
  }
};
struct EvidenceVersionsResponse {
  std::vector<EvidenceVersion> versions;
  bool more = false;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("versions", self.versions, "newest first");
    visit("more", self.more, "older ones follow: ask again with before_commit");
    visit("receipt", self.receipt, "position of the answer");
  }
};
struct EvidenceRecordsRequest {
  Lsn first_lsn;
  uint32_t max_bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("first_lsn", self.first_lsn, "first record wanted");
    visit("max_bytes", self.max_bytes, "at most so many bytes, 1 MiB at most (more only for a single larger record)");
  }
};
struct EvidenceRecordsResponse {
  Lsn first_lsn;
  uint32_t count = 0;
  Receipt receipt;
  ByteSpan records;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("first_lsn", self.first_lsn, "LSN of the first record");
    visit("count", self.count, "records");
    visit("receipt", self.receipt, "position of the answer");
    visit("records", self.records, "verbatim records, one after another");
  }
};

struct EventRecord {
  uint64_t number = 0;
  uint64_t wall_us = 0;
  std::string name;
  std::vector<std::string> fields_text;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "per node, first is 1, no gaps");
    visit("wall_us", self.wall_us, "wall clock in microseconds since 1970; for people, orders nothing");
    visit("name", self.name, "event name");
    visit("fields", self.fields_text, "key=value, in a fixed order");
  }
};
struct ObserveEventsRequest {
  uint64_t after_number = 0;
  uint32_t limit = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("after_number", self.after_number, "events with a greater number");
    visit("limit", self.limit, "at most so many, 1000 at most");
  }
};
struct ObserveEventsResponse {
  std::vector<EventRecord> events;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("events", self.events, "in order of number");
  }
};

// Both list collections by name, a page at a time.
struct ObserveCollectionsRequest {
  std::optional<std::string_view> after_collection;
  uint32_t limit = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("after_collection", self.after_collection, "collections with a greater name; absent: from the first");
    visit("limit", self.limit, "at most so many, 1000 at most");
  }
};
// A sorted part of a run: the versions of a collection, or one of its indexes.
struct RunPart {
  uint64_t run = 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint32_t height = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("run", self.run, "number of the run");
    visit("entries", self.entries, "versions, or index entries, in it");
    visit("bytes", self.bytes, "as stored; those of versions with their filters");
    visit("height", self.height, "levels above its blocks of entries");
  }
};
struct CollectionVersions {
  std::string collection;
  uint32_t schema_version = 0;
  Lsn schema_lsn;
  uint64_t active_ids = 0;
  uint64_t frozen_ids = 0;
  std::vector<RunPart> runs;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("schema_version", self.schema_version, "its newest durable schema version");
    visit("schema_lsn", self.schema_lsn, "LSN of that schema's record");
    visit("active_ids", self.active_ids, "ids with versions in the memory table being written");
    visit("frozen_ids", self.frozen_ids, "ids with versions in the one that a checkpoint writes out");
    visit("runs", self.runs, "its versions in each run that has some; ascending by commits");
  }
};
struct ObserveMvccResponse {
  CommitId visible_commit;
  CommitId floor;
  uint64_t pins = 0;
  std::optional<CommitId> lowest_pin;
  uint64_t live_documents = 0;
  uint64_t active_versions = 0;
  uint64_t active_tombstones = 0;
  uint64_t active_bytes = 0;
  uint64_t frozen_versions = 0;
  uint64_t frozen_tombstones = 0;
  uint64_t frozen_bytes = 0;
  uint64_t run_versions = 0;
  uint64_t run_tombstones = 0;
  std::vector<CollectionVersions> collections;
  bool more = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("visible_commit", self.visible_commit, "newest commit that reads see");
    visit("floor", self.floor, "oldest commit that can still be read");
    visit("pins", self.pins, "pins held by connections");
    visit("lowest_pin", self.lowest_pin, "lowest commit pinned; nil: none");
    visit("live_documents", self.live_documents, "documents at the newest commit admitted, durable or not");
    visit("active_versions", self.active_versions,
          "in the memory table being written; tombstones included, durable or not");
    visit("active_tombstones", self.active_tombstones, "of these deletions");
    visit("active_bytes", self.active_bytes, "memory that this table takes");
    visit("frozen_versions", self.frozen_versions, "in the one that a checkpoint writes out; 0: none");
    visit("frozen_tombstones", self.frozen_tombstones, "of these deletions");
    visit("frozen_bytes", self.frozen_bytes, "memory that this table takes");
    visit("run_versions", self.run_versions, "in all runs; tombstones included");
    visit("run_tombstones", self.run_tombstones, "of these deletions");
    visit("collections", self.collections, "by name; up to 1 MiB, more only for a single larger one");
    visit("more", self.more, "others follow: ask again with after_collection");
  }
};
struct IndexView {
  std::string path;
  uint64_t active_entries = 0;
  uint64_t active_tree_bytes = 0;
  uint64_t frozen_entries = 0;
  uint64_t frozen_tree_bytes = 0;
  std::vector<RunPart> runs;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("path", self.path, "dotted path of the indexed field");
    visit("active_entries", self.active_entries, "in the memory table being written, durable or not");
    visit("active_tree_bytes", self.active_tree_bytes, "nodes of their tree; the values are not counted");
    visit("frozen_entries", self.frozen_entries, "in the one that a checkpoint writes out");
    visit("frozen_tree_bytes", self.frozen_tree_bytes, "nodes of their tree");
    visit("runs", self.runs, "its entries in each run that has some; ascending by commits");
  }
};
struct CollectionIndexes {
  std::string collection;
  uint32_t schema_version = 0;
  std::vector<IndexView> indexes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("schema_version", self.schema_version, "its newest durable schema version");
    visit("indexes", self.indexes, "each field that this version declares as indexed, in its order");
  }
};
struct ObserveIndexesResponse {
  CommitId visible_commit;
  std::vector<CollectionIndexes> collections;
  bool more = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("visible_commit", self.visible_commit, "newest commit that reads see");
    visit("collections", self.collections, "by name; up to 1 MiB, more only for a single larger one");
    visit("more", self.more, "others follow: ask again with after_collection");
  }
};

}  // namespace aerodb::wire
