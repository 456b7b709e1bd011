// The inside of Server: connections, requests in flight, answers waiting for the end of the turn. Private to the
// folder.
//
// The happy path of a request allocates nothing once its storage has grown: bytes come in (Peer), MessageInput cuts a
// message out of them and parses it on the one Tape, a sorted table finds the handler, a slot remembers who asked; the
// handler's answer is encoded straight into the peer's output buffer, and the posted end of the turn hands that buffer
// to the network.
//
// Ways out of it:
//   violation        the answer, if the id was read; then flush, close, and cut when it does not drain (sweep)
//   over a limit     reading pauses, messages already here wait; looked at again at the end of a turn and when drained
//   put back         the request's bytes stay in the input, reading pauses, and nothing further is taken until
//   resume();
//                    then the message is scanned and parsed anew
//   connection ends  its slots stay until their responders are answered or dropped, without effect
//   server ends      everything stops at once; a callback that is running finds stopped_ and leaves
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/wire/scanner.h"
#include "common/wire/server.h"

namespace aerodb::wire {

class ServerState;

// One accepted connection.
struct Peer final : runtime::ConnectionEvents {
  enum class Phase : uint8_t {
    kOpen,     // requests are taken
    kClosing,  // close() was called; nothing is read or answered any more
  };
  Peer(ServerState& owner, uint32_t own_index, uint64_t own_number, std::unique_ptr<runtime::Connection> stream)
      : server(owner), index(own_index), number(own_number), connection(std::move(stream)) {}
  void on_data(ByteSpan data) override;
  void on_drained() override;
  void on_close(std::string_view why) override;

  ServerState& server;
  const uint32_t index;   // place in the table, reused
  const uint64_t number;  // never reused
  std::unique_ptr<runtime::Connection> connection;
  MessageInput input;
  Bytes output;
  Phase phase = Phase::kOpen;
  bool paused = false;   // over a limit, or waiting: reading is paused
  bool waiting = false;  // its next request was put back
  bool dirty = false;    // waits for the end of the turn
  bool sending = false;  // `output` is lent to the network
  bool active = false;   // counted in active_
  uint32_t in_flight = 0;
  uint64_t active_turn = 0;       // last turn in which it asked
  uint64_t waiting_since_us = 0;  // half a message is here, or closing; 0: neither
};

class ServerState final : public std::enable_shared_from_this<ServerState> {
 public:
  using Handler = std::move_only_function<void(document::Cursor, Responder)>;

  ServerState(runtime::Runtime& runtime, ListenerKind kind, ServerLimits limits);
  void add(ListenerKind kind, std::string_view name, Handler handler);
  Result<void> listen(const runtime::Endpoint& endpoint);
  void accept(std::unique_ptr<runtime::Connection> connection);
  void take_no_more();
  void resume(uint64_t connection);
  void stop();

  // Events of a peer. `ended` destroys it.
  void received(Peer& peer, ByteSpan data);
  void drained(Peer& peer);
  void ended(Peer& peer);

  // For Responder.
  [[nodiscard]] Bytes* begin_answer(uint64_t request, bool is_error);
  void end_answer();
  void drop(uint64_t request);
  void put_back(uint64_t request);
  [[nodiscard]] const runtime::PeerIdentity& identity_of(uint64_t request) const;

  [[nodiscard]] ListenerKind kind() const { return kind_; }
  [[nodiscard]] runtime::Endpoint endpoint() const;
  [[nodiscard]] const ServerCounters& counters() const { return counters_; }
  [[nodiscard]] uint32_t active_connections() const { return active_; }
  [[nodiscard]] std::vector<std::string> method_names() const;
  void on_disconnect(std::move_only_function<void(uint64_t)> callback) {
    on_disconnect_.push_back(std::move(callback));
  }

 private:
  // Keeps the state alive while foreign code may destroy the server, and lets go of handlers once none is running.
  class Busy {
   public:
    explicit Busy(ServerState& state) : state_(state.shared_from_this()) { ++state_->busy_; }
    ~Busy();
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    std::shared_ptr<ServerState> state_;
  };
  struct PeerKey {
    uint32_t index = 0;
    uint64_t number = 0;
  };
  struct Entry {
    std::string_view name;
    Handler handler;
  };
  // A request in flight. Its id is (generation << 32 | index).
  struct Slot {
    uint32_t generation = 0;
    uint32_t message_id = 0;
    PeerKey peer;
  };

  [[nodiscard]] Peer* find(PeerKey key) const;
  [[nodiscard]] bool over_limit(const Peer& peer) const;

  void take_messages(Peer& peer);
  void take_message(Peer& peer);
  void pause(Peer& peer);
  void take_request(Peer& peer, document::Cursor method, document::Cursor params);
  [[nodiscard]] Entry* find_handler(std::string_view name);
  void violation(Peer& peer, const Error& error);
  void shut(Peer& peer);

  [[nodiscard]] uint64_t open_slot(const Peer& peer, uint32_t message_id);
  [[nodiscard]] const Slot& slot_of(uint64_t request) const;
  [[nodiscard]] Slot close_slot(uint64_t request);

  void mark_dirty(Peer& peer);
  void post_end_of_turn();
  void end_turn();
  void take_up_resumed();
  void hand_over(Peer& peer);
  void settle(Peer& peer);

  void mark_active(Peer& peer);
  void review_active(Peer& peer);

  void wait_from_now(Peer& peer);
  void arm_sweep();
  void sweep();

  runtime::Runtime& runtime_;
  const ListenerKind kind_;
  const ServerLimits limits_;
  std::vector<Entry> handlers_;  // sorted by name
  size_t last_handler_ = 0;      // that of the last request
  std::vector<std::move_only_function<void(uint64_t)>> on_disconnect_;
  std::unique_ptr<runtime::Listener> listener_;

  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<uint32_t> free_peers_;
  uint32_t connections_ = 0;
  uint64_t last_number_ = 0;

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;

  std::optional<uint64_t> running_;  // request whose handler is running
  std::vector<PeerKey> waiting_;     // with a request that was put back
  std::vector<PeerKey> resumed_;     // of these, to be taken up at the end of the turn

  document::Tape tape_;
  document::Tape no_params_;  // an empty map

  struct {
    Peer* peer = nullptr;
    size_t begin = 0;
    uint32_t message_id = 0;
    bool is_error = false;
  } answer_;  // the one being encoded

  std::vector<PeerKey> dirty_;
  std::vector<PeerKey> flushing_;
  bool turn_posted_ = false;
  uint64_t turn_ = 1;
  uint32_t active_ = 0;
  std::vector<PeerKey> asked_now_;     // peers whose active_turn is turn_
  std::vector<PeerKey> asked_before_;  // peers whose active_turn was turn_ - 1

  runtime::TimerId sweep_ = runtime::TimerId::kNone;
  ServerCounters counters_;
  uint32_t busy_ = 0;
  bool takes_more_ = true;
  bool stopped_ = false;
};

}  // namespace aerodb::wire
