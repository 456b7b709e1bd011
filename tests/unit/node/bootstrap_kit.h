// What the tests of bootstraps share: commands and their ends, nodes with runs of several pieces.
#pragma once

#include <fmt/format.h>

#include "common/node/bootstrap.h"
#include "common/node/repairs.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node::testing {

struct BootstrapTest : NodeTest {
  static wire::RepairBootstrapRequest discarding(const runtime::Endpoint& source, const TestNode& node) {
    return {asked_by(), source.text(), true, "discard the history of " + node.config.name};
  }
  Result<wire::RepairStatusResponse> begin(TestNode& node, const wire::RepairBootstrapRequest& request) {
    auto client = connect(node, Port::kMaintenance);
    return call(*client, wire::kRepairBootstrap, request);
  }
  // Steps the world until the repair has ended, or `until` says so. Its code, "OK" for none.
  std::string finish(TestNode& node, const std::function<bool()>& until = [] { return false; }) {
    while (node.node->repairs().running() && !until() && world.step()) {
    }
    const auto& view = node.node->repairs().view();
    if (!view.finished) return "running";
    return view.error_code ? *view.error_code : "OK";
  }
  std::string bootstrap(TestNode& node, const wire::RepairBootstrapRequest& request) {
    auto begun = begin(node, request);
    return begun ? finish(node) : code_of(begun);
  }
  std::string bootstrap(TestNode& node, TestNode& source) {
    return bootstrap(node, {asked_by(), source.endpoint(Port::kReplication).text(), false, std::nullopt});
  }
  std::string discard(TestNode& node, TestNode& source) {
    return bootstrap(node, discarding(source.endpoint(Port::kReplication), node));
  }
  void put(TestNode& node, int from, int to) {
    auto client = connect(node);
    for (int i = from; i < to; ++i) {
      const auto document = document_bytes("d" + std::to_string(i), i);
      ASSERT_TRUE(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
    }
  }
  // `count` runs of somewhat more than a piece each.
  void fill_runs(TestNode& node, int count) {
    auto client = connect(node);
    const auto schema = schema_bytes(1);
    ASSERT_TRUE(call(*client, wire::kSchemaRegister, {wire::Packed{schema}}));
    for (int run = 0; run < count; ++run) {
      put(node, run * 1100, (run + 1) * 1100);
      ASSERT_EQ(operate(node, wire::kStorageCheckpoint, {asked_by(), false}).stage, "done");
    }
  }
  static void expect_equal(TestNode& a, TestNode& b) {
    EXPECT_EQ(a.engine().visible().lsn, b.engine().visible().lsn);
    EXPECT_EQ(a.engine().visible().chain, b.engine().visible().chain);
    EXPECT_EQ(a.engine().visible().digest, b.engine().visible().digest);
    EXPECT_EQ(a.engine().visible().lineage, b.engine().visible().lineage);
  }
  Result<bool> has(TestNode& node, const std::string& id) {
    auto client = connect(node);
    bool found = false;
    auto got = ask(*client, wire::kDocGet, {"c", id, 1, std::nullopt, std::nullopt},
                   [&](const auto& answer) { found = answer.data.version.has_value(); });
    if (!got) return fail(std::move(got.error()));
    return found;
  }
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
};

}  // namespace aerodb::node::testing
