// One target, as a state machine without I/O.
//
// Happy path: connect; have the source's position asked anew; replica.open; find the source's chain at the target's
// end; send it as an append without records, which proves that the target's log is a prefix of the source's; then
// stream, several appends in flight, bounded in bytes. With everything sent, an append without records after each empty
// answer of the source keeps both sides' "last heard" fresh.
//
// What can go wrong:
//   transport, BUSY, NOT_READY, disorder   the connection is closed and made anew after reconnect_ms, proof included
//   the source is lost                     the session is given up; another one is opened when the source is back
//   the target is ahead of the source      WAITING_FOR_SOURCE; nothing is moved
//   the target's ring or memory is full    FULL; another session is opened after reconnect_ms
//   anything else is a refusal on grounds  STOPPED until a restart of the shipper
// Whatever is tried again waits for reconnect_ms first, so no target can make the shipper or the source spin;
// where that is 0, nothing is tried again and the target is STOPPED.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "shipper/chunk.h"
#include "shipper/source_core.h"

namespace aerodb::shipper {

inline constexpr uint32_t kMaxAppendsInFlight = 256;  // beside the bound in bytes, for many small ones

enum class TargetState : uint8_t {
  kDisconnected,        // no connection; the timer for the next attempt runs
  kConnecting,          // a connection is being made
  kWaitingForPosition,  // connected; opens a session as soon as the source's position is answered
  kOpening,             // replica.open is not answered
  kSeekingChain,        // the target's end is known; the source's chain there is not
  kProving,             // the append without records is not answered
  kStreaming,           // proven; records flow
  kWaitingForSource,    // connected; its end lies beyond the source's durable boundary
  kFull,                // connected; it has no room until a checkpoint there
  kStopped,             // refused on grounds that only an operator can change
};
[[nodiscard]] std::string_view target_state_name(TargetState state);

struct TargetTransition {
  TargetState from;
  TargetState to;
  std::string_view why;
};
[[nodiscard]] std::span<const TargetTransition> target_transitions();

// What an error answered by a target, or in its place, means.
enum class Refusal : uint8_t {
  kTryAgain,       // says nothing about the logs
  kWaitForSource,  // the target is ahead
  kFull,
  kStop,
};
[[nodiscard]] Refusal decide_refusal(ErrorCode code);

struct TargetEvent {
  enum class Kind : uint8_t {
    kStart,
    kConnected,       // number: connection
    kConnectFailed,   // number: connection; error
    kLost,            // number: connection; error
    kTimerDue,        // the timer armed last
    kSourcePosition,  // the source is ready, its position fresh
    kSourceLost,
    kSourceHeard,     // the window or the durable boundary changed; empty: nothing newer came
    kSourceReleased,  // lsn: the source no longer holds it
    kGiven,           // number: round; chunk
    kGivenReleased,   // number: round
    kOpened,          // number: round; session, lsn: the target's durable end
    kAppended,        // number: round; bytes: of the records it answers
    kRefused,         // number: round; error: of replica.open or replica.append
  };
  Kind kind = Kind::kStart;
  uint64_t number = 0;
  uint64_t session = 0;
  Lsn lsn{};
  uint64_t bytes = 0;
  bool empty = false;
  Chunk chunk{};
  Error error{};
};

// In the order in which they are to be carried out. An answer's event repeats the `number` of the effect.
struct TargetEffect {
  enum class Kind : uint8_t {
    kConnect,  // number: connection
    kClose,
    kArmTimer,  // ms; replaces the one armed before
    kWantPosition,
    kOpen,      // number: round
    kAppend,    // number: round; session, lsn: of the first record; chain_before, chunk (count 0: without records)
    kWantTail,  // lsn: what follows the shared window
    kWantOwn,   // number: round; lsn: what this target alone needs
  };
  Kind kind = Kind::kClose;
  uint64_t number = 0;
  uint32_t ms = 0;
  uint64_t session = 0;
  Lsn lsn{};
  Chain chain_before{};
  Chunk chunk{};
};
using TargetEffects = std::vector<TargetEffect>;

class TargetCore {
 public:
  // `source` must outlive this object.
  TargetCore(const SourceView& source, uint32_t reconnect_ms, uint64_t window_bytes)
      : source_(source), reconnect_ms_(reconnect_ms), window_bytes_(window_bytes) {}

  [[nodiscard]] TargetEffects step(const TargetEvent& event);

  [[nodiscard]] TargetState state() const { return state_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }  // the last one; none while streaming
  [[nodiscard]] Lsn next_lsn() const { return next_lsn_; }                    // streaming: the first not sent yet
  [[nodiscard]] uint64_t in_flight_bytes() const { return in_flight_bytes_; }

 private:
  [[nodiscard]] bool is_stale(const TargetEvent& event) const;
  void enter(TargetState state);
  void emit(TargetEffect effect) { effects_.push_back(std::move(effect)); }
  void end_round();
  void connect();
  void timer_due();
  void fall(Error error);
  void stop(Error error);
  void wait(TargetState state, Error error);
  void want_position();
  void source_position();
  void source_lost();
  void source_heard(bool empty);
  void source_released(Lsn lsn);
  void open();
  void opened(const TargetEvent& event);
  void given(const Chunk& chunk);
  void refused(const Error& error);
  void seek_chain();
  void prove(const Chain& chain);
  void stream();
  [[nodiscard]] std::optional<Chunk> next_chunk();
  void ask_for_more();
  void append(const Chain& chain_before, Chunk chunk);

  const SourceView& source_;
  uint32_t reconnect_ms_;
  uint64_t window_bytes_;

  TargetState state_ = TargetState::kDisconnected;
  std::optional<Error> error_;
  uint64_t connection_ = 0;  // number of the attempt
  uint64_t round_ = 0;       // one opening of a session, and all that is asked under it
  uint64_t session_ = 0;
  Lsn next_lsn_;
  Lsn wait_for_lsn_;          // waiting: the source's boundary at which opening makes sense again
  std::optional<Chunk> own_;  // fetched for this target alone, not sent yet
  bool own_asked_ = false;
  uint64_t in_flight_bytes_ = 0;
  uint32_t in_flight_ = 0;
  TargetEffects effects_;
};

}  // namespace aerodb::shipper
