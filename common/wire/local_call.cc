#include "common/wire/local_call.h"

#include <utility>

#include "common/wire/scanner.h"

namespace aerodb::wire {
namespace {

constexpr uint32_t kMessageId = 1;

// What the caller and the connection share: the connection may end first.
struct Call {
  runtime::ConnectionEvents* events = nullptr;  // nullptr: not taken, or ended
  std::move_only_function<void(Result<document::Cursor>)> done;

  void answer(Result<document::Cursor> result) {
    if (auto once = std::exchange(done, nullptr)) once(std::move(result));
  }
};

Result<document::Cursor> result_of(const document::Tape& response) {
  const auto error = response.root().first().skip().skip();
  if (!error.is_nil()) return fail(decode_error(error));
  return error.skip();
}

class LocalConnection final : public runtime::Connection {
 public:
  LocalConnection(runtime::Loop& loop, std::string peer, std::shared_ptr<Call> call)
      : loop_(loop), call_(std::move(call)) {
    peer_.address = std::move(peer);
  }
  ~LocalConnection() override {
    const bool taken = std::exchange(call_->events, nullptr) != nullptr;
    call_->answer(taken ? fail(ErrorCode::kConnectionLost, "the listener ended before the answer")
                        : fail(ErrorCode::kBusy, "the listener takes no more connections"));
  }
  void set_events(runtime::ConnectionEvents* events) override { call_->events = events; }
  void send(Bytes data) override { send_view(data); }
  void send_view(ByteSpan data) override {
    document::Tape tape;
    const auto parsed = tape.parse(data, kMaxMessageDepth);
    call_->answer(parsed ? result_of(tape) : fail(parsed.error()));
    close();
  }
  [[nodiscard]] uint64_t queued_bytes() const override { return 0; }
  void pause_reading() override {}
  void resume_reading() override {}
  void close() override {
    loop_.post([call = call_] {
      if (auto* events = std::exchange(call->events, nullptr)) events->on_close("the one request was answered");
    });
  }
  [[nodiscard]] const runtime::PeerIdentity& peer() const override { return peer_; }

 private:
  runtime::Loop& loop_;
  std::shared_ptr<Call> call_;
  runtime::PeerIdentity peer_;
};

}  // namespace

void call_locally(runtime::Loop& loop, Server& server, std::string_view method, ByteSpan params, std::string peer,
                  std::move_only_function<void(Result<document::Cursor>)> done) {
  Bytes message;
  document::PackWriter out(message);
  out.array(4);
  out.unsigned_integer(static_cast<uint8_t>(MessageKind::kRequest));
  out.unsigned_integer(kMessageId);
  out.text(method);
  out.array(1);
  out.raw(params);
  auto call = std::make_shared<Call>();
  call->done = std::move(done);
  server.adopt(std::make_unique<LocalConnection>(loop, std::move(peer), call));
  if (call->events != nullptr) call->events->on_data(message);
}

}  // namespace aerodb::wire
