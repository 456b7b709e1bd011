#include "explainer/peers.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"

namespace aerodb::explainer {

using observe::MetricId;

Peer::Peer(runtime::Runtime& runtime, config::Peer config, uint32_t timeout_ms, observe::Metrics& metrics)
    : runtime_(runtime), config_(std::move(config)), timeout_ms_(timeout_ms), metrics_(metrics) {}

Peer::~Peer() {
  if (active_) runtime_.loop().cancel(active_->timer);
  for (const Job& job : waiting_) runtime_.loop().cancel(job.timer);
}

Result<Admission> Peer::admit() {
  if (*admitted_ > kMaxWaiting) {
    metrics_.add(MetricId::kExplainerBusyCount);
    auto message = fmt::format("{}: one question in progress, {} waiting", name(), kMaxWaiting);
    return fail(Error{ErrorCode::kBusy, std::move(message), {}}.with("node", name()));
  }
  ++*admitted_;
  return Admission(admitted_.get(), [count = admitted_](void*) { --*count; });
}

void Peer::enqueue(Job job) {
  const uint64_t number = ++last_number_;
  job.number = number;
  job.timer = runtime_.loop().after(uint64_t{timeout_ms_} * 1000, [this, number] { expire(number); });
  waiting_.push_back(std::move(job));
  start_next();
}

void Peer::start_next() {
  if (active_ || waiting_.empty()) return;
  active_ = std::move(waiting_.front());
  waiting_.pop_front();
  metrics_.add(MetricId::kExplainerPeerRequestsCount);
  if (client_ && client_->connected()) {
    active_->send(*client_);
    return;
  }
  client_ = std::make_unique<wire::Client>(runtime_);
  client_->connect(config_.address, [this](Result<void> result) { connected(std::move(result)); });
}

void Peer::connected(Result<void> result) {
  if (result) {
    active_->send(*client_);
    return;
  }
  Job job = std::move(*active_);
  note_end(&result.error());
  refuse(std::move(job), std::move(result.error()));
}

void Peer::expire(uint64_t number) {
  Error error{ErrorCode::kTimedOut, fmt::format("{}: no answer within {} ms", name(), timeout_ms_), {}};
  if (active_ && active_->number == number) {
    // The peer may still be busy with it. Without the connection its answer goes nowhere, and the next request does not
    // join it there.
    client_.reset();
    Job job = std::move(*active_);
    note_end(&error);
    refuse(std::move(job), std::move(error));
    return;
  }
  const auto late = std::ranges::find(waiting_, number, &Job::number);
  AERODB_ASSERT(late != waiting_.end());  // whoever takes a job out cancels its timer
  Job job = std::move(*late);
  waiting_.erase(late);
  metrics_.add(MetricId::kExplainerPeersUnreachedCount);
  refuse(std::move(job), std::move(error.with("node", name())));
}

void Peer::note_end(Error* error) {
  runtime_.loop().cancel(active_->timer);
  active_.reset();
  if (error == nullptr) return;
  const bool unreached = error->code == ErrorCode::kUnreachable || error->code == ErrorCode::kConnectionLost ||
                         error->code == ErrorCode::kTimedOut;
  if (!unreached) return;
  error->with("node", name());
  metrics_.add(MetricId::kExplainerPeersUnreachedCount);
}

void Peer::refuse(Job job, Error error) {
  const std::weak_ptr<bool> alive = alive_;
  job.refuse(std::move(error));
  if (!alive.expired()) start_next();
}

Peers::Peers(runtime::Runtime& runtime, const ExplainerConfig& config, observe::Metrics& metrics) {
  for (const auto& node : config.nodes) {
    nodes_.push_back(std::make_unique<Peer>(runtime, node, config.timeout_ms, metrics));
  }
  for (const auto& shipper : config.shippers) {
    shippers_.push_back(std::make_unique<Peer>(runtime, shipper, config.timeout_ms, metrics));
  }
  if (config::is_set(config.control_plane)) {
    const config::Peer peer{"control_plane", config.control_plane};
    control_plane_ = std::make_unique<Peer>(runtime, peer, config.timeout_ms, metrics);
  }
}

Result<Peer*> Peers::control_plane() const {
  if (control_plane_) return control_plane_.get();
  return fail(ErrorCode::kNotConfigured, "control_plane.address is not set");
}

Peer* Peers::find_node(std::string_view name) const {
  const auto found = std::ranges::find_if(nodes_, [&](const auto& node) { return node->name() == name; });
  return found == nodes_.end() ? nullptr : found->get();
}

Result<Peer*> Peers::node(std::string_view name) const {
  if (Peer* found = find_node(name)) return found;
  Error error{ErrorCode::kUnknownNode, "the configuration lists no node of that name (CTRL-1)", {}};
  return fail(std::move(error).with("node", name));
}

}  // namespace aerodb::explainer
