// What the peers themselves say, one answer each, none left out. Nothing is added up, compared or filled in.
// Thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/wire/messages_controlplane.h"
#include "common/wire/messages_replication.h"
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

// `done` runs once, when every peer has answered or failed; perhaps before the call returns.
void view_status(Peers& peers, std::move_only_function<void(StatusViews)> done);
void view_replication(Peers& peers, std::move_only_function<void(ReplicationViews)> done);

}  // namespace aerodb::explainer
