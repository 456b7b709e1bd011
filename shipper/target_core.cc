#include "shipper/target_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "common/base/tally.h"

namespace aerodb::shipper {
namespace {

using State = TargetState;
using Effect = TargetEffect::Kind;

Error bootstrap_required(Lsn lsn) {
  Error error{ErrorCode::kBootstrapRequired, "the source no longer holds the log that this replica needs", {}};
  return std::move(error).with("lsn", lsn.value());
}

}  // namespace

TargetEffects TargetCore::step(const TargetEvent& event) {
  using Kind = TargetEvent::Kind;
  if (is_stale(event)) return {};
  switch (event.kind) {
    case Kind::kStart:
      connect();
      break;
    case Kind::kTimerDue:
      timer_due();
      break;
    case Kind::kConnected:
      enter(State::kWaitingForPosition);
      want_position();
      break;
    case Kind::kConnectFailed:
    case Kind::kLost:
      fall(event.error);
      break;
    case Kind::kSourcePosition:
      source_position();
      break;
    case Kind::kSourceLost:
      source_lost();
      break;
    case Kind::kSourceHeard:
      source_heard(event.empty);
      break;
    case Kind::kSourceReleased:
      source_released(event.lsn);
      break;
    case Kind::kGiven:
      given(event.chunk);
      break;
    case Kind::kGivenReleased:
      stop(bootstrap_required(next_lsn_));
      break;
    case Kind::kOpened:
      opened(event);
      break;
    case Kind::kAppended:
      in_flight_bytes_ -= event.bytes;
      --in_flight_;
      if (state_ == State::kProving) {
        enter(State::kStreaming);
        error_.reset();
      }
      stream();
      break;
    case Kind::kRefused:
      refused(event.error);
      break;
  }
  return std::exchange(effects_, {});
}

// What belongs to a connection or a session that is no more changes nothing.
bool TargetCore::is_stale(const TargetEvent& event) const {
  using Kind = TargetEvent::Kind;
  const bool connected = state_ != State::kDisconnected && state_ != State::kConnecting && state_ != State::kStopped;
  switch (event.kind) {
    case Kind::kStart:
      return state_ != State::kDisconnected;
    case Kind::kConnected:
    case Kind::kConnectFailed:
      return event.number != connection_ || state_ != State::kConnecting;
    case Kind::kLost:
      return event.number != connection_ || !connected;
    case Kind::kGiven:
    case Kind::kGivenReleased:
    case Kind::kOpened:
    case Kind::kAppended:
    case Kind::kRefused:
      return event.number != round_;
    case Kind::kTimerDue:
    case Kind::kSourcePosition:
    case Kind::kSourceLost:
    case Kind::kSourceHeard:
    case Kind::kSourceReleased:
      return false;
  }
  return true;
}

void TargetCore::enter(TargetState state) {
  const auto table = target_transitions();
  const auto row = std::ranges::find_if(table, [&](auto& t) { return t.from == state_ && t.to == state; });
  AERODB_ASSERT(row != table.end());
  tally(Tally::kTargetTransition, static_cast<size_t>(row - table.begin()));
  state_ = state;
}

// Nothing asked so far is waited for any longer.
void TargetCore::end_round() {
  ++round_;
  own_.reset();
  own_asked_ = false;
  in_flight_bytes_ = 0;
  in_flight_ = 0;
}

// --- the connection

void TargetCore::connect() {
  enter(State::kConnecting);
  ++connection_;
  emit({.kind = Effect::kConnect, .number = connection_});
  emit({.kind = Effect::kArmTimer, .ms = kConnectMs});
}

void TargetCore::timer_due() {
  switch (state_) {
    case State::kDisconnected:
      connect();
      break;
    case State::kConnecting:
      fall({ErrorCode::kTimedOut, fmt::format("no connection within {} ms", kConnectMs), {}});
      break;
    case State::kWaitingForSource:
      want_position();
      emit({.kind = Effect::kArmTimer, .ms = reconnect_ms_});
      break;
    case State::kFull:
      enter(State::kWaitingForPosition);
      want_position();
      break;
    default:
      break;
  }
}

void TargetCore::fall(Error error) {
  if (reconnect_ms_ == 0) {
    stop(std::move(error));
    return;
  }
  end_round();
  error_ = std::move(error);
  emit({.kind = Effect::kClose});
  enter(State::kDisconnected);
  emit({.kind = Effect::kArmTimer, .ms = reconnect_ms_});
}

void TargetCore::stop(Error error) {
  end_round();
  error_ = std::move(error);
  emit({.kind = Effect::kClose});
  enter(State::kStopped);
}

// The connection stays; what follows begins with reconnect_ms.
void TargetCore::wait(TargetState state, Error error) {
  if (reconnect_ms_ == 0) {
    stop(std::move(error));
    return;
  }
  end_round();
  error_ = std::move(error);
  enter(state);
  emit({.kind = Effect::kArmTimer, .ms = reconnect_ms_});
}

// --- the source

void TargetCore::want_position() { emit({.kind = Effect::kWantPosition}); }

void TargetCore::source_position() {
  const bool caught_up = state_ == State::kWaitingForSource && source_.durable_lsn() >= wait_for_lsn_;
  if (state_ == State::kWaitingForPosition || caught_up) open();
}

void TargetCore::source_lost() {
  switch (state_) {
    case State::kOpening:
    case State::kSeekingChain:
    case State::kProving:
    case State::kStreaming:
    case State::kWaitingForSource:
    case State::kFull:
      end_round();
      enter(State::kWaitingForPosition);
      break;
    default:
      break;
  }
}

void TargetCore::source_heard(bool empty) {
  if (state_ == State::kSeekingChain) seek_chain();
  if (state_ != State::kStreaming) return;
  stream();
  if (!empty || in_flight_ > 0) return;
  if (const auto chain = source_.chain_before(next_lsn_)) append(*chain, {});
}

void TargetCore::source_released(Lsn lsn) {
  if ((state_ == State::kSeekingChain || state_ == State::kStreaming) && next_lsn_ == lsn)
    stop(bootstrap_required(lsn));
}

void TargetCore::given(const Chunk& chunk) {
  own_asked_ = false;
  // The window may have reached this place meanwhile and served it.
  if (chunk.first_lsn == next_lsn_) own_ = chunk;
  if (state_ == State::kSeekingChain)
    prove(chunk.chain_before);
  else if (state_ == State::kStreaming)
    stream();
}

// --- the session

void TargetCore::open() {
  end_round();
  enter(State::kOpening);
  emit({.kind = Effect::kOpen, .number = round_});
}

void TargetCore::opened(const TargetEvent& event) {
  if (event.lsn > source_.durable_lsn()) {
    wait_for_lsn_ = event.lsn;
    Error error{ErrorCode::kSourceBehind, "the target's log ends beyond the source's durable boundary", {}};
    wait(State::kWaitingForSource,
         std::move(error).with("target_lsn", event.lsn.value()).with("source_lsn", source_.durable_lsn().value()));
    return;
  }
  session_ = event.session;
  next_lsn_ = event.lsn.next();
  enter(State::kSeekingChain);
  seek_chain();
}

void TargetCore::refused(const Error& error) {
  switch (decide_refusal(error.code)) {
    case Refusal::kTryAgain:
      fall(error);
      break;
    case Refusal::kWaitForSource:
      wait_for_lsn_ = source_.durable_lsn().next();
      wait(State::kWaitingForSource, error);
      break;
    case Refusal::kFull:
      wait(State::kFull, error);
      break;
    case Refusal::kStop:
      stop(error);
      break;
  }
}

void TargetCore::seek_chain() {
  if (const auto chain = source_.chain_before(next_lsn_))
    prove(*chain);
  else
    ask_for_more();
}

void TargetCore::prove(const Chain& chain) {
  enter(State::kProving);
  append(chain, {});
}

// --- records

void TargetCore::stream() {
  while (in_flight_ < kMaxAppendsInFlight) {
    auto chunk = next_chunk();
    if (!chunk) {
      ask_for_more();
      return;
    }
    const auto bytes = chunk->records().size();
    if (in_flight_bytes_ > 0 && in_flight_bytes_ + bytes > window_bytes_) return;
    own_.reset();
    const auto chain_before = chunk->chain_before;
    append(chain_before, std::move(*chunk));
  }
}

std::optional<Chunk> TargetCore::next_chunk() { return own_ ? own_ : source_.window.find(next_lsn_); }

void TargetCore::ask_for_more() {
  if (own_asked_) return;
  const auto& window = source_.window;
  if (!window.anchored() || next_lsn_ >= window.next_lsn()) {
    emit({.kind = Effect::kWantTail, .lsn = next_lsn_});
    return;
  }
  own_asked_ = true;
  emit({.kind = Effect::kWantOwn, .number = round_, .lsn = next_lsn_});
}

void TargetCore::append(const Chain& chain_before, Chunk chunk) {
  const auto first = next_lsn_;
  ++in_flight_;
  if (chunk.count > 0) {
    in_flight_bytes_ += chunk.records().size();
    next_lsn_ = chunk.next_lsn();
  }
  emit({.kind = Effect::kAppend,
        .number = round_,
        .session = session_,
        .lsn = first,
        .chain_before = chain_before,
        .chunk = std::move(chunk)});
}

}  // namespace aerodb::shipper
