// Holds: runs and manifest of one moment, kept on disk and read by a backup or a bootstrap. A hold belongs to the
// connection that took it and ends with it. It keeps no log: records that the ring lets go of are LOG_RELEASED.
#include <fmt/format.h>

#include <algorithm>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::EventId;
using observe::MetricId;

constexpr size_t kMaxHolds = 16;
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

class Holds : public std::enable_shared_from_this<Holds> {
 public:
  explicit Holds(Node& node) : node_(node) {}

  void take(wire::Responder responder) {
    if (holds_.size() >= kMaxHolds) {
      return responder.error(
          {ErrorCode::kBusy, fmt::format("storage.hold on {}: {} are held", node_.config().name, kMaxHolds), {}});
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
    count();
    responder.ok(response);
  }

  void read_run(const wire::StorageReadRunRequest& request, wire::Responder responder) {
    const auto* hold = find(request.hold, responder.connection());
    if (hold == nullptr) return responder.error(no_such("storage.read_run", request.hold));
    const auto& runs = hold->held->runs;
    const auto run = std::ranges::find(runs, request.run, [](const auto& r) { return r->info().number; });
    if (run == runs.end()) {
      return responder.error({ErrorCode::kNoSuchHold,
                              fmt::format("storage.read_run: hold {} has no run {}", request.hold, request.run),
                              {}});
    }
    const uint64_t size = (*run)->info().bytes;
    if (request.max_bytes == 0 || request.max_bytes > kMaxReadBytes || request.offset > size) {
      return responder.error({ErrorCode::kBadRequest,
                              fmt::format("storage.read_run: run {} has {} bytes; offset lies within, max_bytes is 1 "
                                          "to {}",
                                          request.run, size, kMaxReadBytes),
                              {}});
    }
    auto& reading = reading_[responder.connection()];
    if (reading >= kMaxReadsInFlight) {
      return responder.error(
          {ErrorCode::kBusy, fmt::format("storage.read_run: {} are in flight", kMaxReadsInFlight), {}});
    }
    ++reading;
    read(*run, request.offset, std::min<uint64_t>(request.max_bytes, size - request.offset), std::move(responder));
  }

  void release(uint64_t number, wire::Responder responder) {
    if (find(number, responder.connection()) == nullptr) return responder.error(no_such("storage.release", number));
    end(number, "released");
    responder.ok(wire::Empty{});
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
    count();
    node_.events().record(EventId::kHoldEnded, {{"hold", number}, {"why", std::string(why)}});
  }
  void count() { node_.metrics().set(MetricId::kHoldsCount, holds_.size()); }

  Node& node_;
  std::map<uint64_t, Hold> holds_;
  std::map<uint64_t, uint32_t> reading_;  // in flight, by connection
  uint64_t last_hold_ = 0;
};

}  // namespace

void serve_holds(Node& node) {
  auto holds = std::make_shared<Holds>(node);
  auto& server = node.maintenance();
  server.handle(wire::kStorageHold, [&node, holds](const auto&, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    holds->take(std::move(responder));
  });
  server.handle(wire::kStorageReadRun, [holds](const auto& request, wire::Responder responder) {
    holds->read_run(request, std::move(responder));
  });
  server.handle(wire::kStorageRelease, [holds](const auto& request, wire::Responder responder) {
    holds->release(request.hold, std::move(responder));
  });
  server.on_disconnect([holds](uint64_t connection) { holds->disconnected(connection); });
}

}  // namespace aerodb::node
