#include "common/wire/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using testing::any_endpoint;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::joined;
using testing::MemoryRuntime;
using ::testing::SizeIs;
using testing::TestServer;

// Writes outcomes down: "ping=7", "status OK", or "CODE".
struct Journal {
  std::vector<std::string> lines;
  auto ping() {
    return [this](Result<PingResponse> answer) {
      lines.push_back(answer ? "ping=" + std::to_string(answer->nonce) : std::string(answer.error().row().name));
    };
  }
  auto status() {
    return [this](Result<StatusResponse> answer) {
      lines.push_back(answer ? "status OK" : std::string(answer.error().row().name));
    };
  }
  auto connected() {
    return
        [this](Result<void> result) { lines.push_back(result ? "connected" : std::string(result.error().row().name)); };
  }
};

void connect(Client& client, MemoryRuntime& runtime, const runtime::Endpoint& endpoint) {
  client.connect(endpoint, [](Result<void> result) { ASSERT_TRUE(result.has_value()); });
  runtime.run();
  ASSERT_TRUE(client.connected());
}

// A listener whose bytes the test writes.
struct RawServer final : runtime::ConnectionEvents {
  explicit RawServer(MemoryRuntime& runtime) {
    auto result = runtime.network().listen(any_endpoint(), [this](auto accepted) {
      connection = std::move(accepted);
      connection->set_events(this);
    });
    listener = std::move(*result);
  }
  void on_data(ByteSpan data) override { received.insert(received.end(), data.begin(), data.end()); }
  void on_close(std::string_view) override { closed = true; }
  std::unique_ptr<runtime::Listener> listener;
  std::unique_ptr<runtime::Connection> connection;
  Bytes received;
  bool closed = false;
};

TEST(Client, CallsAndIsAnsweredWhateverThePieces) {
  for (size_t piece : {1, 5, 10'000}) {
    TestServer t;
    t.runtime.network().piece_bytes = piece;
    Client client(t.runtime);
    connect(client, t.runtime, t.server.endpoint());
    Journal journal;
    for (uint64_t i = 0; i < 5; ++i) client.call(kPing, {i}, 0, journal.ping());
    EXPECT_EQ(client.in_flight(), 5u);
    EXPECT_THAT(journal.lines, IsEmpty());
    t.runtime.run();
    EXPECT_THAT(journal.lines, ElementsAre("ping=0", "ping=1", "ping=2", "ping=3", "ping=4"));
    EXPECT_EQ(client.in_flight(), 0u);
  }
}

TEST(Client, TakesAnswersInAnyOrder) {
  TestServer t;
  Client client(t.runtime);
  connect(client, t.runtime, t.server.endpoint());
  Journal journal;
  client.call(kStatus, {}, 0, journal.status());
  client.call(kPing, {1}, 0, journal.ping());
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("ping=1"));
  t.held.at(0).ok(StatusResponse{});
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("ping=1", "status OK"));
}

TEST(Client, HandsOnThePeersError) {
  TestServer t;
  Client client(t.runtime);
  connect(client, t.runtime, t.server.endpoint());
  std::optional<Error> seen;
  client.call(kDocGet, {}, 0, [&](Result<DocGetResponse> answer) { seen = answer.error(); });
  t.runtime.run();
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->code, ErrorCode::kUnknownMethod);
  EXPECT_EQ(seen->details.at(0).value, "doc.get");
  EXPECT_TRUE(client.connected());
}

TEST(Client, AnUnreachablePeerIsNamedInALaterTurn) {
  MemoryRuntime runtime;
  Client client(runtime);
  Journal journal;
  auto nowhere = any_endpoint();
  nowhere.port = 9;
  client.connect(nowhere, journal.connected());
  client.call(kPing, {1}, 0, journal.ping());
  EXPECT_THAT(journal.lines, IsEmpty());
  runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("UNREACHABLE", "UNREACHABLE"));
  EXPECT_FALSE(client.connected());
}

TEST(Client, TimesOutAndIgnoresTheLateAnswer) {
  TestServer t;
  Client client(t.runtime);
  connect(client, t.runtime, t.server.endpoint());
  Journal journal;
  client.call(kStatus, {}, 100, journal.status());
  client.call(kStatus, {}, 0, journal.status());
  t.runtime.pass_ms(99);
  EXPECT_THAT(journal.lines, IsEmpty());
  t.runtime.pass_ms(2);
  EXPECT_THAT(journal.lines, ElementsAre("TIMED_OUT"));
  t.held.at(0).ok(StatusResponse{});
  client.call(kPing, {3}, 100, journal.ping());
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("TIMED_OUT", "ping=3"));
  EXPECT_EQ(client.in_flight(), 1u);
  // An answered request leaves no timer behind.
  EXPECT_EQ(t.runtime.loop().timers(), 0u);
  t.held.at(1).ok(StatusResponse{});
}

TEST(Client, ALostConnectionAnswersEveryRequestInOrderAndThenSaysSo) {
  MemoryRuntime runtime;
  RawServer server(runtime);
  Client client(runtime);
  Journal journal;
  client.on_close([&] { journal.lines.push_back("closed"); });
  connect(client, runtime, server.listener->endpoint());
  client.call(kPing, {1}, 0, [&](Result<PingResponse> answer) {
    journal.lines.push_back("first " + std::string(answer.error().row().name));
    client.call(kPing, {9}, 0, journal.ping());
  });
  client.call(kPing, {2}, 5000, journal.ping());
  runtime.run();
  server.connection.reset();
  runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("first CONNECTION_LOST", "CONNECTION_LOST", "closed", "UNREACHABLE"));
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(runtime.loop().timers(), 0u);
}

TEST(Client, MayConnectAgainAfterItsConnectionEnded) {
  MemoryRuntime runtime;
  RawServer server(runtime);
  Client client(runtime);
  Journal journal;
  int closes = 0;
  client.on_close([&] {
    if (++closes == 1) client.connect(server.listener->endpoint(), journal.connected());
  });
  connect(client, runtime, server.listener->endpoint());
  server.connection.reset();
  runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("connected"));
  EXPECT_TRUE(client.connected());
  client.call(kPing, {5}, 0, journal.ping());
  runtime.run();
  server.connection.reset();
  runtime.run();
  EXPECT_EQ(closes, 2);
  EXPECT_THAT(journal.lines, ElementsAre("connected", "CONNECTION_LOST"));
}

TEST(Client, CloseAnswersWhatIsInFlightInALaterTurn) {
  TestServer t;
  Client client(t.runtime);
  connect(client, t.runtime, t.server.endpoint());
  Journal journal;
  client.on_close([&] { journal.lines.push_back("closed"); });
  client.call(kStatus, {}, 0, journal.status());
  t.runtime.run();
  client.close();
  client.close();
  EXPECT_FALSE(client.connected());
  EXPECT_THAT(journal.lines, IsEmpty());
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("CONNECTION_LOST", "closed"));
  EXPECT_THAT(t.disconnected, SizeIs(1));
}

TEST(Client, CloseWhileConnectingAnswersTheAttempt) {
  TestServer t;
  Client client(t.runtime);
  Journal journal;
  client.on_close([&] { journal.lines.push_back("closed"); });
  client.connect(t.server.endpoint(), journal.connected());
  client.close();
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("UNREACHABLE"));
  client.connect(t.server.endpoint(), journal.connected());
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("UNREACHABLE", "connected"));
}

TEST(Client, APeerThatBreaksTheProtocolLosesTheConnection) {
  const std::vector<Bytes> hostile = {
      bytes_of({'H', 'T', 'T', 'P'}),
      bytes_of({0xc1}),
      bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0x90}),  // a request
      bytes_of({0x94, 0x01, 0x01, 0xc0, 0xc6, 0xff, 0xff, 0xff, 0xff}),
      bytes_of({0x94, 0x01, 0x01, 0xc0, 0xdd, 0x00, 0x50, 0x00, 0x00}),
  };
  for (const auto& bytes : hostile) {
    for (size_t piece : {1, 100}) {
      MemoryRuntime runtime;
      runtime.network().piece_bytes = piece;
      RawServer server(runtime);
      Client client(runtime);
      connect(client, runtime, server.listener->endpoint());
      std::optional<Error> seen;
      client.call(kPing, {1}, 0, [&](Result<PingResponse> answer) { seen = answer.error(); });
      runtime.run();
      server.connection->send(bytes);
      runtime.run();
      ASSERT_TRUE(seen.has_value()) << to_hex(bytes);
      EXPECT_EQ(seen->code, ErrorCode::kConnectionLost);
      EXPECT_THAT(seen->message, HasSubstr("the peer sent"));
      EXPECT_TRUE(server.closed);
    }
  }
}

TEST(Client, IgnoresNotificationsAndAnswersNobodyAskedFor) {
  MemoryRuntime runtime;
  RawServer server(runtime);
  Client client(runtime);
  connect(client, runtime, server.listener->endpoint());
  Journal journal;
  client.call(kPing, {1}, 0, journal.ping());
  runtime.run();
  server.connection->send(bytes_of({0x93, 0x02, 0xa1, 'm', 0x90}));
  server.connection->send(bytes_of({0x94, 0x01, 0x63, 0xc0, 0x80}));
  const auto answer = bytes_of({0x94, 0x01, 0x01, 0xc0, 0x81, 0xa5, 'n', 'o', 'n', 'c', 'e', 0x08});
  server.connection->send(joined({answer, answer}));
  runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("ping=8"));
  EXPECT_TRUE(client.connected());
}

TEST(Client, AnAnswerThatDoesNotDecodeIsAnErrorOfThatCallOnly) {
  MemoryRuntime runtime;
  RawServer server(runtime);
  Client client(runtime);
  connect(client, runtime, server.listener->endpoint());
  Journal journal;
  client.call(kPing, {1}, 0, journal.ping());
  runtime.run();
  server.connection->send(bytes_of({0x94, 0x01, 0x01, 0xc0, 0x80}));
  runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("MISSING_FIELD"));
  EXPECT_TRUE(client.connected());
}

TEST(Client, RefusesToSendMoreThanAMessageHolds) {
  TestServer t;
  Client client(t.runtime);
  connect(client, t.runtime, t.server.endpoint());
  Journal journal;
  DocDeleteRequest request;
  const std::string id(kMaxMessageBytes, 'x');
  request.id = id;
  client.call(kDocDelete, request, 0,
              [&](Result<ReceiptResponse> answer) { journal.lines.emplace_back(answer.error().row().name); });
  client.call(kPing, {1}, 0, journal.ping());
  EXPECT_THAT(journal.lines, IsEmpty());
  t.runtime.run();
  EXPECT_THAT(journal.lines, ElementsAre("MESSAGE_TOO_LARGE", "ping=1"));
}

TEST(Client, HandsAllRequestsOfATurnOverAtOnce) {
  MemoryRuntime runtime;
  RawServer server(runtime);
  Client client(runtime);
  connect(client, runtime, server.listener->endpoint());
  Journal journal;
  client.call(kPing, {1}, 0, journal.ping());
  client.call(kPing, {2}, 0, journal.ping());
  EXPECT_THAT(server.received, IsEmpty());
  runtime.run();
  const auto expected = joined({testing::ping_bytes(1, 1), testing::ping_bytes(2, 2)});
  EXPECT_EQ(server.received, expected);
}

TEST(Client, MayBeDestroyedInAnyOfItsCallbacks) {
  TestServer t;
  auto client = std::make_unique<Client>(t.runtime);
  client->connect(t.server.endpoint(), [&client](Result<void>) { client.reset(); });
  t.runtime.run();
  EXPECT_EQ(client, nullptr);

  Journal journal;
  client = std::make_unique<Client>(t.runtime);
  connect(*client, t.runtime, t.server.endpoint());
  client->call(kPing, {1}, 0, [&client](Result<PingResponse>) { client.reset(); });
  client->call(kPing, {2}, 0, journal.ping());
  t.runtime.run();
  EXPECT_EQ(client, nullptr);

  client = std::make_unique<Client>(t.runtime);
  connect(*client, t.runtime, t.server.endpoint());
  client->call(kStatus, {}, 10, [&client](Result<StatusResponse>) { client.reset(); });
  client->call(kStatus, {}, 20, journal.status());
  t.runtime.pass_ms(50);
  EXPECT_EQ(client, nullptr);

  client = std::make_unique<Client>(t.runtime);
  connect(*client, t.runtime, t.server.endpoint());
  client->on_close([&client] { client.reset(); });
  client->close();
  t.runtime.run();
  EXPECT_EQ(client, nullptr);

  client = std::make_unique<Client>(t.runtime);
  connect(*client, t.runtime, t.server.endpoint());
  client->call(kStatus, {}, 0, [&client](Result<StatusResponse>) { client.reset(); });
  client->call(kStatus, {}, 0, journal.status());
  client->close();
  t.runtime.run();
  EXPECT_EQ(client, nullptr);

  EXPECT_THAT(journal.lines, IsEmpty());
  t.runtime.run();
  EXPECT_EQ(t.runtime.loop().timers(), 0u);
}

TEST(Client, NoCallbackRunsAfterItsEnd) {
  TestServer t;
  Journal journal;
  {
    Client client(t.runtime);
    client.on_close([&] { journal.lines.push_back("closed"); });
    connect(client, t.runtime, t.server.endpoint());
    client.call(kPing, {1}, 10, journal.ping());
  }
  t.runtime.pass_ms(50);
  EXPECT_THAT(journal.lines, IsEmpty());
}

}  // namespace
}  // namespace aerodb::wire
