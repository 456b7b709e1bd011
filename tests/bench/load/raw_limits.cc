// What the machine does without a node in between. Blocking calls and epoll, nothing of ours on the way.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/load/load.h"

namespace aerodb::bench {
namespace {

// Sizes of a get of a document with 100 bytes of text, and of its answer.
constexpr size_t kAskBytes = 96;
constexpr size_t kAnswerBytes = 336;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(std::string_view what) {
  return fail(ErrorCode::kIo, std::string(what) + ": " + std::strerror(errno));
}

// One end of a stream on which messages of fixed sizes come in and others of fixed sizes go out.
struct EchoEnd {
  Descriptor fd;
  size_t in_bytes;      // of a message that comes
  size_t out_bytes;     // of one that goes
  size_t received = 0;  // of the message that is coming
  std::deque<uint64_t> began_ns{};

  // How many messages came whole; nullopt where the stream ended.
  std::optional<size_t> receive(std::vector<uint8_t>& buffer) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size <= 0) return std::nullopt;
    received += static_cast<size_t>(size);
    const size_t messages = received / in_bytes;
    received %= in_bytes;
    return messages;
  }
  bool send(size_t messages, const std::vector<uint8_t>& buffer) {
    for (size_t left = messages * out_bytes; left > 0;) {
      const ssize_t size = ::send(fd.get(), buffer.data(), std::min(left, buffer.size()), MSG_NOSIGNAL);
      if (size <= 0) return false;
      left -= static_cast<size_t>(size);
    }
    return true;
  }
};

struct Streams {
  std::deque<EchoEnd> clients;
  std::deque<EchoEnd> servers;
};

Result<Streams> connect_streams(uint32_t count) {
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), raw, size) != 0 || ::listen(listener.get(), static_cast<int>(count)) != 0 ||
      ::getsockname(listener.get(), raw, &size) != 0) {
    return system_error("listen on loopback");
  }
  Streams streams;
  for (uint32_t i = 0; i < count; ++i) {
    Descriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    if (::connect(client.get(), raw, size) != 0) return system_error("connect on loopback");
    Descriptor server(::accept(listener.get(), nullptr, nullptr));
    const int one = 1;
    for (const int fd : {client.get(), server.get()}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    streams.clients.push_back({std::move(client), kAnswerBytes, kAskBytes});
    streams.servers.push_back({std::move(server), kAskBytes, kAnswerBytes});
  }
  return streams;
}

// Calls `ready(end, epoll)` for each readable end until it answers false.
template <class Ready>
void poll_ends(std::deque<EchoEnd>& ends, Ready ready) {
  const Descriptor epoll(::epoll_create1(0));
  for (auto& end : ends) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &end;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, end.fd.get(), &event);
  }
  for (;;) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      if (!ready(*static_cast<EchoEnd*>(events[static_cast<size_t>(i)].data.ptr), epoll.get())) return;
    }
  }
}

void serve_echo(std::deque<EchoEnd>& ends) {
  std::vector<uint8_t> buffer(1 << 16);
  size_t open = ends.size();
  poll_ends(ends, [&](EchoEnd& end, int epoll) {
    const auto messages = end.receive(buffer);
    if (messages) return end.send(*messages, buffer);
    ::shutdown(end.fd.get(), SHUT_RDWR);
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, end.fd.get(), nullptr);
    return --open > 0;
  });
}

}  // namespace

Result<LoadResult> run_echo(const LoadOptions& options) {
  auto streams = connect_streams(options.connections);
  if (!streams) return fail(std::move(streams.error()));
  std::thread server([&] { serve_echo(streams->servers); });
  LoadResult result;
  Stopwatch stopwatch(options);
  std::vector<uint8_t> buffer(1 << 16);
  const auto ask = [&](EchoEnd& end, size_t messages) {
    end.began_ns.insert(end.began_ns.end(), messages, Stopwatch::now_ns());
    return end.send(messages, buffer);
  };
  for (auto& end : streams->clients) ask(end, options.depth);
  poll_ends(streams->clients, [&](EchoEnd& end, int /*epoll*/) {
    const size_t messages = end.receive(buffer).value_or(0);
    const uint64_t now_ns = Stopwatch::now_ns();
    for (size_t i = 0; i < messages; ++i) {
      if (!stopwatch.note(end.began_ns.front(), now_ns, result)) return false;
      end.began_ns.pop_front();
    }
    return ask(end, messages);
  });
  for (auto& end : streams->clients) ::shutdown(end.fd.get(), SHUT_RDWR);
  server.join();
  return result;
}

Result<LoadResult> run_sync(const LoadOptions& options) {
  constexpr uint64_t kFileBytes = 64u << 20;
  const Descriptor file(::open(options.file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return system_error("create " + options.file);
  const struct Remove {
    const std::string& path;
    ~Remove() { ::unlink(path.c_str()); }
  } remove{options.file};
  const std::vector<uint8_t> zeros(1 << 20);
  for (uint64_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (::pwrite(file.get(), zeros.data(), zeros.size(), static_cast<off_t>(at)) != static_cast<ssize_t>(zeros.size()))
      return system_error("fill " + options.file);
  }
  if (::fsync(file.get()) != 0) return system_error("sync " + options.file);
  const std::vector<uint8_t> data(options.bytes, 0x5a);
  LoadResult result;
  Stopwatch stopwatch(options);
  for (uint64_t at = 0;; at = (at + data.size()) % (kFileBytes - data.size())) {
    const uint64_t began_ns = Stopwatch::now_ns();
    if (::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(at / 512 * 512)) !=
        static_cast<ssize_t>(data.size()))
      return system_error("write " + options.file);
    if (::fdatasync(file.get()) != 0) return system_error("sync " + options.file);
    if (!stopwatch.note(began_ns, Stopwatch::now_ns(), result)) return result;
  }
}

}  // namespace aerodb::bench
