#include "common/node/ask_source.h"

#include <fmt/format.h>

#include <utility>

#include "common/wire/client.h"

namespace aerodb::node {
namespace {

// Owned by its timer alone, so that it goes with the answer, with the time, or with the loop.
template <class Request, class Response>
class Asking : public std::enable_shared_from_this<Asking<Request, Response>> {
 public:
  using Done = std::move_only_function<void(Result<Response>)>;

  Asking(runtime::Runtime& runtime, runtime::Endpoint endpoint, const wire::Method<Request, Response>& method,
         Request request, std::weak_ptr<const bool> alive, Done done)
      : runtime_(runtime),
        client_(runtime),
        endpoint_(std::move(endpoint)),
        method_(method),
        request_(std::move(request)),
        alive_(std::move(alive)),
        done_(std::move(done)) {}

  void begin(uint32_t timeout_ms) {
    timer_ = runtime_.loop().after(uint64_t{timeout_ms} * 1000, [self = this->shared_from_this(), timeout_ms] {
      const auto code = self->client_.connected() ? ErrorCode::kTimedOut : ErrorCode::kUnreachable;
      self->finish(fail(
          code, fmt::format("{} {}: no answer within {} ms", self->method_.name, self->endpoint_.text(), timeout_ms)));
    });
    client_.connect(endpoint_, [weak = this->weak_from_this()](Result<void> connected) {
      const auto self = weak.lock();
      if (!self) return;
      if (!connected) return self->finish(fail(std::move(connected.error())));
      self->client_.call(self->method_, self->request_, 0, [weak](Result<Response> answer) {
        if (const auto asking = weak.lock()) asking->finish(std::move(answer));
      });
    });
  }

 private:
  // The caller holds this object: views in the answer point into it.
  void finish(Result<Response> answer) {
    runtime_.loop().cancel(timer_);
    const auto alive = alive_.lock();
    if (alive && *alive) done_(std::move(answer));
  }

  runtime::Runtime& runtime_;
  wire::Client client_;
  runtime::Endpoint endpoint_;
  wire::Method<Request, Response> method_;
  Request request_;
  std::weak_ptr<const bool> alive_;
  Done done_;
  runtime::TimerId timer_ = runtime::TimerId::kNone;
};

template <class Request, class Response>
void ask(runtime::Runtime& runtime, const std::string& address, uint32_t timeout_ms, std::weak_ptr<const bool> alive,
         const wire::Method<Request, Response>& method, Request request,
         std::move_only_function<void(Result<Response>)> done) {
  auto endpoint = runtime::Endpoint::parse(address);
  if (!endpoint) {
    Error error{ErrorCode::kBadRequest, fmt::format("address \"{}\": {}", address, endpoint.error().message), {}};
    return runtime.loop().post([alive = std::move(alive), done = std::move(done), error = std::move(error)]() mutable {
      const auto held = alive.lock();
      if (held && *held) done(fail(std::move(error)));
    });
  }
  std::make_shared<Asking<Request, Response>>(runtime, std::move(*endpoint), method, std::move(request),
                                              std::move(alive), std::move(done))
      ->begin(timeout_ms);
}

}  // namespace

void ask_position(runtime::Runtime& runtime, const std::string& address, uint32_t timeout_ms,
                  std::weak_ptr<const bool> alive,
                  std::move_only_function<void(Result<wire::WalPositionResponse>)> done) {
  ask(runtime, address, timeout_ms, std::move(alive), wire::kWalPosition, wire::Empty{}, std::move(done));
}

void ask_chain(runtime::Runtime& runtime, const std::string& address, uint32_t timeout_ms,
               std::weak_ptr<const bool> alive, Lsn before,
               std::move_only_function<void(Result<std::optional<Chain>>)> done) {
  ask<wire::WalFetchRequest, wire::WalFetchResponse>(
      runtime, address, timeout_ms, std::move(alive), wire::kWalFetch, {before, 1, 0},
      [done = std::move(done)](Result<wire::WalFetchResponse> answer) mutable {
        if (answer) return done(std::optional(answer->chain_before));
        if (answer.error().code == ErrorCode::kLogReleased) return done(std::optional<Chain>());
        done(fail(std::move(answer.error())));
      });
}

}  // namespace aerodb::node
