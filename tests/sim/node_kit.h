// Single nodes on the simulated runtime, started, killed and asked by hand: for tests that tell one course of events.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/node/node.h"
#include "common/wire/client.h"
#include "primary/no_intake.h"
#include "replica/intake.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim::testing {

inline constexpr wal::RingGeometry kGeometry = {4, 1 << 20};
inline constexpr uint64_t kLongUs = 5'000'000;
inline constexpr std::string_view kDataDir = "/var/lib/aerodb";

enum class Port : uint16_t { kClient = 7001, kReplication, kControl, kMaintenance };

inline runtime::Endpoint endpoint_on(const SimMachine& machine, uint16_t port) {
  runtime::Endpoint endpoint;
  endpoint.host = machine.address();
  endpoint.port = port;
  return endpoint;
}

inline engine::InitOptions init_options(const SimMachine& machine, bool primary, const ClusterId& cluster) {
  engine::InitOptions options;
  options.data_dir = kDataDir;
  options.name = machine.name();
  options.geometry = kGeometry;
  options.primary = primary;
  options.cluster = cluster;
  return options;
}

// Runs the world until it is so. Answers false where it is not after a simulated minute.
template <class Condition>
[[nodiscard]] bool run_until(SimWorld& world, Condition condition) {
  const uint64_t end = world.now_us() + 60'000'000;
  while (!condition()) {
    if (world.now_us() >= end || !world.step()) return false;
  }
  return true;
}

struct TestNode {
  // Initialised, not started.
  TestNode(SimWorld& in, std::string name, bool is_primary)
      : world(in), machine(in.add_machine(std::move(name))), primary(is_primary) {
    SimProcess init(machine, world, {.name = "init"});
    auto made =
        engine::init_directory(init.blocking_disk(), init.random(), init_options(machine, primary, ClusterId{{7}}));
    EXPECT_TRUE(made) << made.error().message;
    identity = std::move(*made);
    config.name = machine.name();
    config.data_dir = kDataDir;
    config.listen_client = endpoint(Port::kClient);
    config.listen_replication = endpoint(Port::kReplication);
    config.listen_control = endpoint(Port::kControl);
    config.listen_maintenance = endpoint(Port::kMaintenance);
    config.wal_segments = kGeometry.slots;
    config.wal_segment_bytes = kGeometry.segment_bytes;
  }
  ~TestNode() { crash(); }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  void begin_start() {
    process = std::make_unique<SimProcess>(machine, world, ProcessOptions{.name = machine.name()});
    started.reset();
    node = std::make_unique<node::Node>(*process, config, primary ? node::Binary::kPrimary : node::Binary::kReplica);
    if (primary) {
      primary::refuse_records(*node);
    } else {
      intake = std::make_unique<replica::Intake>(*node);
    }
    node->start([this](Result<void> result) { started = std::move(result); });
  }
  void start() {
    begin_start();
    ASSERT_TRUE(run_until(world, [&] { return started.has_value(); })) << machine.name() << " does not start";
    ASSERT_TRUE(*started) << started->error().message;
  }
  void stop() {
    bool stopped = false;
    node->stop("test", [&] { stopped = true; });
    ASSERT_TRUE(run_until(world, [&] { return stopped; })) << machine.name() << " does not stop";
    crash();
  }
  void crash(CrashKind kind = CrashKind::kProcess) {
    if (process) process->crash(kind);
    intake.reset();
    node.reset();
    process.reset();
  }
  // What was in memory is cold afterwards.
  void restart() {
    crash();
    start();
  }
  [[nodiscard]] runtime::Endpoint endpoint(Port port) const {
    return endpoint_on(machine, static_cast<uint16_t>(port));
  }
  [[nodiscard]] engine::Engine& engine() { return *node->engine(); }
  [[nodiscard]] uint64_t metric(observe::MetricId id) const { return node->metrics().get(id); }
  // Durable ones, oldest first.
  [[nodiscard]] std::vector<observe::Event> events() const { return node->events().recent(0, 1000); }
  // The last event of that name: its fields, one line each. Empty where there is none.
  [[nodiscard]] std::string last_event(std::string_view name) const {
    std::string text;
    for (const auto& event : events()) {
      if (event.name == name) text = fmt::format("{}", fmt::join(event.fields, "\n"));
    }
    return text;
  }

  SimWorld& world;
  SimMachine& machine;
  node::NodeConfig config;
  bool primary;  // which binary the next start is
  engine::NodeFile identity;
  std::unique_ptr<SimProcess> process;
  std::unique_ptr<node::Node> node;
  std::unique_ptr<replica::Intake> intake;
  std::optional<Result<void>> started;
};

// Waits for the answer. Views in it are void.
template <class Request, class Response>
Result<Response> call(SimWorld& world, wire::Client& client, const wire::Method<Request, Response>& method,
                      const std::type_identity_t<Request>& request) {
  std::optional<Result<Response>> answer;
  client.call(method, request, 0, [&](Result<Response> got) { answer = std::move(got); });
  const bool answered = run_until(world, [&] { return answer.has_value(); });
  return answered ? std::move(*answer) : fail(ErrorCode::kTimedOut, "no answer came");
}
// Fails the test where nobody answers there.
inline std::unique_ptr<wire::Client> connect(SimWorld& world, SimProcess& from, const runtime::Endpoint& endpoint) {
  auto client = std::make_unique<wire::Client>(from);
  bool done = false;
  client->connect(endpoint, [&](Result<void>) { done = true; });
  EXPECT_TRUE(run_until(world, [&] { return done; }));
  EXPECT_TRUE(client->connected());
  return client;
}

}  // namespace aerodb::sim::testing
