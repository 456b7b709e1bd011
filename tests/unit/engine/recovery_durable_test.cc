// A start relies on what a killed process left in the page cache: it makes that durable before the log may reuse what
// it covers (REC-9).
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

constexpr wal::RingGeometry kSmall{4, 64 << 10};
const std::string kBig(2000, 'x');

Op big(int number) { return insert("d" + std::to_string(number), R"("s":")" + kBig + '"'); }

// Writes until the ring is full. Answers the next number.
int fill(TestNode& node, int number) {
  while (node.write({big(number)})) ++number;
  return number;
}

enum class Met : uint8_t { kOldManifest, kNewManifest };

// A node whose ring is full is killed at the `call`-th call of a checkpoint, starts again, fills what the start let the
// ring reuse, and loses power. `ended`: the checkpoint was over before.
Met lose_power_after_a_kill(uint64_t call, uint64_t seed, bool& ended) {
  sim::SimWorld world(seed, {});
  TestNode node(world, {.geometry = kSmall});
  EXPECT_FALSE(node.start());
  EXPECT_TRUE(node.register_schema(kSchema1));
  const int written = fill(node, 0);
  const uint64_t calls_before = node.process->disk_calls();
  EXPECT_TRUE(node.engine->storage().checkpoint(false));
  node.process->crash_at_call(call, CrashKind::kProcess);
  node.run();
  ended = node.process->alive() && node.process->disk_calls() - calls_before < call;
  node.restart(CrashKind::kProcess);
  const auto number = node.engine->recovery().evidence.manifest_number;
  EXPECT_TRUE(number.has_value());
  const int more = fill(node, written);
  EXPECT_EQ(more > written, *number > 0) << "the ring is reused where a manifest covers it, and only there";
  const auto before = node.engine->visible();
  node.crash(CrashKind::kPower);
  const auto refused = node.start();
  EXPECT_FALSE(refused) << "killed at call " << call << ": " << refused->message;
  if (!refused) {
    EXPECT_EQ(node.engine->visible().digest, before.digest) << call;
    EXPECT_EQ(node.engine->visible().lsn, before.lsn) << call;
  }
  return *number > 0 ? Met::kNewManifest : Met::kOldManifest;
}

TEST(RecoveryDurable, ManifestOfAKilledProcessOutlivesThePowerOnceItsLogIsReused) {
  std::map<Met, int> met;
  for (uint64_t seed = 1; seed <= 12 && !HasFailure(); ++seed) {
    bool ended = false;
    for (uint64_t call = 1; !ended && call < 400; ++call) ++met[lose_power_after_a_kill(call, seed, ended)];
    EXPECT_TRUE(ended);
  }
  EXPECT_GT(met[Met::kOldManifest], 60);
  EXPECT_GT(met[Met::kNewManifest], 24) << "no kill fell behind the rename";
}

TEST(RecoveryDurable, SyncsTheManifestItsRunsAndTheirDirectoriesAndNothingWithoutOne) {
  sim::SimWorld world(1, {});
  TestNode node(world, {});
  ASSERT_FALSE(node.start());
  ASSERT_TRUE(node.engine->recovery().evidence.syncs);
  EXPECT_TRUE(node.engine->recovery().evidence.syncs->empty());
  ASSERT_TRUE(node.register_schema(kSchema1));
  ASSERT_TRUE(node.write({big(1)}));
  ASSERT_FALSE(node.checkpoint());
  node.restart(CrashKind::kProcess);
  std::vector<std::string> names;
  for (const auto& sync : *node.engine->recovery().evidence.syncs) names.push_back(sync.name);
  EXPECT_EQ(names, (std::vector<std::string>{"runs/" + store::run_name(1), "runs", "MANIFEST", "."}));
}

}  // namespace
}  // namespace aerodb::engine
