// A directory closed for work on it and opened again in the same process: who is answered what, what is waited for, and
// what stays.
#include <gmock/gmock.h>

#include "common/engine/node_directory.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using observe::MetricId;
using rules::NodeState;
using testing::code_of;
using ::testing::Contains;
using testing::document_bytes;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NodeTest;
using ::testing::Not;
using testing::Port;
using ::testing::SizeIs;
using testing::TestNode;

constexpr int kDocuments = 50;

Result<void> nothing(runtime::Disk& /*disk*/) { return {}; }

// Name and size of every file below the data directory but the event log's and the lock's.
std::vector<std::string> files_of(runtime::Disk& disk, const std::string& data_dir) {
  std::vector<std::string> found;
  for (const std::string directory : {"", "/wal", "/runs", "/authority"}) {
    auto names = disk.list(data_dir + directory);
    for (const auto& name : names.value_or(std::vector<std::string>())) {
      auto file = disk.open(data_dir + directory + "/" + name, runtime::OpenMode::kRead);
      if (!file || name.starts_with("events") || name == "LOCK") continue;
      found.push_back(directory + "/" + name + " " + std::to_string((*file)->size().value()));
    }
  }
  return found;
}

struct ReopenTest : NodeTest {
  // Begins; the answer goes to `closed_answer`.
  void begin(TestNode& node, Node::ClosedWork work = nothing) {
    closed_answer.reset();
    node.node->with_closed_directory("a test", std::move(work),
                                     [this](Result<void> answer) { closed_answer = code_of(answer); });
  }
  std::string close(TestNode& node, Node::ClosedWork work = nothing) {
    begin(node, std::move(work));
    while (!closed_answer && world.step()) {
    }
    return closed_answer.value_or("no answer");
  }
  std::string get(wire::Client& client, const std::string& id) {
    bool found = false;
    auto got = ask(client, wire::kDocGet, {"c", id, 1, std::nullopt, std::nullopt},
                   [&](const auto& answer) { found = answer.data.version.has_value(); });
    if (!got) return code_of(got);
    return found ? "found" : "absent";
  }
  std::string insert(wire::Client& client, const std::string& id) {
    const auto document = document_bytes(id, 1);
    return code_of(call(client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  void insert_later(wire::Client& client, const std::string& id, std::vector<std::string>& outcomes) {
    const auto document = document_bytes(id, 1);
    client.call(wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}, 0,
                [&outcomes](Result<wire::ReceiptResponse> answer) { outcomes.push_back(code_of(answer)); });
  }
  std::vector<std::string> event_names(TestNode& node) {
    settle();
    std::vector<std::string> names;
    for (const auto& event : node.events()) names.push_back(event.name);
    return names;
  }
  std::optional<std::string> closed_answer;
  TestNode p{world, "p", true};
};

TEST_F(ReopenTest, ConnectionsAndDataOutliveIt) {
  p.start();
  fill(p, kDocuments);
  auto client = connect(p);
  const auto before = p.engine().visible();
  std::string locked;
  EXPECT_EQ(close(p,
                  [&](runtime::Disk& disk) -> Result<void> {
                    locked = code_of(disk.lock(p.config.data_dir));
                    return {};
                  }),
            "OK");
  EXPECT_EQ(locked, "LOCKED");
  EXPECT_EQ(p.engine().visible().lsn, before.lsn);
  EXPECT_EQ(p.engine().visible().chain, before.chain);
  EXPECT_EQ(p.engine().visible().digest, before.digest);
  EXPECT_EQ(p.node->state(), NodeState::kReady);
  EXPECT_EQ(get(*client, "d7"), "found");
  EXPECT_EQ(insert(*client, "after"), "OK");
  EXPECT_THAT(p.last_event("closed"), HasSubstr("why=a test"));
  p.restart();
  auto again = connect(p);
  EXPECT_EQ(get(*again, "after"), "found");
}

TEST_F(ReopenTest, IsNotedDownLikeAStart) {
  p.start();
  fill(p, 3);
  const auto before = event_names(p).size();
  close(p);
  auto names = event_names(p);
  names.erase(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_THAT(names, ElementsAre("closed", "recovery_started", "manifest_loaded", "tail_decision",
                                 "last_frame_rewritten", "records_replayed", "recovery_finished", "start"));
}

TEST_F(ReopenTest, AHaltEndsWhereItsFileIsTakenAway) {
  p.start();
  fill(p, kDocuments);
  p.engine().halt({"REPL-3", "REPLICA_DIVERGED", "for the test", Lsn(3)});
  // At once: HALT is being written still, and what removes it must find it.
  EXPECT_EQ(close(p,
                  [&](runtime::Disk& disk) -> Result<void> {
                    if (auto removed = disk.remove(p.config.data_dir + "/HALT"); !removed) return removed;
                    return disk.sync_directory(p.config.data_dir);
                  }),
            "OK");
  EXPECT_EQ(p.node->state(), NodeState::kReady);
  auto client = connect(p);
  EXPECT_EQ(insert(*client, "after"), "OK");
  p.restart();
  EXPECT_EQ(p.node->state(), NodeState::kReady);
}

TEST_F(ReopenTest, ANodeThatHaltedForItsDiskComesToRestAsWell) {
  p.start();
  fill(p, 3);
  auto client = connect(p);
  world.options().rate(sim::FaultKind::kSyncFailed) = 1;
  std::vector<std::string> outcomes;
  insert_later(*client, "lost", outcomes);
  while (p.node->state() == NodeState::kReady) ASSERT_TRUE(world.step());
  world.options().rate(sim::FaultKind::kSyncFailed) = 0;
  EXPECT_EQ(close(p), "OK");
  EXPECT_EQ(p.node->state(), NodeState::kHalted);
  EXPECT_EQ(p.engine().halt_reason()->rule, "WAL-5");
  settle();
  EXPECT_THAT(outcomes, ElementsAre("OUTCOME_UNKNOWN"));
}

TEST_F(ReopenTest, ALogThatFailsWhileItIsClosedHaltsTheNode) {
  p.start();
  fill(p, 3);
  auto client = connect(p);
  auto other = connect(p);  // so that no write is carried out inline
  world.options().inline_percent = 0;
  std::vector<std::string> outcomes;
  insert_later(*client, "lost", outcomes);
  const auto& device = static_cast<sim::SimLogDevice&>(p.process->log_device());
  while (device.in_flight() == 0) ASSERT_TRUE(world.step());
  world.options().rate(sim::FaultKind::kSyncFailed) = 1;
  begin(p);
  while (device.in_flight() > 0) ASSERT_TRUE(world.step());
  world.options().rate(sim::FaultKind::kSyncFailed) = 0;
  settle();
  EXPECT_EQ(closed_answer, "OK");
  EXPECT_THAT(outcomes, ElementsAre("OUTCOME_UNKNOWN"));
  EXPECT_EQ(p.node->state(), NodeState::kHalted);
  EXPECT_EQ(p.engine().halt_reason()->rule, "WAL-5");
}

// Between any two events of a write under way.
TEST_F(ReopenTest, WritesInFlightAreUnknownAndNothingAdmittedIsLost) {
  for (int steps = 0; steps < 60; steps += 3) {
    SCOPED_TRACE(steps);
    TestNode node(world, "n" + std::to_string(steps), true);
    node.start();
    fill(node, 3);
    auto client = connect(node);
    std::vector<std::string> outcomes;
    for (int i = 0; i < 5; ++i) insert_later(*client, "w" + std::to_string(i), outcomes);
    for (int i = 0; i < steps; ++i) world.step();
    const Lsn admitted = node.engine().newest().lsn;
    const Lsn durable = node.engine().visible().lsn;
    EXPECT_EQ(close(node), "OK");
    EXPECT_EQ(node.engine().visible().lsn, admitted);
    settle();
    ASSERT_THAT(outcomes, SizeIs(5));
    EXPECT_EQ(std::ranges::count(outcomes, "OUTCOME_UNKNOWN"), admitted.value() - durable.value());
    EXPECT_EQ(insert(*client, "after"), "OK");
    client.reset();
    settle();
  }
}

TEST_F(ReopenTest, RequestsMeanwhileAreRefusedAndStatusGoesOn) {
  p.start();
  fill(p, 3);
  auto client = connect(p);
  auto maintenance = connect(p, Port::kMaintenance);
  auto replication = connect(p, Port::kReplication);
  auto control = connect(p, Port::kControl);
  world.options().disk_delay_us = {200'000, 200'000};
  begin(p);
  EXPECT_EQ(p.node->engine(), nullptr);
  EXPECT_EQ(get(*client, "d1"), "NOT_READY");
  EXPECT_EQ(insert(*client, "x"), "NOT_READY");
  EXPECT_EQ(code_of(call(*client, wire::kObserveStorage, {})), "NOT_READY");
  EXPECT_EQ(code_of(call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true})), "NOT_READY");
  EXPECT_EQ(code_of(call(*replication, wire::kWalPosition, {})), "NOT_READY");
  EXPECT_EQ(code_of(call(*control, wire::kControlOutcome, {"r"})), "NOT_READY");
  ASSERT_TRUE(ask(*client, wire::kStatus, {}, [&](const wire::StatusResponse& status) {
    EXPECT_EQ(status.state, "RECOVERING");
    EXPECT_NE(status.instance, InstanceId{});
  }));
  EXPECT_TRUE(call(*client, wire::kObserveStats, {}));
  EXPECT_FALSE(closed_answer);
  settle();
  EXPECT_EQ(closed_answer, "OK");
}

TEST_F(ReopenTest, ReadsThatWaitForBlocksAreRefused) {
  p.start();
  fill(p, kDocuments);
  ASSERT_EQ(checkpoint(p).stage, "done");
  p.restart();
  auto client = connect(p);
  world.options().disk_delay_us = {50'000, 50'000};
  std::vector<std::string> outcomes;
  client->call(wire::kDocGet, {"c", "d1", 1, std::nullopt, std::nullopt}, 0,
               [&](Result<wire::DocGetResponse> answer) { outcomes.push_back(code_of(answer)); });
  while (p.metric(MetricId::kColdRequestsCount) == 0) ASSERT_TRUE(world.step());
  begin(p);
  for (int i = 0; i < 20 && outcomes.empty(); ++i) world.step();
  EXPECT_THAT(outcomes, ElementsAre("NOT_READY"));
  while (!closed_answer) ASSERT_TRUE(world.step());
  // On the same connection, with the read of before perhaps still under way.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(*client, "d" + std::to_string(i)), "found");
}

TEST_F(ReopenTest, WaitsHoldsAndPinsEnd) {
  p.start();
  fill(p, kDocuments);
  ASSERT_EQ(checkpoint(p).stage, "done");
  auto client = connect(p);
  auto backup = connect(p, Port::kMaintenance);
  auto replica = connect(p, Port::kReplication);
  ASSERT_TRUE(call(*client, wire::kPinTake, {std::nullopt}));
  const auto held = call(*backup, wire::kStorageHold, {});
  const auto taken = call(*replica, wire::kManifestGet, {});
  ASSERT_TRUE(held && taken);
  std::vector<std::string> waited;
  replica->call(wire::kWalFetch, {p.engine().visible().lsn.next(), 1 << 20, 60'000}, 0,
                [&](Result<wire::WalFetchResponse> answer) { waited.push_back(code_of(answer)); });
  EXPECT_EQ(code_of(call(*replica, wire::kManifestFetch, {taken->hold, 1, 0, 10})), "OK");
  EXPECT_EQ(p.metric(MetricId::kHoldsCount), 2u);
  EXPECT_EQ(close(p), "OK");
  settle();
  EXPECT_THAT(waited, ElementsAre("NOT_READY"));
  EXPECT_EQ(p.metric(MetricId::kHoldsCount), 0u);
  EXPECT_EQ(p.engine().storage().pins(), 0u);
  EXPECT_EQ(code_of(call(*backup, wire::kStorageReadRun, {held->hold, 1, 0, 10})), "NO_SUCH_HOLD");
  EXPECT_EQ(code_of(call(*replica, wire::kManifestFetch, {taken->hold, 1, 0, 10})), "NO_SUCH_HOLD");
  const auto again = call(*replica, wire::kManifestGet, {});
  ASSERT_TRUE(again);
  EXPECT_GT(again->hold, taken->hold);
  EXPECT_EQ(code_of(call(*replica, wire::kManifestFetch, {again->hold, 1, 0, 10})), "OK");
}

TEST_F(ReopenTest, AReadOfTheLogUnderWayIsAnsweredFirst) {
  p.start();
  fill(p, kDocuments);
  p.restart();  // what was in the writer's memory is on disk alone
  auto replica = connect(p, Port::kReplication);
  world.options().disk_delay_us = {20'000, 20'000};
  std::vector<std::string> outcomes;
  replica->call(wire::kWalFetch, {Lsn(1), 1 << 20, 0}, 0,
                [&](Result<wire::WalFetchResponse> answer) { outcomes.push_back(code_of(answer)); });
  while (!p.engine().reader().reading()) ASSERT_TRUE(world.step());
  uint64_t answered_at_work = 0;
  EXPECT_EQ(close(p,
                  [&](runtime::Disk&) -> Result<void> {
                    answered_at_work = p.metric(MetricId::kFetchesAnsweredCount);
                    return {};
                  }),
            "OK");
  settle();
  EXPECT_THAT(outcomes, ElementsAre("OK"));
  EXPECT_EQ(answered_at_work, 1u);
}

// At every moment of a checkpoint: while the work runs, nothing else changes the directory.
TEST_F(ReopenTest, AStorageOperationEndsBeforeTheWorkBegins) {
  for (int steps = 0; steps < 240; steps += 6) {
    SCOPED_TRACE(steps);
    TestNode node(world, "n" + std::to_string(steps), true);
    node.start();
    fill(node, kDocuments);
    auto maintenance = connect(node, Port::kMaintenance);
    ASSERT_TRUE(call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true}));
    for (int i = 0; i < steps; ++i) world.step();
    const bool was_running = node.engine().storage().running();
    std::vector<std::string> first;
    std::vector<std::string> last;
    EXPECT_EQ(close(node,
                    [&](runtime::Disk& disk) -> Result<void> {
                      first = files_of(disk, node.config.data_dir);
                      for (int i = 0; i < 20; ++i) last = files_of(disk, node.config.data_dir);
                      return {};
                    }),
              "OK");
    EXPECT_EQ(first, last);
    if (was_running) {
      EXPECT_THAT(node.last_event("storage_operation"), HasSubstr("code=NOT_READY"));
    }
    // Numbers go on; a half-written run harms nothing.
    auto again = call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true});
    if (again) {
      EXPECT_EQ(again->operation, 2u);
      EXPECT_EQ(finish(*maintenance, 2).stage, "done");
    } else {
      EXPECT_EQ(code_of(again), "NOTHING_TO_DO");
    }
    EXPECT_EQ(node.engine().storage().manifest().lsn, node.engine().visible().lsn);
    node.restart();
    EXPECT_EQ(node.engine().visible().commit, CommitId(kDocuments));
    settle();
  }
}

TEST_F(ReopenTest, WorkThatFailsIsToldAndTheNodeGoesOn) {
  p.start();
  fill(p, 3);
  EXPECT_EQ(close(p, [](runtime::Disk&) -> Result<void> { return fail(ErrorCode::kIo, "for the test"); }), "IO");
  EXPECT_EQ(p.node->state(), NodeState::kReady);
  auto client = connect(p);
  EXPECT_EQ(insert(*client, "after"), "OK");
  EXPECT_EQ(close(p), "OK") << "it can be closed again";
}

TEST_F(ReopenTest, ADirectoryThatCantBeOpenedAgainIsLost) {
  for (const std::string file : {"/NODE", "/wal/0001.seg"}) {
    TestNode node(world, file == "/NODE" ? "a" : "b", true);
    node.start();
    fill(node, 3);
    std::string lost;
    node.node->on_lost([&](const Error& error) { lost = error.row().name; });
    begin(node, [&](runtime::Disk& disk) { return disk.remove(node.config.data_dir + file); });
    settle();
    EXPECT_EQ(lost, file == "/NODE" ? "NOT_INITIALIZED" : "WAL_SEGMENT_MISSING");
    EXPECT_FALSE(closed_answer);
    auto client = connect(node);
    EXPECT_EQ(get(*client, "d1"), "NOT_READY");
  }
}

TEST_F(ReopenTest, IsRefusedTwiceAtOnceAndWhileTheNodeStopsAndBeforeItStarted) {
  p.start();
  std::vector<std::string> outcomes;
  auto close_now = [&] {
    p.node->with_closed_directory("a test", nothing, [&](Result<void> answer) { outcomes.push_back(code_of(answer)); });
  };
  close_now();
  close_now();
  EXPECT_THAT(outcomes, ElementsAre("OPERATION_RUNNING"));
  settle();
  EXPECT_THAT(outcomes, ElementsAre("OPERATION_RUNNING", "OK"));
  p.node->stop("test", [] {});
  close_now();
  EXPECT_EQ(outcomes.back(), "NOT_READY");
  p.crash();
  p.process = std::make_unique<sim::SimProcess>(p.machine, world, sim::ProcessOptions{.name = "p"});
  p.node = std::make_unique<Node>(*p.process, p.config, Binary::kPrimary);
  p.node->start([](Result<void>) {});
  close_now();
  EXPECT_THAT(outcomes, ElementsAre("OPERATION_RUNNING", "OK", "NOT_READY", "NOT_READY"));
}

TEST_F(ReopenTest, AStopMeanwhileWaitsForIt) {
  for (int steps = 0; steps < 80; steps += 4) {
    SCOPED_TRACE(steps);
    TestNode node(world, "n" + std::to_string(steps), true);
    node.start();
    fill(node, 3);
    bool stopped = false;
    bool worked = false;
    bool answered_first = false;
    begin(node, [&](runtime::Disk& disk) -> Result<void> {
      for (int i = 0; i < 5; ++i) (void)disk.exists("/");
      worked = true;
      return {};
    });
    for (int i = 0; i < steps; ++i) world.step();
    node.node->stop("test", [&] {
      stopped = true;
      answered_first = closed_answer.has_value();
    });
    settle();
    EXPECT_TRUE(stopped && worked && answered_first);
    auto clean = engine::read_clean_stop(node.process->blocking_disk(), node.config.data_dir);
    ASSERT_TRUE(clean && *clean);
    EXPECT_EQ((*clean)->lsn, node.engine().visible().lsn);
    EXPECT_THAT(event_names(node), Contains("stopped"));
    node.restart();
    EXPECT_EQ(node.engine().visible().commit, CommitId(3));
  }
}

TEST_F(ReopenTest, ACrashAtAnyCallLosesNothing) {
  for (uint64_t calls = 1; calls < 60; ++calls) {
    SCOPED_TRACE(calls);
    TestNode node(world, "n" + std::to_string(calls), true);
    node.start();
    fill(node, 5);
    const Lsn durable = node.engine().visible().lsn;
    std::vector<std::string> outcomes;
    auto client = connect(node);
    insert_later(*client, "w", outcomes);
    node.process->crash_at_call(calls, sim::CrashKind::kPower);
    for (int i = 0; i < 12; ++i) world.step();
    if (node.process->alive()) begin(node);
    settle();
    const bool acknowledged = std::ranges::count(outcomes, "OK") > 0;
    client.reset();
    node.restart();
    EXPECT_GE(node.engine().visible().lsn, acknowledged ? durable.next() : durable);
    settle();
  }
}

TEST_F(ReopenTest, AReplicaTakesRecordsAgainAfterANewSession) {
  TestNode r(world, "r", false);
  p.start();
  r.start();
  fill(p, 10);
  ship(p, r);
  auto to = connect(r, Port::kReplication);
  const auto& end = p.engine().visible();
  auto opened = call(*to, wire::kReplicaOpen,
                     {"s",
                      InstanceId{{9}},
                      "p",
                      p.engine().node().instance,
                      p.engine().node().cluster,
                      wire::Receipt{end.lineage, end.epoch, end.commit, end.lsn, end.chain},
                      {}});
  EXPECT_EQ(close(r), "OK");
  const wire::Receipt source{end.lineage, end.epoch, end.commit, end.lsn, end.chain};
  EXPECT_EQ(code_of(call(*to, wire::kReplicaAppend, {1, end.chain, end.lsn.next(), 0, source, {}})), "STALE_SESSION");
  auto client = connect(p);
  EXPECT_EQ(insert(*client, "more"), "OK");
  ship(p, r);
  EXPECT_EQ(r.engine().visible().digest, p.engine().visible().digest);
}

TEST_F(ReopenTest, HoldsOfTheTwoListenersAreApart) {
  p.start();
  fill(p, kDocuments);
  ASSERT_EQ(checkpoint(p).stage, "done");
  auto backup = connect(p, Port::kMaintenance);
  auto replica = connect(p, Port::kReplication);
  const auto taken = call(*replica, wire::kManifestGet, {});
  ASSERT_TRUE(taken);
  EXPECT_EQ(code_of(call(*backup, wire::kStorageReadRun, {taken->hold, 1, 0, 10})), "NO_SUCH_HOLD");
  EXPECT_EQ(code_of(call(*backup, wire::kStorageRelease, {taken->hold})), "NO_SUCH_HOLD");
  replica.reset();
  settle();
  EXPECT_EQ(p.metric(MetricId::kHoldsCount), 0u);
}

}  // namespace
}  // namespace aerodb::node
