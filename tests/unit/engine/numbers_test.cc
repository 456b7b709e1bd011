// Numbers that run out: 2^53 - 1 is the last LSN (WAL-2).
#include <gtest/gtest.h>

#include "common/engine/install.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

// A replica whose snapshot ends two LSNs before the last one, and that then goes on by itself.
TEST(Write, NumbersThatRunOutAreRefusedAndReadsGoOn) {
  sim::SimWorld world(1, {});
  TestNode source(world, {});
  ASSERT_FALSE(source.start());
  ASSERT_TRUE(source.register_schema(kSchema1));
  ASSERT_FALSE(source.checkpoint());
  auto manifest = source.engine->storage().manifest();
  manifest.lsn = Lsn(kMaxNumber - 2);
  TestNode node(world, {.name = "b", .instance = 2, .primary = false});
  {
    sim::SimProcess hand(node.machine, world, {.name = "hand"});
    auto& disk = hand.blocking_disk();
    ASSERT_TRUE(PartialSnapshot::open(disk, "/d", manifest));
    ASSERT_TRUE(prepare_install(disk, "/d", node.settings.geometry, manifest));
    ASSERT_TRUE(install_snapshot(disk, "/d"));
  }
  ASSERT_FALSE(node.start());
  auto& engine = *node.engine;
  const auto ended = engine.end_lineage(engine.end_lineage_evidence("a", {}), {"r", "op", "why", std::nullopt},
                                        id_of<LineageId>(0x2e));
  ASSERT_TRUE(ended.outcome);
  node.run();
  ASSERT_EQ(engine.visible().lsn, Lsn(kMaxNumber - 1));
  ASSERT_TRUE(node.write({insert("last")}));
  ASSERT_EQ(engine.visible().lsn, Lsn(kMaxNumber));
  const auto refused = node.write({insert("one too many")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNumberExhausted);
  EXPECT_TRUE(node.get("last"));
}

}  // namespace
}  // namespace aerodb::engine
