// Byte streams between processes. Thread: the loop's, for every call and callback.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/runtime/loop.h"

namespace aerodb::runtime {

// "127.0.0.1:7301", "[::1]:7301" or "unix:/path/to.sock".
struct Endpoint {
  enum class Kind : uint8_t { kTcp, kUnix };
  Kind kind = Kind::kTcp;
  std::string host;   // numeric address; empty for kUnix
  uint16_t port = 0;  // 0 when listening: any free one
  std::string path;   // kUnix only

  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_loopback() const;  // 127.0.0.0/8, ::1 and every Unix socket
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct PeerIdentity {
  std::string address;          // for people
  std::optional<uint32_t> uid;  // peer credentials, Unix sockets only
};

class Connection;

// What a connection tells its owner. No call comes after on_close.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  virtual void on_data(ByteSpan data) = 0;          // `data` is valid during the call only
  virtual void on_drained() {}                      // everything given to send() was handed to the system
  virtual void on_close(std::string_view why) = 0;  // the stream ended, by the peer, by an error or by close()
};

// One byte stream. The owner may destroy it at any time, in callbacks too; no event comes after that.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void set_events(ConnectionEvents* events) = 0;  // not owned
  // Queues bytes; they go out in order. After the stream ended: dropped.
  virtual void send(Bytes data) = 0;
  // The same for bytes that stay the caller's: what the system does not take at once is copied. Where it takes all of
  // them, on_drained need not follow: queued_bytes() tells. (Its own name, because an overload of send() would be
  // hidden in implementations that leave the default in place.)
  virtual void send_view(ByteSpan data) { send(Bytes(data.begin(), data.end())); }
  [[nodiscard]] virtual uint64_t queued_bytes() const = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // Flushes what is queued, then ends the stream. on_close follows in a later turn.
  virtual void close() = 0;
  [[nodiscard]] virtual const PeerIdentity& peer() const = 0;
};

// Accepts until destroyed.
class Listener {
 public:
  virtual ~Listener() = default;
  [[nodiscard]] virtual Endpoint endpoint() const = 0;  // with the port actually bound
};

class Network {
 public:
  virtual ~Network() = default;
  // `accept` gets each new connection. Unix sockets get mode 0600 and replace a stale socket file.
  virtual Result<std::unique_ptr<Listener>> listen(
      const Endpoint& endpoint, std::move_only_function<void(std::unique_ptr<Connection>)> accept) = 0;
  // `done` runs in a later turn with the connection or UNREACHABLE. Destroying the handle answered cancels the attempt.
  class Attempt {
   public:
    virtual ~Attempt() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Attempt> connect(
      const Endpoint& endpoint, std::move_only_function<void(Result<std::unique_ptr<Connection>>)> done) = 0;
};

}  // namespace aerodb::runtime
