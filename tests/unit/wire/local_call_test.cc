// A request of the process itself is taken, bounded and answered like that of any connection.
#include "common/wire/local_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using ::testing::ElementsAre;
using testing::MemoryRuntime;

// `ping` is echoed, put back while its nonce is cold, and held where it is 0.
struct LocalCallTest : ::testing::Test {
  LocalCallTest() { make({}); }
  void make(ServerLimits limits) {
    server = std::make_unique<Server>(runtime, ListenerKind::kClient, HelloResponse{}, limits);
    server->handle(kPing, [this](const PingRequest& request, Responder responder) {
      peer = responder.peer().address;
      if (request.nonce == cold) {
        waiting = responder.connection();
        return responder.put_back();
      }
      if (request.nonce == 0)
        held = std::move(responder);
      else
        responder.ok(request);
    });
    server->on_disconnect([this](uint64_t) { ++disconnects; });
  }
  void call(std::string_view method, uint64_t nonce) {
    Bytes params;
    document::PackWriter out(params);
    encode(PingRequest{nonce}, out);
    call_locally(runtime.loop(), *server, method, params, "somebody", [this](Result<document::Cursor> answer) {
      outcomes.push_back(answer ? document::type_name(answer->type()) : answer.error().row().name);
      if (answer) nonces.push_back(decode<PingResponse>(*answer)->nonce);
    });
  }

  MemoryRuntime runtime;
  std::unique_ptr<Server> server;
  Responder held;
  uint64_t cold = 99;
  uint64_t waiting = 0;
  int disconnects = 0;
  std::string peer;
  std::vector<std::string_view> outcomes;
  std::vector<uint64_t> nonces;
};

TEST_F(LocalCallTest, IsAnsweredOnAConnectionOfItsOwn) {
  call("ping", 7);
  call("ping", 8);
  EXPECT_TRUE(outcomes.empty()) << "answers leave at the end of the turn";
  runtime.run();
  EXPECT_THAT(nonces, ElementsAre(7, 8));
  EXPECT_EQ(peer, "somebody");
  EXPECT_EQ(disconnects, 2);
  EXPECT_EQ(server->counters().connections_accepted, 2u);
}

TEST_F(LocalCallTest, ErrorsKeepTheirCode) {
  call("pong", 7);
  runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("UNKNOWN_METHOD"));
}

TEST_F(LocalCallTest, ARequestThatWasPutBackRunsAgain) {
  call("ping", cold);
  runtime.run();
  EXPECT_TRUE(outcomes.empty());
  cold = 0;
  server->resume(waiting);
  runtime.run();
  EXPECT_THAT(nonces, ElementsAre(99));
}

TEST_F(LocalCallTest, BeyondTheLimitOrWhereNothingIsTakenItIsBusy) {
  make({.max_connections = 1});
  call("ping", 0);
  call("ping", 1);
  EXPECT_THAT(outcomes, ElementsAre("BUSY"));
  held.ok(PingResponse{0});
  runtime.run();
  EXPECT_THAT(nonces, ElementsAre(0));
  server->take_no_more();
  call("ping", 1);
  runtime.run();
  EXPECT_THAT(outcomes, ElementsAre("BUSY", document::type_name(document::Type::kMap), "BUSY"));
}

TEST_F(LocalCallTest, AServerThatEndsLosesItByName) {
  call("ping", 0);
  server.reset();
  EXPECT_THAT(outcomes, ElementsAre("CONNECTION_LOST"));
  runtime.run();
}

}  // namespace
}  // namespace aerodb::wire
