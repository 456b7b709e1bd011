// The objects that processes hold: connection, listener and connect attempt, each a number into SimNetwork. Private to
// network.cc and network_connect.cc.
#pragma once

#include "tests/sim/runtime/network.h"

namespace aerodb::sim {

struct SimNetwork::Listening {
  Owner owner = kWorld;
  SimProcess* process = nullptr;
  runtime::Endpoint endpoint;
  std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept;
};

struct SimNetwork::Attempting {
  uint32_t id = 0;
  Owner owner = kWorld;
  SimProcess* process = nullptr;
  runtime::Endpoint endpoint;
  LinkId link = 0;  // once accepted
  std::string why;  // once refused
  std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done;
};

class SimConnection final : public runtime::Connection {
 public:
  SimConnection(SimNetwork& network, LinkId link, int side, runtime::PeerIdentity peer)
      : network_(network), link_(link), side_(side), peer_(std::move(peer)) {}
  ~SimConnection() override { network_.detach(link_, side_); }
  void set_events(runtime::ConnectionEvents* events) override;
  void send(Bytes data) override { network_.send(link_, side_, std::move(data)); }
  [[nodiscard]] uint64_t queued_bytes() const override;
  void pause_reading() override;
  void resume_reading() override;
  void close() override { network_.close(link_, side_); }
  [[nodiscard]] const runtime::PeerIdentity& peer() const override { return peer_; }

 private:
  SimNetwork& network_;
  LinkId link_;
  int side_;
  runtime::PeerIdentity peer_;
};

class SimNetwork::ListenerHandle final : public runtime::Listener {
 public:
  ListenerHandle(SimNetwork& network, std::shared_ptr<Listening> listening)
      : network_(network), listening_(std::move(listening)) {}
  ~ListenerHandle() override { std::erase(network_.listeners_, listening_); }
  [[nodiscard]] runtime::Endpoint endpoint() const override { return listening_->endpoint; }

 private:
  SimNetwork& network_;
  std::shared_ptr<Listening> listening_;
};

class SimNetwork::AttemptHandle final : public runtime::Network::Attempt {
 public:
  AttemptHandle(SimNetwork& network, uint32_t id) : network_(network), id_(id) {}
  ~AttemptHandle() override { network_.cancel_attempt(id_); }

 private:
  SimNetwork& network_;
  uint32_t id_;
};

}  // namespace aerodb::sim
