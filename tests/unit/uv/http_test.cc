#include <dirent.h>

#include <vector>

#include "common/uv/http/http_server.h"
#include "tests/unit/uv/fixture.h"

namespace aerodb::http {
namespace {

// A client that speaks raw bytes, so that broken requests can be sent as well.
struct RawClient : runtime::ConnectionEvents {
  std::unique_ptr<runtime::Connection> connection;
  std::unique_ptr<runtime::Network::Attempt> attempt;
  std::string received;
  bool closed = false;

  void on_data(ByteSpan data) override { received += as_text(data); }
  void on_close(std::string_view) override { closed = true; }
  void send(const std::string& text) { connection->send({text.begin(), text.end()}); }
  [[nodiscard]] size_t answers() const {
    size_t count = 0;
    for (size_t at = received.find("HTTP/1.1 "); at != std::string::npos; at = received.find("HTTP/1.1 ", at + 1)) {
      ++count;
    }
    return count;
  }
};

class HttpServerTest : public uv::UvTest {
 protected:
  ~HttpServerTest() override {
    held_.clear();
    server_.reset();
  }

  void start(HttpHandler handler, HttpOptions options = {}) {
    options.endpoint = tcp();
    auto server = HttpServer::start(*runtime_, std::move(options), std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  // Keeps every reply for later.
  HttpHandler hold() {
    return [this](const HttpRequest&, HttpReply reply) { held_.push_back(std::move(reply)); };
  }
  void connect(RawClient& client) {
    client.attempt = runtime_->network().connect(server_->endpoint(), [&](auto connection) {
      ASSERT_TRUE(connection);
      client.connection = std::move(*connection);
      client.connection->set_events(&client);
    });
    ASSERT_TRUE(run_until([&] { return client.connection != nullptr; }));
  }
  // Sends `request` on a connection of its own; answers all that came until the server closed it.
  std::string exchange(const std::string& request) {
    RawClient client;
    connect(client);
    if (!client.connection) return {};
    client.send(request);
    EXPECT_TRUE(run_until([&] { return client.closed; })) << client.received;
    return client.received;
  }
  static std::string get(const std::string& target, const std::string& host = "localhost") {
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  }

  std::unique_ptr<HttpServer> server_;
  std::vector<HttpReply> held_;
};

HttpHandler echo() {
  return [](const HttpRequest& request, HttpReply reply) {
    std::string body = request.method + " " + request.path;
    for (const auto& [name, value] : request.query) body += "|" + name + "=" + value;
    if (!request.body.empty()) body += "|" + request.body;
    reply({200, "text/plain", body, {}});
  };
}

int open_descriptors() {
  int count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

TEST_F(HttpServerTest, AnswersAGetWithDecodedTarget) {
  start(echo());
  const std::string answer = exchange(get("/v1/a%20b?x=1&y=a%2Bb+c&x=2&flag"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /v1/a b|x=1|y=a+b c|x=2|flag=")) << answer;
}

TEST_F(HttpServerTest, EveryAnswerCarriesTheSafetyHeaders) {
  start(echo());
  const std::string answer = exchange(get("/"));
  EXPECT_NE(answer.find("\r\nContent-Security-Policy: default-src 'self'\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\r\nX-Content-Type-Options: nosniff\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nCache-Control: no-store\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("Access-Control"), std::string::npos);
}

TEST_F(HttpServerTest, HeaderOfTheResponseReplacesTheDefault) {
  start([](const HttpRequest&, HttpReply reply) {
    reply({200, "text/css", "x", {{"cache-control", "max-age=60"}, {"Content-Encoding", "gzip"}}});
  });
  const std::string answer = exchange(get("/"));
  EXPECT_NE(answer.find("cache-control: max-age=60"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_EQ(answer.find("no-store"), std::string::npos);
}

TEST_F(HttpServerTest, HeaderWithALineBreakBecomesAnError) {
  start([](const HttpRequest&, HttpReply reply) { reply({200, "text/plain", "x", {{"X-A", "a\r\nX-B: b"}}}); });
  const std::string answer = exchange(get("/"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_EQ(answer.find("X-B"), std::string::npos);
}

TEST_F(HttpServerTest, HandlerMayAnswerLater) {
  start([this](const HttpRequest&, HttpReply reply) {
    held_.push_back(std::move(reply));
    runtime_->loop().after(20'000, [this] { held_.back()({200, "text/plain", "later", {}}); });
  });
  const std::string answer = exchange(get("/"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nlater")) << answer;
}

TEST_F(HttpServerTest, WaitingRequestDoesNotHoldBackOthers) {
  start([this](const HttpRequest& request, HttpReply reply) {
    if (request.path == "/slow") return held_.push_back(std::move(reply));
    reply({200, "text/plain", "fast", {}});
  });
  RawClient slow;
  connect(slow);
  slow.send(get("/slow"));
  ASSERT_TRUE(run_until([&] { return held_.size() == 1; }));
  EXPECT_TRUE(exchange(get("/fast")).ends_with("fast"));
  EXPECT_TRUE(slow.received.empty());
  held_[0]({200, "text/plain", "slow", {}});
  ASSERT_TRUE(run_until([&] { return slow.closed; }));
  EXPECT_TRUE(slow.received.ends_with("slow"));
}

TEST_F(HttpServerTest, ConnectionServesSeveralRequests) {
  start(echo());
  RawClient client;
  connect(client);
  const std::string one = "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send(one + one);
  ASSERT_TRUE(run_until([&] { return client.answers() == 2; }));
  client.send(one);
  ASSERT_TRUE(run_until([&] { return client.answers() == 3; }));
  EXPECT_FALSE(client.closed);
}

TEST_F(HttpServerTest, DroppedReplyAnswers500) {
  start([](const HttpRequest&, HttpReply) {});
  const std::string answer = exchange(get("/"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_NE(answer.find("\"code\":\"INTERNAL\""), std::string::npos);
}

TEST_F(HttpServerTest, ReplyAfterTheClientWentHasNoEffect) {
  start(hold());
  RawClient client;
  connect(client);
  client.send(get("/"));
  ASSERT_TRUE(run_until([&] { return held_.size() == 1; }));
  client.connection.reset();
  run_for_ms(20);
  held_[0]({200, "text/plain", std::string(1 << 20, 'x'), {}});
  ASSERT_TRUE(run_until([&] { return server_->connections() == 0; }));
}

TEST_F(HttpServerTest, ServerMayEndWhileRequestsWait) {
  // libuv keeps a spare descriptor from the first stream on.
  auto first = runtime_->network().connect(tcp(1), [&](auto) { runtime_->stop(); });
  runtime_->run();
  run_for_ms(10);
  const int before = open_descriptors();
  start(hold());
  {
    RawClient client;
    connect(client);
    client.send(get("/"));
    ASSERT_TRUE(run_until([&] { return held_.size() == 1; }));
    server_.reset();
    ASSERT_TRUE(run_until([&] { return client.closed; }));
    EXPECT_TRUE(client.received.empty());
  }
  held_[0]({200, "text/plain", "too late", {}});
  run_for_ms(10);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(HttpServerTest, ForeignHostIsRefusedBeforeTheHandler) {
  bool called = false;
  start([&](const HttpRequest&, HttpReply reply) {
    called = true;
    reply({});
  });
  for (const char* host : {"evil.example", "localhost.evil.example", "localhost:80:80", ""}) {
    const std::string answer = exchange(get("/", host));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << host << "\n" << answer;
    EXPECT_NE(answer.find("\"code\":\"HOST_NOT_ALLOWED\""), std::string::npos);
    EXPECT_NE(answer.find("Content-Type: application/json"), std::string::npos);
    EXPECT_NE(answer.find("nosniff"), std::string::npos);
  }
  const std::string twice = exchange("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(twice.starts_with("HTTP/1.1 200 ")) << twice;
  const std::string none = exchange("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(none.starts_with("HTTP/1.") && none.find(" 403 ") != std::string::npos) << none;
  EXPECT_FALSE(called);
}

TEST_F(HttpServerTest, BodyReachesTheHandler) {
  start(echo());
  const std::string body(200'000, 'b');
  const std::string head = "POST /p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  const std::string sized = exchange(head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_TRUE(sized.ends_with("POST /p|" + body));
  const std::string chunked =
      exchange(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.ends_with("POST /p|hello world")) << chunked;
}

TEST_F(HttpServerTest, HeadersReachTheHandler) {
  start([](const HttpRequest& request, HttpReply reply) {
    reply({200, "text/plain", header_of(request, "aerodb-receipt").value().value_or("none"), {}});
  });
  const auto answer =
      exchange("GET / HTTP/1.1\r\nHost: localhost\r\nAeroDB-Receipt: here\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhere")) << answer;
}

TEST_F(HttpServerTest, LargeBodyIsRefused) {
  HttpOptions options;
  options.max_body_bytes = 1000;
  bool called = false;
  start(
      [&](const HttpRequest&, HttpReply reply) {
        called = true;
        reply({});
      },
      std::move(options));
  const std::string head = "POST /p HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  const std::string stated = exchange(head + "Content-Length: 1001\r\n\r\n");
  EXPECT_TRUE(stated.starts_with("HTTP/1.1 413 ")) << stated;
  EXPECT_NE(stated.find("MESSAGE_TOO_LARGE"), std::string::npos);
  const std::string chunk = "3e8\r\n" + std::string(1000, 'x') + "\r\n";
  const std::string chunked = exchange(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk + "1\r\nx\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.starts_with("HTTP/1.1 413 ")) << chunked;
  std::string endless = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 50; ++i) endless += chunk;
  EXPECT_EQ(exchange(endless), "");
  EXPECT_FALSE(called);
}

TEST_F(HttpServerTest, LargeHeadIsRefused) {
  bool called = false;
  start([&](const HttpRequest&, HttpReply reply) {
    called = true;
    reply({});
  });
  const std::string answer = exchange(get("/" + std::string(40'000, 'a')));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 414 ") || answer.starts_with("HTTP/1.1 431 ") ||
              answer.starts_with("HTTP/1.1 413 "))
      << answer.substr(0, 100);
  EXPECT_FALSE(called);
}

TEST_F(HttpServerTest, MalformedTargetIsRefused) {
  start(echo());
  for (const char* target : {"/%zz", "/a?x=%0", "/%00", "http://localhost/x"}) {
    const std::string answer = exchange(get(target));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << target << "\n" << answer;
  }
}

TEST_F(HttpServerTest, IdleConnectionIsClosed) {
  HttpOptions options;
  options.timeout_s = 1;
  start(echo(), std::move(options));
  RawClient client;
  connect(client);
  client.send("GET / HT");
  ASSERT_TRUE(run_until([&] { return client.closed; }));
}

TEST_F(HttpServerTest, ConnectionsBeyondTheLimitWait) {
  HttpOptions options;
  options.max_connections = 1;
  start(hold(), std::move(options));
  RawClient first;
  RawClient second;
  connect(first);
  connect(second);
  first.send(get("/1"));
  ASSERT_TRUE(run_until([&] { return held_.size() == 1; }));
  second.send(get("/2"));
  run_for_ms(50);
  EXPECT_LE(server_->connections(), 1u);
  EXPECT_EQ(held_.size(), 1u);
}

TEST_F(HttpServerTest, LargeAnswerArrivesWhole) {
  const std::string body(20 << 20, 'z');
  start([&](const HttpRequest&, HttpReply reply) { reply({200, "text/plain", body, {}}); });
  const std::string answer = exchange(get("/"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n" + body));
}

TEST_F(HttpServerTest, AddressInUseIsNamed) {
  start(echo());
  HttpOptions options;
  options.endpoint = server_->endpoint();
  auto second = HttpServer::start(*runtime_, std::move(options), echo());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConfigInvalid);
  EXPECT_NE(second.error().message.find(server_->endpoint().text()), std::string::npos);
}

TEST(HttpTypes, ErrorIsRenderedWithItsRow) {
  Error error{ErrorCode::kBehind, "get \"a\"\n\xFF", {}};
  error.with("applied", uint64_t{7});
  const HttpResponse response = http_error(error);
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.body,
            R"({"error":{"code":"BEHIND","severity":"REJECT","message":"get \"a\"\u000a\ufffd","rule":"REPL-5",)"
            R"("details":{"applied":"7"}}})");
}

TEST(HttpTypes, JsonStringKeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(json_string("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_string("\xC0\x80"), R"("\ufffd\ufffd")");            // overlong
  EXPECT_EQ(json_string("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");  // surrogate
  EXPECT_EQ(json_string("a\xE2\x82"), R"("a\ufffd\ufffd")");          // cut short
}

TEST(HttpTypes, EachSegmentIsDecodedByItself) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/a%2Fb//c%20?d=/e", request));
  EXPECT_EQ(request.segments, (std::vector<std::string>{"a/b", "", "c "}));
  ASSERT_TRUE(parse_target("/", request));
  EXPECT_EQ(request.segments, std::vector<std::string>{""});
}

TEST(HttpTypes, AHeaderHasOneValueInLettersOfEitherCase) {
  HttpRequest request;
  request.headers = {{"X-One", "1"}, {"x-two", "2"}, {"X-Two", "3"}};
  EXPECT_EQ(header_of(request, "x-one").value(), "1");
  EXPECT_EQ(header_of(request, "x-none").value(), std::nullopt);
  EXPECT_EQ(header_of(request, "x-two").error().code, ErrorCode::kBadRequest);
}

TEST(HttpTypes, HostMatchesWithOrWithoutPort) {
  const std::vector<std::string> allowed = {"localhost", "[::1]", "node:7340"};
  EXPECT_TRUE(host_allowed("LOCALHOST:80", allowed));
  EXPECT_TRUE(host_allowed("[::1]:80", allowed));
  EXPECT_TRUE(host_allowed("[::1]", allowed));
  EXPECT_TRUE(host_allowed("node:7340", allowed));
  EXPECT_FALSE(host_allowed("node", allowed));
  EXPECT_FALSE(host_allowed("node:1", allowed));
  EXPECT_FALSE(host_allowed("localhost:x", allowed));
  EXPECT_FALSE(host_allowed("", {""}));
}

}  // namespace
}  // namespace aerodb::http
