// wal.*, evidence.records, storage.read_log: the log as any node serves it, up to its durable boundary.
#include <fmt/format.h>

#include <algorithm>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

constexpr uint64_t kMaxAnswerBytes = 1u << 20;
constexpr uint32_t kMaxWaitMs = 60'000;

std::unexpected<Error> beyond(const Node& node, std::string_view method, Lsn from, Lsn durable) {
  return fail(Error{
      ErrorCode::kSourceBehind,
      fmt::format("{} on {}: LSN {} lies beyond the durable boundary {}", method, node.config().name, from.value(),
                  durable.value()),
      {}}.with("durable_lsn", durable.value()));
}

// chain_before of the first record of a batch, from its header.
Chain chain_before(ByteSpan records) {
  auto first = wal::read_record(records);
  AERODB_ASSERT(first.has_value());  // written and checked by this node
  return first->header.chain_before;
}

// wal.fetch requests that wait for something newer.
class LogSource {
 public:
  explicit LogSource(Node& node) : node_(node) {
    node_.on_progress([this] { wake(); });
    node_.on_engine_end([this] { end_waiters(); });
  }
  ~LogSource() {
    for (const auto& waiter : waiters_) node_.runtime().loop().cancel(waiter.timer);
  }
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;

  void fetch(const wire::WalFetchRequest& request, wire::Responder responder) {
    auto& engine = *node_.engine();
    const Lsn durable = engine.visible().lsn;
    if (request.from_lsn.value() == 0 || request.max_bytes == 0 || request.wait_ms > kMaxWaitMs) {
      return responder.error(
          {ErrorCode::kBadRequest, "wal.fetch: from_lsn and max_bytes start at 1, wait_ms ends at 60000", {}});
    }
    if (request.from_lsn > durable.next())
      return responder.error(beyond(node_, "wal.fetch", request.from_lsn, durable).error());
    const uint64_t max_bytes = std::min<uint64_t>(request.max_bytes, kMaxAnswerBytes);
    if (request.from_lsn <= durable) return read(request.from_lsn, max_bytes, std::move(responder));
    if (request.wait_ms == 0) return answer_empty(request.from_lsn, responder);
    auto waiter = waiters_.insert(waiters_.end(), {request.from_lsn, max_bytes, std::move(responder), {}});
    waiter->timer = node_.runtime().loop().after(uint64_t{request.wait_ms} * 1000, [this, waiter] {
      auto expired = std::move(*waiter);
      waiters_.erase(waiter);
      answer_empty(expired.from, expired.responder);
    });
  }

 private:
  struct Waiter {
    Lsn from;
    uint64_t max_bytes;
    wire::Responder responder;
    runtime::TimerId timer;
  };

  void wake() {
    auto waiting = std::move(waiters_);
    waiters_.clear();
    const Lsn durable = node_.engine()->visible().lsn;
    for (auto at = waiting.begin(); at != waiting.end();) {
      auto next = std::next(at);
      if (at->from > durable) {
        waiters_.splice(waiters_.end(), waiting, at);  // its timer holds an iterator, which a splice keeps
      } else {
        node_.runtime().loop().cancel(at->timer);
        read(at->from, at->max_bytes, std::move(at->responder));
      }
      at = next;
    }
  }

  void end_waiters() {
    for (auto& waiter : std::exchange(waiters_, {})) {
      node_.runtime().loop().cancel(waiter.timer);
      waiter.responder.error(node_.not_ready());
    }
  }

  void answer_empty(Lsn from, wire::Responder& responder) {
    const auto& visible = node_.engine()->visible();
    // Something may have become durable in the very turn in which the wait ended.
    if (from <= visible.lsn) return read(from, kMaxAnswerBytes, std::move(responder));
    responder.ok(wire::WalFetchResponse{from, 0, visible.chain, receipt_of(visible), {}});
  }

  void read(Lsn from, uint64_t max_bytes, wire::Responder responder) {
    auto& engine = *node_.engine();  // outlives its reads
    engine.reader().read(
        from, max_bytes, [this, &engine, responder = std::move(responder)](Result<wal::Records> records) mutable {
          if (!records) return responder.error(records.error());
          node_.metrics().add(observe::MetricId::kFetchesAnsweredCount);
          node_.metrics().add(observe::MetricId::kFetchedBytes, records->bytes.size());
          responder.ok(wire::WalFetchResponse{records->first_lsn, records->count, chain_before(records->bytes),
                                              receipt_of(engine.visible()), records->bytes});
        });
  }

  Node& node_;
  std::list<Waiter> waiters_;
};

wire::WalPositionResponse position(Node& node) {
  auto& engine = *node.engine();
  const auto& authority = engine.visible_authority();
  wire::WalPositionResponse response;
  response.node = engine.node().name;
  response.instance = engine.node().instance;
  response.cluster = engine.node().cluster;
  response.first_lsn = engine.reader().first_lsn();
  response.durable = receipt_of(engine.visible());
  response.ancestry = ancestry_of(authority);
  if (const auto& seal = authority.seal()) {
    response.seal_lsn = seal->lsn;
    response.seal_successor = seal->successor;
    response.seal_successor_instance = seal->successor_instance;
  }
  return response;
}

void read_records(Node& node, std::string_view method, Lsn from, uint32_t max_bytes, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  auto& engine = *node.engine();
  const Lsn durable = engine.visible().lsn;
  if (from.value() == 0 || max_bytes == 0) {
    return responder.error({ErrorCode::kBadRequest, fmt::format("{}: LSN and max_bytes start at 1", method), {}});
  }
  if (from > durable) return responder.error(beyond(node, method, from, durable).error());
  engine.reader().read(from, std::min<uint64_t>(max_bytes, kMaxAnswerBytes),
                       [&engine, responder = std::move(responder)](Result<wal::Records> records) mutable {
                         if (!records) return responder.error(records.error());
                         responder.ok(wire::EvidenceRecordsResponse{records->first_lsn, records->count,
                                                                    receipt_of(engine.visible()), records->bytes});
                       });
}

}  // namespace

void serve_log(Node& node) {
  auto source = std::make_shared<LogSource>(node);
  node.replication().handle(wire::kWalPosition, [&](const auto&, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    responder.ok(position(node));
  });
  node.replication().handle(wire::kWalFetch, [&node, source](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    source->fetch(request, std::move(responder));
  });
  node.client().handle(wire::kEvidenceRecords, [&](const auto& request, wire::Responder responder) {
    read_records(node, "evidence.records", request.first_lsn, request.max_bytes, std::move(responder));
  });
  node.maintenance().handle(wire::kStorageReadLog, [&](const auto& request, wire::Responder responder) {
    read_records(node, "storage.read_log", request.from_lsn, request.max_bytes, std::move(responder));
  });
}

}  // namespace aerodb::node
