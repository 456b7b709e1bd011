// A replica that takes a snapshot over the wire: whole, in parts, and while things break.
#include <gmock/gmock.h>

#include "tests/unit/node/bootstrap_kit.h"

namespace aerodb::node {
namespace {

using testing::BootstrapTest;
using testing::code_of;
using ::testing::HasSubstr;
using testing::Port;
using testing::TestNode;

TEST_F(BootstrapTest, AFreshReplicaTakesTheSnapshotAndFollowsAsIfItHadReplayedEverything) {
  p.start();
  r.start();
  fill(p, 200);
  TestNode replayed{world, "full", false};
  replayed.start();
  ship(p, replayed);
  ASSERT_EQ(checkpoint(p).stage, "done");
  put(p, 200, 210);
  ASSERT_EQ(bootstrap(r, p), "OK");
  const auto& view = r.node->repairs().view();
  EXPECT_EQ(view.end_lsn, p.engine().storage().manifest().lsn);
  EXPECT_EQ(view.done_bytes, view.total_bytes);
  EXPECT_GT(view.total_bytes, 0u);
  EXPECT_EQ(r.engine().visible().digest, replayed.engine().visible().digest);
  EXPECT_EQ(r.engine().recovery().evidence.tail.manifest_lsn, view.end_lsn);
  EXPECT_TRUE(has(r, "d17").value());
  EXPECT_FALSE(has(r, "d205").value());
  ship(p, r);
  expect_equal(p, r);
  EXPECT_TRUE(has(r, "d205").value());
  // One by itself from now on.
  ASSERT_EQ(checkpoint(r).stage, "done");
  r.restart();
  put(p, 210, 220);
  ship(p, r);
  expect_equal(p, r);
}

TEST_F(BootstrapTest, EveryStageIsAnEvent) {
  p.start();
  r.start();
  fill(p, 10);
  ASSERT_EQ(checkpoint(p).stage, "done");
  ASSERT_EQ(bootstrap(r, p), "OK");
  settle();
  EXPECT_THAT(r.last_event("repair_requested"),
              HasSubstr("kind=bootstrap\nrequest_id=r1\noperator=ann\nreason=a test"));
  std::vector<std::string> stages;
  for (const auto& event : r.events()) {
    if (event.name == "repair_stage") stages.push_back(fmt::format("{}", event.fields.at(2)));
  }
  EXPECT_THAT(stages, ::testing::ElementsAre("stage=asking", "stage=transferring", "stage=verifying", "stage=asking",
                                             "stage=installing", "stage=done"));
}

TEST_F(BootstrapTest, AReplicaLeftBehindDiscardsItsLogByCommandOnly) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  ASSERT_EQ(checkpoint(r).stage, "done");
  const auto before = r.engine().visible();
  for (int i = 0; i < 5; ++i) {
    put(p, 1000 * (i + 1), 1000 * (i + 1) + 900);
    ASSERT_EQ(checkpoint(p).stage, "done");
  }
  ASSERT_GT(p.engine().reader().first_lsn(), before.lsn.next()) << "the log between them is gone";
  EXPECT_EQ(bootstrap(r, p), "DISCARD_REQUIRED");
  auto wrong = discarding(p.endpoint(Port::kReplication), r);
  wrong.phrase = "discard the history of p";
  EXPECT_EQ(bootstrap(r, wrong), "CONFIRMATION_MISMATCH");
  auto silent = discarding(p.endpoint(Port::kReplication), r);
  silent.request.reason = "";
  EXPECT_EQ(bootstrap(r, silent), "REASON_REQUIRED");
  EXPECT_EQ(r.engine().visible().lsn, before.lsn);
  ASSERT_EQ(discard(r, p), "OK");
  EXPECT_EQ(r.node->repairs().view().fork_lsn, before.lsn);
  ship(p, r);
  expect_equal(p, r);
}

TEST_F(BootstrapTest, AHaltEndsWithTheLogThatItIsAbout) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  ASSERT_EQ(checkpoint(p).stage, "done");
  r.engine().halt({"REPL-3", "REPLICA_DIVERGED", "test", Lsn(5)});
  settle();
  r.restart();
  ASSERT_EQ(r.engine().state(), rules::NodeState::kHalted);
  ASSERT_EQ(discard(r, p), "OK");
  EXPECT_EQ(r.engine().state(), rules::NodeState::kReady);
  ship(p, r);
  expect_equal(p, r);
  r.restart();
  EXPECT_EQ(r.engine().state(), rules::NodeState::kReady);
}

TEST_F(BootstrapTest, TheNodeAnswersAsBeforeWhileFilesComeOver) {
  p.start();
  r.start();
  fill_runs(p, 1);
  ship(p, r);
  put(p, 5000, 5010);
  ASSERT_EQ(checkpoint(p).stage, "done");
  ASSERT_TRUE(begin(r, discarding(p.endpoint(Port::kReplication), r)));
  ASSERT_EQ(finish(r, [&] { return r.node->repairs().view().done_bytes > 0; }), "running");
  EXPECT_EQ(r.node->repairs().view().stage, "transferring");
  EXPECT_TRUE(has(r, "d17").value());
  // Nothing else may change runs or directory meanwhile.
  auto maintenance = connect(r, Port::kMaintenance);
  EXPECT_EQ(code_of(call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true})), "OPERATION_RUNNING");
  EXPECT_EQ(code_of(call(*maintenance, wire::kRepairBootstrap, discarding(p.endpoint(Port::kReplication), r))),
            "OPERATION_RUNNING");
  EXPECT_EQ(finish(r), "OK");
}

TEST_F(BootstrapTest, IsRefusedWhileAStorageOperationRuns) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  ASSERT_EQ(checkpoint(p).stage, "done");
  auto maintenance = connect(r, Port::kMaintenance);
  auto started = call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true});
  ASSERT_TRUE(started);
  ASSERT_TRUE(r.engine().storage().running());
  EXPECT_EQ(code_of(call(*maintenance, wire::kRepairBootstrap, discarding(p.endpoint(Port::kReplication), r))),
            "OPERATION_RUNNING");
  EXPECT_FALSE(r.node->repairs().running());
}

// --- the source goes away

TEST_F(BootstrapTest, ALostConnectionEndsItAndTheNextOneGoesOn) {
  p.start();
  r.start();
  fill_runs(p, 3);
  const runtime::Endpoint source = p.endpoint(Port::kReplication);
  const wire::RepairBootstrapRequest request{asked_by(), source.text(), false, std::nullopt};
  ASSERT_TRUE(begin(r, request));
  const auto& view = r.node->repairs().view();
  const uint64_t first_run = p.engine().storage().manifest().runs[0].bytes;
  ASSERT_EQ(finish(r, [&] { return view.done_bytes > first_run; }), "running");
  p.crash();
  EXPECT_EQ(finish(r), "CONNECTION_LOST");
  EXPECT_EQ(r.engine().visible().lsn, Lsn());
  settle();
  EXPECT_TRUE(view.finished) << "nothing is tried again by itself";
  p.start();
  r.restart();
  ASSERT_TRUE(begin(r, request));
  const auto& again = r.node->repairs().view();
  ASSERT_EQ(finish(r, [&] { return again.stage == "transferring"; }), "running");
  EXPECT_GE(again.done_bytes, first_run);
  EXPECT_LT(again.done_bytes, again.total_bytes);
  EXPECT_EQ(finish(r), "OK");
  expect_equal(p, r);
}

TEST_F(BootstrapTest, ASourceThatIsNotThereIsNamed) {
  p.start();
  r.start();
  p.crash();
  const auto code = bootstrap(r, p);
  EXPECT_THAT(code, ::testing::AnyOf("UNREACHABLE", "TIMED_OUT"));
  EXPECT_EQ(bootstrap(r, {asked_by(), "nowhere", false, std::nullopt}), "BAD_REQUEST");
}

TEST_F(BootstrapTest, AFullDiskIsNamedAndTheNodeGoesOn) {
  p.start();
  r.start();
  fill(p, 200);
  ASSERT_EQ(checkpoint(p).stage, "done");
  const wire::RepairBootstrapRequest request{asked_by(), p.endpoint(Port::kReplication).text(), false, std::nullopt};
  ASSERT_TRUE(begin(r, request));
  ASSERT_EQ(finish(r, [&] { return r.node->repairs().view().stage == "transferring"; }), "running");
  r.machine.disk().set_full(true);
  EXPECT_EQ(finish(r), "IO");
  EXPECT_THAT(*r.node->repairs().view().error_message, HasSubstr("no space left"));
  r.machine.disk().set_full(false);
  r.restart();
  EXPECT_EQ(bootstrap(r, request), "OK");
}

// A restart of the replica at any moment leaves what it was, or what it shall be.
TEST_F(BootstrapTest, PowerLossAtAnyMomentLeavesTheOldStateOrTheNewOne) {
  p.start();
  fill(p, 50);
  ASSERT_EQ(checkpoint(p).stage, "done");
  const auto lsn = p.engine().visible().lsn;
  std::map<uint64_t, int> found;
  bool ended = false;
  for (int steps = 0; !ended; steps += 9) {
    TestNode fresh{world, fmt::format("r{}", steps), false};
    fresh.start();
    const wire::RepairBootstrapRequest request{asked_by(), p.endpoint(Port::kReplication).text(), false, std::nullopt};
    ASSERT_TRUE(begin(fresh, request));
    for (int step = 0; step < steps && fresh.node->repairs().running(); ++step) ASSERT_TRUE(world.step());
    ended = !fresh.node->repairs().running();
    fresh.process->crash(sim::CrashKind::kPower);
    fresh.restart();
    const auto at = fresh.engine().visible().lsn;
    ++found[at.value()];
    if (at == Lsn()) {
      ASSERT_EQ(bootstrap(fresh, p), "OK");
    }
    ASSERT_EQ(fresh.engine().visible().digest, p.engine().visible().digest) << steps;
  }
  EXPECT_EQ(found.size(), 2u);
  EXPECT_GT(found[0], 3);
  EXPECT_GT(found[lsn.value()], 1);
}

}  // namespace
}  // namespace aerodb::node
