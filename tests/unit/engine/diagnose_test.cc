// A diagnosis on a running node: what it proves, what it finds and names, and that nothing but reading comes of it.
#include <algorithm>
#include <map>

#include "tests/sim/runtime/disk.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {
namespace {

// Documents in two runs and in the log behind them.
struct DiagnosedNode {
  DiagnosedNode() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    insert_many(0, 30);
    EXPECT_FALSE(node.checkpoint(false));
    insert_many(30, 40);
    EXPECT_TRUE(node.write({update("d3", R"("n":100)"), remove("d4")}));
    EXPECT_FALSE(node.checkpoint(false));
    insert_many(40, 50);
    EXPECT_TRUE(node.write({update("d5", R"("n":100)"), remove("d31")}));
  }
  void insert_many(int from, int to) {
    for (int i = from; i < to; ++i) {
      EXPECT_TRUE(node.write({insert("d" + std::to_string(i), R"("n":)" + std::to_string(i % 7))}));
    }
  }
  // Every file's content.
  std::map<std::string, Bytes> files() {
    std::map<std::string, Bytes> content;
    for (const auto& path : disk().tree()) {
      if (auto bytes = disk().peek(path)) content[path] = std::move(*bytes);
    }
    return content;
  }
  sim::SimDisk& disk() { return node.machine.disk(); }
  const OperationStatus& last() { return node.engine->storage().operations().back(); }
  sim::SimWorld world;
  TestNode node;
};

TEST(Diagnose, ProvesRunsAndLogUpToWhereTheNodeStands) {
  DiagnosedNode f;
  const auto before = f.files();
  const auto refused = f.node.diagnose();
  ASSERT_FALSE(refused) << refused->message;
  EXPECT_EQ(f.last().kind, OperationKind::kDiagnosis);
  EXPECT_EQ(f.last().stage, OperationStage::kDone);
  EXPECT_EQ(f.last().lsn, f.node.engine->visible().lsn);
  EXPECT_EQ(f.last().commit, f.node.engine->visible().commit);
  EXPECT_GT(f.last().done_bytes, f.node.engine->storage().manifest().runs.front().bytes);
  EXPECT_EQ(f.files(), before);
}

TEST(Diagnose, ProvesALogWithoutAManifestAndRunsWithoutALog) {
  sim::SimWorld world(1, {});
  TestNode node(world, {});
  ASSERT_FALSE(node.start());
  ASSERT_TRUE(node.register_schema(kSchema1));
  ASSERT_TRUE(node.write({insert("d1")}));
  EXPECT_FALSE(node.diagnose());
  ASSERT_FALSE(node.checkpoint());
  EXPECT_FALSE(node.diagnose());
  EXPECT_EQ(node.engine->storage().operations().back().lsn, node.engine->visible().lsn);
}

TEST(Diagnose, FindsAFlippedByteAnywhereInARun) {
  DiagnosedNode f;
  const std::string path = "/d/runs/00000001.run";
  const uint64_t size = f.disk().peek(path)->size();
  for (uint64_t at = 0; at < size; at += 1 + size / 40) {
    ASSERT_TRUE(f.disk().damage(path, at, 0x20));
    const auto found = f.node.diagnose();
    ASSERT_TRUE(found) << at;
    EXPECT_EQ(code_of(found), "RUN_DAMAGED") << at << ": " << found->message;
    EXPECT_NE(found->message.find("00000001.run"), std::string::npos) << found->message;
    ASSERT_TRUE(f.disk().damage(path, at, 0x20));
  }
  EXPECT_FALSE(f.node.diagnose());
}

// What memory still serves is read from the segment files all the same.
TEST(Diagnose, FindsADamagedFrameOfTheLogAndNamesItsRecord) {
  DiagnosedNode f;
  const std::string path = "/d/wal/0000.seg";
  const auto content = *f.disk().peek(path);
  const std::string marker = "d45";
  const auto at = std::search(content.begin(), content.end(), marker.begin(), marker.end());
  ASSERT_NE(at, content.end());
  ASSERT_TRUE(f.disk().damage(path, static_cast<uint64_t>(at - content.begin()), 0x20));
  const auto found = f.node.diagnose();
  ASSERT_TRUE(found);
  EXPECT_EQ(code_of(found), "WAL_HOLE") << found->message;
  EXPECT_EQ(f.last().stage, OperationStage::kFailed);
  // Proven up to the record before; the node itself goes on, since nothing acts by itself.
  EXPECT_LT(f.last().lsn, f.node.engine->visible().lsn);
  EXPECT_GT(f.last().lsn, f.node.engine->storage().manifest().lsn);
  EXPECT_FALSE(f.node.engine->halt_reason());
  EXPECT_TRUE(f.node.write({insert("later")}));
}

TEST(Diagnose, ComesToAnEndWhileWritesGoOn) {
  DiagnosedNode f;
  ASSERT_TRUE(f.node.engine->storage().diagnose());
  int written = 0;
  while (!f.last().finished()) {
    ASSERT_TRUE(f.world.step());
    if (written < 40) f.node.submit({insert("w" + std::to_string(written++))});
  }
  EXPECT_FALSE(f.last().error) << f.last().error->message;
  f.node.run();
  EXPECT_LT(f.last().lsn, f.node.engine->visible().lsn);
}

TEST(Diagnose, IsOneOperationAmongTheOthers) {
  DiagnosedNode f;
  ASSERT_TRUE(f.node.engine->storage().diagnose());
  EXPECT_EQ(code_of(f.node.engine->storage().diagnose()), "OPERATION_RUNNING");
  EXPECT_EQ(code_of(f.node.engine->storage().checkpoint(true)), "OPERATION_RUNNING");
  f.node.run();
  EXPECT_FALSE(f.node.checkpoint());
  EXPECT_FALSE(f.node.diagnose());
}

TEST(Diagnose, EndsSoonWhenItsOperationIsEnded) {
  DiagnosedNode f;
  ASSERT_TRUE(f.node.engine->storage().diagnose());
  f.node.engine->storage().fail_running({ErrorCode::kNotReady, "stop", {}});
  EXPECT_EQ(f.last().stage, OperationStage::kFailed);
  f.node.run();
  EXPECT_FALSE(f.node.engine->storage().working());
  EXPECT_EQ(f.last().error->message, "stop");
}

TEST(Diagnose, OfAReplicaProvesWhatWasShippedToIt) {
  DiagnosedNode f;
  TestNode replica(f.world, {.name = "r", .instance = 2, .primary = false});
  ASSERT_FALSE(replica.start());
  ASSERT_FALSE(ship(f.node, replica));
  EXPECT_FALSE(replica.diagnose());
  ASSERT_FALSE(replica.checkpoint());
  EXPECT_FALSE(replica.diagnose());
  EXPECT_EQ(replica.engine->storage().operations().back().lsn, f.node.engine->visible().lsn);
}

}  // namespace
}  // namespace aerodb::engine::testing
