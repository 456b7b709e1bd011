// Counts every allocation of this test program, and shows that a warm request path makes none.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/unit/wire/wire_test_kit.h"

namespace {
// Plain numbers of a single-threaded program.
uint64_t g_allocations = 0;
}  // namespace

// Never inline: where GCC sees through one of them only, it warns of new that is ended by free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace aerodb::wire {
namespace {

using testing::joined;
using testing::request_bytes;

// Only counts what comes back.
struct CountingPeer final : runtime::ConnectionEvents {
  CountingPeer(testing::MemoryRuntime& runtime, const runtime::Endpoint& endpoint) {
    attempt = runtime.network().connect(endpoint, [this](auto result) {
      connection = std::move(*result);
      connection->set_events(this);
    });
    runtime.run();
  }
  void on_data(ByteSpan data) override { received += data.size(); }
  void on_close(std::string_view) override { closed = true; }
  std::unique_ptr<runtime::Network::Attempt> attempt;
  std::unique_ptr<runtime::Connection> connection;
  size_t received = 0;
  bool closed = false;
};

// A node that answers doc.get from a document at hand, at once or, with `later`, in a turn of its own.
struct GetServer {
  explicit GetServer(bool answer_later) : later(answer_later) {
    server.handle(kDocGet, [this](const DocGetRequest& request, Responder responder) {
      AERODB_ASSERT(request.id == "AW" && request.receipt && request.receipt->lsn == Lsn(7));
      if (later) {
        waiting.push_back(std::move(responder));
      } else {
        responder.ok(response());
      }
    });
    AERODB_ASSERT(server.listen(testing::any_endpoint()).has_value());
    waiting.reserve(64);
  }
  DocGetResponse response() const {
    DocGetResponse answer;
    answer.data.at_commit = CommitId(5);
    answer.data.version = DocVersion{CommitId(4), 1, Packed{document}};
    return answer;
  }
  void answer_waiting() {
    for (auto& responder : waiting) responder.ok(response());
    waiting.clear();
  }
  bool later;
  Bytes document{0x81, 0xa3, '_', 'i', 'd', 0xa2, 'A', 'W'};
  testing::MemoryRuntime runtime;
  std::vector<Responder> waiting;
  Server server{runtime, ListenerKind::kClient, {}, {}};
};

Bytes get_bytes(uint32_t id) {
  DocGetRequest request;
  request.collection = "countries";
  request.id = "AW";
  request.schema_version = 1;
  request.receipt.emplace();
  request.receipt->lsn = Lsn(7);
  return request_bytes(id, "doc.get", request);
}

uint64_t allocations_of_warm_gets(GetServer& s, size_t piece_bytes, const Bytes& requests) {
  CountingPeer peer(s.runtime, s.server.endpoint());
  s.runtime.network().piece_bytes = piece_bytes;
  const auto round = [&] {
    peer.connection->send_view(requests);
    s.runtime.run();
    s.answer_waiting();
    s.runtime.run();
  };
  for (int i = 0; i < 20; ++i) round();
  const auto answered = peer.received;
  const auto before = g_allocations;
  for (int i = 0; i < 100; ++i) round();
  const auto made = g_allocations - before;
  EXPECT_EQ(peer.received, answered * 6);
  EXPECT_FALSE(peer.closed);
  return made;
}

TEST(Allocations, TheCounterCounts) {
  const auto before = g_allocations;
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(*number, 1);
  EXPECT_EQ(g_allocations, before + 1);
}

TEST(Allocations, AWarmGetMakesNone) {
  GetServer s(false);
  EXPECT_EQ(allocations_of_warm_gets(s, 1 << 20, get_bytes(1)), 0u);
}

TEST(Allocations, NorDoPipelinedGetsInPieces) {
  GetServer s(false);
  EXPECT_EQ(allocations_of_warm_gets(s, 50, joined({get_bytes(1), get_bytes(2), get_bytes(3)})), 0u);
}

TEST(Allocations, NorDoGetsAnsweredLater) {
  GetServer s(true);
  EXPECT_EQ(allocations_of_warm_gets(s, 1 << 20, joined({get_bytes(1), get_bytes(2)})), 0u);
}

}  // namespace
}  // namespace aerodb::wire
