// Requests that a handler puts back: the order of a connection is kept, others go on, nothing is lost or done twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/wire/server.h"
#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using testing::any_endpoint;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::joined;
using testing::MemoryRuntime;
using testing::ping_bytes;
using testing::RawPeer;
using ::testing::SizeIs;
using testing::status_bytes;

// `ping` is put back as long as its nonce is cold, and echoed otherwise; `status` stays unanswered until the test says
// so.
struct ColdServer {
  explicit ColdServer(ServerLimits limits = {}) : server(runtime, ListenerKind::kClient, {}, limits) {
    server.handle(kPing, [this](const PingRequest& request, Responder responder) {
      ++runs;
      if (cold.contains(request.nonce)) {
        waiting.push_back(responder.connection());
        responder.put_back();
        EXPECT_FALSE(static_cast<bool>(responder));
        return;
      }
      admitted.push_back(request.nonce);
      responder.ok(request);
    });
    server.handle(kStatus, [this](const Empty&, Responder responder) { held.push_back(std::move(responder)); });
    server.on_disconnect([this](uint64_t connection) { disconnected.push_back(connection); });
    AERODB_ASSERT(server.listen(any_endpoint()).has_value());
  }
  void warm(uint64_t nonce, uint64_t connection) {
    cold.erase(nonce);
    server.resume(connection);
  }
  MemoryRuntime runtime;
  std::set<uint64_t> cold;
  std::vector<uint64_t> waiting;   // connection of each put_back()
  std::vector<uint64_t> admitted;  // nonces, in order
  size_t runs = 0;
  std::vector<Responder> held;
  std::vector<uint64_t> disconnected;
  Server server;
};

TEST(ServerPutBack, TheSameRequestRunsFirstAndThenThoseBehindIt) {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1} << 20}) {
    SCOPED_TRACE(piece);
    ColdServer t;
    t.runtime.network().piece_bytes = piece;
    t.cold = {2};
    RawPeer peer(t.runtime, t.server.endpoint());
    peer.send(joined({ping_bytes(1, 1), ping_bytes(2, 2), ping_bytes(3, 3)}));
    t.runtime.run();
    peer.send(ping_bytes(4, 4));
    t.runtime.run();
    EXPECT_THAT(t.admitted, ElementsAre(1));
    EXPECT_THAT(peer.ids(), ElementsAre(1));
    ASSERT_THAT(t.waiting, SizeIs(1));
    t.warm(2, t.waiting[0]);
    EXPECT_THAT(t.admitted, ElementsAre(1)) << "resume() runs nothing by itself";
    t.runtime.run();
    EXPECT_THAT(t.admitted, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(peer.ids(), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(t.server.counters().requests, 4u) << "a request counts once";
  }
}

TEST(ServerPutBack, ItMayBePutBackAgain) {
  ColdServer t;
  t.cold = {1, 2};
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({ping_bytes(1, 1), ping_bytes(2, 2)}));
  t.runtime.run();
  for (int i = 0; i < 3; ++i) {
    t.server.resume(t.waiting.back());
    t.runtime.run();
  }
  EXPECT_EQ(t.runs, 4u);
  EXPECT_THAT(t.admitted, IsEmpty());
  t.warm(1, t.waiting.back());
  t.runtime.run();
  EXPECT_THAT(t.admitted, ElementsAre(1));
  t.warm(2, t.waiting.back());
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2));
}

TEST(ServerPutBack, EarlierRequestsAreAnsweredMeanwhile) {
  ColdServer t;
  t.cold = {1};
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), ping_bytes(2, 1), status_bytes(3)}));
  t.runtime.run();
  ASSERT_THAT(t.held, SizeIs(1));
  t.held[0].ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1));
  EXPECT_THAT(t.held, SizeIs(1)) << "an answer must not take up reading";
  t.warm(1, t.waiting.at(0));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2));
  ASSERT_THAT(t.held, SizeIs(2));
  t.held[1].ok(StatusResponse{});
}

TEST(ServerPutBack, OtherConnectionsGoOn) {
  ColdServer t;
  t.cold = {1, 2};
  RawPeer a(t.runtime, t.server.endpoint());
  RawPeer b(t.runtime, t.server.endpoint());
  RawPeer c(t.runtime, t.server.endpoint());
  a.send(joined({ping_bytes(1, 1), ping_bytes(2, 10)}));
  b.send(joined({ping_bytes(1, 2), ping_bytes(2, 20)}));
  c.send(ping_bytes(1, 30));
  t.runtime.run();
  EXPECT_THAT(t.admitted, ElementsAre(30));
  ASSERT_THAT(t.waiting, SizeIs(2));
  EXPECT_EQ(t.server.active_connections(), 3u);
  t.warm(2, t.waiting[1]);
  t.runtime.run();
  EXPECT_THAT(t.admitted, ElementsAre(30, 2, 20));
  t.warm(1, t.waiting[0]);
  t.runtime.run();
  EXPECT_THAT(a.ids(), ElementsAre(1, 2));
  EXPECT_THAT(b.ids(), ElementsAre(1, 2));
}

TEST(ServerPutBack, AWaitingConnectionCountsAsActive) {
  ColdServer t;
  t.cold = {1};
  RawPeer a(t.runtime, t.server.endpoint());
  RawPeer b(t.runtime, t.server.endpoint());
  a.send(ping_bytes(1, 1));
  for (uint32_t i = 0; i < 5; ++i) {
    b.send(ping_bytes(i, 9));
    t.runtime.run();
  }
  EXPECT_EQ(t.server.active_connections(), 2u);
  a.hang_up();
  t.runtime.run();
  EXPECT_EQ(t.server.active_connections(), 1u);
}

TEST(ServerPutBack, MayBeResumedByItsOwnAndByOtherHandlers) {
  MemoryRuntime runtime;
  Server server(runtime, ListenerKind::kClient, {}, {});
  int runs = 0;
  uint64_t waiting = 0;
  std::vector<std::string> collections;
  server.handle(kPing, [&](const PingRequest& request, Responder responder) {
    if (++runs < 3) {
      const auto connection = responder.connection();
      responder.put_back();
      return server.resume(connection);  // nothing has to be waited for after all
    }
    if (runs == 3) {
      waiting = responder.connection();
      return responder.put_back();
    }
    responder.ok(request);
  });
  server.handle(kDocGet, [&](const DocGetRequest& request, Responder responder) {
    server.resume(waiting);
    // The other request must not run inside this one, whose views point into the message parsed last.
    collections.emplace_back(request.collection);
    responder.ok(DocGetResponse{});
  });
  ASSERT_TRUE(server.listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server.endpoint());
  peer.send(ping_bytes(1, 7));
  runtime.run();
  EXPECT_EQ(runs, 3);
  RawPeer other(runtime, server.endpoint());
  DocGetRequest get;
  get.collection = "countries";
  other.send(testing::request_bytes(1, "doc.get", get));
  runtime.run();
  EXPECT_EQ(runs, 4);
  EXPECT_THAT(collections, ElementsAre("countries"));
  EXPECT_THAT(peer.outcomes(), ElementsAre("OK"));
  EXPECT_THAT(other.outcomes(), ElementsAre("OK"));
}

TEST(ServerPutBack, ResumingWhatDoesNotWaitHasNoEffect) {
  ColdServer t;
  t.cold = {1};
  RawPeer peer(t.runtime, t.server.endpoint());
  t.server.resume(1);
  t.server.resume(77);
  peer.send(ping_bytes(1, 1));
  t.runtime.run();
  t.server.resume(t.waiting[0] + 1);
  t.runtime.run();
  EXPECT_EQ(t.runs, 1u);
  t.server.resume(t.waiting[0]);
  t.server.resume(t.waiting[0]);
  t.runtime.run();
  EXPECT_EQ(t.runs, 2u);
}

TEST(ServerPutBack, AConnectionMayEndWhileItWaits) {
  for (const bool resumed : {false, true}) {
    ColdServer t;
    t.cold = {1};
    RawPeer peer(t.runtime, t.server.endpoint());
    peer.send(ping_bytes(1, 1));
    t.runtime.run();
    if (resumed) t.server.resume(t.waiting[0]);
    peer.hang_up();
    t.runtime.network().turn();
    EXPECT_THAT(t.disconnected, ElementsAre(t.waiting[0]));
    t.server.resume(t.waiting[0]);
    t.runtime.run();
    EXPECT_EQ(t.runs, 1u);
    // A new connection in the same place is not mistaken for the old one.
    RawPeer next(t.runtime, t.server.endpoint());
    next.send(ping_bytes(1, 1));
    t.runtime.run();
    t.server.resume(t.waiting[0]);
    t.runtime.run();
    EXPECT_EQ(t.runs, 2u);
    t.warm(1, t.waiting[1]);
    t.runtime.run();
    EXPECT_THAT(next.ids(), ElementsAre(1));
  }
}

TEST(ServerPutBack, WhatWaitsIsNotTakenInOnceNothingMoreIs) {
  ColdServer t;
  t.cold = {1};
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), ping_bytes(2, 1), ping_bytes(3, 2)}));
  t.runtime.run();
  t.server.take_no_more();
  t.warm(1, t.waiting.at(0));
  t.runtime.run();
  EXPECT_THAT(t.admitted, IsEmpty());
  t.held.at(0).ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1)) << "what was taken in is still answered";
  EXPECT_THAT(t.admitted, IsEmpty());
}

TEST(ServerPutBack, TheServerMayEndMeanwhile) {
  MemoryRuntime runtime;
  auto server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  int runs = 0;
  server->handle(kPing, [&](const PingRequest&, Responder responder) {
    const auto connection = responder.connection();
    responder.put_back();
    server->resume(connection);
    if (++runs == 3) server.reset();
  });
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server->endpoint());
  peer.send(joined({ping_bytes(1, 1), ping_bytes(2, 2)}));
  runtime.run();
  EXPECT_EQ(runs, 3);
  EXPECT_TRUE(peer.closed);

  server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  server->handle(kStatus, [&](const Empty&, Responder responder) {
    server.reset();
    responder.put_back();
  });
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  RawPeer second(runtime, server->endpoint());
  second.send(status_bytes(1));
  runtime.run();
  EXPECT_TRUE(second.closed);
}

TEST(ServerPutBack, WaitingIsNotThePeersDelay) {
  ServerLimits limits;
  limits.half_message_ms = 1000;
  ColdServer t(limits);
  t.cold = {1};
  t.runtime.network().piece_bytes = ping_bytes(1, 1).size() + 3;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({ping_bytes(1, 1), ping_bytes(2, 2)}));
  t.runtime.pass_ms(5000);
  EXPECT_FALSE(peer.closed);
  t.warm(1, t.waiting.at(0));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2));
}

TEST(ServerPutBack, KeepsToTheLimitOfRequestsInFlight) {
  ServerLimits limits;
  limits.max_in_flight = 2;
  ColdServer t(limits);
  t.cold = {1};
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), ping_bytes(2, 1), status_bytes(3), status_bytes(4)}));
  t.runtime.run();
  EXPECT_THAT(t.held, SizeIs(1));
  t.warm(1, t.waiting.at(0));
  t.runtime.run();
  EXPECT_THAT(t.held, SizeIs(2));
  t.held[0].ok(StatusResponse{});
  t.runtime.run();
  ASSERT_THAT(t.held, SizeIs(3));
  t.held[1].ok(StatusResponse{});
  t.held[2].ok(StatusResponse{});
}

TEST(ServerPutBackDeathTest, OnlyTheHandlerThatRunsMayPutBack) {
  ColdServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(status_bytes(1));
  t.runtime.run();
  EXPECT_DEATH(t.held.at(0).put_back(), "running_ == request");
  t.held[0].ok(StatusResponse{});
}

TEST(Server, CallsEveryoneWhoAskedForEndsOfConnections) {
  MemoryRuntime runtime;
  Server server(runtime, ListenerKind::kClient, {}, {});
  std::vector<int> called;
  server.on_disconnect([&](uint64_t) { called.push_back(1); });
  server.on_disconnect([&](uint64_t) { called.push_back(2); });
  ASSERT_TRUE(server.listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server.endpoint());
  peer.hang_up();
  runtime.run();
  EXPECT_THAT(called, ElementsAre(1, 2));
}

}  // namespace
}  // namespace aerodb::wire
