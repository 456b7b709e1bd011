// Byte streams between simulated processes.
//
// A stream keeps order and loses nothing while it lives; it arrives in pieces of any size, at any time. What can go
// wrong is what happens to TCP:
//   - reset: both ends learn it soon, bytes on their way are gone. A message lost or doubled by a peer that sends again
//     is a reset between the two.
//   - silence (half-open): nothing arrives any more and nobody says so; an end learns it after SimOptions::silence_us,
//   or
//     after silence_after_send_us once it sends. This is also how a power loss of the peer looks.
//   - partition: block() holds bytes, ends of streams and connects of one direction until unblock().
//   - the peer is killed: what its system had taken is still delivered, then the stream ends or is reset.
// Not simulated: the mode of Unix socket files, so that a server's own check of the peer's uid is what is tested.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "common/runtime/network.h"
#include "tests/sim/runtime/world.h"

namespace aerodb::sim {

enum class CrashKind : uint8_t {
  kProcess,  // kill -9: the page cache survives
  kPower,    // the machine: what was not synced is at risk
};

// Numbers of links are never used twice, so an old one finds nothing.
using LinkId = uint32_t;

class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world);
  ~SimNetwork();

  // Partitions, by machine. Blocking twice is blocking once.
  void block(const SimMachine& from, const SimMachine& to);
  void block_both(const SimMachine& a, const SimMachine& b);
  void unblock(const SimMachine& from, const SimMachine& to);
  void heal();
  [[nodiscard]] bool blocked(uint32_t from, uint32_t to) const;
  // Breaks every stream between two machines now.
  void reset_between(const SimMachine& a, const SimMachine& b);
  [[nodiscard]] size_t links() const;  // streams of which at least one end is open or owned

  // For SimProcess.
  [[nodiscard]] Result<std::unique_ptr<runtime::Listener>> listen(
      SimProcess& process, const runtime::Endpoint& endpoint,
      std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept);
  [[nodiscard]] std::unique_ptr<runtime::Network::Attempt> connect(
      SimProcess& process, const runtime::Endpoint& endpoint,
      std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done);
  void process_died(Owner owner, CrashKind kind);
  void forget(Owner owner);  // destroys the callbacks of its connects

 private:
  friend class SimConnection;
  struct Listening;
  struct Attempting;
  class ListenerHandle;
  class AttemptHandle;

  enum class EndMark : uint8_t { kOpen, kFin, kReset };
  // What travels towards one end.
  struct Direction {
    std::vector<Bytes> chunks;
    size_t first = 0;     // chunk not yet delivered whole
    size_t offset = 0;    // bytes of it that were delivered
    uint64_t bytes = 0;   // not yet delivered
    uint64_t handed = 0;  // of these, taken by the sender's system
    EndMark mark = EndMark::kOpen;
    bool held = false;  // something stops delivery: a partition, silence, a paused or not yet listening receiver
    EventId delivery = EventId::kNone;
    void clear();
    Bytes take(size_t count);
  };
  struct End {
    Owner owner = kWorld;
    uint32_t machine = 0;
    runtime::ConnectionEvents* events = nullptr;
    bool open = true;      // may still send and be called
    bool attached = true;  // a Connection object, or a promise of one, exists
    bool closing = false;
    bool paused = false;
    bool drain_due = false;        // on_drained, or the end of a close(), is owed
    bool drain_scheduled = false;  // and looked into soon
    runtime::PeerIdentity peer;
  };
  struct Link {
    LinkId id = 0;
    std::array<End, 2> ends;             // 0 connected, 1 accepted
    std::array<Direction, 2> towards;    // towards ends[i]
    std::array<EventId, 2> silence_end;  // when ends[i] learns of the silence
    bool silent = false;
    uint64_t system_buffer = 0;  // bytes a sender's system takes ahead of delivery
  };

  Link* find(LinkId id);
  Link& make_link(SimProcess& from, SimProcess& to, const runtime::Endpoint& endpoint);
  void free_if_unused(LinkId id);
  void schedule_delivery(Link& link, int side);
  void wake(Link& link, int side);
  void deliver(LinkId id, int side);
  void deliver_bytes(Link& link, int side);
  void hand_over(Link& link, int sender);
  void drained(LinkId id, int sender);
  void reset(Link& link);
  void go_silent(Link& link);
  void expect_silence_end(Link& link, int side, Range delay);
  void end_stream(LinkId id, int side, std::string_view why);
  void send(LinkId id, int side, Bytes data);
  void close(LinkId id, int side);
  void detach(LinkId id, int side);
  void arrive(uint32_t attempt);
  void finish(uint32_t attempt);
  void answer_later(Attempting& attempt, uint64_t delay_us, std::string why);
  Attempting* find_attempt(uint32_t id);
  void cancel_attempt(uint32_t id);
  [[nodiscard]] SimMachine* resolve(SimProcess& process, const runtime::Endpoint& endpoint) const;
  [[nodiscard]] std::shared_ptr<Listening> find_listener(uint32_t machine, const runtime::Endpoint& endpoint) const;

  SimWorld& world_;
  std::vector<std::unique_ptr<Link>> links_;  // by age; ids ascend
  LinkId next_link_ = 1;
  std::vector<std::unique_ptr<Attempting>> attempts_;  // by age
  uint32_t next_attempt_ = 1;
  std::vector<std::shared_ptr<Listening>> listeners_;
  uint16_t next_port_ = 20'000;
  std::vector<std::pair<uint32_t, uint32_t>> blocked_;  // from, to
};

// The face of SimNetwork that one process sees.
class ProcessNetwork final : public runtime::Network {
 public:
  explicit ProcessNetwork(SimProcess& process) : process_(process) {}
  Result<std::unique_ptr<runtime::Listener>> listen(
      const runtime::Endpoint& endpoint,
      std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept) override;
  std::unique_ptr<Attempt> connect(
      const runtime::Endpoint& endpoint,
      std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done) override;

 private:
  SimProcess& process_;
};

}  // namespace aerodb::sim
