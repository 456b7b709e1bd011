#include "common/node/restart.h"

#include "common/base/assert.h"

namespace aerodb::node {

Restarts::Restarts(runtime::Runtime& runtime, observe::Metrics& metrics, wire::Server& server)
    : runtime_(runtime), metrics_(metrics), server_(server) {
  server_.on_disconnect([this](uint64_t connection) { waiting_.erase(connection); });
}

std::shared_ptr<Attempt> Restarts::take(engine::Engine& engine, uint64_t connection) {
  if (!waiting_.empty()) {
    if (auto found = waiting_.extract(connection)) return std::move(found.mapped());
  }
  if (spare_ != nullptr) return std::exchange(spare_, nullptr);
  return std::make_shared<Attempt>(engine.lease());
}

// Blocks are let go of at once: a run whose file shall go must not be held by an idle node.
void Restarts::give_back(std::shared_ptr<Attempt> attempt) {
  if (attempt->blocks.trouble() || attempt->blocks.cold()) return;
  attempt->blocks.release();
  if (attempt->query.started || attempt->query.record) attempt->query = {};
  spare_ = std::move(attempt);
}

void Restarts::wait(std::shared_ptr<Attempt> attempt, wire::Responder responder) {
  AERODB_ASSERT(attempt->blocks.cold());
  const uint64_t connection = responder.connection();
  responder.put_back();
  metrics_.add(observe::MetricId::kColdRequestsCount);
  auto& blocks = attempt->blocks;
  waiting_.insert_or_assign(connection, attempt);
  blocks.fetch(runtime_.jobs(),
               [this, alive = std::weak_ptr<const bool>(alive_), connection, attempt = std::move(attempt)] {
                 if (alive.expired()) return;
                 // Forgotten meanwhile: what waits under this connection, if anything, is another request.
                 const auto found = waiting_.find(connection);
                 if (found != waiting_.end() && found->second == attempt) server_.resume(connection);
               });
}

void Restarts::forget() {
  spare_ = nullptr;
  for (const auto& [connection, attempt] : std::exchange(waiting_, {})) server_.resume(connection);
}

}  // namespace aerodb::node
