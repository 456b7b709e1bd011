// What the tests of nodes share: clients that talk to a node over its listeners, and a collection of documents larger
// than a block.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/node_kit.h"

namespace aerodb::node::testing {

using sim::testing::Port;
using sim::testing::TestNode;

// Version 1: _id, n (int, indexed), text (string).
[[nodiscard]] Bytes schema_bytes(uint32_t version);
// About 1 KiB.
[[nodiscard]] Bytes document_bytes(const std::string& id, int64_t n);

struct NodeTest : ::testing::Test {
  [[nodiscard]] std::unique_ptr<wire::Client> connect(TestNode& to, Port port = Port::kClient) {
    return sim::testing::connect(world, clients, to.endpoint(port));
  }
  // Waits for the answer. Views in it are void.
  template <class Request, class Response>
  Result<Response> call(wire::Client& client, const wire::Method<Request, Response>& method,
                        const std::type_identity_t<Request>& request) {
    return sim::testing::call(world, client, method, request);
  }
  // The same; `look` sees the answer while its views are valid.
  template <class Request, class Response, class Look>
  Result<void> ask(wire::Client& client, const wire::Method<Request, Response>& method,
                   const std::type_identity_t<Request>& request, Look&& look) {
    std::optional<Error> error;
    bool answered = false;
    client.call(method, request, 0, [&](Result<Response> answer) {
      answered = true;
      if (answer)
        look(*answer);
      else
        error = std::move(answer.error());
    });
    while (!answered && world.step()) {
    }
    if (!answered) return fail(ErrorCode::kTimedOut, "no answer came");
    if (error) return fail(std::move(*error));
    return {};
  }
  // The schema and documents d0 ... , n counting up.
  void fill(TestNode& node, int documents);
  // Starts an operation and waits for its end.
  template <class Request>
  wire::OperationView operate(TestNode& node, const wire::Method<Request, wire::StorageStartedResponse>& method,
                              const std::type_identity_t<Request>& request) {
    auto client = connect(node, Port::kMaintenance);
    auto started = call(*client, method, request);
    EXPECT_TRUE(started) << started.error().message;
    return started ? finish(*client, started->operation) : wire::OperationView{};
  }
  wire::OperationView finish(wire::Client& maintenance, uint64_t operation);
  wire::OperationView checkpoint(TestNode& node) { return operate(node, wire::kStorageCheckpoint, {asked_by(), true}); }
  [[nodiscard]] static wire::Request asked_by() { return {"r1", "ann", "a test", std::nullopt}; }
  // Hands the source's whole log to the target over replica.*, as a shipper would.
  void ship(TestNode& source, TestNode& target);
  void settle() { EXPECT_TRUE(world.run_to_idle()); }

  sim::SimWorld world{1, sim::SimOptions{}};
  sim::SimProcess clients{world.add_machine("clients"), world, {.name = "clients"}};
};

// Every file of a disk with its content.
[[nodiscard]] std::map<std::string, std::optional<Bytes>> contents(const sim::SimDisk& disk);

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "OK" : std::string(result.error().row().name);
}

}  // namespace aerodb::node::testing
