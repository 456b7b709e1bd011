#include "controlplane/console/local/probe.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kPauseUs = 50'000;
constexpr uint32_t kAnswerMs = 1000;

}  // namespace

Probe::Probe(runtime::Runtime& runtime, runtime::Endpoint endpoint, uint64_t time_us, Done done)
    : runtime_(runtime),
      endpoint_(std::move(endpoint)),
      end_us_(runtime.clock().monotonic_us() + time_us),
      done_(std::move(done)) {
  try_once();
}

Probe::~Probe() { runtime_.loop().cancel(timer_); }

void Probe::try_once() {
  client_ = std::make_unique<wire::Client>(runtime_);
  client_->connect(endpoint_, [this](Result<void> connected) {
    if (connected)
      ask();
    else
      try_again();
  });
}

void Probe::ask() {
  client_->call(wire::kStatus, {}, kAnswerMs, [this](Result<wire::StatusResponse> status) {
    if (status && (status->state == "READY" || status->state == "HALTED"))
      finish(std::move(*status));
    else
      try_again();
  });
}

void Probe::try_again() {
  if (runtime_.clock().monotonic_us() >= end_us_) return finish(std::nullopt);
  timer_ = runtime_.loop().after(kPauseUs, [this] { try_once(); });
}

void Probe::finish(std::optional<wire::StatusResponse> status) {
  auto done = std::move(done_);
  done(std::move(status));
}

}  // namespace aerodb::console
