// What the tests of nodes share: a node on a simulated machine, clients that talk to it over its listeners, and a
// collection of documents larger than a block.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/node/node.h"
#include "common/wire/client.h"
#include "replica/intake.h"
#include "tests/sim/runtime/disk.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::node::testing {

enum class Port : uint16_t { kClient = 1, kReplication, kControl, kMaintenance };

// Version 1: _id, n (int, indexed), text (string).
[[nodiscard]] Bytes schema_bytes(uint32_t version);
// About 1 KiB.
[[nodiscard]] Bytes document_bytes(const std::string& id, int64_t n);

class TestNode {
 public:
  TestNode(sim::SimWorld& world, std::string name, bool primary);  // initialised, not started
  ~TestNode();
  void start();
  void crash();
  // crash() and start(): what was in memory is cold afterwards.
  void restart() {
    crash();
    start();
  }
  [[nodiscard]] runtime::Endpoint endpoint(Port port) const;
  [[nodiscard]] engine::Engine& engine() { return *node->engine(); }
  [[nodiscard]] uint64_t metric(observe::MetricId id) const { return node->metrics().get(id); }
  // Names of the durable events, oldest first.
  [[nodiscard]] std::vector<observe::Event> events() const { return node->events().recent(0, 1000); }
  // The last event of that name: its fields, one line each. Empty where there is none.
  [[nodiscard]] std::string last_event(std::string_view name) const;

  sim::SimWorld& world;
  sim::SimMachine& machine;
  NodeConfig config;
  bool primary;
  std::unique_ptr<sim::SimProcess> process;
  std::unique_ptr<Node> node;
  std::unique_ptr<replica::Intake> intake;
};

struct NodeTest : ::testing::Test {
  [[nodiscard]] std::unique_ptr<wire::Client> connect(TestNode& to, Port port = Port::kClient);
  // Waits for the answer. Views in it are void.
  template <class Request, class Response>
  Result<Response> call(wire::Client& client, const wire::Method<Request, Response>& method,
                        const std::type_identity_t<Request>& request) {
    std::optional<Result<Response>> kept;
    client.call(method, request, 0, [&](Result<Response> answer) { kept = std::move(answer); });
    while (!kept && world.step()) {
    }
    return kept ? std::move(*kept) : fail(ErrorCode::kTimedOut, "no answer came");
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
