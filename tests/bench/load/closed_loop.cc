// The closed loop: each connection keeps `depth` requests in flight and asks anew for each answer. One thread, one
// epoll, a read and a send for each event; what it does costs the same whoever answers. Clock readings are shared by
// all answers of one read.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>

#include "tests/bench/load/socket.h"
#include "tests/bench/load/speech.h"

namespace aerodb::bench {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr size_t kReadBytes = 256 << 10;

struct Slot {
  uint64_t began_ns = 0;
  size_t least_bytes = 0;  // of an answer that holds what was asked for
};

struct Connection {
  Descriptor fd;
  std::vector<Slot> slots;
  uint32_t oldest = 0;  // slot of the next answer, where answers come in order
  Bytes input;          // an answer that has begun
  Bytes output;
  size_t sent = 0;  // of output
  bool wants_room = false;
};

class ClosedLoop {
 public:
  explicit ClosedLoop(const LoadOptions& options)
      : options_(options),
        speech_(options.protocol == Protocol::kNode ? make_node_speech(options.document_bytes)
                                                    : make_redis_speech(options.document_bytes)),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        buffer_(kReadBytes),
        stopwatch_(options) {}

  Result<LoadResult> run() {
    for (uint32_t i = 0; i < options_.connections; ++i) {
      auto fd = connect_to(options_.address);
      if (!fd) return fail(std::move(fd.error()));
      connections_.push_back({std::move(*fd), std::vector<Slot>(options_.depth), 0, {}, {}, 0, false});
      if (!watch(connections_.back(), EPOLL_CTL_ADD)) return system_error("epoll_ctl");
    }
    stopwatch_ = Stopwatch(options_);
    began_ns_ = now_ns_ = Stopwatch::now_ns();
    for (auto& connection : connections_) {
      for (uint32_t slot = 0; slot < options_.depth; ++slot) ask_when_due(connection, slot);
      if (!send(connection)) return lost();
    }
    while (!over_) {
      std::array<epoll_event, 256> events;
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), resting_.empty() ? -1 : 1);
      if (!ask_resting()) return lost();
      for (int i = 0; i < count && !over_; ++i) {
        const auto& event = events[static_cast<size_t>(i)];
        auto& connection = *static_cast<Connection*>(event.data.ptr);
        if ((event.events & ~uint32_t{EPOLLOUT}) != 0 && !receive(connection)) return lost();
        if (!send(connection)) return lost();
      }
    }
    return std::move(result_);
  }

 private:
  std::unexpected<Error> lost() const {
    return fail(ErrorCode::kConnectionLost,
                problem_.empty() ? fmt::format("{}: the stream ended", options_.address) : problem_);
  }

  bool watch(Connection& connection, int what) {
    epoll_event event{};
    event.events = EPOLLIN | (connection.wants_room ? uint32_t{EPOLLOUT} : 0u);
    event.data.ptr = &connection;
    return ::epoll_ctl(epoll_.get(), what, connection.fd.get(), &event) == 0;
  }

  // With a rate: a slot rests until its turn comes.
  void ask_when_due(Connection& connection, uint32_t slot) {
    if (options_.rate == 0 || asked_ < due()) return ask(connection, slot);
    resting_.push_back({&connection, slot});
  }
  [[nodiscard]] uint64_t due() const {
    return static_cast<uint64_t>(static_cast<double>(options_.rate) * static_cast<double>(now_ns_ - began_ns_) /
                                 static_cast<double>(kSecondNs));
  }
  bool ask_resting() {
    if (resting_.empty()) return true;
    now_ns_ = Stopwatch::now_ns();
    while (!resting_.empty() && asked_ < due()) {
      const auto [connection, slot] = resting_.front();
      resting_.pop_front();
      ask(*connection, slot);
      if (!send(*connection)) return false;
    }
    return true;
  }

  // Appends the next request to the output.
  void ask(Connection& connection, uint32_t slot) {
    if (options_.operation == Operation::kFill && asked_ == options_.documents) return;
    const uint64_t number = asked_++;
    // Far steps, so that neighbours in time are no neighbours in any table.
    constexpr uint64_t kStep = 7919;
    const uint64_t present = number * kStep % options_.documents;
    const bool writes =
        options_.operation == Operation::kWrite || (options_.operation == Operation::kMixed && number % 10 == 9);
    size_t documents = 1;
    if (options_.operation == Operation::kFill) {
      documents = 0;
      speech_->write(slot, number, connection.output);
    } else if (writes) {
      documents = 0;
      speech_->write(slot, options_.first + number, connection.output);
    } else if (options_.operation == Operation::kQuery) {
      documents = kQueryDocuments;
      speech_->query(slot, present, connection.output);
    } else {
      speech_->get(slot, present, connection.output);
    }
    connection.slots[slot] = {now_ns_, documents * (options_.document_bytes - 8)};
  }

  bool receive(Connection& connection) {
    const ssize_t size = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (size <= 0) return false;
    now_ns_ = Stopwatch::now_ns();
    ByteSpan rest(buffer_.data(), static_cast<size_t>(size));
    const bool joined = !connection.input.empty();
    if (joined) {
      connection.input.insert(connection.input.end(), rest.begin(), rest.end());
      rest = connection.input;
    }
    while (!rest.empty() && !over_) {
      const auto answer = speech_->read(rest);
      if (answer.bytes == 0) break;
      if (!answered(connection, answer, rest.first(std::min(answer.bytes, rest.size())))) return false;
      rest = rest.subspan(answer.bytes);
    }
    Bytes left(rest.begin(), rest.end());
    connection.input.swap(left);
    return true;
  }

  bool answered(Connection& connection, const Speech::Answer& answer, ByteSpan bytes) {
    const uint32_t slot = answer.slot.value_or(connection.oldest);
    if (answer.broken || slot >= connection.slots.size()) {
      problem_ = fmt::format("{}: an answer to nothing", options_.address);
      return false;
    }
    connection.oldest = slot + 1 == connection.slots.size() ? 0 : slot + 1;
    const Slot asked = connection.slots[slot];
    const bool absent = !answer.refused && bytes.size() < asked.least_bytes;
    if ((answer.refused || absent) && result_.errors++ == 0)
      result_.first_error = absent ? "a document is not there" : speech_->text_of(bytes);
    ++answered_;
    over_ = !stopwatch_.note(asked.began_ns, now_ns_, result_) ||
            (options_.operation == Operation::kFill && answered_ == options_.documents);
    if (!over_) ask_when_due(connection, slot);
    return true;
  }

  bool send(Connection& connection) {
    while (connection.sent < connection.output.size()) {
      const ssize_t size = ::send(connection.fd.get(), connection.output.data() + connection.sent,
                                  connection.output.size() - connection.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) break;
      if (size <= 0) return false;
      connection.sent += static_cast<size_t>(size);
    }
    const bool all = connection.sent == connection.output.size();
    if (all) {
      connection.output.clear();
      connection.sent = 0;
    }
    if (connection.wants_room != all) return true;
    connection.wants_room = !all;
    return watch(connection, EPOLL_CTL_MOD);
  }

  const LoadOptions& options_;
  std::unique_ptr<Speech> speech_;
  Descriptor epoll_;
  Bytes buffer_;
  std::deque<Connection> connections_;
  Stopwatch stopwatch_;
  LoadResult result_;
  std::string problem_;
  uint64_t asked_ = 0;
  uint64_t answered_ = 0;
  uint64_t now_ns_ = Stopwatch::now_ns();
  uint64_t began_ns_ = now_ns_;
  struct Resting {
    Connection* connection;
    uint32_t slot;
  };
  std::deque<Resting> resting_;  // with a rate: those whose turn has not come
  bool over_ = false;
};

}  // namespace

Stopwatch::Stopwatch(const LoadOptions& options) : requests_(options.requests) {
  // A fill ends with its last document and is not cut short.
  const bool endless = options.operation == Operation::kFill;
  const auto length_ns = static_cast<uint64_t>(options.seconds * static_cast<double>(kSecondNs));
  count_from_ns_ = now_ns() + (endless ? 0 : length_ns / 10);
  end_ns_ = endless ? UINT64_MAX : count_from_ns_ + length_ns;
}

uint64_t Stopwatch::now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

bool Stopwatch::note(uint64_t began_ns, uint64_t ended_ns, LoadResult& result) {
  if (ended_ns < count_from_ns_) return true;
  result.latency.add(ended_ns - began_ns);
  result.seconds = static_cast<double>(ended_ns - count_from_ns_) / static_cast<double>(kSecondNs);
  return ended_ns < end_ns_ && (requests_ == 0 || result.latency.count() < requests_);
}

Result<LoadResult> run_load(const LoadOptions& options) { return ClosedLoop(options).run(); }

}  // namespace aerodb::bench
