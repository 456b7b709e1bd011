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
#include <deque>
#include <optional>
#include <thread>
#include <vector>

#include "common/base/bytes.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/socket.h"

namespace aerodb::bench {
namespace {

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

Result<Streams> connect_streams(const LoadOptions& options) {
  const uint32_t count = options.connections;
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
    streams.clients.push_back({std::move(client), options.answer_bytes, options.bytes});
    streams.servers.push_back({std::move(server), options.bytes, options.answer_bytes});
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

// A file that was not there before and is gone afterwards.
class NewFile {
 public:
  static Result<NewFile> make(const std::string& path) {
    Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0) return system_error("create " + path);
    ::unlink(path.c_str());
    return NewFile(std::move(fd));
  }
  bool write(uint64_t at, const Bytes& data) {
    return ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(data.size());
  }
  bool sync() { return ::fdatasync(fd_.get()) == 0; }

 private:
  explicit NewFile(Descriptor fd) : fd_(std::move(fd)) {}
  Descriptor fd_;
};

}  // namespace

Result<LoadResult> run_echo(const LoadOptions& options) {
  auto streams = connect_streams(options);
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
  auto file = NewFile::make(options.file);
  if (!file) return fail(std::move(file.error()));
  const Bytes zeros(1 << 20);
  for (uint64_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (!file->write(at, zeros)) return system_error("fill " + options.file);
  }
  if (!file->sync()) return system_error("sync " + options.file);
  const Bytes data(options.bytes, 0x5a);
  LoadResult result;
  Stopwatch stopwatch(options);
  for (uint64_t at = 0;; at = (at + data.size()) % (kFileBytes - data.size()) / 512 * 512) {
    const uint64_t began_ns = Stopwatch::now_ns();
    if (!file->write(at, data)) return system_error("write " + options.file);
    if (!file->sync()) return system_error("sync " + options.file);
    if (!stopwatch.note(began_ns, Stopwatch::now_ns(), result)) return result;
  }
}

Result<LoadResult> run_disk(const LoadOptions& options) {
  auto file = NewFile::make(options.file);
  if (!file) return fail(std::move(file.error()));
  const Bytes data(1 << 20, 0x5a);
  LoadResult result;
  const uint64_t first_ns = Stopwatch::now_ns();
  for (uint64_t i = 0; i < options.requests; ++i) {
    const uint64_t began_ns = Stopwatch::now_ns();
    if (!file->write(i * data.size(), data)) return system_error("write " + options.file);
    if (i + 1 == options.requests && !file->sync()) return system_error("sync " + options.file);
    result.latency.add(Stopwatch::now_ns() - began_ns);
  }
  result.seconds = static_cast<double>(Stopwatch::now_ns() - first_ns) / 1e9;
  return result;
}

}  // namespace aerodb::bench
