#include "controlplane/daemon/node_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"

namespace aerodb::controlplane {

std::string error_name(const Error& error) {
  const auto name = error.code == ErrorCode::kInternal ? error.detail("code") : std::nullopt;
  return std::string(name && !name->empty() ? *name : error.row().name);
}

NodeCalls::Call::Call(runtime::Runtime& own_runtime) : runtime(own_runtime), client(own_runtime) {}
NodeCalls::Call::~Call() { runtime.loop().cancel(timer); }

NodeCalls::NodeCalls(runtime::Runtime& runtime, uint32_t timeout_ms) : runtime_(runtime), timeout_ms_(timeout_ms) {}
NodeCalls::~NodeCalls() = default;

void NodeCalls::open(const runtime::Endpoint& endpoint, Connected connected, Failed failed) {
  const uint64_t id = ++last_id_;
  auto& call = *calls_.emplace(id, std::make_unique<Call>(runtime_)).first->second;
  call.endpoint = endpoint;
  call.connected = std::move(connected);
  call.failed = std::move(failed);
  if (stopped_) {
    call.timer = runtime_.loop().after(0, [this, id] { fail_unsent(id, "this control plane is stopping"); });
    return;
  }
  call.deadline_us = runtime_.clock().monotonic_us() + uint64_t{timeout_ms_} * 1000;
  call.timer = runtime_.loop().after(uint64_t{timeout_ms_} * 1000, [this, id] {
    fail_unsent(id, fmt::format("no connection within {} ms", timeout_ms_));
  });
  call.client.connect(endpoint, [this, id](Result<void> result) { attempted(id, std::move(result)); });
}

void NodeCalls::attempted(uint64_t id, Result<void> result) {
  auto& call = *calls_.at(id);
  if (!result) {
    const auto ended = take(id);
    ended->failed({false, std::move(result.error())});
    return;
  }
  runtime_.loop().cancel(call.timer);
  const uint64_t now_us = runtime_.clock().monotonic_us();
  const uint64_t left_us = call.deadline_us > now_us ? call.deadline_us - now_us : 0;
  call.connected(call.client, id, static_cast<uint32_t>(std::max<uint64_t>(1, left_us / 1000)));
}

void NodeCalls::fail_unsent(uint64_t id, std::string why) {
  const auto ended = take(id);
  ended->failed({false, {ErrorCode::kUnreachable, fmt::format("{}: {}", ended->endpoint.text(), why), {}}});
}

std::unique_ptr<NodeCalls::Call> NodeCalls::take(uint64_t id) {
  auto node = calls_.extract(id);
  AERODB_ASSERT(!node.empty());
  return std::move(node.mapped());
}

void NodeCalls::stop() {
  stopped_ = true;
  for (auto& [id, call] : calls_) call->client.close();
}

}  // namespace aerodb::controlplane
