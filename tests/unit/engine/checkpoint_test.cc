// Checkpoints, merges, snapshots and the floor on one node: what they keep, what they let go, and what a crash at any
// step leaves.
#include <algorithm>
#include <map>
#include <set>

#include "common/engine/snapshot.h"
#include "tests/sim/runtime/disk.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {
namespace {

NodeSettings small_cache() {
  NodeSettings settings;
  settings.storage.cache_bytes = 1;  // nothing but what a running operation holds
  return settings;
}

struct StoringNode {
  explicit StoringNode(NodeSettings settings = {}, uint64_t seed = 1)
      : world(seed, {}), node(world, std::move(settings)) {
    const auto refused = node.start();
    EXPECT_FALSE(refused) << refused->message;
    EXPECT_TRUE(node.register_schema(kSchema1));
  }
  void insert_many(int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(node.write({insert("d" + std::to_string(i), R"("n":)" + std::to_string(i % 7))}));
    }
  }
  // Everything a client can see, as text.
  std::string picture() {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      for (uint64_t at = std::max<uint64_t>(1, node.engine->floor().value());
           at <= node.engine->visible().commit.value(); ++at)
        text += *node.get("d" + std::to_string(i), CommitId(at)) + ';';
      for (const auto& v : node.chain("d" + std::to_string(i), node.engine->visible().commit))
        text += std::to_string(v.commit.value()) + v.kind + std::to_string(v.lsn.value()) + ',';
      text += '\n';
    }
    return text;
  }
  [[nodiscard]] const store::Manifest& manifest() const { return node.engine->storage().manifest(); }
  sim::SimWorld world;
  TestNode node;
};

TEST(Checkpoint, KeepsEveryAnswerAndTheDigest) {
  StoringNode f;
  f.insert_many(0, 20);
  ASSERT_TRUE(f.node.write({update("d3", R"("n":100)"), remove("d4")}));
  const auto before = f.picture();
  const auto digest = f.node.engine->visible().digest;
  ASSERT_FALSE(f.node.checkpoint());
  EXPECT_EQ(f.picture(), before);
  EXPECT_EQ(f.node.engine->visible().digest, digest);
  EXPECT_EQ(f.manifest().lsn, f.node.engine->visible().lsn);
  EXPECT_EQ(f.manifest().digest, digest);
  EXPECT_EQ(f.node.engine->state_data().layers().active().versions(), 0u);
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.picture(), before);
  EXPECT_EQ(f.node.engine->visible().digest, digest);
  EXPECT_EQ(f.node.engine->recovery().records_replayed, 0u);
  EXPECT_EQ(f.node.engine->recovery().evidence.manifest_number, 1u);
}

TEST(Checkpoint, RecoveryReplaysOnlyWhatCameAfterIt) {
  StoringNode f;
  f.insert_many(0, 10);
  ASSERT_FALSE(f.node.checkpoint());
  const Lsn covered = f.manifest().lsn;
  f.insert_many(10, 15);
  ASSERT_TRUE(f.node.write({update("d1", R"("n":50)")}));
  const auto before = f.picture();
  f.node.restart(sim::CrashKind::kProcess);
  EXPECT_EQ(f.node.engine->recovery().records_replayed, 6u);
  EXPECT_EQ(f.node.engine->recovery().evidence.tail.first_replayed_lsn, covered.next());
  EXPECT_EQ(f.picture(), before);
}

TEST(Checkpoint, EverythingColdGivesTheSameAnswersAndAdmissions) {
  StoringNode f(small_cache());
  f.insert_many(0, 20);
  ASSERT_TRUE(f.node.write({remove("d5")}));
  ASSERT_FALSE(f.node.checkpoint());
  const auto refused = f.node.write({insert("d1")});
  EXPECT_EQ(code_of(refused), "DOCUMENT_EXISTS");
  EXPECT_EQ(code_of(f.node.write({update("d5", R"("n":1)")})), "NO_SUCH_DOCUMENT");
  ASSERT_TRUE(f.node.write({update("d1", R"("n":9)"), insert("d5"), remove("d2")}));
  EXPECT_EQ(*f.node.get("d1"), R"({"_id":"d1","n":9})");
  EXPECT_EQ(*f.node.get("d2"), "");
  const auto before = f.picture();
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.picture(), before);
}

TEST(Checkpoint, WritesGoOnMeanwhileAndStayBehindIt) {
  StoringNode f;
  f.insert_many(0, 20);
  auto number = f.node.engine->storage().checkpoint(true);
  ASSERT_TRUE(number);
  const Lsn asked_at = f.node.engine->newest().lsn;
  f.insert_many(20, 25);
  f.node.run();
  EXPECT_TRUE(f.node.engine->storage().operations().back().finished());
  EXPECT_GE(f.manifest().lsn, asked_at);
  const auto before = f.picture();
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.picture(), before);
}

TEST(Checkpoint, SegmentsBelowItAreReused) {
  NodeSettings settings;
  settings.geometry = {4, 64 << 10};
  StoringNode f(settings);
  const std::string big(2000, 'x');
  int written = 0;
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 40; ++i, ++written)
      ASSERT_TRUE(f.node.write({insert("d" + std::to_string(written), R"("s":")" + big + '"')})) << written;
    ASSERT_FALSE(f.node.checkpoint());
  }
  EXPECT_GT(f.node.engine->writer().ring().end().segment_sequence, 8u);
  const auto digest = f.node.engine->visible().digest;
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.node.engine->visible().digest, digest);
  EXPECT_NE(*f.node.get("d0"), "");
}

TEST(Checkpoint, FullRingRefusesUntilACheckpointReleasesIt) {
  NodeSettings settings;
  settings.geometry = {4, 64 << 10};
  StoringNode f(settings);
  const std::string big(2000, 'x');
  int i = 0;
  while (f.node.write({insert("d" + std::to_string(i), R"("s":")" + big + '"')})) ++i;
  EXPECT_EQ(code_of(f.node.write({insert("more", R"("s":")" + big + '"')})), "WAL_FULL");
  ASSERT_FALSE(f.node.checkpoint());
  EXPECT_TRUE(f.node.write({insert("more", R"("s":")" + big + '"')}));
}

TEST(Checkpoint, NothingNewIsRefused) {
  StoringNode f;
  f.insert_many(0, 3);
  ASSERT_FALSE(f.node.checkpoint());
  EXPECT_EQ(code_of(f.node.checkpoint()), "NOTHING_TO_DO");
}

TEST(Checkpoint, OneOperationAtATime) {
  StoringNode f;
  f.insert_many(0, 3);
  ASSERT_TRUE(f.node.engine->storage().checkpoint(true));
  EXPECT_EQ(code_of(f.node.engine->storage().checkpoint(true)), "OPERATION_RUNNING");
  EXPECT_EQ(code_of(f.node.engine->storage().compact()), "OPERATION_RUNNING");
  f.node.run();
  EXPECT_EQ(f.node.engine->storage().operations().size(), 1u);
}

TEST(Checkpoint, SchemaAndAuthorityOfTheManifestSurvive) {
  StoringNode f;
  f.insert_many(0, 3);
  ASSERT_TRUE(f.node.register_schema(kSchema2));
  ASSERT_FALSE(f.node.checkpoint());
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.node.engine->recovery().records_replayed, 0u);
  EXPECT_EQ(f.node.engine->role(), rules::Role::kPrimary);
  ASSERT_TRUE(f.node.write({[] {
    auto op = insert("m", R"("m":1)");
    op.schema_version = 2;
    return op;
  }()}));
  EXPECT_EQ(code_of(f.node.get("m", std::nullopt, 1)), "SCHEMA_NEWER");
}

TEST(Checkpoint, FailedDiskLeavesEverythingReadableAndTheNextOneWorks) {
  StoringNode f;
  f.insert_many(0, 20);
  const auto before = f.picture();
  f.node.machine.disk().set_full(true);
  EXPECT_EQ(code_of(f.node.checkpoint()), "IO");
  f.node.machine.disk().set_full(false);
  EXPECT_EQ(f.picture(), before);
  EXPECT_EQ(f.manifest().number, 0u);
  f.insert_many(20, 22);
  ASSERT_FALSE(f.node.checkpoint());
  EXPECT_EQ(f.manifest().lsn, f.node.engine->visible().lsn);
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.node.engine->recovery().records_replayed, 0u);
  EXPECT_EQ(*f.node.get("d21"), R"({"_id":"d21","n":0})");
}

// The manifest that a failed install left on disk names a run that the node does not know as its own.
TEST(Checkpoint, FailedInstallLeavesADirectoryThatStartsWhateverIsDoneNext) {
  for (uint64_t call = 1;; ++call) {
    StoringNode f({}, call);
    f.insert_many(0, 3);
    ASSERT_FALSE(f.node.checkpoint(false));
    f.insert_many(3, 6);
    ASSERT_FALSE(f.node.checkpoint(false));
    const auto before = f.picture();
    f.node.process->fail_at_call(call);
    const auto failed = f.node.compact();
    f.node.process->fail_at_call(0);
    ASSERT_FALSE(f.node.snapshot("s"));
    f.node.crash(call % 2 == 0 ? sim::CrashKind::kProcess : sim::CrashKind::kPower);
    const auto refused = f.node.start();
    ASSERT_FALSE(refused) << "failed at call " << call << ": " << refused->message;
    ASSERT_EQ(f.picture(), before);
    if (failed) continue;
    EXPECT_GT(call, 20u);
    return;
  }
}

TEST(Merge, FourRunsOfOneClassBecomeOne) {
  StoringNode f;
  for (int i = 0; i < 4; ++i) {
    f.insert_many(i * 5, i * 5 + 5);
    ASSERT_FALSE(f.node.checkpoint());
  }
  EXPECT_EQ(f.manifest().runs.size(), 1u);
  const auto names = f.node.process->blocking_disk().list("/d/runs");
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, std::vector<std::string>{store::run_name(f.manifest().runs[0].number)});
}

TEST(Merge, NoMergeKeepsTheRunsApart) {
  StoringNode f;
  for (int i = 0; i < 6; ++i) {
    f.insert_many(i * 2, i * 2 + 2);
    ASSERT_FALSE(f.node.checkpoint(false));
  }
  EXPECT_EQ(f.manifest().runs.size(), 6u);
  const auto before = f.picture();
  ASSERT_FALSE(f.node.compact());
  EXPECT_EQ(f.manifest().runs.size(), 1u);
  EXPECT_EQ(f.picture(), before);
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.picture(), before);
}

TEST(Floor, ReadsBelowAreRefusedAndAnswersAboveStay) {
  StoringNode f;
  f.insert_many(0, 10);
  ASSERT_TRUE(f.node.write({update("d1", R"("n":50)")}));  // commit 11
  ASSERT_TRUE(f.node.write({remove("d2")}));               // 12
  ASSERT_TRUE(f.node.write({update("d1", R"("n":51)")}));  // 13
  const auto d1_at_12 = *f.node.get("d1", CommitId(12));
  ASSERT_TRUE(f.node.raise_floor(CommitId(12)));
  EXPECT_EQ(code_of(f.node.get("d1", CommitId(11))), "BELOW_FLOOR");
  const auto before = f.picture();
  ASSERT_FALSE(f.node.checkpoint());
  ASSERT_FALSE(f.node.compact());
  EXPECT_EQ(f.picture(), before);
  EXPECT_EQ(*f.node.get("d1", CommitId(12)), d1_at_12);
  // d1 at commit 2 and the tombstone of d2 with what it hid are gone.
  EXPECT_EQ(f.manifest().runs[0].versions, 10u - 1 - 1 + 2);
  f.node.restart(sim::CrashKind::kPower);
  EXPECT_EQ(f.picture(), before);
  EXPECT_EQ(f.node.engine->floor(), CommitId(12));
}

TEST(Floor, OnlyRisesAndNotAboveTheVisibleCommit) {
  StoringNode f;
  f.insert_many(0, 5);
  EXPECT_EQ(code_of(f.node.raise_floor(CommitId(6))), "FLOOR_REFUSED");
  EXPECT_EQ(code_of(f.node.raise_floor(CommitId(0))), "FLOOR_REFUSED");
  ASSERT_TRUE(f.node.raise_floor(CommitId(3)));
  EXPECT_EQ(code_of(f.node.raise_floor(CommitId(3))), "FLOOR_REFUSED");
}

TEST(Floor, PinRefusesItUntilItsConnectionEnds) {
  StoringNode f;
  f.insert_many(0, 5);
  auto& storage = f.node.engine->storage();
  const uint64_t pin = storage.pin(7, CommitId(2));
  EXPECT_EQ(code_of(f.node.raise_floor(CommitId(3))), "PINNED");
  EXPECT_EQ(code_of(storage.unpin(8, pin)), "NO_SUCH_PIN");
  storage.release_connection(7);
  EXPECT_TRUE(f.node.raise_floor(CommitId(3)));
}

TEST(Floor, InsertAfterACollectedDeleteNamesNoPredecessorOnEveryNode) {
  sim::SimWorld world(1, {});
  TestNode primary(world, {});
  TestNode replica(world, {.name = "b", .instance = 2, .primary = false});
  ASSERT_FALSE(primary.start());
  ASSERT_FALSE(replica.start());
  ASSERT_TRUE(primary.register_schema(kSchema1));
  ASSERT_TRUE(primary.write({insert("x")}));
  ASSERT_TRUE(primary.write({remove("x")}));
  ASSERT_TRUE(primary.raise_floor(CommitId(2)));
  ASSERT_FALSE(primary.checkpoint());
  ASSERT_FALSE(primary.compact());  // the tombstone is gone here, and still there on the replica
  ASSERT_TRUE(primary.write({insert("x", R"("n":2)")}));
  ASSERT_FALSE(ship(primary, replica));
  EXPECT_EQ(*replica.get("x"), R"({"_id":"x","n":2})");
  expect_same_state(primary, replica, {"x"});
}

TEST(Snapshot, HoldsTheRunsAndAManifestAndSurvivesMerges) {
  StoringNode f;
  f.insert_many(0, 10);
  ASSERT_FALSE(f.node.snapshot("one"));
  const auto manifest = store::read_manifest(f.node.process->blocking_disk(), "/d/snapshots/one");
  ASSERT_TRUE(manifest && *manifest);
  EXPECT_EQ((*manifest)->lsn, f.node.engine->visible().lsn);
  f.insert_many(10, 20);
  ASSERT_FALSE(f.node.checkpoint());
  ASSERT_FALSE(f.node.compact());
  for (const auto& info : (*manifest)->runs) {
    const auto path = "/d/snapshots/one/runs/" + store::run_name(info.number);
    EXPECT_TRUE(store::verify_run(f.node.process->blocking_disk(), path, info, f.node.engine->state_data().indexes()));
  }
  EXPECT_EQ(code_of(f.node.snapshot("one")), "SNAPSHOT_EXISTS");
  EXPECT_EQ(code_of(f.node.snapshot("../x")), "BAD_REQUEST");
}

// A crash at any step of any operation leaves the old state or the new one, equal for every reader, and the node can
// go on from there.
TEST(StorageOperations, PowerLossAtAnyStepLosesNothing) {
  std::set<uint64_t> manifests_found;
  for (uint64_t stop_after = 0; stop_after < 400; ++stop_after) {
    StoringNode f({}, stop_after);
    f.insert_many(0, 12);
    ASSERT_FALSE(f.node.checkpoint(false));
    ASSERT_TRUE(f.node.write({update("d3", R"("n":77)"), remove("d4")}));
    ASSERT_TRUE(f.node.raise_floor(CommitId(5)));
    f.insert_many(12, 16);
    const auto before = f.picture();
    ASSERT_TRUE(f.node.engine->storage().snapshot("s"));
    bool idle = false;
    for (uint64_t step = 0; step < stop_after && !idle; ++step) idle = !f.world.step();
    f.node.restart(sim::CrashKind::kPower);
    ASSERT_EQ(f.picture(), before) << "after " << stop_after << " steps";
    manifests_found.insert(f.manifest().number);
    const auto again = code_of(f.node.checkpoint());
    ASSERT_TRUE(again.empty() || again == "NOTHING_TO_DO") << again;
    ASSERT_FALSE(f.node.compact());
    ASSERT_EQ(f.picture(), before);
    for (const auto& info : f.manifest().runs) {
      const auto verified = store::verify_run(f.node.process->blocking_disk(), store::run_path("/d", info.number), info,
                                              f.node.engine->state_data().indexes());
      ASSERT_TRUE(verified) << verified.error().message;
    }
    if (idle) break;
  }
  EXPECT_GE(manifests_found.size(), 2u);  // old and new were both met
}

}  // namespace
}  // namespace aerodb::engine::testing
