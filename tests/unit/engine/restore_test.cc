// Restoring: the same digest, ids and answers; a lineage of its own; a target that is old or new, whatever happens.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

// Versions of the ids up to `commit`, as the origin's directory answers them.
Answers expected(Origin& origin, CommitId commit) {
  auto answers = answers_of(origin.disk(), "/d", origin.node.settings.geometry, commit);
  EXPECT_TRUE(answers) << answers.error().message;
  return answers ? *answers : Answers{};
}

TEST(Restore, GivesTheSameDigestIdsAndAnswers) {
  Backed origin;
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->restored.digest, origin.end.digest);
  EXPECT_EQ(report->restored.chain, origin.end.chain);
  EXPECT_EQ(report->records_replayed, 4u);
  EXPECT_EQ(report->runs, 3u);
  EXPECT_EQ(report->live_documents, 5u);
  const auto there = expected(origin, origin.end.commit);
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, origin.end.commit);
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->versions, there.versions);
  EXPECT_EQ(here->live, there.live);
  EXPECT_EQ(here->position.digest, origin.end.digest);
  EXPECT_EQ(here->position.commit, origin.end.commit);
  // Only the record that grants authority is new.
  EXPECT_EQ(here->position.lsn, origin.end.lsn.next());
  EXPECT_EQ(here->position.chain, report->start.chain);
  EXPECT_EQ(here->position.epoch, origin.end.epoch.next());
  EXPECT_EQ(here->position.lineage, id_of<LineageId>(8));
}

TEST(Restore, StartsALineageThatNamesItsParentAndTheRestoredNode) {
  Backed origin;
  auto report = origin.restore();
  ASSERT_TRUE(report);
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, CommitId(0));
  ASSERT_TRUE(here);
  const auto& ancestry = here->authority.ancestry();
  ASSERT_EQ(ancestry.size(), 2u);
  EXPECT_EQ(ancestry[1].reason, "restore");
  EXPECT_EQ(ancestry[1].node, "r");
  EXPECT_EQ(ancestry[1].instance, id_of<InstanceId>(9));
  EXPECT_EQ(ancestry[1].parent, origin.end.lineage);
  EXPECT_EQ(ancestry[1].chain, origin.end.chain);
  EXPECT_EQ(here->authority.role_of(id_of<InstanceId>(9)), rules::Role::kPrimary);
  EXPECT_EQ(here->authority.role_of(origin.node.file.instance), rules::Role::kReplica);
}

TEST(Restore, ClusterIsNewUnlessToldOtherwise) {
  Backed origin;
  auto fresh = origin.restore();
  ASSERT_TRUE(fresh);
  EXPECT_NE(fresh->node.cluster, kCluster);
  EXPECT_FALSE(fresh->node.cluster.is_zero());
  auto same = origin.restore([](RestoreOptions& options) {
    options.data_dir = "/same";
    options.same_cluster = true;
  });
  ASSERT_TRUE(same);
  EXPECT_EQ(same->node.cluster, kCluster);
  EXPECT_EQ(read_node_file(origin.disk(), "/same")->cluster, kCluster);
  auto named = origin.restore([](RestoreOptions& options) {
    options.data_dir = "/named";
    options.cluster = id_of<ClusterId>(0x77);
  });
  ASSERT_TRUE(named);
  EXPECT_EQ(named->node.cluster, id_of<ClusterId>(0x77));
  EXPECT_TRUE(answers_of(origin.disk(), "/named", kRestoredGeometry, CommitId(0)));
  auto both = origin.restore([](RestoreOptions& options) {
    options.data_dir = "/both";
    options.same_cluster = true;
    options.cluster = id_of<ClusterId>(0x77);
  });
  EXPECT_EQ(code_of(both), "WRONG_NODE");
  EXPECT_EQ(origin.picture("/both"), "");
}

TEST(Restore, NameIsThatOfTheBackupUnlessGiven) {
  Backed origin;
  auto report = origin.restore([](RestoreOptions& options) { options.name = ""; });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->node.name, "a");
  EXPECT_EQ(read_node_file(origin.disk(), "/r")->name, "a");
}

// The floor is part of what a backup holds: reads below it are refused on the restored node too.
TEST(Restore, KeepsTheFloorAndWhatMergesLeftOfIt) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x0"), insert("x1")}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(origin.node.write({update("x0", fmt::format(R"("n":{})", i))}));
  ASSERT_TRUE(origin.node.write({remove("x1")}));
  ASSERT_FALSE(origin.node.checkpoint());
  ASSERT_TRUE(origin.node.raise_floor(CommitId(5)));
  ASSERT_FALSE(origin.node.checkpoint());
  ASSERT_FALSE(origin.node.compact());
  ASSERT_TRUE(origin.node.write({insert("x1", R"("n":8)")}));
  ASSERT_TRUE(origin.node.raise_floor(CommitId(6)));
  origin.stop();
  ASSERT_TRUE(origin.backup());
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->restored.digest, origin.end.digest);
  const auto there = expected(origin, origin.end.commit);
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, origin.end.commit);
  ASSERT_TRUE(here);
  EXPECT_EQ(here->floor, CommitId(6));
  EXPECT_EQ(here->versions, there.versions);
  auto before = origin.restore([](RestoreOptions& options) {
    options.data_dir = "/before";
    options.to_commit = CommitId(5);
  });
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(answers_of(origin.disk(), "/before", kRestoredGeometry, CommitId(5))->floor, CommitId(5));
}

TEST(Restore, OfALogOfSeveralMembers) {
  Origin origin(1, {.geometry = {4, 16 << 20}});
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  const std::string large(900'000, 'l');
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(origin.node.write({insert(fmt::format("x{}", i), fmt::format(R"("s":"{}")", large))}));
  origin.stop();
  ASSERT_TRUE(origin.backup());
  auto archive = BackupArchive::open(origin.disk(), kBackup, nullptr);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ((*archive)->members().back().name, "log/00000002");
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->restored.digest, origin.end.digest);
  EXPECT_EQ(report->live_documents, 25u);
}

TEST(Restore, NodeBootsTakesWritesAndGoesThroughCheckpointAndRestart) {
  Backed origin;
  const auto tar = origin.content(kBackup);
  // A node whose directory the restore makes anew, with the geometry of its configuration.
  TestNode other(origin.world, {.name = "b", .instance = 2});
  ASSERT_FALSE(other.start());
  other.crash(CrashKind::kProcess);
  sim::SimProcess hand(other.machine, origin.world, {.name = "hand"});
  auto& disk = hand.blocking_disk();
  ASSERT_TRUE(disk.rename("/d", "/old"));
  auto file = disk.open(kBackup, runtime::OpenMode::kCreate);
  ASSERT_TRUE(file && (*file)->write(0, tar));
  auto options = restore_options();
  options.data_dir = "/d";
  options.name = "b";
  options.geometry = other.settings.geometry;
  auto report = restore_backup(disk, hand.random(), kBackup, options);
  ASSERT_TRUE(report) << report.error().message;
  hand.crash(CrashKind::kProcess);

  auto refused = other.start();
  ASSERT_FALSE(refused) << refused->message;
  EXPECT_EQ(other.engine->role(), rules::Role::kPrimary);
  EXPECT_EQ(*other.get("x1"), R"({"_id":"x1","n":12})");
  EXPECT_EQ(*other.get("x1", CommitId(5)), R"({"_id":"x1","n":11,"s":"one"})");
  ASSERT_TRUE(other.write({insert("new"), update("x1", R"("n":99)")}));
  EXPECT_EQ(other.engine->visible().commit, origin.end.commit.next());
  ASSERT_FALSE(other.checkpoint());
  ASSERT_TRUE(other.write({remove("x0")}));
  const auto before = other.engine->visible();
  other.restart(CrashKind::kPower);
  EXPECT_EQ(other.engine->visible().digest, before.digest);
  EXPECT_EQ(*other.get("x1"), R"({"_id":"x1","n":99})");
  // A receipt of the old lineage is of this history.
  auto read = other.get_raw({"c", "x3", 1, std::nullopt,
                             ReceiptClaim{origin.end.lineage, origin.end.epoch, origin.end.lsn, origin.end.chain}});
  EXPECT_TRUE(read) << read.error().message;
  read = other.get_raw({"c", "x3", 1, std::nullopt,
                        ReceiptClaim{origin.end.lineage, origin.end.epoch, origin.end.lsn.next(), origin.end.chain}});
  EXPECT_EQ(code_of(read), "LINEAGE_ENDED");
}

TEST(Restore, ToEachCommitIsTheStateOfThatCommit) {
  Backed origin;
  auto archive = BackupArchive::open(origin.disk(), kBackup, nullptr);
  ASSERT_TRUE(archive);
  const auto info = (*archive)->info();
  ASSERT_LT(info.manifest_commit, info.end_commit);
  for (CommitId commit = info.manifest_commit; commit <= info.end_commit; commit = commit.next()) {
    const auto directory = fmt::format("/to{}", commit.value());
    auto report = origin.restore([&](RestoreOptions& options) {
      options.data_dir = directory;
      options.to_commit = commit;
    });
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->restored.commit, commit);
    const auto there = expected(origin, commit);
    auto here = answers_of(origin.disk(), directory, kRestoredGeometry, commit);
    ASSERT_TRUE(here) << here.error().message;
    EXPECT_EQ(here->versions, there.versions) << commit.value();
    EXPECT_EQ(here->position.commit, commit);
    auto verified = verify_directory(origin.disk(), directory, {});
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ(verified->end.digest, report->restored.digest);
  }
  for (const uint64_t outside : {info.manifest_commit.value() - 1, info.end_commit.value() + 1}) {
    auto refused = origin.restore([&](RestoreOptions& options) { options.to_commit = CommitId(outside); });
    EXPECT_EQ(code_of(refused), "BAD_REQUEST");
    EXPECT_EQ(origin.picture("/r"), "");
  }
}

TEST(Restore, ToTheCommitBeforeASchemaStillHasTheSchema) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x0")}));
  ASSERT_TRUE(origin.node.register_schema(kSchema2));
  ASSERT_TRUE(origin.node.write({insert("x1")}));
  origin.stop();
  ASSERT_TRUE(origin.backup());
  auto report = origin.restore([](RestoreOptions& options) { options.to_commit = CommitId(1); });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->restored.lsn, Lsn(4));  // lineage, schema, commit 1, schema
}

TEST(Restore, OfANodeThatOnlyEverStarted) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  origin.stop();
  ASSERT_TRUE(origin.backup());
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->runs, 0u);
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, CommitId(0));
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->position.lsn, Lsn(2));
  EXPECT_EQ(here->position.commit, CommitId(0));
  EXPECT_TRUE(here->position.digest.is_zero());
}

TEST(Restore, OfASealedNodeHoldsAuthority) {
  Origin origin;
  TestNode successor(origin.world, {.name = "s", .instance = 3, .primary = false});
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.demote(demotion(successor)));
  origin.stop();
  ASSERT_TRUE(origin.backup());
  ASSERT_TRUE(origin.restore());
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, CommitId(0));
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_FALSE(here->authority.seal());
  EXPECT_EQ(here->authority.role_of(id_of<InstanceId>(9)), rules::Role::kPrimary);
}

TEST(Restore, ABackupOfTheRestoredNodeRestoresAgain) {
  Backed origin;
  ASSERT_TRUE(origin.restore());
  auto source = DirectorySource::open(origin.disk(), "/r");
  ASSERT_TRUE(source) << source.error().message;
  auto second = write_backup(origin.disk(), "/second.tar", **source, nullptr);
  ASSERT_TRUE(second) << second.error().message;
  source->reset();
  auto options = restore_options();
  options.data_dir = "/rr";
  options.lineage = id_of<LineageId>(7);
  auto report = restore_backup(origin.disk(), origin.random(), "/second.tar", options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->restored.digest, origin.end.digest);
  auto here = answers_of(origin.disk(), "/rr", kRestoredGeometry, origin.end.commit);
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->versions, expected(origin, origin.end.commit).versions);
  EXPECT_EQ(here->authority.ancestry().size(), 3u);
}

TEST(Restore, TargetMustBeEmptyOrAbsent) {
  Backed origin;
  ASSERT_TRUE(origin.disk().make_directory("/r/lost+found"));
  ASSERT_TRUE(origin.restore());
  EXPECT_TRUE(*origin.disk().exists("/r/lost+found"));
  auto again = origin.restore();
  EXPECT_EQ(code_of(again), "ALREADY_INITIALIZED");
  EXPECT_TRUE(answers_of(origin.disk(), "/r", kRestoredGeometry, CommitId(0)));

  ASSERT_TRUE(origin.disk().make_directory("/foreign"));
  origin.put("/foreign/wal", as_bytes("of somebody"));
  auto refused = origin.restore([](RestoreOptions& options) { options.data_dir = "/foreign"; });
  EXPECT_EQ(code_of(refused), "ALREADY_INITIALIZED");
  EXPECT_NE(refused.error().message.find("holds wal"), std::string::npos);
  EXPECT_EQ(as_text(origin.content("/foreign/wal")), "of somebody");
}

TEST(Restore, LeftoverBesideForeignFilesIsNotCleared) {
  Backed origin;
  ASSERT_TRUE(origin.disk().make_directory("/r/restore.partial"));
  origin.put("/r/notes", as_bytes("mine"));
  const auto before = origin.picture("/r");
  EXPECT_EQ(code_of(origin.restore()), "ALREADY_INITIALIZED");
  EXPECT_EQ(origin.picture("/r"), before);
}

TEST(Restore, OfALogBeyondTheMemoryAllowedIsRefusedBeforeTheTargetChanges) {
  Backed origin;
  auto refused = origin.restore([](RestoreOptions& options) { options.max_memory_bytes = 1; });
  EXPECT_EQ(code_of(refused), "MEMORY_FULL");
  EXPECT_EQ(origin.picture("/r"), "");
}

TEST(Restore, OntoAFullDiskFailsAndSucceedsLater) {
  Backed origin;
  origin.node.machine.disk().set_full(true);
  EXPECT_EQ(code_of(origin.restore()), "IO");
  origin.node.machine.disk().set_full(false);
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
}

enum class Killed : uint8_t { kNoNode, kNode, kNotAtAll };
Killed restore_killed_at(uint64_t call, CrashKind kind, uint64_t seed) {
  Backed origin(seed);
  origin.end_process();
  origin.process().crash_at_call(call, kind);
  const bool ended = origin.restore().has_value();
  EXPECT_TRUE(ended || !origin.process().alive());
  origin.end_process();
  const bool node = *origin.disk().exists("/r/NODE");
  if (!node) {
    EXPECT_FALSE(ended);
    auto again = origin.restore();
    EXPECT_TRUE(again) << again.error().message;
  }
  auto here = answers_of(origin.disk(), "/r", kRestoredGeometry, CommitId(0));
  EXPECT_TRUE(here) << here.error().message;
  if (here) {
    EXPECT_EQ(here->position.digest, origin.end.digest);
    EXPECT_EQ(here->position.commit, origin.end.commit);
  }
  return ended ? Killed::kNotAtAll : node ? Killed::kNode : Killed::kNoNode;
}

TEST(Restore, KilledAtAnyCallLeavesANodeOrWhatTheNextRestoreClears) {
  for (uint64_t round = 0; round < kill_rounds(); ++round) {
    for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
      uint64_t call = 1;
      uint64_t nodes = 0;
      for (auto left = Killed::kNoNode; left != Killed::kNotAtAll; ++call) {
        left = restore_killed_at(call, kind, round * 10'000 + call);
        ASSERT_FALSE(HasFailure()) << "call " << call << " round " << round;
        nodes += left == Killed::kNode ? 1 : 0;
      }
      EXPECT_GT(call, 100u);
      EXPECT_GT(nodes, 0u);  // some crash came behind the atomic step
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
