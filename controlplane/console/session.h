// A blocking conversation with one process: a wire::Client whose loop runs until the answer is there.
//
// Nothing is retried and nothing is opened again: an answer that did not come is CONNECTION_LOST or TIMED_OUT, and what
// became of the request is unknown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>

#include "common/base/error.h"
#include "common/uv/uv_runtime.h"
#include "common/wire/client.h"

namespace aerodb::console {

class Session {
 public:
  // UNREACHABLE where no connection is made within timeout_ms.
  [[nodiscard]] static Result<std::unique_ptr<Session>> connect(const runtime::Endpoint& endpoint, uint64_t timeout_ms);

  // `take` gets the answer; views in it live until it returns.
  template <class Request, class Response>
  [[nodiscard]] Result<void> call(const wire::Method<Request, Response>& method,
                                  const std::type_identity_t<Request>& request,
                                  const std::type_identity_t<std::function<void(const Response&)>>& take) {
    Result<void> outcome;
    client_.call(method, request, timeout_ms_, [&](Result<Response> answer) {
      if (answer)
        take(*answer);
      else
        outcome = fail(std::move(answer.error()));
      stop();
    });
    run();
    if (!outcome) return fail(named(std::move(outcome.error())));
    return outcome;
  }
  // For answers without views.
  template <class Request, class Response>
  [[nodiscard]] Result<Response> ask(const wire::Method<Request, Response>& method,
                                     const std::type_identity_t<Request>& request) {
    Response copy;
    auto called = call(method, request, [&copy](const Response& answer) { copy = answer; });
    if (!called) return fail(std::move(called.error()));
    return copy;
  }

  // For verbs that keep several requests under way: run() goes on until stop().
  [[nodiscard]] wire::Client& client() { return client_; }
  [[nodiscard]] uint32_t timeout_ms() const { return timeout_ms_; }
  void run() { runtime_->run(); }
  void stop() { runtime_->stop(); }
  // The error, saying whom it came from.
  [[nodiscard]] Error named(Error error) const;

  Session(std::unique_ptr<uv::UvRuntime> runtime, runtime::Endpoint endpoint, uint64_t timeout_ms);

 private:
  std::unique_ptr<uv::UvRuntime> runtime_;
  runtime::Endpoint endpoint_;
  uint32_t timeout_ms_;
  wire::Client client_;  // before the runtime
};

}  // namespace aerodb::console
