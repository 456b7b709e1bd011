// Storage: observe.storage and pins on listener `client`; operations and holds on listener `maintenance`.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct RunView {
  uint64_t number = 0;
  CommitId first_commit;
  CommitId last_commit;
  uint64_t bytes = 0;
  uint64_t versions = 0;
  uint64_t tombstones = 0;
  uint64_t index_entries = 0;
  Sha256 sha256{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "per data directory, never used twice");
    visit("first_commit", self.first_commit, "first commit it covers");
    visit("last_commit", self.last_commit, "last commit it covers");
    visit("bytes", self.bytes, "size of its file");
    visit("versions", self.versions, "versions in it, tombstones included");
    visit("tombstones", self.tombstones, "of these deletions");
    visit("index_entries", self.index_entries, "index entries in it");
    visit("sha256", self.sha256, "SHA-256 of its file");
  }
};
struct SnapshotView {
  std::string name;
  bool complete = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name, "directory below snapshots/");
    visit("complete", self.complete, "it has its manifest; false: left by a snapshot that did not end");
  }
};
struct OperationView {
  uint64_t number = 0;
  std::string kind;
  std::string stage;
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  Lsn lsn;
  CommitId commit;
  uint64_t manifest = 0;
  uint64_t runs_merged = 0;
  std::optional<std::string> snapshot;
  std::optional<std::string> error_code;
  std::optional<std::string> error_message;
  uint64_t elapsed_us = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "of this process; first is 1");
    visit("kind", self.kind, "checkpoint, compact, snapshot or diagnosis");
    visit("stage", self.stage, "what it is doing; done or failed at its end");
    visit("done_bytes", self.done_bytes, "written so far; read, by a diagnosis");
    visit("total_bytes", self.total_bytes, "estimate of what that will be");
    visit("lsn", self.lsn, "LSN that its manifest covers, or will; proven so far, by a diagnosis");
    visit("commit", self.commit, "last commit at lsn");
    visit("manifest", self.manifest, "number of the last manifest it installed; 0: none yet");
    visit("runs_merged", self.runs_merged, "runs that became part of larger ones");
    visit("snapshot", self.snapshot, "name of the snapshot, for one");
    visit("error_code", self.error_code, "why it failed");
    visit("error_message", self.error_message, "what was found");
    visit("elapsed_us", self.elapsed_us, "since it began, or until its end");
  }
};
struct ObserveStorageResponse {
  uint64_t manifest_number = 0;
  Lsn manifest_lsn;
  CommitId manifest_commit;
  Digest manifest_digest;
  CommitId floor;
  std::vector<RunView> runs;
  uint64_t memory_active_bytes = 0;
  uint64_t memory_frozen_bytes = 0;
  uint64_t cache_bytes = 0;
  uint64_t cache_max_bytes = 0;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t pins = 0;
  std::optional<CommitId> lowest_pin;
  uint64_t holds = 0;
  std::vector<SnapshotView> snapshots;
  std::vector<OperationView> operations;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("manifest_number", self.manifest_number, "number of the installed manifest; 0: none yet");
    visit("manifest_lsn", self.manifest_lsn, "LSN up to which the runs hold everything");
    visit("manifest_commit", self.manifest_commit, "last commit at manifest_lsn");
    visit("manifest_digest", self.manifest_digest, "state digest after manifest_lsn");
    visit("floor", self.floor, "oldest commit that can still be read");
    visit("runs", self.runs, "ascending by commits");
    visit("memory_active_bytes", self.memory_active_bytes, "the memory table being written");
    visit("memory_frozen_bytes", self.memory_frozen_bytes, "the one that a checkpoint writes out; 0: none");
    visit("cache_bytes", self.cache_bytes, "blocks of runs held in memory");
    visit("cache_max_bytes", self.cache_max_bytes, "bound of the block cache");
    visit("cache_hits", self.cache_hits, "blocks found in it since start");
    visit("cache_misses", self.cache_misses, "blocks that had to be read since start");
    visit("pins", self.pins, "pins held by connections");
    visit("lowest_pin", self.lowest_pin, "lowest commit pinned; nil: none");
    visit("holds", self.holds, "sets of runs held for a backup or a bootstrap");
    visit("snapshots", self.snapshots, "by name");
    visit("operations", self.operations, "newest last; the last 16 of this process");
  }
};

struct PinTakeRequest {
  std::optional<CommitId> commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commit", self.commit, "reads at this commit stay possible; absent: the newest visible one");
  }
};
struct PinTakeResponse {
  uint64_t pin = 0;
  CommitId commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("pin", self.pin, "its number; it ends with this connection");
    visit("commit", self.commit, "commit pinned");
  }
};
struct PinReleaseRequest {
  uint64_t pin = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("pin", self.pin, "a pin of this connection");
  }
};

struct StorageCheckpointRequest {
  Request request;
  bool merge = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
    visit("merge", self.merge, "merge neighbouring runs of one size class too, by the fixed rule");
  }
};
struct StorageCompactRequest {
  Request request;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
  }
};
struct StorageSnapshotRequest {
  Request request;
  std::optional<std::string> name;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
    visit("name", self.name,
          "1 to 128 of A-Z a-z 0-9 . _ -, no dot first; absent: the time, as in 20261121T131500.123Z");
  }
};
struct StorageStartedResponse {
  uint64_t operation = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("operation", self.operation, "its number, for storage.operation");
  }
};
struct StorageOperationRequest {
  std::optional<uint64_t> number;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "absent: the last one");
  }
};

struct StorageGcRequest {
  Request request;
  CommitId floor;
  std::string phrase;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason; the reason is mandatory");
    visit("floor", self.floor, "commits below it can't be read any more, on every node");
    visit("phrase", self.phrase, "\"drop history below COMMIT\", with the floor as COMMIT");
  }
};
struct StorageGcResponse {
  CommitId floor;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("floor", self.floor, "the floor now");
    visit("receipt", self.receipt, "position of its record");
  }
};

struct HeldRun {
  uint64_t number = 0;
  uint64_t bytes = 0;
  Sha256 sha256{};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "run number");
    visit("bytes", self.bytes, "size of its file");
    visit("sha256", self.sha256, "SHA-256 of its file");
  }
};
struct StorageHoldResponse {
  uint64_t hold = 0;
  std::string node;
  InstanceId instance;
  ClusterId cluster;
  std::optional<ByteSpan> manifest;
  std::vector<HeldRun> runs;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("hold", self.hold, "its number; it ends with this connection");
    visit("node", self.node, "name of this node");
    visit("instance", self.instance, "id of its data directory");
    visit("cluster", self.cluster, "its cluster id");
    visit("manifest", self.manifest,
          "the manifest's file, without its place in this node's ring; nil: no checkpoint yet");
    visit("runs", self.runs, "the runs it names; their files stay as long as the hold");
    visit("receipt", self.receipt, "position of this node");
  }
};
struct StorageReadRunRequest {
  uint64_t hold = 0;
  uint64_t run = 0;
  uint64_t offset = 0;
  uint32_t max_bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("hold", self.hold, "a hold of this connection");
    visit("run", self.run, "run number, one of the hold's");
    visit("offset", self.offset, "where to begin; not beyond the end of the file");
    visit("max_bytes", self.max_bytes, "at most so many bytes, 1 to 1 MiB");
  }
};
struct StorageReadRunResponse {
  ByteSpan bytes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("bytes", self.bytes, "of the file, verbatim; fewer than asked for at its end only");
  }
};
struct StorageReadLogRequest {
  Lsn from_lsn;
  uint32_t max_bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from_lsn", self.from_lsn, "first record wanted");
    visit("max_bytes", self.max_bytes, "at most so many bytes, 1 MiB at most (more only for a single larger record)");
  }
};
struct StorageReleaseRequest {
  uint64_t hold = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("hold", self.hold, "a hold of this connection");
  }
};

}  // namespace aerodb::wire
