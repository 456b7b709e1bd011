#include "common/uv/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::uv {
namespace {

constexpr uint64_t kLookUs = 250'000;
// From each sign of work on; as long as the units give to the first one.
constexpr uint64_t kAllowanceUs = 60'000'000;
// systemd takes 4,096 bytes a datagram and shows one line.
constexpr size_t kMaxStatusBytes = 1'000;

std::string one_line(std::string text) {
  if (text.size() > kMaxStatusBytes) {
    size_t end = kMaxStatusBytes;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;  // no half character
    text.resize(end);
  }
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Supervisor::Supervisor(UvRuntime& runtime, Result<NotifySocket> socket, std::function<std::string()> describe)
    : runtime_(runtime), describe_(std::move(describe)) {
  if (socket)
    socket_ = std::move(*socket);
  else
    runtime_.log().write(LogLevel::kWarn, "supervisor_not_told", {{"reason", socket.error().message}});
}

Supervisor::~Supervisor() { runtime_.loop().cancel(next_look_); }

void Supervisor::starting() {
  if (!socket_.anybody()) return;
  tell("", describe_());
  seen_bytes_ = runtime_.moved_bytes();
  next_look_ = runtime_.loop().after(kLookUs, [this] { look(); });
}

void Supervisor::look() {
  const uint64_t bytes = runtime_.moved_bytes();
  const bool advanced = std::exchange(seen_bytes_, bytes) != bytes;
  tell(advanced ? fmt::format("EXTEND_TIMEOUT_USEC={}\n", kAllowanceUs) : "", describe_());
  next_look_ = runtime_.loop().after(kLookUs, [this] { look(); });
}

void Supervisor::serving() {
  phase_ = Phase::kServing;
  runtime_.loop().cancel(next_look_);
  if (socket_.anybody()) tell("READY=1\n", describe_());
}

void Supervisor::changed() {
  if (phase_ == Phase::kServing && socket_.anybody()) tell("", describe_());
}

void Supervisor::stopping(std::string_view reason) {
  phase_ = Phase::kEnding;
  runtime_.loop().cancel(next_look_);
  tell("STOPPING=1\n", fmt::format("stopping: {}", reason));
}

void Supervisor::failed(const Error& error) {
  phase_ = Phase::kEnding;
  runtime_.loop().cancel(next_look_);
  const auto& row = error.row();
  tell("", fmt::format("failed, exit code {}: {}: {}", static_cast<int>(row.exit_code), row.name, error.message));
}

void Supervisor::tell(std::string lines, std::string status) {
  status = one_line(std::move(status));
  if (status != told_status_) lines += fmt::format("STATUS={}\n", status);
  if (lines.empty()) return;
  told_status_ = std::move(status);
  if (auto sent = socket_.send(lines); !sent)
    runtime_.log().write(LogLevel::kWarn, "supervisor_not_told", {{"reason", sent.error().message}});
}

}  // namespace aerodb::uv
