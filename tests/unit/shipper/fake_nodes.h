// A source and replicas made of wire::Server handlers, on a network in memory. They hold to the protocol as a node
// does, and can be told to misbehave.
#pragma once

#include <map>
#include <set>

#include "shipper/shipper.h"
#include "tests/unit/shipper/fake_log.h"
#include "tests/unit/wire/memory_runtime.h"

namespace aerodb::shipper::testing {

using wire::testing::MemoryRuntime;

inline runtime::Endpoint at_port(uint16_t port) {
  runtime::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port;
  return endpoint;
}

class FakeSource {
 public:
  explicit FakeSource(MemoryRuntime& runtime) : runtime_(runtime) {}
  ~FakeSource() { go_down(); }

  void come_up() {
    server_ = std::make_unique<wire::Server>(runtime_, wire::ListenerKind::kReplication, wire::HelloResponse{},
                                             wire::ServerLimits{});
    server_->handle(wire::kWalPosition, [this](const wire::Empty&, wire::Responder responder) {
      ++positions;
      wire::WalPositionResponse position;
      position.node = name;
      position.cluster = cluster;
      position.first_lsn = first_held;
      position.durable = log.receipt();
      wire::AncestryEntry genesis;
      genesis.epoch = Epoch(1);
      genesis.node = name;
      position.ancestry.push_back(genesis);
      responder.ok(position);
    });
    server_->handle(wire::kWalFetch, [this](const wire::WalFetchRequest& request, wire::Responder responder) {
      fetches.push_back(request.from_lsn);
      if (request.from_lsn < first_held) {
        responder.error({ErrorCode::kLogReleased, "released", {}});
      } else if (request.from_lsn <= log.end() || request.wait_ms == 0) {
        answer(request.from_lsn, request.max_bytes, responder);
      } else {
        wait(request, std::move(responder));
      }
    });
    AERODB_ASSERT(server_->listen(at_port(port)).has_value());
  }
  void go_down() {
    server_.reset();
    for (auto& [number, waiting] : waiting_) runtime_.loop().cancel(waiting.timer);
    waiting_.clear();
  }
  // Tells those who wait for records.
  void publish() {
    for (auto& [number, waiting] : std::exchange(waiting_, {})) {
      runtime_.loop().cancel(waiting.timer);
      answer(waiting.from, waiting.max_bytes, waiting.responder);
    }
  }
  void write(size_t count, size_t payload_bytes = 40) {
    log.append_many(count, payload_bytes);
    publish();
  }

  static constexpr uint16_t port = 2000;
  FakeLog log;
  std::string name = "p1";
  ClusterId cluster{};
  Lsn first_held{1};
  std::vector<Lsn> fetches;
  int positions = 0;
  bool lies = false;  // answers another range than asked for, once

 private:
  struct Waiting {
    Lsn from;
    uint32_t max_bytes = 0;
    wire::Responder responder;
    runtime::TimerId timer = runtime::TimerId::kNone;
  };
  void wait(const wire::WalFetchRequest& request, wire::Responder responder) {
    const auto number = ++last_wait_;
    const auto timer = runtime_.loop().after(uint64_t{request.wait_ms} * 1000, [this, number] {
      auto waiting = waiting_.extract(number);
      answer(waiting.mapped().from, waiting.mapped().max_bytes, waiting.mapped().responder);
    });
    waiting_[number] = {request.from_lsn, request.max_bytes, std::move(responder), timer};
  }
  void answer(Lsn from, uint32_t max_bytes, wire::Responder& responder) {
    const auto fetched = log.fetch(std::exchange(lies, false) ? from.next() : from, max_bytes);
    responder.ok(wire::WalFetchResponse{fetched.first_lsn, fetched.count, fetched.chain_before, fetched.durable,
                                        *fetched.records});
  }

  MemoryRuntime& runtime_;
  std::unique_ptr<wire::Server> server_;
  std::map<uint64_t, Waiting> waiting_;
  uint64_t last_wait_ = 0;
};

class FakeReplica {
 public:
  FakeReplica(MemoryRuntime& runtime, uint16_t port) : runtime_(runtime), port_(port) {}
  ~FakeReplica() { go_down(); }

  void come_up() {
    server_ = std::make_unique<wire::Server>(runtime_, wire::ListenerKind::kReplication, wire::HelloResponse{},
                                             wire::ServerLimits{});
    server_->handle(wire::kReplicaOpen, [this](const wire::ReplicaOpenRequest& request, wire::Responder responder) {
      opens.push_back(request.source_durable.lsn);
      journal.push_back("open");
      ancestries = request.ancestry.size();
      instance = request.shipper_instance;
      if (refuse_open) {
        responder.error({*refuse_open, "as told", {}});
        return;
      }
      ++session_;
      responder.ok(wire::ReplicaOpenResponse{
          session_, "r", {}, log.end(), log.end(), log.end_chain(), CommitId(log.end().value())});
    });
    server_->handle(wire::kReplicaAppend, [this](const wire::ReplicaAppendRequest& request, wire::Responder responder) {
      const auto verdict = take(request);
      if (mute) {
        held_.push_back(std::move(responder));
      } else if (verdict) {
        responder.error({*verdict, "refused", {}});
      } else {
        responder.ok(wire::ReplicaAppendResponse{log.end(), log.end(), CommitId(log.end().value())});
      }
    });
    AERODB_ASSERT(server_->listen(at_port(port_)).has_value());
  }
  void go_down() {
    server_.reset();
    held_.clear();
  }
  // Another shipper opens a session.
  void supersede(ErrorCode code) {
    ++session_;
    stale_answer = code;
  }
  // Answers what it kept silent about.
  void speak() {
    mute = false;
    for (auto& responder : std::exchange(held_, {}))
      responder.ok(wire::ReplicaAppendResponse{log.end(), log.end(), CommitId(log.end().value())});
  }
  [[nodiscard]] config::Peer peer(const std::string& name) const { return {name, at_port(port_)}; }

  FakeLog log;
  bool mute = false;  // takes records and does not answer
  std::optional<ErrorCode> refuse_open;
  std::optional<ErrorCode> refuse_records;  // appends that have some
  ErrorCode stale_answer = ErrorCode::kStaleSession;
  std::vector<std::string> journal;  // "open", "proof 5", "records 6+2"
  std::vector<Lsn> opens;            // the source's durable end as each open named it
  size_t ancestries = 0;
  InstanceId instance{};
  Lsn source_durable{};  // as the last append named it

 private:
  std::optional<ErrorCode> take(const wire::ReplicaAppendRequest& request) {
    journal.push_back(request.count == 0 ? "proof " + std::to_string(request.first_lsn.value())
                                         : "records " + std::to_string(request.first_lsn.value()));
    source_durable = request.source_durable.lsn;
    if (request.session != session_) return stale_answer;
    if (request.first_lsn != log.end().next()) return ErrorCode::kNotNext;
    if (request.chain_before != log.end_chain()) return ErrorCode::kReplicaDiverged;
    if (request.count > 0 && refuse_records) return refuse_records;
    auto rest = request.records;
    for (uint32_t i = 0; i < request.count; ++i) {
      const auto size = round_up(wal::kRecordHeaderBytes + ByteReader(rest).u32(), 8);
      log.take(Bytes(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(size)));
      rest = rest.subspan(size);
    }
    AERODB_ASSERT(rest.empty());
    return std::nullopt;
  }

  MemoryRuntime& runtime_;
  uint16_t port_;
  std::unique_ptr<wire::Server> server_;
  uint64_t session_ = 0;
  std::vector<wire::Responder> held_;
};

}  // namespace aerodb::shipper::testing
