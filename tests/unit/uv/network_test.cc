#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

using runtime::Connection;
using runtime::Endpoint;

// One end of a stream that notes what it is told.
struct End : runtime::ConnectionEvents {
  std::unique_ptr<Connection> connection;
  Bytes received;
  size_t largest = 0;  // bytes in one on_data
  int drained = 0;
  int closed = 0;
  std::string why;
  std::function<void(ByteSpan)> data_hook;
  std::function<void()> drained_hook;
  std::function<void()> close_hook;

  void attach(std::unique_ptr<Connection> made) {
    connection = std::move(made);
    connection->set_events(this);
  }
  void on_data(ByteSpan data) override {
    received.insert(received.end(), data.begin(), data.end());
    largest = std::max(largest, data.size());
    if (data_hook) data_hook(data);
  }
  void on_drained() override {
    ++drained;
    if (drained_hook) drained_hook();
  }
  void on_close(std::string_view reason) override {
    ++closed;
    why = reason;
    if (close_hook) close_hook();
  }
};

Bytes pattern(size_t size) {
  Bytes data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>((i * 31) ^ (i >> 11));
  return data;
}

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

class UvNetworkTest : public UvTest, public testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] Endpoint place() const { return GetParam() ? unix_socket() : tcp(); }

  // A connected pair: server_ and client_.
  void connect_pair() {
    auto made = runtime_->network().listen(
        place(), [&](std::unique_ptr<Connection> accepted) { server_.attach(std::move(accepted)); });
    ASSERT_TRUE(made) << made.error().message;
    listener_ = std::move(*made);
    attempt_ = runtime_->network().connect(listener_->endpoint(), [&](auto connection) {
      ASSERT_TRUE(connection) << connection.error().message;
      client_.attach(std::move(*connection));
    });
    ASSERT_TRUE(run_until([&] { return client_.connection && server_.connection; }));
  }

  std::unique_ptr<runtime::Listener> listener_;
  std::unique_ptr<runtime::Network::Attempt> attempt_;
  End server_;
  End client_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, UvNetworkTest, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Unix" : "Tcp"; });

TEST_P(UvNetworkTest, EchoesManySmallMessages) {
  connect_pair();
  server_.data_hook = [&](ByteSpan data) { server_.connection->send(Bytes(data.begin(), data.end())); };
  Bytes sent;
  for (int i = 0; i < 1000; ++i) {
    Bytes message = pattern(static_cast<size_t>(1 + i % 97));
    sent.insert(sent.end(), message.begin(), message.end());
    client_.connection->send(std::move(message));
  }
  ASSERT_TRUE(run_until([&] { return client_.received.size() >= sent.size(); }));
  EXPECT_EQ(client_.received, sent);
}

TEST_P(UvNetworkTest, EchoesALargeMessageInSmallReads) {
  connect_pair();
  server_.data_hook = [&](ByteSpan data) { server_.connection->send(Bytes(data.begin(), data.end())); };
  const Bytes sent = pattern(16 << 20);
  client_.connection->send(sent);
  EXPECT_GT(client_.connection->queued_bytes(), 0u);
  ASSERT_TRUE(run_until([&] { return client_.received.size() >= sent.size(); }));
  EXPECT_TRUE(client_.received == sent);
  EXPECT_LE(client_.largest, 64u * 1024);
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
  EXPECT_EQ(client_.drained, 1);
}

TEST_P(UvNetworkTest, ReportsDrainedInALaterTurnForSmallSends) {
  connect_pair();
  client_.connection->send(bytes("a"));
  client_.connection->send(bytes("b"));
  EXPECT_EQ(client_.drained, 0);
  ASSERT_TRUE(run_until([&] { return server_.received == bytes("ab") && client_.drained > 0; }));
  EXPECT_EQ(client_.drained, 1);
}

TEST_P(UvNetworkTest, ViewsGoOutInOrderAndTheRestIsReportedDrained) {
  connect_pair();
  Bytes lent = bytes("first");
  client_.connection->send_view(lent);
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
  Bytes sent = lent;
  lent = pattern(16 << 20);  // more than the system takes at once
  sent.insert(sent.end(), lent.begin(), lent.end());
  client_.connection->send_view(lent);
  EXPECT_GT(client_.connection->queued_bytes(), 0u);
  std::ranges::fill(lent, uint8_t{0});
  client_.connection->send_view(bytes("last"));
  const Bytes last = bytes("last");
  sent.insert(sent.end(), last.begin(), last.end());
  ASSERT_TRUE(run_until([&] { return server_.received.size() >= sent.size() && client_.drained > 0; }));
  EXPECT_TRUE(server_.received == sent);
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
  EXPECT_EQ(client_.drained, 1);
}

TEST_P(UvNetworkTest, CloseWhileWritingFlushesFirst) {
  connect_pair();
  const Bytes sent = pattern(8 << 20);
  client_.connection->send(sent);
  client_.connection->send(bytes("tail"));
  client_.connection->close();
  client_.connection->send(bytes("dropped"));
  EXPECT_EQ(client_.closed, 0);
  ASSERT_TRUE(run_until([&] { return server_.closed == 1 && client_.closed == 1; }));
  ASSERT_EQ(server_.received.size(), sent.size() + 4);
  EXPECT_TRUE(std::equal(sent.begin(), sent.end(), server_.received.begin()));
  EXPECT_EQ(client_.why, "closed");
  EXPECT_EQ(server_.why, "the peer closed the stream");
}

TEST_P(UvNetworkTest, CloseIsReportedOnceAndNotInsideTheCall) {
  connect_pair();
  client_.connection->close();
  client_.connection->close();
  EXPECT_EQ(client_.closed, 0);
  run_for_ms(20);
  EXPECT_EQ(client_.closed, 1);
  client_.connection->send(bytes("x"));
  client_.connection->pause_reading();
  client_.connection->resume_reading();
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
}

TEST_P(UvNetworkTest, DestroyedInOnDataWhileAWriteIsInFlight) {
  connect_pair();
  server_.connection->pause_reading();
  client_.connection->send(pattern(8 << 20));
  client_.data_hook = [&](ByteSpan) { client_.connection.reset(); };
  server_.connection->send(bytes("now"));
  ASSERT_TRUE(run_until([&] { return client_.connection == nullptr; }));
  server_.connection->resume_reading();
  ASSERT_TRUE(run_until([&] { return server_.closed == 1; }));
  EXPECT_EQ(client_.closed, 0);
  EXPECT_EQ(client_.drained, 0);
}

TEST_P(UvNetworkTest, DestroyedInOnClose) {
  connect_pair();
  server_.close_hook = [&] { server_.connection.reset(); };
  client_.connection.reset();
  ASSERT_TRUE(run_until([&] { return server_.closed == 1; }));
  EXPECT_EQ(server_.connection, nullptr);
}

TEST_P(UvNetworkTest, DestroyedInOnDrained) {
  connect_pair();
  client_.drained_hook = [&] { client_.connection.reset(); };
  client_.connection->send(pattern(4 << 20));
  ASSERT_TRUE(run_until([&] { return server_.closed == 1; }));
  EXPECT_EQ(server_.received.size(), size_t{4 << 20});
}

TEST_P(UvNetworkTest, PausedConnectionReadsNothingUntilResumed) {
  connect_pair();
  server_.connection->pause_reading();
  client_.connection->send(bytes("later"));
  run_for_ms(30);
  EXPECT_TRUE(server_.received.empty());
  server_.connection->resume_reading();
  ASSERT_TRUE(run_until([&] { return server_.received == bytes("later"); }));
}

TEST_P(UvNetworkTest, QueueGrowsWhileThePeerDoesNotRead) {
  connect_pair();
  server_.connection->pause_reading();
  for (int i = 0; i < 16; ++i) client_.connection->send(pattern(1 << 20));
  run_for_ms(20);
  const uint64_t stuck = client_.connection->queued_bytes();
  EXPECT_GT(stuck, 1u << 20);
  client_.connection->send(pattern(1 << 20));
  EXPECT_EQ(client_.connection->queued_bytes(), stuck + (1 << 20));
  server_.connection->resume_reading();
  ASSERT_TRUE(run_until([&] { return server_.received.size() == size_t{17 << 20}; }));
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
}

TEST_P(UvNetworkTest, NothingIsReadBeforeEventsAreSet) {
  std::unique_ptr<Connection> accepted;
  auto listener = runtime_->network().listen(place(), [&](auto connection) { accepted = std::move(connection); });
  ASSERT_TRUE(listener);
  auto attempt = runtime_->network().connect((*listener)->endpoint(), [&](auto connection) {
    ASSERT_TRUE(connection);
    client_.attach(std::move(*connection));
    client_.connection->send(bytes("early"));
    client_.connection->close();
  });
  ASSERT_TRUE(run_until([&] { return client_.closed == 1 && accepted; }));
  server_.attach(std::move(accepted));
  ASSERT_TRUE(run_until([&] { return server_.closed == 1; }));
  EXPECT_EQ(server_.received, bytes("early"));
}

TEST_P(UvNetworkTest, ConnectIsRefusedWhereNobodyListens) {
  Endpoint gone = place();
  if (gone.kind == Endpoint::Kind::kTcp) {
    auto listener = runtime_->network().listen(gone, [](auto) {});
    ASSERT_TRUE(listener);
    gone = (*listener)->endpoint();
  }
  std::optional<Error> error;
  bool inside = true;
  auto attempt = runtime_->network().connect(gone, [&](auto connection) {
    EXPECT_FALSE(inside);
    if (!connection) error = connection.error();
  });
  inside = false;
  ASSERT_TRUE(run_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->code, ErrorCode::kUnreachable);
  EXPECT_NE(error->message.find(gone.text()), std::string::npos) << error->message;
}

TEST_P(UvNetworkTest, DestroyedAttemptAnswersNothing) {
  auto listener = runtime_->network().listen(place(), [&](auto connection) { server_.attach(std::move(connection)); });
  ASSERT_TRUE(listener);
  bool answered = false;
  auto attempt = runtime_->network().connect((*listener)->endpoint(), [&](auto) { answered = true; });
  attempt.reset();
  run_for_ms(30);
  EXPECT_FALSE(answered);
}

TEST_P(UvNetworkTest, AttemptMayBeDestroyedInItsAnswer) {
  auto listener = runtime_->network().listen(place(), [&](auto connection) { server_.attach(std::move(connection)); });
  ASSERT_TRUE(listener);
  attempt_ = runtime_->network().connect((*listener)->endpoint(), [&](auto connection) {
    attempt_.reset();
    ASSERT_TRUE(connection);
    client_.attach(std::move(*connection));
  });
  ASSERT_TRUE(run_until([&] { return client_.connection != nullptr; }));
  client_.connection->send(bytes("alive"));
  ASSERT_TRUE(run_until([&] { return server_.received == bytes("alive"); }));
}

TEST_P(UvNetworkTest, DestroyedListenerAcceptsNoMore) {
  connect_pair();
  const Endpoint place_was = listener_->endpoint();
  listener_.reset();
  bool refused = false;
  attempt_ = runtime_->network().connect(place_was, [&](auto connection) { refused = !connection; });
  ASSERT_TRUE(run_until([&] { return refused; }));
  client_.connection->send(bytes("still here"));
  ASSERT_TRUE(run_until([&] { return server_.received == bytes("still here"); }));
}

TEST_P(UvNetworkTest, ListenerMayBeDestroyedWhileItAccepts) {
  auto listener = runtime_->network().listen(place(), [&](auto connection) {
    listener_.reset();
    server_.attach(std::move(connection));
  });
  ASSERT_TRUE(listener);
  listener_ = std::move(*listener);
  attempt_ = runtime_->network().connect(listener_->endpoint(), [&](auto connection) {
    ASSERT_TRUE(connection);
    client_.attach(std::move(*connection));
  });
  ASSERT_TRUE(run_until([&] { return client_.connection && server_.connection; }));
}

TEST_P(UvNetworkTest, ListenerTakesItsAddressAgainAtOnce) {
  connect_pair();
  const Endpoint place_was = listener_->endpoint();
  listener_.reset();
  server_.connection.reset();  // the side that closes first keeps the port in TIME_WAIT
  ASSERT_TRUE(run_until([&] { return client_.closed == 1; }));
  auto again = runtime_->network().listen(place_was, [](auto) {});
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(UvNetworkTest, AddressInUseIsRefused) {
  connect_pair();
  auto second = runtime_->network().listen(listener_->endpoint(), [](auto) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConfigInvalid);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST_P(UvNetworkTest, NamesThePeer) {
  connect_pair();
  if (GetParam()) {
    EXPECT_EQ(server_.connection->peer().uid, ::getuid());
    EXPECT_TRUE(server_.connection->peer().address.starts_with("unix:uid="));
  } else {
    EXPECT_EQ(server_.connection->peer().uid, std::nullopt);
    EXPECT_TRUE(server_.connection->peer().address.starts_with("127.0.0.1:"));
    EXPECT_EQ(client_.connection->peer().address, listener_->endpoint().text());
  }
}

TEST_P(UvNetworkTest, RuntimeEndsWhatIsStillOpenWithoutAWord) {
  connect_pair();
  client_.connection->send(pattern(8 << 20));
  runtime_.reset();
  EXPECT_EQ(client_.closed + server_.closed, 0);
  client_.connection->send(bytes("x"));  // no effect, no crash
  client_.connection->close();
  EXPECT_EQ(client_.connection->queued_bytes(), 0u);
}

using UnixSocketTest = UvTest;

TEST_F(UnixSocketTest, FileIsForTheOwnerOnlyAndGoesWithTheListener) {
  auto listener = runtime_->network().listen(unix_socket(), [](auto) {});
  ASSERT_TRUE(listener);
  struct stat found{};
  ASSERT_EQ(::stat(path("s").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  listener->reset();
  EXPECT_NE(::stat(path("s").c_str(), &found), 0);
}

TEST_F(UnixSocketTest, StaleFileIsReplaced) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path("s").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);  // a killed process leaves the file like this
  EXPECT_TRUE(runtime_->network().listen(unix_socket(), [](auto) {}));
}

TEST_F(UnixSocketTest, FileThatIsNoSocketIsLeftAlone) {
  int fd = ::open(path("s").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_GE(fd, 0);
  ::close(fd);
  auto listener = runtime_->network().listen(unix_socket(), [](auto) {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ErrorCode::kConfigInvalid);
  EXPECT_TRUE(std::filesystem::is_regular_file(path("s")));
}

TEST_F(UnixSocketTest, FileOfASuccessorIsNotRemoved) {
  auto first = runtime_->network().listen(unix_socket(), [](auto) {});
  ASSERT_TRUE(first);
  std::filesystem::remove(path("s"));
  auto second = runtime_->network().listen(unix_socket(), [](auto) {});
  ASSERT_TRUE(second);
  first->reset();
  EXPECT_TRUE(std::filesystem::exists(path("s")));
}

using TcpTest = UvTest;

TEST_F(TcpTest, HostNamesAreNotLookedUp) {
  Endpoint named{Endpoint::Kind::kTcp, "localhost", 0, ""};
  auto listener = runtime_->network().listen(named, [](auto) {});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ErrorCode::kConfigInvalid);
  std::optional<Error> error;
  named.port = 1;
  auto attempt = runtime_->network().connect(named, [&](auto connection) { error = connection.error(); });
  ASSERT_TRUE(run_until([&] { return error.has_value(); }));
  EXPECT_EQ(error->code, ErrorCode::kUnreachable);
}

TEST_F(TcpTest, SpeaksIpv6) {
  End server;
  End client;
  auto listener = runtime_->network().listen({Endpoint::Kind::kTcp, "::1", 0, ""},
                                             [&](auto accepted) { server.attach(std::move(accepted)); });
  if (!listener) {  // a machine without an IPv6 loopback: then that is what it must say
    EXPECT_EQ(listener.error().code, ErrorCode::kConfigInvalid);
    return;
  }
  auto attempt = runtime_->network().connect((*listener)->endpoint(), [&](auto connection) {
    ASSERT_TRUE(connection);
    client.attach(std::move(*connection));
  });
  ASSERT_TRUE(run_until([&] { return client.connection && server.connection; }));
  EXPECT_TRUE(server.connection->peer().address.starts_with("[::1]:"));
}

}  // namespace
}  // namespace aerodb::uv
