// The limits of a server: what pauses, what is refused, what takes too long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/wire/server.h"
#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::joined;
using testing::ping_bytes;
using testing::RawPeer;
using ::testing::SizeIs;
using testing::status_bytes;
using testing::TestServer;

TEST(ServerLimits, PausesAtTheLimitOfRequestsInFlight) {
  ServerLimits limits;
  limits.max_in_flight = 2;
  TestServer t(limits);
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), status_bytes(2), status_bytes(3)}));
  t.runtime.run();
  peer.send(joined({status_bytes(4), ping_bytes(5, 0)}));
  t.runtime.run();
  EXPECT_THAT(t.held, SizeIs(2));
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_GT(t.held.size(), i);
    t.held[i].ok(StatusResponse{});
    t.runtime.run();
    EXPECT_EQ(t.held.size(), std::min<size_t>(i + 3, 4));
  }
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2, 3, 5, 4));
}

TEST(ServerLimits, OneBusyConnectionDoesNotPauseAnother) {
  ServerLimits limits;
  limits.max_in_flight = 1;
  TestServer t(limits);
  RawPeer busy(t.runtime, t.server.endpoint());
  RawPeer other(t.runtime, t.server.endpoint());
  busy.send(joined({status_bytes(1), ping_bytes(2, 0)}));
  other.send(ping_bytes(1, 0));
  t.runtime.run();
  EXPECT_THAT(busy.ids(), IsEmpty());
  EXPECT_THAT(other.ids(), ElementsAre(1));
  t.held[0].ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(busy.ids(), ElementsAre(1, 2));
}

TEST(ServerLimits, PausesWhileThePeerDoesNotTakeItsAnswers) {
  ServerLimits limits;
  limits.max_queued_bytes = 200;
  TestServer t(limits);
  t.runtime.network().window_bytes = 50;
  t.runtime.network().piece_bytes = 64;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.stop_reading();
  for (uint32_t i = 0; i < 100; ++i) peer.send(ping_bytes(i, i));
  t.runtime.run();
  EXPECT_LT(t.server.counters().requests, 30u);
  peer.read_on();
  t.runtime.run();
  EXPECT_EQ(t.server.counters().requests, 100u);
  EXPECT_THAT(peer.answers, SizeIs(100));
}

TEST(ServerLimits, RefusesConnectionsOverTheLimit) {
  ServerLimits limits;
  limits.max_connections = 1;
  TestServer t(limits);
  auto first = std::make_unique<RawPeer>(t.runtime, t.server.endpoint());
  RawPeer second(t.runtime, t.server.endpoint());
  t.runtime.run();
  EXPECT_TRUE(second.closed);
  EXPECT_FALSE(first->closed);
  EXPECT_EQ(t.server.counters().connections_refused, 1u);
  first.reset();
  t.runtime.run();
  RawPeer third(t.runtime, t.server.endpoint());
  third.send(ping_bytes(1, 1));
  t.runtime.run();
  EXPECT_THAT(third.outcomes(), ElementsAre("OK"));
  EXPECT_EQ(t.server.counters().connections_accepted, 2u);
}

TEST(ServerLimits, ClosesAConnectionWhoseMessageStaysHalfSent) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  TestServer t(limits);
  RawPeer slow(t.runtime, t.server.endpoint());
  RawPeer idle(t.runtime, t.server.endpoint());
  auto half = ping_bytes(5, 1);
  half.pop_back();
  slow.send(half);
  t.runtime.pass_ms(990);
  EXPECT_FALSE(slow.closed);
  t.runtime.pass_ms(400);
  EXPECT_TRUE(slow.closed);
  EXPECT_THAT(slow.outcomes(), ElementsAre("BAD_MESSAGE"));
  EXPECT_THAT(slow.ids(), ElementsAre(5));
  EXPECT_FALSE(idle.closed);
  EXPECT_EQ(t.runtime.loop().has_work(), false);
}

TEST(ServerLimits, TheTimeOfAMessageIsNotProlongedByItsOwnBytes) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  TestServer t(limits);
  RawPeer slow(t.runtime, t.server.endpoint());
  for (const auto byte : ping_bytes(5, uint64_t{1} << 40)) {
    slow.send({byte});
    t.runtime.pass_ms(200);
  }
  EXPECT_TRUE(slow.closed);
}

TEST(ServerLimits, EachMessageHasItsOwnTime) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  TestServer t(limits);
  RawPeer slow(t.runtime, t.server.endpoint());
  const auto message = ping_bytes(1, 1);
  const Bytes start(message.begin(), message.begin() + 5);
  const Bytes rest(message.begin() + 5, message.end());
  slow.send(start);
  for (int i = 0; i < 10; ++i) {
    t.runtime.pass_ms(600);
    slow.send(joined({rest, start}));
  }
  t.runtime.run();
  EXPECT_FALSE(slow.closed);
  EXPECT_THAT(slow.answers, SizeIs(10));
}

TEST(ServerLimits, OurOwnPauseIsNotThePeersDelay) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  limits.max_in_flight = 1;
  TestServer t(limits);
  t.runtime.network().piece_bytes = status_bytes(1).size() + 3;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), ping_bytes(2, 0)}));
  t.runtime.pass_ms(5000);
  EXPECT_FALSE(peer.closed);
  t.held[0].ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2));
}

TEST(ServerLimits, CutsAClosingConnectionThatDoesNotDrain) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  TestServer t(limits);
  t.runtime.network().window_bytes = 0;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.stop_reading();
  peer.send(joined({ping_bytes(1, 1), bytes_of({0xc1})}));
  t.runtime.run();
  EXPECT_THAT(t.disconnected, IsEmpty());
  t.runtime.pass_ms(1300);
  EXPECT_THAT(t.disconnected, ElementsAre(1));
}

}  // namespace
}  // namespace aerodb::wire
