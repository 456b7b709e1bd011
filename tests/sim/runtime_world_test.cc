// The simulated loop, clock and network, and that all of it follows from the seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "common/base/assert.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {
namespace {

using runtime::Connection;
using runtime::Endpoint;

Endpoint at(std::string_view text) { return *Endpoint::parse(text); }

struct Peer final : runtime::ConnectionEvents {
  void hold(std::unique_ptr<Connection> made) {
    connection = std::move(made);
    connection->set_events(this);
  }
  void on_data(ByteSpan data) override {
    received.insert(received.end(), data.begin(), data.end());
    ++pieces;
    if (drop_on_data) connection.reset();
  }
  void on_drained() override { ++drained; }
  void on_close(std::string_view why) override { closed = why; }

  std::unique_ptr<Connection> connection;
  Bytes received;
  int pieces = 0;
  int drained = 0;
  bool drop_on_data = false;
  std::optional<std::string> closed;
};

// Two machines; the server listens on 10.0.0.2:7000 and on unix:/s.
struct TwoMachines {
  explicit TwoMachines(uint64_t seed, const SimOptions& options = {}) : world(seed, options) {
    client_process = std::make_unique<SimProcess>(a, world, ProcessOptions{.name = "client"});
    server_process = std::make_unique<SimProcess>(b, world, ProcessOptions{.name = "server"});
    auto accept = [this](std::unique_ptr<Connection> made) { server.hold(std::move(made)); };
    tcp = std::move(*server_process->network().listen(at("10.0.0.2:7000"), accept));
    local = std::move(*server_process->network().listen(at("unix:/s"), accept));
  }
  void connect(SimProcess& process, std::string_view endpoint = "10.0.0.2:7000") {
    attempt = process.network().connect(at(endpoint), [this](Result<std::unique_ptr<Connection>> made) {
      if (made) {
        client.hold(std::move(*made));
      } else {
        refused = made.error();
      }
    });
  }
  void connected() {
    connect(*client_process);
    AERODB_ASSERT(world.run_to_idle() && client.connection && server.connection);
  }

  SimWorld world;
  SimMachine& a = world.add_machine("a");
  SimMachine& b = world.add_machine("b");
  std::unique_ptr<SimProcess> client_process;
  std::unique_ptr<SimProcess> server_process;
  Peer client;
  Peer server;
  std::unique_ptr<runtime::Listener> tcp;
  std::unique_ptr<runtime::Listener> local;
  std::unique_ptr<runtime::Network::Attempt> attempt;
  std::optional<Error> refused;
};

Bytes counted(size_t count, size_t from = 0) {
  Bytes data(count);
  for (size_t i = 0; i < count; ++i) data[i] = static_cast<uint8_t>((from + i) * 31 >> 3);
  return data;
}

TEST(SimLoop, PostsRunInOrderAndTimersAtTheirTime) {
  SimWorld world(1, {});
  SimProcess process(world.add_machine("a"), world, {.name = "p"});
  std::string order;
  process.loop().post([&] {
    order += 'a';
    process.loop().post([&] { order += 'c'; });
  });
  process.loop().post([&] { order += 'b'; });
  process.loop().after(5'000, [&] { order += 'e'; });
  process.loop().after(1'000, [&] { order += 'd'; });
  auto cancelled = process.loop().after(2'000, [&] { order += 'x'; });
  process.loop().cancel(cancelled);
  process.loop().cancel(cancelled);
  EXPECT_TRUE(order.empty());
  world.run_until(4'000);
  EXPECT_EQ(order, "abcd");
  world.run_for(2'000);
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(world.now_us(), 6'000u);
}

TEST(SimLoop, CancelledSlotIsNotTakenForItsSuccessor) {
  SimWorld world(1, {});
  SimProcess process(world.add_machine("a"), world, {.name = "p"});
  bool ran = false;
  auto first = process.loop().after(10, [] {});
  process.loop().cancel(first);
  process.loop().after(10, [&] { ran = true; });
  process.loop().cancel(first);
  ASSERT_TRUE(world.run_to_idle());
  EXPECT_TRUE(ran);
}

TEST(SimLoop, CallbacksOfADeadProcessAreDestroyedWithItUnrun) {
  SimWorld world(1, {});
  auto process = std::make_unique<SimProcess>(world.add_machine("a"), world, ProcessOptions{.name = "p"});
  auto watched = std::make_shared<int>(0);
  process->loop().after(10, [watched] { ++*watched; });
  process->loop().post([watched, &process] { process->crash(CrashKind::kProcess); });
  EXPECT_EQ(watched.use_count(), 3);
  ASSERT_TRUE(world.step());
  EXPECT_EQ(watched.use_count(), 2);
  process->loop().post([watched] { ++*watched; });
  ASSERT_TRUE(world.run_to_idle());
  EXPECT_EQ(*watched, 0);
  process.reset();
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(SimClock, MonotonicGoesOnAndWallClocksDiffer) {
  SimWorld world(1, {});
  SimMachine& machine = world.add_machine("a");
  SimProcess exact(machine, world, {.name = "exact"});
  SimProcess skewed(machine, world, {.name = "skewed", .wall_skew_us = -5'000'000});
  EXPECT_EQ(exact.clock().wall_us() - skewed.clock().wall_us(), 5'000'000u);
  const uint64_t before = exact.clock().monotonic_us();
  world.run_for(1'234);
  EXPECT_EQ(exact.clock().monotonic_us() - before, 1'234u);
  world.options().rate(FaultKind::kWallJump) = 1;
  const uint64_t wall = exact.clock().wall_us();
  EXPECT_NE(wall, exact.clock().wall_us());
}

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

// Everything at once, twice.

std::array<uint8_t, 16> busy_run(uint64_t seed, std::vector<std::string>* tree) {
  SimOptions options;
  for (auto kind : {FaultKind::kConnectionReset, FaultKind::kSlowDelivery, FaultKind::kHalfOpen})
    options.rate(kind) = 30;
  for (auto kind : {FaultKind::kSyncFailed, FaultKind::kWriteError, FaultKind::kShortWrite}) options.rate(kind) = 20;
  TwoMachines two(seed, options);
  two.connect(*two.client_process);
  std::function<void()> chatter = [&] {
    if (two.client.connection) two.client.connection->send(counted(1 + two.client_process->random().next() % 3000));
    if (!two.client.connection || two.client.closed) {
      two.client.closed.reset();
      two.connect(*two.client_process);
    }
    two.client_process->loop().after(700, [&] { chatter(); });
  };
  chatter();
  for (int round = 0; round < 8; ++round) {
    two.client_process->jobs().run(
        [round](runtime::Disk& disk) {
          if (!disk.make_directory("/d")) return;
          static_cast<void>(runtime::replace_file(disk, "/d", std::to_string(round % 3), counted(9000)));
        },
        [] {});
    two.world.run_for(3'000);
  }
  two.client_process->crash(CrashKind::kPower);
  two.world.run_for(1'000'000);
  *tree = two.a.disk().tree();
  return two.world.trace_hash();
}

TEST(SimWorld, SameSeedSameTraceOtherSeedOtherTrace) {
  std::vector<std::array<uint8_t, 16>> hashes;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::string> first;
    std::vector<std::string> second;
    hashes.push_back(busy_run(seed, &first));
    ASSERT_EQ(hashes.back(), busy_run(seed, &second));
    ASSERT_EQ(first, second);
  }
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

}  // namespace
}  // namespace aerodb::sim
