// The shipper's side of its source, as a state machine without I/O: what came goes in, what is to be done comes out.
//
// Happy path: connect, wal.position (who is it, where does its log end), READY. From then on it fetches on demand: the
// target that is furthest ahead asks for what follows the shared window, one such fetch at a time, so that any number
// of targets in step cost the source the same. A target behind the window has fetches of its own. Without demand the
// position is asked now and then, so that "last heard" stays true.
//
// What can go wrong: the connection fails, or an answer is not what was asked for: everything learnt is dropped, the
// targets are told, and after reconnect_ms it begins again (0: STOPPED). It is another node or of another cluster than
// before: STOPPED until a restart. The ring has let go of what a target needs: that target is told.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shipper/chunk.h"

namespace aerodb::shipper {

inline constexpr uint32_t kConnectMs = 10'000;  // for a connection to come about
inline constexpr uint32_t kAnswerMs = 30'000;   // for an answer, beyond what the request itself lets the peer wait

enum class SourceState : uint8_t {
  kDisconnected,    // no connection; the timer for the next attempt runs
  kConnecting,      // a connection is being made
  kAskingPosition,  // connected; the first wal.position is not answered
  kReady,           // its identity, ancestry and durable boundary are known
  kStopped,         // nothing more is tried until a restart
};
[[nodiscard]] std::string_view source_state_name(SourceState state);

struct SourceTransition {
  SourceState from;
  SourceState to;
  std::string_view why;
};
[[nodiscard]] std::span<const SourceTransition> source_transitions();

// What the source is known to hold. Read by the targets.
struct SourceView {
  explicit SourceView(uint64_t window_bytes) : window(window_bytes) {}
  bool ready = false;                      // the rest, `durable` apart, counts only then
  wire::WalPositionResponse position{};    // as answered last
  std::optional<wire::Receipt> durable{};  // as heard last; kept when the connection is lost
  Window window;

  [[nodiscard]] Lsn durable_lsn() const { return durable ? durable->lsn : Lsn(); }
  // The source's chain before `lsn`, if it is known without asking.
  [[nodiscard]] std::optional<Chain> chain_before(Lsn lsn) const;
};

// On whose behalf a fetch is made that is not the window's.
struct OwnFetch {
  size_t target = 0;
  uint64_t round = 0;  // of that target; see target_core.h
};
struct FetchAsk {
  Lsn from{};
  uint32_t wait_ms = 0;
  std::optional<OwnFetch> own{};
};

struct SourceEvent {
  enum class Kind : uint8_t {
    kStart,
    kConnected,       // connection
    kConnectFailed,   // connection, error
    kLost,            // connection, error
    kTimerDue,        // the timer armed last
    kPosition,        // connection, position
    kPositionFailed,  // connection, error
    kFetched,         // connection, ask, answer
    kFetchFailed,     // connection, ask, error
    kPositionWanted,  // a target is about to open a session
    kTailWanted,      // ask.from: a target has all that comes before it in the window, or has overtaken it
    kOwnWanted,       // ask.from, ask.own: a target is behind the window
  };
  Kind kind = Kind::kStart;
  uint64_t connection = 0;
  FetchAsk ask{};
  FetchAnswer answer{};
  std::optional<wire::WalPositionResponse> position{};
  Error error{};
};

// In the order in which they are to be carried out.
struct SourceEffect {
  enum class Kind : uint8_t {
    kConnect,  // connection
    kClose,
    kArmTimer,      // ms; replaces the one armed before
    kAskPosition,   // connection
    kFetch,         // connection, ask
    kTellPosition,  // to all targets
    kTellLost,      // to all targets
    kTellHeard,     // to all targets: window or durable boundary changed; empty: nothing newer came
    kTellReleased,  // to all targets: the source no longer holds ask.from
    kGive,          // to ask.own: chunk
    kGiveReleased,  // to ask.own: the source no longer holds ask.from
  };
  Kind kind = Kind::kClose;
  uint64_t connection = 0;
  uint32_t ms = 0;
  FetchAsk ask{};
  bool empty = false;
  Chunk chunk{};
};
using SourceEffects = std::vector<SourceEffect>;

struct SourceSettings {
  std::string name;
  uint32_t reconnect_ms = 0;
  uint32_t fetch_max_bytes = 0;
  uint32_t fetch_wait_ms = 0;
  uint64_t window_bytes = 0;
};

class SourceCore {
 public:
  explicit SourceCore(SourceSettings settings) : settings_(std::move(settings)), view_(settings_.window_bytes) {}

  [[nodiscard]] SourceEffects step(const SourceEvent& event);

  [[nodiscard]] SourceState state() const { return state_; }
  [[nodiscard]] const SourceView& view() const { return view_; }
  // Why the connection ended last, or why it stopped.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  [[nodiscard]] bool is_stale(const SourceEvent& event) const;
  void enter(SourceState state);
  void emit(SourceEffect effect) { effects_.push_back(std::move(effect)); }
  void connect();
  void timer_due();
  void lose(Error error);
  void drop(Error error, SourceState next);
  void ask_position();
  void take_position(const wire::WalPositionResponse& position);
  [[nodiscard]] std::optional<Error> wrong_source(const wire::WalPositionResponse& position) const;
  void note_durable(const wire::Receipt& durable);
  void want_tail(Lsn lsn);
  void fetch_tail();
  void take_fetched(const SourceEvent& event);
  void take_tail(const FetchAsk& ask, const FetchAnswer& answer, std::optional<Chunk> chunk);
  void fetch_failed(const SourceEvent& event);

  SourceSettings settings_;
  SourceView view_;
  SourceState state_ = SourceState::kDisconnected;
  std::optional<Error> error_;
  std::optional<ClusterId> cluster_;  // of the first answer
  uint64_t connection_ = 0;           // number of the attempt
  bool position_asked_ = false;
  bool tail_asked_ = false;
  SourceEffects effects_;
};

}  // namespace aerodb::shipper
