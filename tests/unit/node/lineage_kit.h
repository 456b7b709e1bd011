// Tests of what follows when a primary's machine died and its replicas stand at different places.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/node/node_kit.h"

namespace aerodb::node::testing {

struct LineageTest : NodeTest {
  // `p` went further than `r1`, which went further than `r2`; then its machine died.
  LineageTest() {
    for (auto* node : {&p, &r1, &r2}) node->start();
    fill(p, 3);
    ship(p, r2);
    insert(p, "r2 lacks it");
    ship(p, r1);
    insert(p, "both lack it");
    p.crash();
  }
  void insert(TestNode& node, const std::string& id) {
    auto client = connect(node);
    const auto document = document_bytes(id, 1);
    ASSERT_TRUE(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  wire::EndLineageRequest ending(TestNode& node, std::vector<TestNode*> peers) {
    wire::EndLineageRequest request;
    request.request = asked_by();
    request.lost = "p";
    for (auto* peer : peers) request.peers.push_back({peer->machine.name(), peer->endpoint(Port::kReplication).text()});
    request.phrase = "end the lineage of p";
    request.loss_phrase = "give up what p acknowledged after LSN " + std::to_string(node.engine().newest().lsn.value());
    return request;
  }
  Result<wire::EndLineageResponse> end(TestNode& node, const wire::EndLineageRequest& request) {
    auto client = connect(node, Port::kMaintenance);
    return call(*client, wire::kEndLineage, request);
  }
  // What a shipper that reads from `source` is told by `target`.
  Result<wire::ReplicaOpenResponse> open(TestNode& source, TestNode& target) {
    auto from = connect(source, Port::kReplication);
    auto to = connect(target, Port::kReplication);
    auto position = call(*from, wire::kWalPosition, {});
    EXPECT_TRUE(position);
    return call(*to, wire::kReplicaOpen, open_request(*position));
  }
  static wire::ReplicaOpenRequest open_request(const wire::WalPositionResponse& position) {
    return {
        "s", InstanceId{{9}}, position.node, position.instance, position.cluster, position.durable, position.ancestry};
  }
  std::string insert_code(TestNode& node) {
    auto client = connect(node);
    const auto document = document_bytes("late", 1);
    return code_of(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  std::string get_code(TestNode& node) {
    auto client = connect(node);
    return code_of(ask(*client, wire::kDocGet, {"c", "d1", 1, std::nullopt, std::nullopt}, [](const auto&) {}));
  }

  TestNode p{world, "p", true};
  TestNode r1{world, "r1", false};
  TestNode r2{world, "r2", false};
};

}  // namespace aerodb::node::testing
