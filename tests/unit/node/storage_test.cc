// Storage operations, pins and holds over the listeners, and what a node notes down of them.
#include <gmock/gmock.h>

#include <regex>

#include "common/base/checksum.h"
#include "common/engine/snapshot.h"
#include "common/store/manifest.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using observe::MetricId;
using testing::code_of;
using testing::contents;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NodeTest;
using testing::Port;
using ::testing::SizeIs;
using testing::TestNode;

struct StorageTest : NodeTest {
  void SetUp() override { p.start(); }
  std::map<std::string, uint64_t> stats() {
    auto client = connect(p);
    std::map<std::string, uint64_t> values;
    auto answer = call(*client, wire::kObserveStats, {});
    EXPECT_TRUE(answer);
    for (const auto& metric : answer->metrics) values[metric.name] = metric.value;
    return values;
  }
  wire::ObserveStorageResponse storage() {
    auto client = connect(p);
    auto answer = call(*client, wire::kObserveStorage, {});
    EXPECT_TRUE(answer) << answer.error().message;
    return *answer;
  }
  std::vector<std::string> event_names(uint64_t after = 0) {
    settle();
    std::vector<std::string> names;
    for (const auto& event : p.node->events().recent(after, 1000)) names.push_back(event.name);
    return names;
  }
  Result<wire::StorageGcResponse> gc(CommitId floor, const std::string& reason, const std::string& phrase) {
    auto client = connect(p, Port::kMaintenance);
    return call(*client, wire::kStorageGc, {{"g1", "ann", reason, std::nullopt}, floor, phrase});
  }
  TestNode p{world, "p", true};
};

TEST_F(StorageTest, ADiagnosisIsAnOperationThatTheControlListenerBegins) {
  fill(p, 100);
  ASSERT_EQ(checkpoint(p).stage, "done");
  auto client = connect(p);
  ASSERT_TRUE(call(*client, wire::kDocDelete, {"c", "d7", std::nullopt}));
  const auto before = contents(p.machine.disk());
  auto control = connect(p, Port::kControl);
  const auto started = call(*control, wire::kControlDiagnose, {{"q1", "ann", "after a move", std::nullopt}});
  ASSERT_TRUE(started) << started.error().message;
  settle();
  const auto done = storage().operations.back();
  EXPECT_EQ(done.number, started->operation);
  EXPECT_EQ(done.kind, "diagnosis");
  EXPECT_EQ(done.stage, "done");
  EXPECT_EQ(done.lsn, p.engine().visible().lsn);
  for (const auto& [path, bytes] : contents(p.machine.disk())) {
    const bool same = before.contains(path) && before.at(path) == bytes;
    EXPECT_TRUE(same || path.find("/events") != std::string::npos) << path;
  }
}

TEST_F(StorageTest, ADiagnosisBesideAnotherOperationIsDeniedByItsRule) {
  fill(p, 100);
  auto maintenance = connect(p, Port::kMaintenance);
  ASSERT_TRUE(call(*maintenance, wire::kStorageCheckpoint, {{"q1", "ann", "", std::nullopt}, true}));
  ASSERT_TRUE(p.engine().storage().running());
  auto control = connect(p, Port::kControl);
  EXPECT_EQ(code_of(call(*control, wire::kControlDiagnose, {{"q2", "ann", "why", std::nullopt}})), "OPERATION_RUNNING");
  settle();
  EXPECT_THAT(event_names(), ::testing::Contains("command_denied"));
}

TEST_F(StorageTest, ACheckpointIsShownByEverythingThatObserves) {
  fill(p, 100);
  const auto before = storage();
  EXPECT_EQ(before.manifest_number, 0u);
  EXPECT_THAT(before.runs, IsEmpty());
  EXPECT_GT(before.memory_active_bytes, 100'000u);
  const auto done = checkpoint(p);
  EXPECT_EQ(done.kind, "checkpoint");
  EXPECT_EQ(done.stage, "done");
  EXPECT_EQ(done.commit, CommitId(100));
  const auto after = storage();
  EXPECT_EQ(after.manifest_number, 1u);
  EXPECT_EQ(after.manifest_lsn, p.engine().visible().lsn);
  EXPECT_EQ(after.manifest_digest, p.engine().visible().digest);
  ASSERT_THAT(after.runs, SizeIs(1));
  EXPECT_EQ(after.runs[0].versions, 100u);
  EXPECT_EQ(after.runs[0].index_entries, 100u);
  EXPECT_LT(after.memory_active_bytes, 100'000u);
  EXPECT_EQ(after.memory_frozen_bytes, 0u);
  ASSERT_THAT(after.operations, SizeIs(1));
  EXPECT_EQ(after.operations[0].stage, "done");

  const auto values = stats();
  EXPECT_EQ(values.at("runs_count"), 1u);
  EXPECT_EQ(values.at("runs_bytes"), after.runs[0].bytes);
  EXPECT_EQ(values.at("manifest_lsn"), after.manifest_lsn.value());
  EXPECT_EQ(values.at("documents_live_count"), 100u);
  EXPECT_EQ(values.at("documents_versions_count"), 100u);
  EXPECT_EQ(values.at("index_entries_count"), 100u);
  EXPECT_EQ(values.at("storage_operations_count"), 1u);
  EXPECT_EQ(values.at("storage_operations_failed_count"), 0u);
  EXPECT_GT(values.at("last_checkpoint_wall_us"), values.at("start_wall_us"));
  EXPECT_GT(values.at("last_checkpoint_us"), 0u);
  EXPECT_EQ(values.at("last_checkpoint_us"), after.operations[0].elapsed_us);
}

TEST_F(StorageTest, EveryStageOfAnOperationIsAnEvent) {
  fill(p, 10);
  settle();
  const uint64_t before = p.node->events().durable_number();
  checkpoint(p);
  std::vector<std::string> stages;
  settle();
  for (const auto& event : p.node->events().recent(before, 1000)) {
    if (event.name != "storage_operation") continue;
    EXPECT_EQ(event.fields.at(0), "number=1");
    stages.push_back(event.fields.at(2));
  }
  EXPECT_THAT(stages, ElementsAre("stage=writing_run", "stage=installing", "stage=removing", "stage=done"));
  EXPECT_THAT(p.last_event("storage_requested"), HasSubstr("operator=ann\nreason=a test\noperation=1"));
  EXPECT_THAT(p.last_event("storage_operation"), HasSubstr("manifest=1\nruns=1\n"));
}

TEST_F(StorageTest, OperationsRunOneAtATimeAndRefusalsAreEvents) {
  fill(p, 10);
  auto client = connect(p, Port::kMaintenance);
  EXPECT_EQ(code_of(call(*client, wire::kStorageOperation, {std::nullopt})), "NO_SUCH_OPERATION");
  auto first = call(*client, wire::kStorageCheckpoint, {asked_by(), false});
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(call(*client, wire::kStorageCompact, {asked_by()})), "OPERATION_RUNNING");
  EXPECT_EQ(finish(*client, first->operation).stage, "done");
  EXPECT_EQ(code_of(call(*client, wire::kStorageCheckpoint, {asked_by(), true})), "NOTHING_TO_DO");
  EXPECT_EQ(code_of(call(*client, wire::kStorageOperation, {7})), "NO_SUCH_OPERATION");
  auto too_long = asked_by();
  too_long.reason.resize(2000, 'x');
  EXPECT_EQ(code_of(call(*client, wire::kStorageCompact, {too_long})), "BAD_REQUEST");
  settle();
  EXPECT_EQ(std::ranges::count(event_names(), "command_denied"), 3);
  EXPECT_THAT(p.last_event("command_denied"), HasSubstr("command=compact"));
}

TEST_F(StorageTest, ASnapshotIsNamedByTheTimeUnlessItIsNamed) {
  fill(p, 10);
  const auto first = operate(p, wire::kStorageSnapshot, {asked_by(), std::nullopt});
  ASSERT_TRUE(first.snapshot);
  EXPECT_TRUE(std::regex_match(*first.snapshot, std::regex(R"(20260101T00\d{4}\.\d{3}Z)"))) << *first.snapshot;
  const auto second = operate(p, wire::kStorageSnapshot, {asked_by(), "before-upgrade"});
  EXPECT_EQ(second.stage, "done");
  const auto again = operate(p, wire::kStorageSnapshot, {asked_by(), "before-upgrade"});
  EXPECT_EQ(again.stage, "failed");
  EXPECT_EQ(again.error_code, "SNAPSHOT_EXISTS");
  const auto view = storage();
  ASSERT_THAT(view.snapshots, SizeIs(2));
  EXPECT_EQ(view.snapshots[0].name, *first.snapshot);
  EXPECT_TRUE(view.snapshots[0].complete);
  EXPECT_EQ(view.snapshots[1].name, "before-upgrade");
  auto client = connect(p, Port::kMaintenance);
  EXPECT_EQ(code_of(call(*client, wire::kStorageSnapshot, {asked_by(), "../elsewhere"})), "BAD_REQUEST");
  EXPECT_EQ(stats().at("storage_operations_failed_count"), 1u);
}

TEST_F(StorageTest, AFloorNeedsAReasonAndItsPhrase) {
  fill(p, 10);
  EXPECT_EQ(code_of(gc(CommitId(5), "", "drop history below 5")), "REASON_REQUIRED");
  const auto refused = gc(CommitId(5), "space", "drop history below 6");
  ASSERT_EQ(code_of(refused), "CONFIRMATION_MISMATCH");
  EXPECT_THAT(refused.error().message, HasSubstr("drop history below 5"));
  EXPECT_EQ(p.engine().floor(), CommitId());
  const auto raised = gc(CommitId(5), "space", "drop history below 5");
  ASSERT_EQ(code_of(raised), "OK");
  EXPECT_EQ(raised->floor, CommitId(5));
  EXPECT_EQ(p.engine().floor(), CommitId(5));
  EXPECT_EQ(code_of(gc(CommitId(4), "space", "drop history below 4")), "FLOOR_REFUSED");
  settle();
  EXPECT_THAT(p.last_event("floor_raised"), HasSubstr("floor=5\nlsn=" + std::to_string(raised->receipt.lsn.value()) +
                                                      "\nrequest_id=g1\noperator=ann\nreason=space"));
  EXPECT_THAT(p.last_event("command_denied"), HasSubstr("code=FLOOR_REFUSED"));
  EXPECT_EQ(stats().at("floor_commit"), 5u);
}

TEST_F(StorageTest, APinKeepsTheFloorDownUntilItsConnectionEnds) {
  fill(p, 10);
  auto pinning = connect(p);
  auto other = connect(p);
  const auto pin = call(*pinning, wire::kPinTake, {CommitId(3)});
  ASSERT_TRUE(pin);
  EXPECT_EQ(pin->commit, CommitId(3));
  const auto newest = call(*other, wire::kPinTake, {std::nullopt});
  EXPECT_EQ(newest->commit, CommitId(10));
  EXPECT_EQ(code_of(call(*other, wire::kPinTake, {CommitId(11)})), "BEHIND");
  EXPECT_EQ(code_of(call(*other, wire::kPinRelease, {pin->pin})), "NO_SUCH_PIN") << "another connection's";
  EXPECT_EQ(storage().lowest_pin, CommitId(3));
  EXPECT_EQ(stats().at("pins_count"), 2u);
  EXPECT_EQ(code_of(gc(CommitId(4), "space", "drop history below 4")), "PINNED");
  EXPECT_TRUE(call(*other, wire::kPinRelease, {newest->pin}));
  pinning.reset();
  settle();
  EXPECT_EQ(storage().pins, 0u);
  EXPECT_EQ(code_of(gc(CommitId(4), "space", "drop history below 4")), "OK");
  EXPECT_EQ(code_of(call(*other, wire::kPinTake, {CommitId(3)})), "BELOW_FLOOR");
}

struct HoldTest : StorageTest {
  Bytes read_all(wire::Client& client, uint64_t hold, const wire::HeldRun& run, uint32_t piece) {
    Bytes all;
    bool more = true;
    while (more) {
      auto outcome = ask(client, wire::kStorageReadRun, {hold, run.number, all.size(), piece}, [&](const auto& answer) {
        all.insert(all.end(), answer.bytes.begin(), answer.bytes.end());
        more = answer.bytes.size() == piece;
      });
      EXPECT_TRUE(outcome) << outcome.error().message;
      if (!outcome) break;
    }
    return all;
  }
};

TEST_F(HoldTest, HandsOutTheManifestAndTheFilesItNames) {
  fill(p, 100);
  checkpoint(p);
  auto client = connect(p, Port::kMaintenance);
  Bytes manifest;
  wire::StorageHoldResponse hold;
  ASSERT_TRUE(ask(*client, wire::kStorageHold, {}, [&](const wire::StorageHoldResponse& answer) {
    ASSERT_TRUE(answer.manifest);
    manifest.assign(answer.manifest->begin(), answer.manifest->end());
    hold = answer;
  }));
  const auto decoded = store::decode_manifest(manifest, "held");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->number, 1u);
  EXPECT_EQ(decoded->segment_sequence, 0u);
  EXPECT_EQ(decoded->lsn, hold.receipt.lsn);
  ASSERT_THAT(hold.runs, SizeIs(1));
  EXPECT_EQ(hold.runs[0].sha256, decoded->runs[0].sha256);
  for (const uint32_t piece : {1000u, 1u << 20}) {
    const auto bytes = read_all(*client, hold.hold, hold.runs[0], piece);
    EXPECT_EQ(bytes.size(), hold.runs[0].bytes);
    EXPECT_EQ(sha256(bytes), hold.runs[0].sha256);
  }
  EXPECT_EQ(stats().at("holds_count"), 1u);
}

TEST_F(HoldTest, KeepsRunsThatAMergeReplaced) {
  fill(p, 50);
  checkpoint(p);
  auto client = connect(p, Port::kMaintenance);
  const auto hold = call(*client, wire::kStorageHold, {});
  ASSERT_TRUE(hold);
  auto writer = connect(p);
  ASSERT_TRUE(call(*writer, wire::kDocDelete, {"c", "d1", std::nullopt}));
  operate(p, wire::kStorageCheckpoint, {asked_by(), false});
  EXPECT_EQ(operate(p, wire::kStorageCompact, {asked_by()}).stage, "done");
  EXPECT_THAT(storage().runs, SizeIs(1));
  EXPECT_NE(storage().runs[0].number, hold->runs[0].number);
  EXPECT_EQ(sha256(read_all(*client, hold->hold, hold->runs[0], 4096)), hold->runs[0].sha256);
}

TEST_F(HoldTest, BelongsToItsConnectionAndEndsWithIt) {
  fill(p, 10);
  checkpoint(p);
  auto client = connect(p, Port::kMaintenance);
  auto other = connect(p, Port::kMaintenance);
  const auto hold = call(*client, wire::kStorageHold, {});
  const auto second = call(*client, wire::kStorageHold, {});
  const uint64_t run = hold->runs.at(0).number;
  EXPECT_EQ(code_of(call(*other, wire::kStorageReadRun, {hold->hold, run, 0, 10})), "NO_SUCH_HOLD");
  EXPECT_EQ(code_of(call(*other, wire::kStorageRelease, {hold->hold})), "NO_SUCH_HOLD");
  EXPECT_EQ(code_of(call(*client, wire::kStorageReadRun, {hold->hold, run + 1, 0, 10})), "NO_SUCH_HOLD");
  EXPECT_EQ(code_of(call(*client, wire::kStorageReadRun, {hold->hold, run, 0, 0})), "BAD_REQUEST");
  EXPECT_EQ(code_of(call(*client, wire::kStorageReadRun, {hold->hold, run, 0, (1 << 20) + 1})), "BAD_REQUEST");
  EXPECT_EQ(code_of(call(*client, wire::kStorageReadRun, {hold->hold, run, hold->runs[0].bytes + 1, 1})),
            "BAD_REQUEST");
  EXPECT_TRUE(call(*client, wire::kStorageRelease, {second->hold}));
  EXPECT_EQ(code_of(call(*client, wire::kStorageRelease, {second->hold})), "NO_SUCH_HOLD");
  client.reset();
  settle();
  EXPECT_EQ(stats().at("holds_count"), 0u);
  EXPECT_THAT(p.last_event("hold_ended"), HasSubstr("why=its connection ended"));
}

TEST_F(HoldTest, BoundsReadsInFlight) {
  fill(p, 100);
  checkpoint(p);
  auto client = connect(p, Port::kMaintenance);
  const auto hold = call(*client, wire::kStorageHold, {});
  world.options().disk_delay_us = {50'000, 50'000};
  std::vector<std::string> outcomes;
  for (int i = 0; i < 6; ++i) {
    client->call(wire::kStorageReadRun, {hold->hold, hold->runs[0].number, 0, 1000}, 0,
                 [&](Result<wire::StorageReadRunResponse> answer) { outcomes.push_back(code_of(answer)); });
  }
  settle();
  EXPECT_THAT(outcomes, ElementsAre("BUSY", "BUSY", "OK", "OK", "OK", "OK"));
  outcomes.clear();
  client->call(wire::kStorageReadRun, {hold->hold, hold->runs[0].number, 0, 1000}, 0,
               [&](Result<wire::StorageReadRunResponse> answer) { outcomes.push_back(code_of(answer)); });
  settle();
  EXPECT_THAT(outcomes, ElementsAre("OK"));
}

TEST_F(HoldTest, WithoutACheckpointThereIsTheLogAlone) {
  fill(p, 10);
  auto client = connect(p, Port::kMaintenance);
  ASSERT_TRUE(ask(*client, wire::kStorageHold, {}, [](const wire::StorageHoldResponse& answer) {
    EXPECT_FALSE(answer.manifest);
    EXPECT_THAT(answer.runs, IsEmpty());
  }));
  uint32_t count = 0;
  ASSERT_TRUE(
      ask(*client, wire::kStorageReadLog, {Lsn(1), 1 << 20}, [&](const auto& answer) { count = answer.count; }));
  EXPECT_EQ(count, 12u) << "lineage_start, schema, 10 commits";
  EXPECT_EQ(code_of(call(*client, wire::kStorageReadLog, {Lsn(99), 1 << 20})), "SOURCE_BEHIND");
}

TEST_F(StorageTest, StopEndsAnOperationUnderWay) {
  fill(p, 300);
  auto client = connect(p, Port::kMaintenance);
  ASSERT_TRUE(call(*client, wire::kStorageCheckpoint, {asked_by(), true}));
  bool stopped = false;
  p.node->stop("test", [&] { stopped = true; });
  EXPECT_FALSE(p.engine().storage().running());
  settle();
  EXPECT_TRUE(stopped);
  EXPECT_THAT(p.last_event("storage_operation"), HasSubstr("stage=failed"));
  EXPECT_THAT(p.last_event("storage_operation"), HasSubstr("code=NOT_READY"));
  p.crash();
  p.start();
  EXPECT_EQ(stats().at("documents_live_count"), 300u);
  EXPECT_EQ(checkpoint(p).stage, "done");
}

TEST_F(StorageTest, RecoveryTellsWhatItLoadedAndReplayed) {
  fill(p, 10);
  checkpoint(p);
  auto writer = connect(p);
  ASSERT_TRUE(call(*writer, wire::kDocDelete, {"c", "d1", std::nullopt}));
  const auto lsn = p.engine().visible().lsn;
  settle();
  const uint64_t before = p.node->events().durable_number();
  writer.reset();
  p.restart();
  auto names = event_names(before);
  EXPECT_THAT(names, ElementsAre("recovery_started", "manifest_loaded", "tail_decision", "last_frame_rewritten",
                                 "records_replayed", "recovery_finished", "start"));
  EXPECT_THAT(p.last_event("manifest_loaded"), HasSubstr("number=1\nlsn=12\ncommit=10\nruns=1"));
  const auto last = std::to_string(lsn.value());
  EXPECT_THAT(p.last_event("records_replayed"), HasSubstr("first_lsn=" + last + "\nlast_lsn=" + last + "\ncount=1"));
  const auto values = stats();
  EXPECT_EQ(values.at("recovery_records_count"), 1u);
  EXPECT_EQ(values.at("documents_live_count"), 9u);
  EXPECT_EQ(values.at("last_checkpoint_wall_us"), 0u);
}

}  // namespace
}  // namespace aerodb::node
