// checkpoint.safety: what was done for the installed manifest, and what the directory holds of it.
#include <gtest/gtest.h>

#include "common/store/file_hash.h"
#include "tests/unit/engine/explanation_kit.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using rules::SyncStep;
using sim::CrashKind;
using sim::FaultKind;

const std::string kRules = "CKPT-1 CKPT-2 CKPT-3 CKPT-4 CKPT-5 CKPT-6 ";

struct CheckpointedNode {
  CheckpointedNode() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    write(0, 8);
  }
  void write(int from, int to) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(node.write({insert("x" + std::to_string(i))}));
  }
  [[nodiscard]] rules::CheckpointEvidence evidence() {
    auto& storage = node.engine->storage();
    auto evidence = storage.evidence();
    add_checkpoint_files(node.process->blocking_disk(), "/d", storage.manifest(), evidence);
    return evidence;
  }
  [[nodiscard]] Shown shown() { return Shown(rules::explain_checkpoint(evidence(), kLineage)); }
  sim::SimWorld world;
  TestNode node;
};

std::vector<SyncStep> names_of(const std::vector<rules::SyncStepEvidence>& steps) {
  std::vector<SyncStep> names;
  for (const auto& step : steps) names.push_back(step.step);
  return names;
}

TEST(CheckpointExplanation, HasEveryRuleInOrderWhateverTheOutcome) {
  CheckpointedNode n;
  const auto none = n.shown();
  EXPECT_EQ(none.rules, kRules);
  EXPECT_EQ(none.broken + none.open, "");
  EXPECT_EQ(none.said("status"), "\"no checkpoint\"");
  EXPECT_EQ(none.said("held_by"), "\"log\"");
  ASSERT_FALSE(n.node.checkpoint());
  const auto accepted = n.shown();
  EXPECT_EQ(accepted.rules, kRules);
  EXPECT_EQ(accepted.broken + accepted.open, "");
  EXPECT_EQ(accepted.said("status"), "\"accepted\"");
}

TEST(CheckpointExplanation, EvidenceIsWhatWasDoneAndWhatTheDirectoryHolds) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint(false));
  n.write(8, 12);
  ASSERT_FALSE(n.node.snapshot("s1"));
  n.write(12, 14);
  auto& disk = n.node.process->blocking_disk();
  const auto manifest = **store::read_manifest(disk, "/d");
  const auto e = n.evidence();
  EXPECT_EQ(e.manifest, manifest.number);
  EXPECT_EQ(e.lsn, manifest.lsn);
  EXPECT_EQ(e.commit, manifest.commit);
  EXPECT_EQ(e.chain, manifest.chain);
  EXPECT_EQ(e.digest, manifest.digest);
  EXPECT_EQ(e.segment_sequence, manifest.segment_sequence);
  EXPECT_EQ(e.durable_lsn, n.node.engine->visible().lsn);
  EXPECT_EQ(e.first_lsn, Lsn(1));
  ASSERT_EQ(e.runs.size(), manifest.runs.size());
  ASSERT_EQ(e.files->size(), manifest.runs.size() + 1);
  for (const auto& run : e.runs) EXPECT_EQ(run.sha256, *store::sha256_of_file(disk, store::run_path("/d", run.number)));
  ASSERT_EQ(e.snapshots.size(), 1u);
  EXPECT_EQ(e.snapshots[0].name, "s1");
  std::vector<SyncStep> wanted;
  for (size_t i = 0; i < e.runs.size(); ++i)
    wanted.insert(wanted.end(), {SyncStep::kRunSynced, SyncStep::kRunsDirectorySynced});
  wanted.insert(wanted.end(), {SyncStep::kLogDurable, SyncStep::kManifestSynced, SyncStep::kManifestRenamed,
                               SyncStep::kDirectorySynced});
  EXPECT_EQ(names_of(*e.sync_steps), wanted);
  EXPECT_GE(*(*e.sync_steps)[wanted.size() - 4].lsn, e.lsn) << "durable before the install";
}

TEST(CheckpointExplanation, MergesAndFloorsAreNoted) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint(false));
  ASSERT_TRUE(n.node.write({update("x1", R"("n":2)")}));
  ASSERT_TRUE(n.node.raise_floor(CommitId(8)));
  ASSERT_FALSE(n.node.checkpoint(false));
  EXPECT_EQ(n.evidence().floor_before, CommitId(0));
  ASSERT_FALSE(n.node.compact());
  const auto e = n.evidence();
  ASSERT_EQ(e.runs.size(), 1u);
  ASSERT_EQ(e.merges.size(), 1u);
  EXPECT_EQ(e.merges[0].run, e.runs[0].number);
  EXPECT_EQ(e.merges[0].drop_floor, CommitId(8));
  EXPECT_EQ(e.floor, CommitId(8));
  EXPECT_EQ(n.shown().said("status"), "\"accepted\"");
}

TEST(CheckpointExplanation, SaysTheSameTwiceAndAfterEachStart) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint());
  EXPECT_EQ(n.shown().json, n.shown().json);
  n.node.restart(CrashKind::kPower);
  const auto first = n.shown();
  EXPECT_EQ(first.said("status"), "\"accepted\"") << first.json;
  n.node.restart(CrashKind::kProcess);
  EXPECT_EQ(n.shown().json, first.json);
  n.write(8, 10);
  ASSERT_FALSE(n.node.checkpoint(false));
  const auto next = n.evidence();
  ASSERT_EQ(next.runs.size(), 2u);
  EXPECT_EQ((*next.sync_steps)[0].by, rules::InstalledBy::kStart) << "the run that stays was synced by the start";
  EXPECT_EQ((*next.sync_steps)[2].by, rules::InstalledBy::kOperation);
  EXPECT_EQ(n.shown().said("status"), "\"accepted\"");
}

TEST(CheckpointExplanation, WhatNobodyNotedIsMissing) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint());
  auto e = n.evidence();
  e.sync_steps.reset();
  const Shown shown(rules::explain_checkpoint(e, kLineage));
  EXPECT_EQ(shown.open, "CKPT-1 ");
  EXPECT_EQ(shown.missing("CKPT-1"), R"(["sync_steps"])");
  EXPECT_EQ(shown.said("status"), "\"undetermined\"");
  EXPECT_EQ(shown.said("reason"), "\"CKPT-1: sync_steps is not known\"");
  // Nobody carried anything out for a directory that is only looked at.
  OpenedNode opened(n.node.file);
  const OpenOptions options{"/d", n.node.settings.geometry, std::nullopt};
  ASSERT_TRUE(inspect_log(n.node.process->blocking_disk(), options, {Trust::kOwnLog, nullptr}, opened));
  EXPECT_EQ(found_at_start(opened.report.evidence).steps, std::nullopt);
}

TEST(CheckpointExplanation, DamageRejectsItAndAFailingDiskLeavesItIncomplete) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint());
  n.world.options().rate(FaultKind::kReadError) = 1;
  auto e = n.evidence();
  n.world.options().rate(FaultKind::kReadError) = 0;
  const Shown incomplete(rules::explain_checkpoint(e, kLineage));
  EXPECT_EQ(incomplete.said("status"), "\"incomplete\"");
  EXPECT_EQ(incomplete.said("error"), "\"IO\"");
  EXPECT_EQ(incomplete.said("file"), "\"MANIFEST\"");
  EXPECT_EQ(incomplete.missing("CKPT-5"), R"(["files"])");
  ASSERT_TRUE(n.node.machine.disk().damage("/d/MANIFEST", 50, 1));
  const auto rejected = n.shown();
  EXPECT_EQ(rejected.broken, "CKPT-5 ");
  EXPECT_EQ(rejected.said("status"), "\"rejected\"");
  EXPECT_EQ(rejected.said("rule"), "\"CKPT-5\"");
}

TEST(CheckpointExplanation, AnInstallDecidesByTheSameRules) {
  CheckpointedNode n;
  ASSERT_FALSE(n.node.checkpoint());
  auto e = n.evidence();
  const auto run = e.runs.back().number;
  rules::NoTrace trace;
  EXPECT_EQ(rules::decide_install(e, run, trace), rules::InstallDecision::kGranted);
  auto behind = e;
  behind.lsn = Lsn(e.durable_lsn.value() + 1);
  EXPECT_EQ(rules::decide_install(behind, run, trace), rules::InstallDecision::kLogNotDurable);
  auto unsynced = e;
  unsynced.sync_steps->erase(unsynced.sync_steps->begin());
  EXPECT_EQ(rules::decide_install(unsynced, run, trace), rules::InstallDecision::kDenied);
  auto swapped = e;
  std::swap((*swapped.sync_steps)[0], (*swapped.sync_steps)[1]);
  EXPECT_EQ(rules::decide_install(swapped, run, trace), rules::InstallDecision::kDenied);
  auto again = e;
  again.next_run = run;
  EXPECT_EQ(rules::decide_install(again, run, trace), rules::InstallDecision::kDenied);
  auto beyond = e;
  beyond.floor = e.commit.next();
  EXPECT_EQ(rules::decide_install(beyond, run, trace), rules::InstallDecision::kDenied);
  e.segment_sequence = 3;
  e.released_sequence = 3;
  EXPECT_FALSE(rules::decide_release(e, trace));
  e.released_sequence = 2;
  EXPECT_TRUE(rules::decide_release(e, trace));
}

}  // namespace
}  // namespace aerodb::engine
