// Holds: runs and manifest of one moment, kept on disk and read by a backup (listener `maintenance`) or a bootstrap
// (listener `replication`). A hold belongs to the connection that took it and ends with it, or with the engine. It
// keeps no log: records that the ring lets go of are LOG_RELEASED.
#include <fmt/format.h>

#include <algorithm>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::EventId;
using observe::MetricId;

constexpr size_t kMaxHolds = 16;  // per listener
constexpr uint32_t kMaxReadBytes = 1u << 20;
constexpr uint32_t kMaxReadsInFlight = 4;  // per connection

// What a Job that reads brings back.
struct Piece {
  Bytes bytes;
  Result<void> result;

  void read(runtime::Disk& disk, const store::Run& run, uint64_t offset) {
    auto file = disk.open(run.path(), runtime::OpenMode::kRead);
    if (!file) {
      result = fail(std::move(file.error()));
      return;
    }
    auto count = (*file)->read(offset, bytes);
    if (!count) {
      result = fail(std::move(count.error()));
    } else if (*count < bytes.size()) {
      result = fail(ErrorCode::kRunDamaged,
                    fmt::format("read {}: it ends at {}, not at {}", run.path(), offset + *count, run.info().bytes));
    }
  }
};

// Those of one listener, with the names of its methods.
class Holds : public std::enable_shared_from_this<Holds> {
 public:
  Holds(Node& node, std::string_view take_method, std::string_view read_method)
      : node_(node), take_method_(take_method), read_method_(read_method) {}

  void take(wire::Responder responder) {
    if (holds_.size() >= kMaxHolds) {
      return responder.error(
          {ErrorCode::kBusy, fmt::format("{} on {}: {} are held", take_method_, node_.config().name, kMaxHolds), {}});
    }
    const auto& engine = *node_.engine();
    auto held = engine.storage().hold();
    const auto& manifest = held->manifest;
    Bytes encoded;
    wire::StorageHoldResponse response;
    response.hold = ++last_hold_;
    response.node = engine.node().name;
    response.instance = engine.node().instance;
    response.cluster = engine.node().cluster;
    if (manifest.number != 0) {
      auto copy = manifest;
      copy.segment_sequence = 0;
      encoded = store::encode_manifest(copy);
      response.manifest = encoded;
    }
    for (const auto& run : manifest.runs) response.runs.push_back({run.number, run.bytes, run.sha256});
    response.receipt = receipt_of(engine.visible());
    node_.events().record(EventId::kHoldTaken, {{"hold", last_hold_},
                                                {"manifest", manifest.number},
                                                {"lsn", manifest.lsn.value()},
                                                {"runs", uint64_t{manifest.runs.size()}}});
    holds_[last_hold_] = {responder.connection(), std::move(held)};
    count_held(1);
    responder.ok(response);
  }

  void read_run(const wire::StorageReadRunRequest& request, wire::Responder responder) {
    const auto* hold = find(request.hold, responder.connection());
    if (hold == nullptr) return responder.error(no_such(read_method_, request.hold));
    const auto& runs = hold->held->runs;
    const auto run = std::ranges::find(runs, request.run, [](const auto& r) { return r->info().number; });
    if (run == runs.end()) {
      return responder.error({ErrorCode::kNoSuchHold,
                              fmt::format("{}: hold {} has no run {}", read_method_, request.hold, request.run),
                              {}});
    }
    const uint64_t size = (*run)->info().bytes;
    if (request.max_bytes == 0 || request.max_bytes > kMaxReadBytes || request.offset > size) {
      return responder.error({ErrorCode::kBadRequest,
                              fmt::format("{}: run {} has {} bytes; offset lies within, max_bytes is 1 to {}",
                                          read_method_, request.run, size, kMaxReadBytes),
                              {}});
    }
    auto& reading = reading_[responder.connection()];
    if (reading >= kMaxReadsInFlight) {
      return responder.error(
          {ErrorCode::kBusy, fmt::format("{}: {} are in flight", read_method_, kMaxReadsInFlight), {}});
    }
    ++reading;
    read(*run, request.offset, std::min<uint64_t>(request.max_bytes, size - request.offset), std::move(responder));
  }

  void release(uint64_t number, wire::Responder responder) {
    if (find(number, responder.connection()) == nullptr)
      return responder.error(no_such(wire::kStorageRelease.name, number));
    end(number, "released");
    responder.ok(wire::Empty{});
  }

  void end_all() {
    while (!holds_.empty()) end(holds_.begin()->first, "the directory was closed");
  }

  void disconnected(uint64_t connection) {
    reading_.erase(connection);
    std::vector<uint64_t> ended;
    for (const auto& [number, hold] : holds_) {
      if (hold.connection == connection) ended.push_back(number);
    }
    for (const uint64_t number : ended) end(number, "its connection ended");
  }

 private:
  struct Hold {
    uint64_t connection = 0;
    std::shared_ptr<const engine::StorageHold> held;
  };

  [[nodiscard]] const Hold* find(uint64_t number, uint64_t connection) const {
    const auto found = holds_.find(number);
    return found != holds_.end() && found->second.connection == connection ? &found->second : nullptr;
  }
  [[nodiscard]] static Error no_such(std::string_view method, uint64_t number) {
    return {ErrorCode::kNoSuchHold, fmt::format("{}: this connection has no hold {}", method, number), {}};
  }
  void read(const std::shared_ptr<const store::Run>& run, uint64_t offset, uint64_t bytes, wire::Responder responder) {
    auto piece = std::make_shared<Piece>();
    piece->bytes.resize(bytes);
    node_.runtime().jobs().run([piece, run, offset](runtime::Disk& disk) { piece->read(disk, *run, offset); },
                               [self = weak_from_this(), piece, responder = std::move(responder)]() mutable {
                                 const auto holds = self.lock();
                                 if (!holds) return;
                                 if (auto reading = holds->reading_.find(responder.connection());
                                     reading != holds->reading_.end())
                                   --reading->second;
                                 if (!piece->result) return responder.error(piece->result.error());
                                 responder.ok(wire::StorageReadRunResponse{piece->bytes});
                               });
  }
  void end(uint64_t number, std::string_view why) {
    holds_.erase(number);
    count_held(-1);
    node_.events().record(EventId::kHoldEnded, {{"hold", number}, {"why", std::string(why)}});
  }
  // The metric counts those of both listeners.
  void count_held(int64_t change) {
    node_.metrics().set(MetricId::kHoldsCount,
                        node_.metrics().get(MetricId::kHoldsCount) + static_cast<uint64_t>(change));
  }

  Node& node_;
  std::string_view take_method_;
  std::string_view read_method_;
  std::map<uint64_t, Hold> holds_;
  std::map<uint64_t, uint32_t> reading_;  // in flight, by connection
  uint64_t last_hold_ = 0;
};

template <class Take, class Read>
std::shared_ptr<Holds> serve_on(Node& node, wire::Server& server, const Take& take, const Read& read) {
  auto holds = std::make_shared<Holds>(node, take.name, read.name);
  server.handle(take, [&node, holds](const auto&, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    holds->take(std::move(responder));
  });
  server.handle(read, [holds](const auto& request, wire::Responder responder) {
    holds->read_run(request, std::move(responder));
  });
  server.on_disconnect([holds](uint64_t connection) { holds->disconnected(connection); });
  node.on_engine_end([holds] { holds->end_all(); });
  return holds;
}

}  // namespace

void serve_holds(Node& node) {
  auto backups = serve_on(node, node.maintenance(), wire::kStorageHold, wire::kStorageReadRun);
  node.maintenance().handle(wire::kStorageRelease, [backups](const auto& request, wire::Responder responder) {
    backups->release(request.hold, std::move(responder));
  });
  serve_on(node, node.replication(), wire::kManifestGet, wire::kManifestFetch);
}

}  // namespace aerodb::node
