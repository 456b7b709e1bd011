#include "explainer/views.h"

namespace aerodb::explainer {
namespace {

// Answers of several peers on their way into one struct.
template <class Views>
struct Gathering {
  Views views;
  std::move_only_function<void(Views)> done;
  size_t outstanding = 1;  // the one that asks

  void ended() {
    if (--outstanding == 0) done(std::move(views));
  }
};

// Asks `peer`; `place` answers its view and where the answer belongs.
template <class Views, class Response, class View>
void gather(Peer& peer, const wire::Method<wire::Empty, Response>& method,
            const std::shared_ptr<Gathering<Views>>& gathering, View& (*view_at)(Views&, size_t), size_t index,
            std::optional<Response> View::* answer_member) {
  View& view = view_at(gathering->views, index);
  view.address = peer.address();
  auto admission = peer.admit();
  if (!admission) {
    view.why = admission.error().row().name;
    return;
  }
  ++gathering->outstanding;
  peer.call(method, {},
            [gathering, view_at, index, answer_member, admission = std::move(*admission)](Result<Response> answer) {
              View& own = view_at(gathering->views, index);
              own.reached = answer.has_value();
              if (answer) {
                own.*answer_member = std::move(*answer);
              } else {
                own.why = answer.error().row().name;
              }
              gathering->ended();
            });
}

ReplicationView& node_at(ReplicationViews& views, size_t index) { return views.nodes[index]; }
ShipperView& shipper_at(ReplicationViews& views, size_t index) { return views.shippers[index]; }
wire::NodeView& status_at(StatusViews& views, size_t index) { return views.nodes[index]; }
wire::NodeView& listed_node_at(NodesView& views, size_t index) { return views.nodes[index]; }
ShipperView& listed_shipper_at(NodesView& views, size_t index) { return views.shippers[index]; }

}  // namespace

void view_status(Peers& peers, std::move_only_function<void(StatusViews)> done) {
  auto gathering = std::make_shared<Gathering<StatusViews>>();
  gathering->done = std::move(done);
  const auto& nodes = peers.nodes();
  gathering->views.nodes.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    gathering->views.nodes[i].node = nodes[i]->name();
    gather(*nodes[i], wire::kStatus, gathering, status_at, i, &wire::NodeView::status);
  }
  gathering->ended();
}

void view_nodes(Peers& peers, Peer* only, std::move_only_function<void(NodesView)> done) {
  auto gathering = std::make_shared<Gathering<NodesView>>();
  gathering->done = std::move(done);
  std::vector<Peer*> nodes;
  for (const auto& node : peers.nodes()) {
    if (only == nullptr || only == node.get()) nodes.push_back(node.get());
  }
  const size_t shippers = only == nullptr ? peers.shippers().size() : 0;
  gathering->views.nodes.resize(nodes.size());
  gathering->views.shippers.resize(shippers);
  for (size_t i = 0; i < nodes.size(); ++i) {
    gathering->views.nodes[i].node = nodes[i]->name();
    gather(*nodes[i], wire::kStatus, gathering, listed_node_at, i, &wire::NodeView::status);
  }
  for (size_t i = 0; i < shippers; ++i) {
    Peer& shipper = *peers.shippers()[i];
    gathering->views.shippers[i].shipper = shipper.name();
    gather(shipper, wire::kShipperStatus, gathering, listed_shipper_at, i, &ShipperView::status);
  }
  gathering->ended();
}

void view_replication(Peers& peers, std::move_only_function<void(ReplicationViews)> done) {
  auto gathering = std::make_shared<Gathering<ReplicationViews>>();
  gathering->done = std::move(done);
  const auto& nodes = peers.nodes();
  const auto& shippers = peers.shippers();
  gathering->views.nodes.resize(nodes.size());
  gathering->views.shippers.resize(shippers.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    gathering->views.nodes[i].node = nodes[i]->name();
    gather(*nodes[i], wire::kObserveReplication, gathering, node_at, i, &ReplicationView::replication);
  }
  for (size_t i = 0; i < shippers.size(); ++i) {
    gathering->views.shippers[i].shipper = shippers[i]->name();
    gather(*shippers[i], wire::kShipperStatus, gathering, shipper_at, i, &ShipperView::status);
  }
  gathering->ended();
}

}  // namespace aerodb::explainer
