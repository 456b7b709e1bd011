#include "shipper/shipper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/shipper/fake_nodes.h"

namespace aerodb::shipper {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using testing::FakeReplica;
using testing::FakeSource;
using testing::kRecordBytes;
using testing::MemoryRuntime;
using ::testing::Optional;

constexpr uint32_t kReconnectMs = 500;
constexpr uint32_t kWaitMs = 1000;

// A source, so many replicas, and a shipper between them. Time stands still but for pass_ms.
struct Cluster {
  explicit Cluster(size_t replicas_wanted = 1) : source(runtime) {
    config.name = "s1";
    config.reconnect_ms = kReconnectMs;
    config.listen_shipper = testing::at_port(3000);
    config.source_name = "p1";
    config.source_address = testing::at_port(FakeSource::port);
    config.fetch_max_bytes = 4 * kRecordBytes;
    config.fetch_wait_ms = kWaitMs;
    config.window_bytes = 20 * kRecordBytes;
    for (size_t i = 0; i < replicas_wanted; ++i) {
      replicas.push_back(std::make_unique<FakeReplica>(runtime, static_cast<uint16_t>(2001 + i)));
      config.targets.push_back(replicas.back()->peer("r" + std::to_string(i + 1)));
    }
  }
  // Everyone up, and run until nothing is left to do now.
  void start() {
    source.come_up();
    for (auto& one : replicas) one->come_up();
    start_shipper();
  }
  void start_shipper() {
    shipper = std::make_unique<Shipper>(runtime, config);
    ASSERT_TRUE(shipper->start().has_value());
    runtime.run();
  }
  void write(size_t count) {
    source.write(count);
    runtime.run();
  }
  FakeReplica& replica(size_t i = 0) { return *replicas[i]; }
  [[nodiscard]] wire::TargetView target(size_t i = 0) const { return shipper->status().targets.at(i); }
  [[nodiscard]] std::string state(size_t i = 0) const { return target(i).state; }
  [[nodiscard]] bool has_all(size_t i = 0) const { return replicas[i]->log.records() == source.log.records(); }
  [[nodiscard]] uint64_t metric(std::string_view name) const {
    for (const auto& one : shipper->stats().metrics) {
      if (one.name == name) return one.value;
    }
    ADD_FAILURE() << "no metric " << name;
    return 0;
  }

  [[nodiscard]] size_t timers() { return runtime.loop().timers(); }

  MemoryRuntime runtime;
  FakeSource source;
  std::vector<std::unique_ptr<FakeReplica>> replicas;
  ShipperConfig config;
  std::unique_ptr<Shipper> shipper;
};

TEST(Shipper, BringsAFreshReplicaTheWholeLogInOrder) {
  Cluster c;
  c.source.log.append_many(50);
  c.start();
  EXPECT_TRUE(c.has_all());
  EXPECT_EQ(c.state(), "STREAMING");
  ASSERT_GE(c.replica().journal.size(), 3u);
  EXPECT_EQ(c.replica().journal[0], "open");
  EXPECT_EQ(c.replica().journal[1], "proof 1");
  EXPECT_EQ(c.replica().journal[2], "records 1");
  EXPECT_EQ(c.replica().opens, std::vector<Lsn>{Lsn(50)});
  EXPECT_EQ(c.replica().ancestries, 1u);
  EXPECT_FALSE(c.replica().instance.is_zero());
}

TEST(Shipper, FollowsWritesAsTheyComeWhateverThePieces) {
  for (size_t piece : {7u, 100u, 100'000u}) {
    Cluster c;
    c.runtime.network().piece_bytes = piece;
    c.start();
    for (size_t i = 1; i < 30; ++i) {
      c.write(i % 7);
      ASSERT_TRUE(c.has_all());
    }
    EXPECT_EQ(c.replica().opens.size(), 1u);
  }
}

TEST(Shipper, BringsRecordsLargerThanFetchAndWindow) {
  Cluster c;
  c.start();
  c.source.write(1, 100'000);
  c.source.write(2, 50'000);
  c.runtime.run();
  EXPECT_TRUE(c.has_all());
}

TEST(Shipper, TargetsInStepCostTheSourceNoMoreThanOne) {
  std::vector<size_t> fetches;
  for (size_t replicas : {1u, 4u}) {
    Cluster c(replicas);
    c.source.log.append_many(40);
    c.start();
    for (int i = 0; i < 20; ++i) c.write(3);
    for (size_t i = 0; i < replicas; ++i) EXPECT_TRUE(c.has_all(i));
    fetches.push_back(c.source.fetches.size());
  }
  EXPECT_EQ(fetches[0], fetches[1]);
}

TEST(Shipper, ATargetBehindTheWindowCatchesUpByItselfAndJoins) {
  Cluster c(2);
  c.source.come_up();
  c.replica(0).come_up();
  c.source.log.append_many(10);
  c.start_shipper();
  c.write(200);
  ASSERT_TRUE(c.has_all(0));
  c.replica(1).come_up();
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_TRUE(c.has_all(1));
  const auto fetched = c.source.fetches.size();
  c.write(4);
  EXPECT_TRUE(c.has_all(0) && c.has_all(1));
  EXPECT_EQ(c.source.fetches.size(), fetched + 1) << "in step: one fetch for both, waiting for the next record";
}

TEST(Shipper, ASilentTargetHoldsUpNobody) {
  Cluster c(2);
  c.start();
  c.write(1);
  c.replica(0).mute = true;
  for (int i = 0; i < 50; ++i) c.write(4);
  EXPECT_TRUE(c.has_all(1));
  EXPECT_LT(c.replica(0).log.end(), Lsn(30)) << "bounded by the window";
  EXPECT_LE(c.metric("shipper_in_flight_bytes"), c.config.window_bytes);
  EXPECT_GT(c.metric("shipper_in_flight_bytes"), 0u);
  c.replica(0).speak();
  c.runtime.run();
  EXPECT_TRUE(c.has_all(0));
  EXPECT_EQ(c.replica(0).opens.size(), 1u);
}

TEST(Shipper, ATargetThatStaysSilentIsGivenUpAndTriedAgain) {
  Cluster c;
  c.start();
  c.write(1);
  c.replica().mute = true;
  c.write(1);
  c.runtime.pass_ms(kAnswerMs - 1);
  EXPECT_EQ(c.state(), "STREAMING");
  c.runtime.pass_ms(2);
  EXPECT_EQ(c.state(), "DISCONNECTED");
  c.replica().mute = false;
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_EQ(c.state(), "STREAMING");
  c.write(1);
  EXPECT_TRUE(c.has_all());
}

TEST(Shipper, ATargetThatSendsGarbageHoldsUpNobody) {
  Cluster c(2);
  std::vector<std::unique_ptr<runtime::Connection>> strangers;
  auto listener = c.runtime.network().listen(testing::at_port(2001), [&](auto connection) {
    connection->send(Bytes(100, 0xC1));
    strangers.push_back(std::move(connection));
  });
  c.source.come_up();
  c.replica(1).come_up();
  c.start_shipper();
  c.write(10);
  EXPECT_TRUE(c.has_all(1));
  c.runtime.pass_ms(10 * kReconnectMs);
  EXPECT_THAT(strangers.size(), AnyOf(10u, 11u)) << "one attempt each reconnect_ms";
  EXPECT_EQ(c.target(0).connect_attempts, strangers.size());
}

TEST(Shipper, ReconnectsAndProvesAgain) {
  Cluster c;
  c.start();
  c.write(5);
  c.replica().go_down();
  c.write(5);
  c.runtime.pass_ms(3 * kReconnectMs);
  EXPECT_THAT(c.state(), AnyOf("DISCONNECTED", "CONNECTING"));
  const auto attempts = c.target().connect_attempts;
  EXPECT_GE(attempts, 3u);
  c.replica().journal.clear();
  c.replica().come_up();
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_TRUE(c.has_all());
  ASSERT_GE(c.replica().journal.size(), 3u);
  EXPECT_EQ(c.replica().journal[0], "open");
  EXPECT_EQ(c.replica().journal[1], "proof 6");
  EXPECT_EQ(c.replica().journal[2], "records 6");
  EXPECT_EQ(c.target().connect_attempts, attempts + 1);
}

TEST(Shipper, NeverReconnectsWhereToldSo) {
  Cluster c;
  c.config.reconnect_ms = 0;
  c.start();
  c.replica().go_down();
  c.runtime.pass_ms(5000);
  EXPECT_EQ(c.state(), "STOPPED");
  EXPECT_THAT(c.target().stopped_by, Optional(std::string("CONNECTION_LOST")));
  EXPECT_EQ(c.target().connect_attempts, 1u);
}

TEST(Shipper, StopsAtAReplicaOfAnotherHistory) {
  Cluster c(2);
  c.source.log.append_many(5);
  c.replica(0).log.append_many(3, 40, 0x22);
  c.start();
  EXPECT_EQ(c.state(0), "STOPPED");
  EXPECT_THAT(c.target(0).stopped_by, Optional(std::string("REPLICA_DIVERGED")));
  EXPECT_THAT(c.target(0).stopped_message, Optional(std::string("refused")));
  EXPECT_THAT(c.replica(0).journal, ElementsAre("open", "proof 4"));
  EXPECT_TRUE(c.has_all(1));
  c.runtime.pass_ms(20 * kReconnectMs);
  EXPECT_EQ(c.replica(0).opens.size(), 1u) << "never tried again";
  EXPECT_EQ(c.metric("shipper_targets_stopped_count"), 1u);
  EXPECT_EQ(c.metric("shipper_batches_refused_count"), 1u);
}

TEST(Shipper, StopsWhenAnotherShipperTookOver) {
  Cluster c;
  c.start();
  c.write(3);
  c.replica().supersede(ErrorCode::kSupersededByInstance);
  c.write(1);
  EXPECT_EQ(c.state(), "STOPPED");
  EXPECT_THAT(c.target().stopped_by, Optional(std::string("SUPERSEDED_BY_INSTANCE")));
  c.runtime.pass_ms(5000);
  EXPECT_EQ(c.replica().opens.size(), 1u);
}

TEST(Shipper, OpensAgainAfterAStaleSession) {
  Cluster c;
  c.start();
  c.write(3);
  c.replica().supersede(ErrorCode::kStaleSession);
  c.write(1);
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_TRUE(c.has_all());
  EXPECT_EQ(c.replica().opens.size(), 2u);
}

TEST(Shipper, AFullReplicaIsAskedAgainAfterTheFixedTime) {
  Cluster c(2);
  c.start();
  c.replica(0).refuse_records = ErrorCode::kReplicaFull;
  c.write(30);
  EXPECT_EQ(c.state(0), "FULL");
  EXPECT_THAT(c.target(0).stopped_by, Optional(std::string("REPLICA_FULL")));
  EXPECT_TRUE(c.has_all(1));
  c.runtime.pass_ms(4 * kReconnectMs);
  EXPECT_EQ(c.replica(0).opens.size(), 5u);
  EXPECT_EQ(c.target(0).connect_attempts, 1u) << "on the same connection";
  c.replica(0).refuse_records.reset();
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_EQ(c.state(0), "STREAMING");
  EXPECT_TRUE(c.has_all(0));
}

TEST(Shipper, WaitsForASourceThatIsBehind) {
  Cluster c;
  c.source.log.append_many(8);
  c.replica().log = c.source.log;
  c.source.log.cut_to(Lsn(5));
  c.start();
  EXPECT_EQ(c.state(), "WAITING_FOR_SOURCE");
  const auto positions = c.source.positions;
  c.runtime.pass_ms(2 * kReconnectMs);
  EXPECT_GE(c.source.positions, positions + 2);
  EXPECT_THAT(c.replica().journal, ElementsAre("open")) << "nothing is moved";
  c.write(4);
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_EQ(c.state(), "STREAMING");
  EXPECT_TRUE(c.has_all());
}

TEST(Shipper, ProvesAgainAfterTheSourceWasAway) {
  Cluster c;
  c.start();
  c.write(5);
  c.source.go_down();
  c.runtime.pass_ms(100);
  EXPECT_EQ(c.state(), "WAITING_FOR_POSITION");
  EXPECT_THAT(c.shipper->status().source_state, AnyOf("DISCONNECTED", "CONNECTING"));
  EXPECT_EQ(c.shipper->status().source_durable->lsn, Lsn(5)) << "as last heard";
  c.replica().journal.clear();
  c.source.come_up();
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_THAT(c.replica().journal, ElementsAre("open", "proof 6"));
  EXPECT_EQ(c.target().connect_attempts, 1u) << "the target's own connection stayed";
  c.write(3);
  EXPECT_TRUE(c.has_all());
}

TEST(Shipper, MovesNothingWhenTheSourceComesBackShorter) {
  Cluster c;
  c.start();
  c.write(5);
  c.source.go_down();
  c.source.log.cut_to(Lsn(3));
  c.source.come_up();
  c.runtime.pass_ms(2 * kReconnectMs);
  EXPECT_EQ(c.state(), "WAITING_FOR_SOURCE");
  EXPECT_EQ(c.replica().log.end(), Lsn(5));
}

TEST(Shipper, StopsAtAnotherNodeUnderTheSourcesAddress) {
  Cluster c;
  c.source.name = "p2";
  c.start();
  c.runtime.pass_ms(10 * kReconnectMs);
  EXPECT_EQ(c.shipper->status().source_state, "STOPPED");
  EXPECT_EQ(c.source.positions, 1);
  EXPECT_TRUE(c.replica().journal.empty());
}

TEST(Shipper, StopsAtAnotherClusterUnderTheSourcesAddress) {
  Cluster c;
  c.start();
  c.source.go_down();
  c.source.cluster.bytes.fill(7);
  c.source.come_up();
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_EQ(c.shipper->status().source_state, "STOPPED");
  EXPECT_EQ(c.replica().opens.size(), 1u);
}

TEST(Shipper, ASourceThatAnswersAnotherRangeIsLeftAndAskedAnew) {
  Cluster c;
  c.start();
  c.write(3);
  c.source.lies = true;
  c.write(3);
  EXPECT_EQ(c.shipper->status().source_state, "DISCONNECTED");
  EXPECT_EQ(c.replica().log.end(), Lsn(3));
  c.runtime.pass_ms(kReconnectMs);
  EXPECT_TRUE(c.has_all());
}

TEST(Shipper, AReplicaThatNeedsReleasedLogNeedsABootstrap) {
  Cluster c(2);
  c.source.log.append_many(30);
  c.source.first_held = Lsn(20);
  for (int i = 0; i < 25; ++i) c.replica(1).log.take(c.source.log.records()[static_cast<size_t>(i)]);
  c.start();
  EXPECT_EQ(c.state(0), "STOPPED");
  EXPECT_THAT(c.target(0).stopped_by, Optional(std::string("BOOTSTRAP_REQUIRED")));
  EXPECT_TRUE(c.has_all(1));
  EXPECT_EQ(c.shipper->status().source_state, "READY");
}

TEST(Shipper, KeepsBothSidesLastHeardFresh) {
  Cluster c;
  c.start();
  c.write(5);
  c.runtime.pass_ms(10 * kWaitMs);
  EXPECT_LE(*c.target().heard_us_ago, kWaitMs * 1000 + 2000);
  EXPECT_LE(*c.shipper->status().source_heard_us_ago, kWaitMs * 1000 + 2000);
  EXPECT_EQ(c.target().durable_lsn, Lsn(5));
  EXPECT_EQ(c.target().applied_lsn, Lsn(5));
  EXPECT_EQ(c.target().applied_commit, CommitId(5));
  const auto& journal = c.replica().journal;
  EXPECT_GE(std::ranges::count(journal, "proof 6"), 9);
}

TEST(Shipper, WithoutTargetsStillHearsOfTheSource) {
  Cluster c;
  c.source.come_up();
  c.start_shipper();
  c.write(5);
  c.runtime.pass_ms(kWaitMs + 100);
  EXPECT_EQ(c.shipper->status().source_durable->lsn, Lsn(5));
  EXPECT_TRUE(c.source.fetches.empty());
}

TEST(Shipper, ShowsWhatWasNeverHeardAsUnknown) {
  Cluster c;
  c.start_shipper();
  const auto status = c.shipper->status();
  EXPECT_FALSE(status.source_durable.has_value());
  EXPECT_FALSE(status.source_heard_us_ago.has_value());
  EXPECT_FALSE(status.targets.at(0).durable_lsn.has_value());
  EXPECT_FALSE(status.targets.at(0).applied_lsn.has_value());
  EXPECT_FALSE(status.targets.at(0).heard_us_ago.has_value());
  EXPECT_FALSE(status.targets.at(0).stopped_by.has_value());
}

TEST(Shipper, ServesStatusAndStatsOnItsListener) {
  Cluster c;
  c.source.log.append_many(6);
  c.start();
  wire::Client client(c.runtime);
  client.connect(c.shipper->endpoint(), [](Result<void> result) { ASSERT_TRUE(result.has_value()); });
  c.runtime.run();
  std::optional<wire::ShipperStatusResponse> status;
  std::optional<wire::StatsResponse> stats;
  std::string program;
  client.call(wire::kHelloShipper, {1, "test"}, 0, [&](const auto& answer) { program = answer.value().program; });
  client.call(wire::kShipperStatus, {}, 0, [&](const auto& answer) { status = answer.value(); });
  client.call(wire::kShipperStats, {}, 0, [&](const auto& answer) { stats = answer.value(); });
  c.runtime.run();
  EXPECT_EQ(program, "aerodb-shipper");
  ASSERT_TRUE(status && stats);
  EXPECT_EQ(status->shipper, "s1");
  EXPECT_EQ(status->source, "p1");
  EXPECT_EQ(status->source_state, "READY");
  ASSERT_EQ(status->targets.size(), 1u);
  EXPECT_EQ(status->targets[0].records_sent, 6u);
  EXPECT_EQ(status->targets[0].bytes_sent, 6 * kRecordBytes);
  EXPECT_EQ(c.metric("shipper_records_fetched_count"), 6u);
  EXPECT_EQ(c.metric("shipper_records_sent_count"), 6u);
  EXPECT_EQ(c.metric("shipper_bytes_sent_total"), 6 * kRecordBytes);
  EXPECT_EQ(c.metric("shipper_source_lsn"), 6u);
  EXPECT_EQ(c.metric("shipper_connect_attempts_count"), 2u);
  EXPECT_EQ(c.metric("shipper_in_flight_bytes"), 0u);
  EXPECT_EQ(c.metric("requests_count"), 3u);
}

TEST(Shipper, RefusesToStartWhereItCannotListen) {
  Cluster c;
  auto taken = c.runtime.network().listen(c.config.listen_shipper, [](auto) {});
  Shipper shipper(c.runtime, c.config);
  EXPECT_FALSE(shipper.start().has_value());
}

TEST(Shipper, StopsOnceAndLeavesNothingRunning) {
  Cluster c(2);
  c.start();
  c.write(3);
  c.source.go_down();  // its own timers end, so that those left would be the shipper's
  int stopped = 0;
  c.shipper->stop([&] { ++stopped; });
  EXPECT_EQ(stopped, 0) << "in a later turn";
  c.runtime.run();
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(c.timers(), 0u);
  c.runtime.pass_ms(10 * kReconnectMs);
  EXPECT_EQ(c.replica(0).opens.size(), 1u);
  c.shipper.reset();
  c.runtime.run();
}

TEST(Shipper, CanBeDestroyedAtAnyTurn) {
  for (int turns = 0; turns < 40; ++turns) {
    Cluster c(2);
    c.source.log.append_many(30);
    c.source.come_up();
    for (auto& one : c.replicas) one->come_up();
    c.shipper = std::make_unique<Shipper>(c.runtime, c.config);
    ASSERT_TRUE(c.shipper->start().has_value());
    for (int i = 0; i < turns; ++i) c.runtime.turn();
    c.shipper.reset();
    c.runtime.pass_ms(kReconnectMs);
  }
}

}  // namespace
}  // namespace aerodb::shipper
