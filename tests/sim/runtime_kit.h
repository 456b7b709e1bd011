// What the tests of the simulated runtime share: a machine whose process is killed and started again, and two machines
// with a connection between them.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "common/base/assert.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {

inline runtime::Endpoint at(std::string_view text) { return *runtime::Endpoint::parse(text); }

inline SimOptions with_power(PowerFate fate) {
  SimOptions options;
  options.power_weights = {0, 0, 0, 0};
  options.power_weights[static_cast<size_t>(fate)] = 1;
  return options;
}

inline Bytes filled(size_t count, uint8_t value) { return Bytes(count, value); }

// A machine with a process on it that can be killed and started again.
struct OneMachine {
  explicit OneMachine(uint64_t seed, const SimOptions& options = {})
      : world(seed, options), machine(world.add_machine("a")) {
    start();
    AERODB_ASSERT(disk().make_directory("/d").has_value());
    AERODB_ASSERT(disk().sync_directory("/").has_value());
  }
  void start() { process = std::make_unique<SimProcess>(machine, world, ProcessOptions{.name = "p"}); }
  void restart(CrashKind kind) {
    process->crash(kind);
    process.reset();
    start();
  }
  runtime::Disk& disk() { return process->blocking_disk(); }
  // A file of `content`, synced together with its name.
  void put(const std::string& path, ByteSpan content) {
    auto file = disk().open(path, runtime::OpenMode::kAppend);
    AERODB_ASSERT(file && (*file)->write(0, content) && (*file)->sync() && disk().sync_directory("/d"));
  }
  Bytes content(const std::string& path) { return machine.disk().peek(path).value_or(Bytes{}); }

  SimWorld world;
  SimMachine& machine;
  std::unique_ptr<SimProcess> process;
};

struct Peer final : runtime::ConnectionEvents {
  void hold(std::unique_ptr<runtime::Connection> made) {
    connection = std::move(made);
    connection->set_events(this);
  }
  void on_data(ByteSpan data) override {
    received.insert(received.end(), data.begin(), data.end());
    ++pieces;
    if (drop_on_data) connection.reset();
  }
  void on_drained() override { ++drained; }
  void on_close(std::string_view why) override { closed = why; }

  std::unique_ptr<runtime::Connection> connection;
  Bytes received;
  int pieces = 0;
  int drained = 0;
  bool drop_on_data = false;
  std::optional<std::string> closed;
};

// Two machines; the server listens on 10.0.0.2:7000 and on unix:/s.
struct TwoMachines {
  explicit TwoMachines(uint64_t seed, const SimOptions& options = {}) : world(seed, options) {
    client_process = std::make_unique<SimProcess>(a, world, ProcessOptions{.name = "client"});
    server_process = std::make_unique<SimProcess>(b, world, ProcessOptions{.name = "server"});
    auto accept = [this](std::unique_ptr<runtime::Connection> made) { server.hold(std::move(made)); };
    tcp = std::move(*server_process->network().listen(at("10.0.0.2:7000"), accept));
    local = std::move(*server_process->network().listen(at("unix:/s"), accept));
  }
  void connect(SimProcess& process, std::string_view endpoint = "10.0.0.2:7000") {
    attempt = process.network().connect(at(endpoint), [this](Result<std::unique_ptr<runtime::Connection>> made) {
      if (made) {
        client.hold(std::move(*made));
      } else {
        refused = made.error();
      }
    });
  }
  void connected() {
    connect(*client_process);
    AERODB_ASSERT(world.run_to_idle() && client.connection && server.connection);
  }

  SimWorld world;
  SimMachine& a = world.add_machine("a");
  SimMachine& b = world.add_machine("b");
  std::unique_ptr<SimProcess> client_process;
  std::unique_ptr<SimProcess> server_process;
  Peer client;
  Peer server;
  std::unique_ptr<runtime::Listener> tcp;
  std::unique_ptr<runtime::Listener> local;
  std::unique_ptr<runtime::Network::Attempt> attempt;
  std::optional<Error> refused;
};

inline Bytes counted(size_t count, size_t from = 0) {
  Bytes data(count);
  for (size_t i = 0; i < count; ++i) data[i] = static_cast<uint8_t>((from + i) * 31 >> 3);
  return data;
}

}  // namespace aerodb::sim
