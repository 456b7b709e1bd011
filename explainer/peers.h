// The processes that the explainer may ask: a connection each, made when it is needed. Thread: the loop's.
//
// Nothing is polled, repeated or kept up: a connection that broke stays broken until the next request opens another. At
// most one request is in progress at a peer; others wait for their turn.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/config/checks.h"
#include "common/observe/metrics.h"
#include "common/runtime/runtime.h"
#include "common/wire/client.h"
#include "explainer/explainer_config.h"

namespace aerodb::explainer {

// Questions that may wait for a peer while one is answered.
inline constexpr uint32_t kMaxWaiting = 8;

// The right to ask a peer, held for as long as one question to the explainer takes. May outlive the peer.
using Admission = std::shared_ptr<void>;

class Peer {
 public:
  // `runtime` and `metrics` must outlive the peer.
  Peer(runtime::Runtime& runtime, config::Peer config, uint32_t timeout_ms, observe::Metrics& metrics);
  ~Peer();  // in a callback of its own too; no callback runs after this
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] std::string address() const { return config_.address.text(); }

  // BUSY where one question is in progress and kMaxWaiting others wait. A question is admitted at the peer it is about
  // and may then call any peer, one call at a time: so the calls that wait at a peer are bounded too.
  [[nodiscard]] Result<Admission> admit();

  // `done` runs once, in a later turn: with the answer, the peer's error, UNREACHABLE, CONNECTION_LOST, or TIMED_OUT
  // where no answer came within the configured time, waiting for its turn included. What `request` views must live
  // until then; views in the answer live until `done` returns.
  template <class Request, class Response>
  void call(const wire::Method<Request, Response>& method, std::type_identity_t<Request> request,
            std::type_identity_t<std::move_only_function<void(Result<Response>)>> done) {
    auto shared = std::make_shared<std::move_only_function<void(Result<Response>)>>(std::move(done));
    enqueue({.send =
                 [this, method, request = std::move(request), shared](wire::Client& client) {
                   client.call(method, request, 0, [this, shared](Result<Response> answer) {
                     const std::weak_ptr<bool> alive = alive_;
                     note_end(answer ? nullptr : &answer.error());
                     (*shared)(std::move(answer));
                     if (!alive.expired()) start_next();
                   });
                 },
             .refuse = [shared](Error error) { (*shared)(fail(std::move(error))); }});
  }

 private:
  struct Job {
    std::move_only_function<void(wire::Client&)> send;
    std::move_only_function<void(Error)> refuse;
    uint64_t number = 0;
    runtime::TimerId timer = runtime::TimerId::kNone;
  };
  void enqueue(Job job);
  void start_next();
  void connected(Result<void> result);
  void expire(uint64_t number);
  // The call in progress is over; where it failed, `error` is completed.
  void note_end(Error* error);
  // Answers `job`, then lets the next one begin.
  void refuse(Job job, Error error);

  runtime::Runtime& runtime_;
  const config::Peer config_;
  const uint32_t timeout_ms_;
  observe::Metrics& metrics_;
  std::unique_ptr<wire::Client> client_;
  std::optional<Job> active_;
  std::deque<Job> waiting_;
  uint64_t last_number_ = 0;
  std::shared_ptr<uint32_t> admitted_ = std::make_shared<uint32_t>(0);
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// All configured ones, in the order of the configuration.
class Peers {
 public:
  Peers(runtime::Runtime& runtime, const ExplainerConfig& config, observe::Metrics& metrics);
  [[nodiscard]] const std::vector<std::unique_ptr<Peer>>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Peer>>& shippers() const { return shippers_; }
  // NOT_CONFIGURED where the configuration names none.
  [[nodiscard]] Result<Peer*> control_plane() const;
  // nullptr where the configuration lists no such node.
  [[nodiscard]] Peer* find_node(std::string_view name) const;
  // The same, or UNKNOWN_NODE.
  [[nodiscard]] Result<Peer*> node(std::string_view name) const;

 private:
  std::vector<std::unique_ptr<Peer>> nodes_;
  std::vector<std::unique_ptr<Peer>> shippers_;
  std::unique_ptr<Peer> control_plane_;  // or nullptr
};

}  // namespace aerodb::explainer
