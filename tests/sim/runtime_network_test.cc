// The simulated network.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/sim/runtime_kit.h"

namespace aerodb::sim {
namespace {

using runtime::Connection;
using runtime::Endpoint;

TEST(SimNetwork, BytesArriveInOrderInPieces) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TwoMachines two(seed);
    two.connected();
    Bytes sent;
    for (size_t i = 0; i < 40; ++i) {
      Bytes part = counted(1 + i * 37 % 900, sent.size());
      sent.insert(sent.end(), part.begin(), part.end());
      two.client.connection->send(std::move(part));
      if (i % 5 == 0) two.world.run_for(100);
    }
    two.server.connection->send(counted(10));
    ASSERT_TRUE(two.world.run_to_idle());
    ASSERT_EQ(two.server.received, sent);
    ASSERT_EQ(two.client.received, counted(10));
    ASSERT_NE(two.server.pieces, 40);
    ASSERT_GT(two.client.drained, 0);
  }
}

TEST(SimNetwork, PausedReaderFillsTheSendersQueue) {
  TwoMachines two(1);
  two.connected();
  two.server.connection->pause_reading();
  two.client.connection->send(counted(1 << 20));
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_GT(two.client.connection->queued_bytes(), 0u);
  EXPECT_EQ(two.client.drained, 0);
  EXPECT_TRUE(two.server.received.empty());
  two.server.connection->resume_reading();
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.client.connection->queued_bytes(), 0u);
  EXPECT_EQ(two.client.drained, 1);
  EXPECT_EQ(two.server.received, counted(1 << 20));
}

TEST(SimNetwork, CloseFlushesAndBothEndsHear) {
  TwoMachines two(1);
  two.connected();
  two.client.connection->send(counted(600'000));
  two.client.connection->close();
  EXPECT_FALSE(two.client.closed);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.client.closed, "closed");
  EXPECT_EQ(two.server.received.size(), 600'000u);
  EXPECT_EQ(two.server.closed, "closed by peer");
  two.client.connection.reset();
  EXPECT_EQ(two.world.network().links(), 1u);
  two.server.connection.reset();
  EXPECT_EQ(two.world.network().links(), 0u);
}

TEST(SimNetwork, ConnectionMayBeDestroyedInItsOwnCallback) {
  TwoMachines two(1);
  two.connected();
  two.server.drop_on_data = true;
  two.client.connection->send(counted(200'000));
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.server.pieces, 1);
  EXPECT_FALSE(two.server.closed);
  EXPECT_TRUE(two.client.closed);
}

TEST(SimNetwork, DroppingUnreadBytesResetsThePeer) {
  TwoMachines two(1);
  two.connected();
  two.server.connection->pause_reading();
  two.client.connection->send(counted(100));
  ASSERT_TRUE(two.world.run_to_idle());
  two.server.connection.reset();
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.client.closed, "connection reset by peer");
}

TEST(SimNetwork, NobodyListeningIsRefusedAndADeadMachineTimesOut) {
  TwoMachines two(1);
  two.connect(*two.client_process, "10.0.0.2:7001");
  ASSERT_TRUE(two.world.run_to_idle());
  ASSERT_TRUE(two.refused);
  EXPECT_EQ(two.refused->code, ErrorCode::kUnreachable);
  EXPECT_LT(two.world.now_us(), 10'000u);
  two.b.power_loss();
  two.connect(*two.client_process);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_GT(two.world.now_us(), 1'000'000u);
  EXPECT_FALSE(two.client.connection);
}

TEST(SimNetwork, LoopbackListenerIsNotReachableFromElsewhere) {
  TwoMachines two(1);
  auto listener = two.server_process->network().listen(
      at("127.0.0.1:0"), [&](std::unique_ptr<Connection> made) { two.server.hold(std::move(made)); });
  ASSERT_TRUE(listener);
  const Endpoint bound = (*listener)->endpoint();
  ASSERT_NE(bound.port, 0);
  EXPECT_FALSE(two.server_process->network().listen(bound, [](std::unique_ptr<Connection>) {}));
  two.connect(*two.client_process, bound.text());
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.refused);
  two.connect(*two.client_process, "10.0.0.2:" + std::to_string(bound.port));
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_FALSE(two.client.connection);
  two.connect(*two.server_process, bound.text());
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.client.connection);
}

TEST(SimNetwork, UnixSocketTellsThePeersUid) {
  TwoMachines two(1);
  SimProcess operator_process(two.b, two.world, {.name = "operator", .uid = 4711});
  two.connect(operator_process, "unix:/s");
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.server.connection->peer().uid, 4711u);
  EXPECT_EQ(two.client.connection->peer().uid, 1000u);
  two.client.connection.reset();
  two.connect(*two.client_process, "unix:/s");  // another machine
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.refused);
}

TEST(SimNetwork, DestroyedAttemptNeverAnswers) {
  TwoMachines two(1);
  two.connect(*two.client_process);
  while (!two.server.connection) ASSERT_TRUE(two.world.step());
  two.attempt.reset();
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_FALSE(two.client.connection);
  EXPECT_TRUE(two.server.closed);
}

TEST(SimNetwork, OneWayPartitionHoldsOneDirection) {
  TwoMachines two(1);
  two.connected();
  two.world.network().block(two.a, two.b);
  two.client.connection->send(counted(100));
  two.server.connection->send(counted(50));
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.server.received.empty());
  EXPECT_EQ(two.client.received, counted(50));
  two.world.network().unblock(two.a, two.b);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.server.received, counted(100));
}

TEST(SimNetwork, TwoWayPartitionHoldsConnectsAndEnds) {
  TwoMachines two(1);
  two.connected();
  two.world.network().block_both(two.a, two.b);
  two.server.connection.reset();
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_FALSE(two.client.closed);
  Peer none;
  auto second =
      two.client_process->network().connect(at("10.0.0.2:7000"), [&](Result<std::unique_ptr<Connection>> made) {
        EXPECT_FALSE(made);
        none.closed = "refused";
      });
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(none.closed);
  two.world.network().heal();
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.client.closed);
}

TEST(SimNetwork, ResetDropsBytesAndTellsBothEnds) {
  TwoMachines two(1);
  two.connected();
  two.client.connection->send(counted(100));
  two.world.network().reset_between(two.a, two.b);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_TRUE(two.server.received.empty());
  EXPECT_EQ(two.client.closed, "connection reset by peer");
  EXPECT_EQ(two.server.closed, "connection reset by peer");
  EXPECT_EQ(two.world.hits(FaultKind::kConnectionReset), 1u);
}

TEST(SimNetwork, HalfOpenIsLearntLate) {
  TwoMachines two(1);
  two.connected();
  two.world.options().rate(FaultKind::kHalfOpen) = 1;
  two.client.connection->send(counted(100));
  two.world.run_for(500'000);
  EXPECT_EQ(two.world.hits(FaultKind::kHalfOpen), 1u);
  EXPECT_TRUE(two.server.received.empty());
  EXPECT_FALSE(two.server.closed);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.client.closed, "timed out");
  EXPECT_EQ(two.server.closed, "timed out");
}

TEST(SimNetwork, KilledPeerDeliversWhatItsSystemHad) {
  TwoMachines two(1);
  two.connected();
  two.server.connection->send(counted(1000));
  two.server_process->crash(CrashKind::kProcess);
  ASSERT_TRUE(two.world.run_to_idle());
  EXPECT_EQ(two.client.received, counted(1000));
  EXPECT_EQ(two.client.closed, "closed by peer");
  EXPECT_FALSE(two.server.closed);
  two.server.connection->send(counted(5));  // a dead handle
  two.server.connection->close();
}

TEST(SimNetwork, PowerLossOfThePeerIsSilence) {
  TwoMachines two(1);
  two.connected();
  two.server.connection->send(counted(1000));
  two.b.power_loss();
  two.world.run_for(900'000);
  EXPECT_TRUE(two.client.received.empty());
  EXPECT_FALSE(two.client.closed);
  two.client.connection->send(counted(1));
  two.world.run_for(6'000'000);
  EXPECT_EQ(two.client.closed, "timed out");
}

}  // namespace
}  // namespace aerodb::sim
