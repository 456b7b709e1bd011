#include "common/wire/client.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "common/base/assert.h"
#include "common/wire/scanner.h"

namespace aerodb::wire {
namespace {

using Done = std::move_only_function<void(Result<document::Cursor>)>;

// Above this an output buffer is given away instead of lent.
constexpr size_t kLendBytes = size_t{256} << 10;

}  // namespace

// kIdle -> connect() -> kConnecting -> kConnected -> kEnding -> kIdle.
// kEnding lasts from the end of the stream until, in a later turn, every request was answered and on_close ran. Every
// callback may destroy the Client: whoever calls one holds the state and looks at `stopped_` afterwards.
class Client::State final : public runtime::ConnectionEvents, public std::enable_shared_from_this<State> {
 public:
  explicit State(runtime::Runtime& runtime) : runtime_(runtime) {}

  void stop();
  void connect(const runtime::Endpoint& endpoint, std::move_only_function<void(Result<void>)> done);
  void on_close_callback(std::move_only_function<void()> callback) { on_close_ = std::move(callback); }
  void close();
  void send(std::string_view method, uint32_t timeout_ms, std::move_only_function<void(document::PackWriter&)> params,
            Done done);
  [[nodiscard]] bool connected() const { return phase_ == Phase::kConnected; }
  [[nodiscard]] uint32_t in_flight() const { return static_cast<uint32_t>(pending_.size()); }

  void on_data(ByteSpan data) override;
  void on_close(std::string_view why) override;

 private:
  enum class Phase : uint8_t { kIdle, kConnecting, kConnected, kEnding };
  struct Pending {
    Done done;
    runtime::TimerId timer = runtime::TimerId::kNone;
    uint32_t timeout_ms = 0;
  };

  // Runs `step` in a later turn unless the client is gone by then.
  template <class Step>
  void later(Step step) {
    runtime_.loop().post([weak = weak_from_this(), step = std::move(step)]() mutable {
      const auto self = weak.lock();
      if (self && !self->stopped_) step(*self);
    });
  }
  void attempted(Result<std::unique_ptr<runtime::Connection>> result);
  void refuse_later(Done done, Error error);
  [[nodiscard]] uint32_t new_id();
  void flush();
  void take_message();
  void end(std::string why);
  void finish_end();
  void timed_out(uint32_t id);

  runtime::Runtime& runtime_;
  Phase phase_ = Phase::kIdle;
  bool stopped_ = false;
  std::unique_ptr<runtime::Network::Attempt> attempt_;
  std::move_only_function<void(Result<void>)> connect_done_;
  std::unique_ptr<runtime::Connection> connection_;
  std::move_only_function<void()> on_close_;
  std::string end_reason_;

  MessageInput input_;
  document::Tape tape_;
  Bytes output_;
  bool flush_posted_ = false;
  uint32_t last_id_ = 0;
  std::map<uint32_t, Pending> pending_;  // ordered, so that a lost connection answers in a fixed order
};

void Client::State::stop() {
  stopped_ = true;
  attempt_.reset();
  connection_.reset();
  for (auto& [id, pending] : pending_) runtime_.loop().cancel(pending.timer);
}

// --- the connection

void Client::State::connect(const runtime::Endpoint& endpoint, std::move_only_function<void(Result<void>)> done) {
  AERODB_ASSERT(phase_ == Phase::kIdle);
  phase_ = Phase::kConnecting;
  connect_done_ = std::move(done);
  attempt_ = runtime_.network().connect(endpoint, [weak = weak_from_this()](auto result) {
    if (const auto self = weak.lock()) self->attempted(std::move(result));
  });
}

void Client::State::attempted(Result<std::unique_ptr<runtime::Connection>> result) {
  if (stopped_ || phase_ != Phase::kConnecting) return;
  auto done = std::move(connect_done_);
  attempt_.reset();
  if (!result) {
    phase_ = Phase::kIdle;
    done(fail(std::move(result.error())));
    return;
  }
  phase_ = Phase::kConnected;
  connection_ = std::move(*result);
  connection_->set_events(this);
  done({});
}

void Client::State::close() {
  if (phase_ == Phase::kConnecting) {
    attempt_.reset();
    later([](State& self) {
      self.phase_ = Phase::kIdle;
      auto done = std::move(self.connect_done_);
      done(fail(ErrorCode::kUnreachable, "closed while connecting"));
    });
    phase_ = Phase::kEnding;
  } else if (phase_ == Phase::kConnected) {
    end("closed by this side");
  }
}

void Client::State::on_close(std::string_view why) { end(std::string(why)); }

void Client::State::end(std::string why) {
  phase_ = Phase::kEnding;
  end_reason_ = std::move(why);
  connection_.reset();
  output_.clear();
  later([](State& self) { self.finish_end(); });
}

void Client::State::finish_end() {
  const auto self = shared_from_this();
  input_.clear();
  while (!pending_.empty()) {
    auto lost = pending_.extract(pending_.begin());
    runtime_.loop().cancel(lost.mapped().timer);
    lost.mapped().done(fail(ErrorCode::kConnectionLost, "the connection ended before the answer: " + end_reason_));
    if (stopped_) return;
  }
  phase_ = Phase::kIdle;
  if (!on_close_) return;
  auto callback = std::move(on_close_);
  on_close_ = nullptr;
  callback();
  if (!stopped_ && !on_close_) on_close_ = std::move(callback);
}

// --- requests

uint32_t Client::State::new_id() {
  do {
    ++last_id_;
  } while (pending_.contains(last_id_));
  return last_id_;
}

void Client::State::refuse_later(Done done, Error error) {
  later([done = std::move(done), error = std::move(error)](State&) mutable { done(fail(std::move(error))); });
}

void Client::State::send(std::string_view method, uint32_t timeout_ms,
                         std::move_only_function<void(document::PackWriter&)> params, Done done) {
  if (phase_ != Phase::kConnected) {
    refuse_later(std::move(done), Error{ErrorCode::kUnreachable, fmt::format("{}: not connected", method), {}});
    return;
  }
  const auto begin = output_.size();
  const auto id = new_id();
  document::PackWriter out(output_);
  out.array(4);
  out.unsigned_integer(static_cast<uint8_t>(MessageKind::kRequest));
  out.unsigned_integer(id);
  out.text(method);
  out.array(1);
  params(out);
  if (const auto size = output_.size() - begin; size > kMaxMessageBytes) {
    output_.resize(begin);
    auto message =
        fmt::format("{}: the request takes {} bytes; a message holds at most {}", method, size, kMaxMessageBytes);
    refuse_later(std::move(done), Error{ErrorCode::kMessageTooLarge, std::move(message), {}});
    return;
  }
  auto& pending = pending_[id];
  pending.done = std::move(done);
  pending.timeout_ms = timeout_ms;
  if (timeout_ms > 0) {
    pending.timer = runtime_.loop().after(uint64_t{timeout_ms} * 1000, [weak = weak_from_this(), id] {
      if (const auto self = weak.lock()) self->timed_out(id);
    });
  }
  if (!flush_posted_) {
    flush_posted_ = true;
    later([](State& self) { self.flush(); });
  }
}

void Client::State::flush() {
  flush_posted_ = false;
  if (phase_ != Phase::kConnected || output_.empty()) return;
  if (output_.size() > kLendBytes) {
    connection_->send(std::exchange(output_, Bytes()));
    return;
  }
  connection_->send_view(output_);
  output_.clear();
}

void Client::State::timed_out(uint32_t id) {
  if (stopped_) return;
  auto late = pending_.extract(id);
  if (late.empty()) return;
  auto& pending = late.mapped();
  pending.done(fail(ErrorCode::kTimedOut, fmt::format("no answer within {} ms", pending.timeout_ms)));
}

// --- answers

void Client::State::on_data(ByteSpan data) {
  const auto self = shared_from_this();
  input_.feed(data);
  while (!stopped_ && phase_ == Phase::kConnected) {
    if (input_.next(tape_)) {
      take_message();
      continue;
    }
    const auto& scanner = input_.scanner();
    if (scanner.state() == MessageScanner::State::kRefused) {
      end(fmt::format("the peer sent what is no message ({}: {})", scanner.error().row().name,
                      scanner.error().message));
    }
    break;
  }
  // The input borrows `data`, which ends with this call.
  if (phase_ == Phase::kConnected && !stopped_) {
    input_.release();
  } else {
    input_.clear();
  }
}

void Client::State::take_message() {
  const auto kind = *input_.scanner().kind();
  if (kind == MessageKind::kNotification) return;
  if (kind == MessageKind::kRequest) {
    end("the peer sent a request");
    return;
  }
  auto answered = pending_.extract(*input_.scanner().id());
  if (answered.empty()) return;
  auto& pending = answered.mapped();
  runtime_.loop().cancel(pending.timer);
  const auto error = tape_.root().first().skip().skip();
  if (error.is_nil()) {
    pending.done(error.skip());
  } else {
    pending.done(fail(decode_error(error)));
  }
}

Client::Client(runtime::Runtime& runtime) : state_(std::make_shared<State>(runtime)) {}
Client::~Client() { state_->stop(); }

void Client::connect(const runtime::Endpoint& endpoint, std::move_only_function<void(Result<void>)> done) {
  state_->connect(endpoint, std::move(done));
}
bool Client::connected() const { return state_->connected(); }
void Client::on_close(std::move_only_function<void()> callback) { state_->on_close_callback(std::move(callback)); }
void Client::close() { state_->close(); }
uint32_t Client::in_flight() const { return state_->in_flight(); }

void Client::send(std::string_view method, uint32_t timeout_ms,
                  std::move_only_function<void(document::PackWriter&)> write_params,
                  std::move_only_function<void(Result<document::Cursor>)> done) {
  state_->send(method, timeout_ms, std::move(write_params), std::move(done));
}

}  // namespace aerodb::wire
