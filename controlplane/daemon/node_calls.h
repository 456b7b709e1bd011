// One request to one node over a connection of its own, with a deadline for connecting and answering together. Nothing
// is repeated, kept open or asked again. Thread: the loop's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "common/runtime/runtime.h"
#include "common/wire/client.h"

namespace aerodb::controlplane {

struct CallFailure {
  bool sent = false;  // false: certain that the node never got the request
  Error error;        // the node's own, or UNREACHABLE, CONNECTION_LOST, TIMED_OUT
};
// The code's name as the node gave it; a node may be newer than this program.
[[nodiscard]] std::string error_name(const Error& error);

template <class Response>
using CallResult = std::expected<Response, CallFailure>;

class NodeCalls {
 public:
  NodeCalls(runtime::Runtime& runtime, uint32_t timeout_ms);
  ~NodeCalls();  // in a callback of its own too; no callback runs after this
  NodeCalls(const NodeCalls&) = delete;
  NodeCalls& operator=(const NodeCalls&) = delete;

  // `make_request` answers the request once there is a connection; what the request views must live as long as it.
  // `done` runs once, in a later turn; views in the answer live until it returns.
  template <class Request, class Response, class MakeRequest>
  void call(const runtime::Endpoint& endpoint, const wire::Method<Request, Response>& method, MakeRequest make_request,
            std::type_identity_t<std::move_only_function<void(CallResult<Response>)>> done) {
    auto shared = std::make_shared<std::move_only_function<void(CallResult<Response>)>>(std::move(done));
    open(
        endpoint,
        [this, method, make_request = std::move(make_request), shared](wire::Client& client, uint64_t id,
                                                                       uint32_t left_ms) mutable {
          client.call(method, make_request(), left_ms, [this, id, shared](Result<Response> answer) {
            const auto ended = take(id);  // the answer's views point into it
            if (answer)
              (*shared)(std::move(*answer));
            else
              (*shared)(std::unexpected(CallFailure{true, std::move(answer.error())}));
          });
        },
        [shared](CallFailure failure) { (*shared)(std::unexpected(std::move(failure))); });
  }

  // Ends every call under way as its connection being lost; later ones fail as not sent.
  void stop();

 private:
  using Connected = std::move_only_function<void(wire::Client& client, uint64_t id, uint32_t left_ms)>;
  using Failed = std::move_only_function<void(CallFailure)>;
  struct Call {
    explicit Call(runtime::Runtime& own_runtime);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    runtime::Runtime& runtime;
    wire::Client client;
    runtime::Endpoint endpoint;
    runtime::TimerId timer = runtime::TimerId::kNone;  // while connecting
    uint64_t deadline_us = 0;
    Connected connected;
    Failed failed;
  };
  void open(const runtime::Endpoint& endpoint, Connected connected, Failed failed);
  void attempted(uint64_t id, Result<void> result);
  [[nodiscard]] std::unique_ptr<Call> take(uint64_t id);
  void fail_unsent(uint64_t id, std::string why);

  runtime::Runtime& runtime_;
  const uint32_t timeout_ms_;
  bool stopped_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::unique_ptr<Call>> calls_;
};

}  // namespace aerodb::controlplane
