// Single nodes on the simulated runtime, started, killed and asked by hand: for tests that tell one course of events.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "common/wire/client.h"
#include "primary/no_intake.h"
#include "tests/sim/cluster.h"

namespace aerodb::sim::testing {

inline constexpr wal::RingGeometry kGeometry = {4, 64 << 10};
inline constexpr uint64_t kLongUs = 5'000'000;
inline constexpr std::string_view kDataDir = "/var/lib/aerodb";

inline engine::InitOptions init_options(const SimMachine& machine, bool primary, const ClusterId& cluster) {
  engine::InitOptions options;
  options.data_dir = kDataDir;
  options.name = machine.name();
  options.geometry = kGeometry;
  options.primary = primary;
  options.cluster = cluster;
  return options;
}

// Runs the world until it is so. Fails, and answers false, where it is not after a simulated minute.
template <class Condition>
[[nodiscard]] bool run_until(SimWorld& world, Condition condition) {
  const uint64_t end = world.now_us() + 60'000'000;
  while (!condition()) {
    if (world.now_us() >= end || !world.step()) return false;
  }
  return true;
}

struct TestNode {
  TestNode(SimWorld& in, std::string name, bool is_primary)
      : world(in), machine(in.add_machine(std::move(name))), primary(is_primary) {
    SimProcess init(machine, world, {.name = "init"});
    identity =
        *engine::init_directory(init.blocking_disk(), init.random(), init_options(machine, primary, ClusterId{{7}}));
  }
  ~TestNode() { kill(CrashKind::kProcess); }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  void begin_start() {
    process = std::make_unique<SimProcess>(machine, world, ProcessOptions{.name = machine.name()});
    node::NodeConfig config;
    config.name = machine.name();
    config.data_dir = kDataDir;
    config.listen_client = endpoint_of(machine, kClientPort);
    config.listen_replication = endpoint_of(machine, kReplicationPort);
    config.listen_control = endpoint_of(machine, kControlPort);
    config.listen_maintenance = endpoint_of(machine, kMaintenancePort);
    config.wal_segments = kGeometry.slots;
    config.wal_segment_bytes = kGeometry.segment_bytes;
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
    kill(CrashKind::kProcess);
  }
  void kill(CrashKind kind) {
    if (process) process->crash(kind);
    intake.reset();
    node.reset();
    process.reset();
  }
  [[nodiscard]] engine::Engine& engine() { return *node->engine(); }

  SimWorld& world;
  SimMachine& machine;
  bool primary;  // which binary the next start is
  engine::NodeFile identity;
  std::unique_ptr<SimProcess> process;
  std::unique_ptr<node::Node> node;
  std::unique_ptr<replica::Intake> intake;
  std::optional<Result<void>> started;
};

// What an answer says by value; its views are gone.
template <class Request, class Response>
Result<Response> call(SimWorld& world, wire::Client& client, const wire::Method<Request, Response>& method,
                      const std::type_identity_t<Request>& request) {
  std::optional<Result<Response>> answer;
  client.call(method, request, 10'000, [&](Result<Response> got) { answer = std::move(got); });
  while (!answer && world.step()) {
  }
  return std::move(*answer);
}
// Null where nobody answers there.
inline std::unique_ptr<wire::Client> connect(SimWorld& world, SimProcess& from, const runtime::Endpoint& endpoint) {
  auto client = std::make_unique<wire::Client>(from);
  bool done = false;
  client->connect(endpoint, [&](Result<void>) { done = true; });
  while (!done && world.step()) {
  }
  return client->connected() ? std::move(client) : nullptr;
}

}  // namespace aerodb::sim::testing
