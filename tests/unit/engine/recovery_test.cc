// Opening a data directory: bounds (T3), refusals by name, and the same bytes giving the same result.
#include <gtest/gtest.h>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

struct RecoveredNode {
  explicit RecoveredNode(NodeSettings settings = {}) : world(1, {}), node(world, settings) {}
  void with_documents(int count) {
    ASSERT_FALSE(node.start());
    ASSERT_TRUE(node.register_schema(kSchema1));
    for (int i = 0; i < count; ++i) ASSERT_TRUE(node.write({insert("x" + std::to_string(i))}));
  }
  runtime::Disk& disk() { return node.process->blocking_disk(); }
  // Overwrites durable bytes of a file while no process runs.
  void flip(const std::string& path, uint64_t offset) { ASSERT_TRUE(node.machine.disk().damage(path, offset, 0x20)); }
  sim::SimWorld world;
  TestNode node;
};

TEST(Recovery, CleanStopAndStartIsTheSameState) {
  RecoveredNode one;
  one.with_documents(20);
  const auto before = one.node.engine->newest();
  one.node.stop_clean();
  ASSERT_FALSE(one.node.start());
  EXPECT_EQ(one.node.engine->newest().digest, before.digest);
  EXPECT_EQ(one.node.engine->newest().chain, before.chain);
  EXPECT_EQ(one.node.engine->visible().lsn, before.lsn);
  const auto& report = one.node.engine->recovery();
  EXPECT_EQ(report.label, wal::TailLabel::kT1);
  EXPECT_EQ(report.records_replayed, 22u);
  EXPECT_EQ(report.evidence.log_segments.size(), 1u);
  EXPECT_EQ(report.quarantined, "");
  EXPECT_EQ(report.evidence.rewrites_last_frame, true);
  EXPECT_EQ(report.evidence.tail.bound_name, "the last clean stop");
}

TEST(Recovery, TailBelowTheCleanStopIsT3) {
  RecoveredNode one;
  one.with_documents(5);
  one.node.stop_clean();
  one.flip("/d/wal/0000.seg", 512 + 6 * 512 + 70);  // the last frame of seven
  auto refused = one.node.start();
  ASSERT_TRUE(refused);
  EXPECT_EQ(code_of(refused), "WAL_BOUND_LOST");
  EXPECT_NE(refused->message.find("the last clean stop says that LSN 7"), std::string::npos) << refused->message;
  // Nothing was changed by the refusal: with the byte put back it is whole.
  one.flip("/d/wal/0000.seg", 512 + 6 * 512 + 70);
  one.node.crash(CrashKind::kProcess);
  EXPECT_FALSE(one.node.start());
}

TEST(Recovery, LogWithoutWhatInitWroteIsT3) {
  RecoveredNode one;
  one.node.crash(CrashKind::kProcess);
  one.flip("/d/wal/0000.seg", 600);
  auto refused = one.node.start();
  EXPECT_EQ(code_of(refused), "WAL_BOUND_LOST");
  EXPECT_NE(refused->message.find("init says that LSN 1"), std::string::npos) << refused->message;
}

TEST(Recovery, RottenLastFrameWithoutABoundIsSetAsideAndSaidSo) {
  RecoveredNode one;
  one.with_documents(5);
  one.node.crash(CrashKind::kPower);
  one.flip("/d/wal/0000.seg", 512 + 6 * 512 + 70);
  ASSERT_FALSE(one.node.start());
  EXPECT_EQ(one.node.engine->newest().lsn, Lsn(6));
  EXPECT_EQ(one.node.engine->recovery().quarantined, "segment-1-offset-3584.bin");
}

// Found by the simulator: the bytes that are written over the last frame come from a read of their own, and a good
// frame that one read got wrong looks like a torn one.
TEST(Recovery, MisreadIsNeverMadeDurable) {
  for (const int documents : {0, 5}) {  // 0: the only frame, with its segment's header
    int noticed = 0;
    for (uint64_t nth = 1; nth <= 60; ++nth) {
      RecoveredNode one;
      one.with_documents(documents);
      const auto digest = one.node.engine->visible().digest;
      const auto end = one.node.engine->visible().lsn;
      one.node.crash(CrashKind::kProcess);
      one.world.arm(sim::FaultKind::kBitFlip, nth);
      const auto refused = one.node.start();
      if (refused && refused->message.find("reads differently") != std::string::npos) {
        ++noticed;
        EXPECT_EQ(code_of(refused), "IO");
      }
      one.world.arm(sim::FaultKind::kBitFlip, 0);
      one.node.restart(CrashKind::kPower);
      EXPECT_EQ(one.node.engine->visible().digest, digest) << nth;
      EXPECT_EQ(one.node.engine->visible().lsn, end) << nth;
    }
    EXPECT_GT(noticed, 1) << documents;
  }
}

TEST(Recovery, HoleIsT2) {
  RecoveredNode one;
  one.with_documents(5);
  one.node.crash(CrashKind::kPower);
  one.flip("/d/wal/0000.seg", 512 + 3 * 512 + 70);
  EXPECT_EQ(code_of(one.node.start()), "WAL_HOLE");
}

TEST(Recovery, RecordsOfTwoInstancesDoNotMix) {
  RecoveredNode one;
  one.with_documents(5);
  one.node.crash(CrashKind::kPower);
  TestNode other(one.world, {.name = "b", .instance = 2});
  auto foreign = other.machine.disk().peek("/d/wal/0000.seg");
  ASSERT_TRUE(foreign);
  sim::SimProcess hand(one.node.machine, one.world, {.name = "hand"});
  auto file = hand.blocking_disk().open("/d/wal/0001.seg", runtime::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write(0, *foreign));
  hand.crash(CrashKind::kProcess);
  EXPECT_EQ(code_of(one.node.start()), "WRONG_NODE");
}

TEST(Recovery, NodeFileIsRequiredWholeAndOfTheNameConfigured) {
  RecoveredNode one;
  one.node.crash(CrashKind::kProcess);
  one.node.settings.name = "other";
  EXPECT_EQ(code_of(one.node.start()), "WRONG_NODE");
  one.node.settings.name = "a";
  one.node.crash(CrashKind::kProcess);
  const auto bytes = one.node.machine.disk().peek("/d/NODE");
  ASSERT_TRUE(bytes);
  for (uint64_t at = 0; at < bytes->size(); ++at) {
    one.flip("/d/NODE", at);
    ASSERT_EQ(code_of(one.node.start()), "BAD_NODE_FILE") << at;
    one.node.crash(CrashKind::kProcess);
    one.flip("/d/NODE", at);
  }
  ASSERT_FALSE(one.node.start());
  ASSERT_TRUE(one.disk().remove("/d/NODE"));
  one.node.crash(CrashKind::kProcess);
  EXPECT_EQ(code_of(one.node.start()), "NOT_INITIALIZED");
}

TEST(Recovery, DirectoryIsHeldByOneProcess) {
  RecoveredNode one;
  one.with_documents(1);
  sim::SimProcess second(one.node.machine, one.world, {.name = "second"});
  auto opened = open_directory(second.blocking_disk(), {"/d", one.node.settings.geometry, "a"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kLocked);
}

TEST(Recovery, DamagedCleanStopAndHaltFilesAreNamed) {
  RecoveredNode one;
  one.with_documents(1);
  one.node.stop_clean();
  one.flip("/d/CLEAN_STOP", 13);
  EXPECT_EQ(code_of(one.node.start()), "BAD_NODE_FILE");
}

TEST(Recovery, OtherGeometryIsRefused) {
  RecoveredNode one;
  one.with_documents(1);
  one.node.crash(CrashKind::kPower);
  one.node.settings.geometry.slots = 5;
  EXPECT_EQ(code_of(one.node.start()), "WAL_SEGMENT_MISSING");
  one.node.settings.geometry = {4, 512 << 10};
  one.node.crash(CrashKind::kProcess);
  EXPECT_EQ(code_of(one.node.start()), "WAL_SEGMENT_MISSING");
}

TEST(Init, RefusesADirectoryThatHoldsAnythingAndAReplicaWithoutCluster) {
  RecoveredNode one;
  InitOptions options;
  options.data_dir = "/d";
  options.name = "a";
  options.geometry = one.node.settings.geometry;
  options.primary = true;
  auto again = init_directory(one.disk(), one.node.process->random(), options);
  EXPECT_EQ(code_of(again), "ALREADY_INITIALIZED");
  options.data_dir = "/e";
  options.primary = false;
  EXPECT_EQ(code_of(init_directory(one.disk(), one.node.process->random(), options)), "USAGE");
  options.cluster = kCluster;
  auto made = init_directory(one.disk(), one.node.process->random(), options);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->initial_lsn, Lsn(0));
  EXPECT_FALSE(made->instance.is_zero());
}

TEST(Init, KilledAtAnyCallLeavesANodeOrNone) {
  for (uint64_t call = 1; call < 200; ++call) {
    sim::SimWorld world(call, {});
    auto& machine = world.add_machine("m");
    InitOptions options;
    options.data_dir = "/d";
    options.name = "a";
    options.geometry = {4, 64 << 10};
    options.primary = true;
    bool made = false;
    {
      sim::SimProcess process(machine, world, {.name = "p"});
      process.crash_at_call(call, CrashKind::kPower);
      made = init_directory(process.blocking_disk(), process.random(), options).has_value();
    }
    sim::SimProcess process(machine, world, {.name = "p"});
    auto opened = open_directory(process.blocking_disk(), {"/d", options.geometry, "a"});
    if (opened) {
      EXPECT_EQ((*opened)->state.position().lsn, Lsn(1));
    } else {
      EXPECT_EQ(code_of(opened), "NOT_INITIALIZED") << opened.error().message;
    }
    if (made) return;
  }
  FAIL() << "init never came to its end";
}

}  // namespace
}  // namespace aerodb::engine
