// What the peers themselves say, one answer each, none left out. Nothing is added up, compared or filled in.
// Thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/wire/messages_controlplane.h"
#include "common/wire/messages_replication.h"
#include "common/wire/messages_storage.h"
#include "explainer/peers.h"

namespace aerodb::explainer {

struct ReplicationView {
  std::string node;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;
  std::optional<wire::NodeReplicationResponse> replication;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("address", self.address, "its client listener");
    visit("reached", self.reached, "whether it answered this request");
    visit("why", self.why, "error code, where it did not");
    visit("replication", self.replication, "its own answer, unchanged");
  }
};

struct ShipperView {
  std::string shipper;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;
  std::optional<wire::ShipperStatusResponse> status;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("shipper", self.shipper, "configured name");
    visit("address", self.address, "its listener");
    visit("reached", self.reached, "whether it answered this request");
    visit("why", self.why, "error code, where it did not");
    visit("status", self.status, "its own answer, unchanged");
  }
};

struct StatusViews {
  std::vector<wire::NodeView> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "in order of the configuration; none left out");
  }
};
struct ReplicationViews {
  std::vector<ReplicationView> nodes;
  std::vector<ShipperView> shippers;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "in order of the configuration; none left out");
    visit("shippers", self.shippers, "in order of the configuration; none left out");
  }
};

struct NodesView {
  std::vector<wire::NodeView> nodes;
  std::vector<ShipperView> shippers;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "in order of the configuration; none left out");
    visit("shippers", self.shippers,
          "in order of the configuration; none left out; empty where one node was asked for");
  }
};

// Parts of one observe.storage, under its names: each of the two is one moment.
struct SnapshotsView {
  CommitId floor;
  uint64_t pins = 0;
  std::optional<CommitId> lowest_pin;
  uint64_t holds = 0;
  std::vector<wire::SnapshotView> snapshots;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("floor", self.floor, "oldest commit that can still be read");
    visit("pins", self.pins, "pins held by connections");
    visit("lowest_pin", self.lowest_pin, "lowest commit pinned; nil: none");
    visit("holds", self.holds, "sets of runs held for a backup or a bootstrap");
    visit("snapshots", self.snapshots, "by name");
  }
};
struct CheckpointsView {
  uint64_t manifest_number = 0;
  Lsn manifest_lsn;
  CommitId manifest_commit;
  Digest manifest_digest;
  uint64_t memory_active_bytes = 0;
  uint64_t memory_frozen_bytes = 0;
  std::vector<wire::RunView> runs;
  std::vector<wire::OperationView> operations;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("manifest_number", self.manifest_number, "number of the installed manifest; 0: none yet");
    visit("manifest_lsn", self.manifest_lsn, "LSN up to which the runs hold everything");
    visit("manifest_commit", self.manifest_commit, "last commit at manifest_lsn");
    visit("manifest_digest", self.manifest_digest, "state digest after manifest_lsn");
    visit("memory_active_bytes", self.memory_active_bytes, "the memory table being written");
    visit("memory_frozen_bytes", self.memory_frozen_bytes, "the one that a checkpoint writes out; 0: none");
    visit("runs", self.runs, "ascending by commits");
    visit("operations", self.operations, "newest last; the last 16 of this process");
  }
};

// `done` runs once, when every peer has answered or failed; perhaps before the call returns.
void view_status(Peers& peers, std::move_only_function<void(StatusViews)> done);
// `only`: this node and no shipper.
void view_nodes(Peers& peers, Peer* only, std::move_only_function<void(NodesView)> done);
void view_replication(Peers& peers, std::move_only_function<void(ReplicationViews)> done);

}  // namespace aerodb::explainer
