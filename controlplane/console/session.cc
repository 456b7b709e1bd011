#include "controlplane/console/session.h"

namespace aerodb::console {

Session::Session(std::unique_ptr<uv::UvRuntime> runtime, runtime::Endpoint endpoint, uint64_t timeout_ms)
    : runtime_(std::move(runtime)),
      endpoint_(std::move(endpoint)),
      timeout_ms_(static_cast<uint32_t>(timeout_ms)),
      client_(*runtime_) {}

Error Session::named(Error error) const { return std::move(error).with("endpoint", endpoint_.text()); }

Result<std::unique_ptr<Session>> Session::connect(const runtime::Endpoint& endpoint, uint64_t timeout_ms) {
  auto session = std::make_unique<Session>(std::make_unique<uv::UvRuntime>(make_silent_log()), endpoint, timeout_ms);
  Result<void> outcome;
  auto& loop = session->runtime_->loop();
  const auto timer = loop.after(timeout_ms * 1000, [&session] { session->client_.close(); });
  session->client_.connect(endpoint, [&](Result<void> connected) {
    outcome = std::move(connected);
    session->stop();
  });
  session->run();
  loop.cancel(timer);
  if (!outcome) return fail(session->named(std::move(outcome.error())));
  return session;
}

}  // namespace aerodb::console
