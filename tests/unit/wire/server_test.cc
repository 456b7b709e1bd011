#include "common/wire/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using testing::any_endpoint;
using testing::bytes_of;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::joined;
using testing::ping_bytes;
using testing::RawPeer;
using testing::request_bytes;
using ::testing::SizeIs;
using testing::status_bytes;
using testing::TestServer;

uint64_t nonce_of(const testing::Answer& answer) {
  document::Tape tape;
  AERODB_ASSERT(tape.parse(answer.result).has_value());
  return decode<PingResponse>(tape.root())->nonce;
}

TEST(Server, AnswersWithTheIdOfTheRequest) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(ping_bytes(UINT32_MAX, 42));
  t.runtime.run();
  ASSERT_THAT(peer.outcomes(), ElementsAre("OK"));
  EXPECT_EQ(peer.answers[0].id, UINT32_MAX);
  EXPECT_EQ(nonce_of(peer.answers[0]), 42u);
}

TEST(Server, AnswersTheSameByteByByte) {
  TestServer t;
  t.runtime.network().piece_bytes = 1;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({ping_bytes(1, 10), ping_bytes(2, 20), ping_bytes(3, 30)}));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2, 3));
  EXPECT_THAT(peer.outcomes(), Each("OK"));
  EXPECT_EQ(nonce_of(peer.answers[2]), 30u);
}

TEST(Server, HandsAllAnswersOfATurnOverAtOnce) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  Bytes many;
  for (uint32_t i = 0; i < 100; ++i) many = joined({many, ping_bytes(i, i)});
  peer.send(many);
  t.runtime.run();
  EXPECT_THAT(peer.answers, SizeIs(100));
  EXPECT_EQ(peer.deliveries, 1u);
}

TEST(Server, KeepsConnectionsApart) {
  TestServer t;
  t.runtime.network().piece_bytes = 3;
  RawPeer a(t.runtime, t.server.endpoint());
  RawPeer b(t.runtime, t.server.endpoint());
  for (uint32_t i = 0; i < 20; ++i) {
    a.send(ping_bytes(i, 1000 + i));
    b.send(ping_bytes(i, 2000 + i));
  }
  t.runtime.run();
  ASSERT_THAT(a.answers, SizeIs(20));
  ASSERT_THAT(b.answers, SizeIs(20));
  for (uint32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(nonce_of(a.answers[i]), 1000 + i);
    EXPECT_EQ(nonce_of(b.answers[i]), 2000 + i);
  }
}

TEST(Server, AnswersInWhateverOrderTheyAreReady) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(joined({status_bytes(1), status_bytes(2), ping_bytes(3, 0), status_bytes(4)}));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(3));
  ASSERT_THAT(t.held, SizeIs(3));
  t.held[2].ok(StatusResponse{});
  t.held[0].error(Error{ErrorCode::kBusy, "later", {}});
  t.runtime.run();
  t.held[1].answer(Result<StatusResponse>(fail(ErrorCode::kHalted, "no")));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(3, 4, 1, 2));
  EXPECT_THAT(peer.outcomes(), ElementsAre("OK", "OK", "BUSY", "HALTED"));
}

TEST(Server, AnswersHelloItself) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(request_bytes(1, "hello", HelloRequest{1, "test"}));
  peer.send(request_bytes(2, "hello", HelloRequest{2, "test"}));
  t.runtime.run();
  ASSERT_THAT(peer.outcomes(), ElementsAre("OK", "BAD_REQUEST"));
  document::Tape tape;
  ASSERT_TRUE(tape.parse(peer.answers[0].result).has_value());
  const auto hello = decode<HelloResponse>(tape.root());
  EXPECT_EQ(hello->protocol, kProtocolVersion);
  EXPECT_EQ(hello->program, "aerodb-test");
  EXPECT_EQ(hello->listener, "client");
  EXPECT_FALSE(peer.closed);
}

TEST(Server, RefusesByNameAndKeepsTheConnection) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(request_bytes(1, "no.such", Empty{}));
  peer.send(request_bytes(2, "wal.fetch", WalFetchRequest{}));  // of another listener
  peer.send(request_bytes(3, "ping", Empty{}));
  peer.send(request_bytes(4, "ping", HelloRequest{}));
  peer.send(bytes_of({0x94, 0, 5, 0xa4, 'p', 'i', 'n', 'g', 0x92, 0x80, 0x80}));
  peer.send(bytes_of({0x94, 0, 6, 0xa4, 'p', 'i', 'n', 'g', 0x91, 0x01}));
  peer.send(ping_bytes(7, 1));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(peer.outcomes(), ElementsAre("UNKNOWN_METHOD", "UNKNOWN_METHOD", "MISSING_FIELD", "UNKNOWN_FIELD",
                                           "BAD_REQUEST", "BAD_REQUEST", "OK"));
  EXPECT_FALSE(peer.closed);
  EXPECT_EQ(t.server.counters().errors_answered, 6u);
  EXPECT_EQ(t.server.counters().requests, 7u);
  EXPECT_EQ(t.server.counters().connections_broken, 0u);
}

TEST(Server, TakesEmptyParamsAsAnEmptyMap) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(bytes_of({0x94, 0, 1, 0xa6, 's', 't', 'a', 't', 'u', 's', 0x90}));
  t.runtime.run();
  EXPECT_THAT(t.held, SizeIs(1));
  t.held[0].ok(StatusResponse{});
}

struct Violation {
  std::string_view name;
  Bytes bytes;
  std::string_view answer;  // empty: none is possible
};

std::vector<Violation> violations() {
  const auto head = bytes_of({0x94, 0x00, 0x09});
  Bytes deep = joined({head, bytes_of({0xa1, 'm'})});
  deep.resize(deep.size() + kMaxMessageDepth + 1, 0x91);
  return {
      {"too large", joined({head, bytes_of({0xa1, 'm', 0xc6, 0xff, 0xff, 0xff, 0xff})}), "MESSAGE_TOO_LARGE"},
      {"too many", joined({head, bytes_of({0xa1, 'm', 0xdd, 0x00, 0x50, 0x00, 0x00})}), "MESSAGE_TOO_LARGE"},
      {"too deep", deep, "MESSAGE_TOO_DEEP"},
      {"reserved", joined({head, bytes_of({0xc1})}), "BAD_MESSAGE"},
      {"extension", joined({head, bytes_of({0xd4, 1, 1})}), "BAD_MESSAGE"},
      {"method no string", joined({head, bytes_of({0x07, 0x90})}), "BAD_MESSAGE"},
      {"params no array", joined({head, bytes_of({0xa4, 'p', 'i', 'n', 'g', 0x80})}), "BAD_MESSAGE"},
      {"no message", bytes_of({'G', 'E', 'T'}), ""},
      {"no id", bytes_of({0x94, 0x00, 0xc1}), ""},
      {"response", bytes_of({0x94, 0x01, 0x01, 0xc0, 0xc0}), ""},
      {"notification without a name", bytes_of({0x93, 0x02, 0x01, 0x90}), ""},
      {"notification without params", bytes_of({0x93, 0x02, 0xa1, 'm', 0xc0}), ""},
  };
}

TEST(Server, AViolationIsNamedAndEndsItsConnectionOnly) {
  for (const auto& violation : violations()) {
    SCOPED_TRACE(violation.name);
    for (size_t piece : {size_t{1}, size_t{1} << 20}) {
      TestServer t;
      t.runtime.network().piece_bytes = piece;
      RawPeer other(t.runtime, t.server.endpoint());
      RawPeer hostile(t.runtime, t.server.endpoint());
      other.send(status_bytes(1));
      hostile.send(joined({ping_bytes(1, 1), violation.bytes, ping_bytes(2, 2)}));
      t.runtime.run();
      ASSERT_THAT(t.held, SizeIs(1));
      t.held[0].ok(StatusResponse{});
      other.send(ping_bytes(2, 2));
      t.runtime.run();
      if (violation.answer.empty()) {
        EXPECT_THAT(hostile.outcomes(), ElementsAre("OK"));
      } else {
        EXPECT_THAT(hostile.outcomes(), ElementsAre("OK", violation.answer));
        EXPECT_THAT(hostile.ids(), ElementsAre(1, 9));
      }
      EXPECT_TRUE(hostile.closed);
      EXPECT_THAT(other.outcomes(), ElementsAre("OK", "OK"));
      EXPECT_FALSE(other.closed);
      EXPECT_EQ(t.server.counters().connections_broken, 1u);
      EXPECT_THAT(t.disconnected, ElementsAre(2));
    }
  }
}

TEST(Server, IgnoresNotifications) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(bytes_of({0x93, 0x02, 0xa4, 'p', 'i', 'n', 'g', 0x91, 0x80}));
  peer.send(ping_bytes(1, 1));
  t.runtime.run();
  EXPECT_THAT(peer.ids(), ElementsAre(1));
  EXPECT_EQ(t.server.counters().requests, 1u);
}

TEST(Server, AnsweringAfterTheConnectionEndedHasNoEffect) {
  TestServer t;
  auto peer = std::make_unique<RawPeer>(t.runtime, t.server.endpoint());
  peer->send(joined({status_bytes(1), status_bytes(2)}));
  t.runtime.run();
  ASSERT_THAT(t.held, SizeIs(2));
  const auto connection = t.held[0].connection();
  EXPECT_FALSE(t.held[0].peer().address.empty());
  peer.reset();
  t.runtime.run();
  EXPECT_THAT(t.disconnected, ElementsAre(connection));
  EXPECT_TRUE(t.held[0].peer().address.empty());
  t.held[0].ok(StatusResponse{});
  EXPECT_FALSE(static_cast<bool>(t.held[0]));
  t.held.clear();  // dropping the other is no bug any more
  // A new connection in the same place is not mistaken for the old one.
  RawPeer next(t.runtime, t.server.endpoint());
  next.send(status_bytes(1));
  t.runtime.run();
  EXPECT_NE(t.held.at(0).connection(), connection);
  t.held[0].ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(next.ids(), ElementsAre(1));
}

TEST(ServerDeathTest, DroppingARequestUnansweredIsABug) {
  TestServer t;
  RawPeer peer(t.runtime, t.server.endpoint());
  peer.send(status_bytes(1));
  t.runtime.run();
  EXPECT_DEATH(t.held.clear(), "Phase::kOpen");
  t.held[0].ok(StatusResponse{});
}

TEST(ServerDeathTest, AMethodOfAnotherListenerIsABug) {
  testing::MemoryRuntime runtime;
  Server server(runtime, ListenerKind::kClient, {}, {});
  EXPECT_DEATH(server.handle(kWalPosition, [](const Empty&, Responder) {}), "kind == kind_");
}

TEST(Server, RespondersMayOutliveIt) {
  auto t = std::make_unique<TestServer>();
  RawPeer peer(t->runtime, t->server.endpoint());
  peer.send(joined({status_bytes(1), status_bytes(2)}));
  t->runtime.run();
  auto held = std::move(t->held);
  ASSERT_THAT(held, SizeIs(2));
  testing::MemoryRuntime other;
  auto server = std::make_unique<Server>(other, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  server.reset();
  peer.hang_up();
  t.reset();
  held[0].ok(StatusResponse{});
  held.clear();
}

TEST(Server, MayBeDestroyedByItsHandler) {
  testing::MemoryRuntime runtime;
  auto server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  std::string seen;
  server->handle(kPing, [&server, &seen, word = std::string("a captured word, long enough to be on the heap")](
                            const PingRequest& request, Responder responder) {
    server.reset();
    responder.ok(request);
    seen += word;
  });
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server->endpoint());
  peer.send(joined({ping_bytes(1, 1), ping_bytes(2, 2), Bytes{0x94}}));
  runtime.run();
  EXPECT_EQ(server, nullptr);
  EXPECT_EQ(seen, "a captured word, long enough to be on the heap");
  EXPECT_TRUE(peer.closed);
  EXPECT_THAT(peer.answers, IsEmpty());
}

TEST(Server, MayBeDestroyedWhenAConnectionEnds) {
  testing::MemoryRuntime runtime;
  auto server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  server->on_disconnect([&server](uint64_t) { server.reset(); });
  RawPeer peer(runtime, server->endpoint());
  RawPeer other(runtime, server->endpoint());
  peer.hang_up();
  runtime.run();
  EXPECT_EQ(server, nullptr);
  EXPECT_TRUE(other.closed);
}

TEST(Server, MayBeDestroyedWithAnswersAndTimersWaiting) {
  testing::MemoryRuntime runtime;
  auto server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, ServerLimits{});
  server->handle(kPing, [](const PingRequest& request, Responder responder) { responder.ok(request); });
  ASSERT_TRUE(server->listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server->endpoint());
  peer.send(joined({ping_bytes(1, 1), Bytes{0x94}}));
  runtime.turn();
  EXPECT_EQ(runtime.loop().timers(), 1u);
  server.reset();
  EXPECT_EQ(runtime.loop().timers(), 0u);
  runtime.run();
  EXPECT_THAT(peer.answers, IsEmpty());
}

TEST(Server, CountsActiveConnections) {
  TestServer t;
  RawPeer a(t.runtime, t.server.endpoint());
  RawPeer b(t.runtime, t.server.endpoint());
  RawPeer silent(t.runtime, t.server.endpoint());
  EXPECT_EQ(t.server.active_connections(), 0u);
  a.send(ping_bytes(1, 1));
  b.send(ping_bytes(1, 1));
  t.runtime.run();
  EXPECT_EQ(t.server.active_connections(), 2u);
  // b asks no more: two turns later it is forgotten.
  for (uint32_t i = 0; i < 2; ++i) {
    a.send(ping_bytes(2 + i, 1));
    t.runtime.run();
  }
  EXPECT_EQ(t.server.active_connections(), 1u);
  // A request in flight counts for as long as it takes.
  b.send(status_bytes(5));
  for (uint32_t i = 0; i < 5; ++i) {
    t.runtime.run();
    a.send(ping_bytes(10 + i, 1));
  }
  t.runtime.run();
  EXPECT_EQ(t.server.active_connections(), 2u);
  t.held.at(0).ok(StatusResponse{});
  a.send(ping_bytes(20, 1));
  t.runtime.run();
  EXPECT_EQ(t.server.active_connections(), 1u);
  a.hang_up();
  t.runtime.run();
  EXPECT_EQ(t.server.active_connections(), 0u);
}

TEST(Server, AnAnswerLargerThanAMessageIsRefusedInItsPlace) {
  testing::MemoryRuntime runtime;
  Server server(runtime, ListenerKind::kClient, {}, {});
  const Bytes records(kMaxMessageBytes);
  server.handle(kEvidenceRecords, [&records](const EvidenceRecordsRequest&, Responder responder) {
    EvidenceRecordsResponse response;
    response.records = records;
    responder.ok(response);
  });
  ASSERT_TRUE(server.listen(any_endpoint()).has_value());
  RawPeer peer(runtime, server.endpoint());
  peer.send(request_bytes(3, "evidence.records", EvidenceRecordsRequest{}));
  runtime.run();
  EXPECT_THAT(peer.outcomes(), ElementsAre("MESSAGE_TOO_LARGE"));
  EXPECT_THAT(peer.ids(), ElementsAre(3));
  EXPECT_FALSE(peer.closed);
}

TEST(Server, NamesItsMethodsInOrder) {
  TestServer t;
  EXPECT_THAT(t.server.method_names(), ElementsAre("hello", "ping", "status"));
}

TEST(Server, AnAddressInUseIsAnswered) {
  TestServer t;
  Server second(t.runtime, ListenerKind::kClient, {}, {});
  EXPECT_FALSE(second.listen(t.server.endpoint()).has_value());
}

}  // namespace
}  // namespace aerodb::wire
