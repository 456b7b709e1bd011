// A deterministic runtime of one thread for the tests of the wire: a queue of posts, a clock moved by hand, and streams
// in memory that arrive in pieces of a chosen size. Once its buffers have grown it allocates nothing by itself.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/assert.h"
#include "common/base/random.h"
#include "common/runtime/runtime.h"

namespace aerodb::wire::testing {

class MemoryLoop final : public runtime::Loop, public runtime::Clock {
 public:
  void post(runtime::Callback callback) override { posted_.push_back(std::move(callback)); }
  runtime::TimerId after(uint64_t delay_us, runtime::Callback callback) override {
    const auto id = ++last_timer_;
    timers_.emplace(std::pair(now_us_ + delay_us, id), std::move(callback));
    return runtime::TimerId{id};
  }
  void cancel(runtime::TimerId timer) override {
    const auto found = std::ranges::find(timers_, static_cast<uint64_t>(timer), [](auto& t) { return t.first.second; });
    if (found != timers_.end()) timers_.erase(found);
  }
  uint64_t monotonic_us() override { return now_us_; }
  uint64_t wall_us() override { return now_us_; }

  void advance_us(uint64_t us) { now_us_ += us; }
  [[nodiscard]] bool has_work() const {
    return !posted_.empty() || (!timers_.empty() && timers_.begin()->first.first <= now_us_);
  }
  [[nodiscard]] size_t timers() const { return timers_.size(); }
  void turn() {
    running_.swap(posted_);
    for (auto& callback : running_) {
      callback();
      callback = nullptr;
    }
    running_.clear();
    while (!timers_.empty() && timers_.begin()->first.first <= now_us_) {
      auto timer = timers_.extract(timers_.begin());
      timer.mapped()();
    }
  }

 private:
  std::vector<runtime::Callback> posted_;
  std::vector<runtime::Callback> running_;
  std::map<std::pair<uint64_t, uint64_t>, runtime::Callback> timers_;
  uint64_t last_timer_ = 0;
  uint64_t now_us_ = 1'000'000;
};

// Both ends of one stream.
struct MemoryStream {
  struct End {
    runtime::ConnectionEvents* events = nullptr;
    bool there = true;     // its Connection was not destroyed
    bool closing = false;  // close() was called
    bool told = false;     // on_close ran
    bool paused = false;
    bool owes_drained = false;
    Bytes arriving;  // being delivered to this end, from arriving_at on
    size_t arriving_at = 0;
    Bytes queue;  // sent to this end since
    [[nodiscard]] size_t unread() const { return arriving.size() - arriving_at + queue.size(); }
  };
  std::array<End, 2> ends;
  size_t window_bytes = 0;  // what the system takes from a sender beyond what was read
  runtime::PeerIdentity identity;
};

class MemoryConnection final : public runtime::Connection {
 public:
  MemoryConnection(std::shared_ptr<MemoryStream> stream, size_t side) : stream_(std::move(stream)), side_(side) {}
  ~MemoryConnection() override {
    own().there = false;
    own().events = nullptr;
  }
  MemoryConnection(const MemoryConnection&) = delete;
  MemoryConnection& operator=(const MemoryConnection&) = delete;

  void set_events(runtime::ConnectionEvents* events) override { own().events = events; }
  void send(Bytes data) override {
    if (queue(data)) own().owes_drained = true;
  }
  // Of what the system takes at once nothing is told.
  void send_view(ByteSpan data) override {
    if (queue(data) && queued_bytes() > 0) own().owes_drained = true;
  }
  uint64_t queued_bytes() const override {
    const auto unread = stream_->ends[1 - side_].unread();
    return unread > stream_->window_bytes ? unread - stream_->window_bytes : 0;
  }
  void pause_reading() override { own().paused = true; }
  void resume_reading() override { own().paused = false; }
  void close() override { own().closing = true; }
  const runtime::PeerIdentity& peer() const override { return stream_->identity; }

 private:
  bool queue(ByteSpan data) {
    if (own().closing || own().told) return false;
    other().queue.insert(other().queue.end(), data.begin(), data.end());
    return true;
  }
  MemoryStream::End& own() { return stream_->ends[side_]; }
  MemoryStream::End& other() { return stream_->ends[1 - side_]; }
  std::shared_ptr<MemoryStream> stream_;
  size_t side_;
};

class MemoryNetwork final : public runtime::Network {
 public:
  explicit MemoryNetwork(MemoryLoop& loop) : loop_(loop) {}

  size_t piece_bytes = std::numeric_limits<size_t>::max();  // delivered to an end per turn
  size_t window_bytes = std::numeric_limits<size_t>::max();

  using Accept = std::move_only_function<void(std::unique_ptr<runtime::Connection>)>;
  Result<std::unique_ptr<runtime::Listener>> listen(const runtime::Endpoint& endpoint, Accept accept) override {
    auto bound = endpoint;
    if (bound.port == 0) bound.port = ++last_port_;
    if (listeners_.contains(bound.text())) return fail(ErrorCode::kIo, "address in use");
    listeners_[bound.text()] = std::make_shared<Accept>(std::move(accept));
    return std::make_unique<MemoryListener>(*this, bound);
  }
  using ConnectDone = std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)>;
  std::unique_ptr<Attempt> connect(const runtime::Endpoint& endpoint, ConnectDone done) override {
    auto attempt = std::make_unique<MemoryAttempt>();
    loop_.post([this, endpoint, done = std::move(done), wanted = std::weak_ptr(attempt->wanted)]() mutable {
      if (wanted.expired()) return;
      const auto found = listeners_.find(endpoint.text());
      if (found == listeners_.end()) {
        done(fail(ErrorCode::kUnreachable, "nobody listens"));
        return;
      }
      auto stream = std::make_shared<MemoryStream>();
      stream->window_bytes = window_bytes;
      stream->identity.address = "memory:" + std::to_string(streams_.size());
      streams_.push_back(stream);
      const auto accept = found->second;
      (*accept)(std::make_unique<MemoryConnection>(stream, 0));
      done(std::make_unique<MemoryConnection>(stream, 1));
    });
    return attempt;
  }

  // True if anything happened.
  bool turn() {
    bool moved = false;
    for (size_t i = 0; i < streams_.size(); ++i) {
      const auto stream = streams_[i];
      for (size_t side = 0; side < 2; ++side) moved |= step(*stream, side);
    }
    return moved;
  }

 private:
  struct MemoryAttempt final : Attempt {
    std::shared_ptr<int> wanted = std::make_shared<int>(0);
  };
  struct MemoryListener final : runtime::Listener {
    MemoryListener(MemoryNetwork& owner, runtime::Endpoint bound) : network(owner), address(std::move(bound)) {}
    ~MemoryListener() override { network.listeners_.erase(address.text()); }
    runtime::Endpoint endpoint() const override { return address; }
    MemoryNetwork& network;
    runtime::Endpoint address;
  };

  bool step(MemoryStream& stream, size_t side) {
    auto& to = stream.ends[side];
    auto& from = stream.ends[1 - side];
    bool moved = false;
    if (to.events != nullptr && !to.paused && !to.closing && to.unread() > 0) {
      if (to.arriving_at == to.arriving.size()) {
        to.arriving.clear();
        to.arriving.swap(to.queue);
        to.arriving_at = 0;
      }
      const auto piece = ByteSpan(to.arriving).subspan(to.arriving_at);
      const auto size = std::min(piece.size(), piece_bytes);
      to.arriving_at += size;
      to.events->on_data(piece.first(size));
      moved = true;
    }
    if (from.owes_drained && from.events != nullptr && to.unread() <= stream.window_bytes) {
      from.owes_drained = false;
      from.events->on_drained();
      moved = true;
    }
    // `to` hears of the end: after what the other side still sent, or because it asked for it and was flushed.
    const bool other_ended = (!from.there || from.closing || from.told) && to.unread() == 0;
    const bool own_end = to.closing && (from.unread() == 0 || !from.there);
    if (to.events != nullptr && !to.told && (other_ended || own_end)) {
      to.told = true;
      std::exchange(to.events, nullptr)->on_close(own_end ? "closed" : "the peer closed the stream");
      moved = true;
    }
    return moved;
  }

  MemoryLoop& loop_;
  std::map<std::string, std::shared_ptr<Accept>> listeners_;
  std::vector<std::shared_ptr<MemoryStream>> streams_;
  uint16_t last_port_ = 1000;
};

class MemoryRuntime final : public runtime::Runtime {
 public:
  MemoryRuntime() : network_(loop_) {}
  MemoryLoop& loop() override { return loop_; }
  runtime::Clock& clock() override { return loop_; }
  runtime::Random& random() override { return random_; }
  MemoryNetwork& network() override { return network_; }
  runtime::Jobs& jobs() override { assert_failed("the wire runs no jobs", __FILE__, __LINE__); }
  LogSink& log() override { return *log_; }
  runtime::LogDevice& log_device() override { assert_failed("the wire has no log device", __FILE__, __LINE__); }

  // Turns until nothing is left to do at the present time.
  void run() {
    constexpr int kStuck = 50'000'000;
    for (int turns = 0;; ++turns) {
      AERODB_ASSERT(turns < kStuck);
      loop_.turn();
      const bool moved = network_.turn();
      if (!moved && !loop_.has_work()) return;
    }
  }
  // One turn: posts and timers, then the network.
  void turn() {
    loop_.turn();
    network_.turn();
  }
  // Moves time in small steps, so that timers run in their order.
  void pass_ms(uint64_t ms) {
    run();
    for (uint64_t i = 0; i < ms; ++i) {
      loop_.advance_us(1000);
      if (loop_.has_work()) run();
    }
  }

 private:
  struct SeededSource final : runtime::Random {
    uint64_t next() override { return source.next(); }
    SeededRandom source{1};
  };
  MemoryLoop loop_;
  MemoryNetwork network_;
  SeededSource random_;
  std::unique_ptr<LogSink> log_ = make_silent_log();
};

}  // namespace aerodb::wire::testing
