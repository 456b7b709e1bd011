#include "shipper/source_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "common/base/tally.h"

namespace aerodb::shipper {
namespace {

using State = SourceState;
using Effect = SourceEffect::Kind;

constexpr SourceTransition kTransitions[] = {
    {State::kDisconnected, State::kConnecting, "started, or the next attempt is due"},
    {State::kConnecting, State::kAskingPosition, "connected"},
    {State::kConnecting, State::kDisconnected, "refused, or took too long"},
    {State::kConnecting, State::kStopped, "the same, and reconnect_ms is 0"},
    {State::kAskingPosition, State::kReady, "it is the source that was configured"},
    {State::kAskingPosition, State::kDisconnected, "connection lost, or no position"},
    {State::kAskingPosition, State::kStopped, "the same, and reconnect_ms is 0; or it is another node"},
    {State::kReady, State::kDisconnected, "connection lost, or an answer was not what was asked for"},
    {State::kReady, State::kStopped, "the same, and reconnect_ms is 0; or it is another node"},
};

}  // namespace

std::string_view source_state_name(SourceState state) {
  switch (state) {
    case State::kDisconnected:
      return "DISCONNECTED";
    case State::kConnecting:
      return "CONNECTING";
    case State::kAskingPosition:
      return "ASKING_POSITION";
    case State::kReady:
      return "READY";
    case State::kStopped:
      return "STOPPED";
  }
  return "";
}

std::span<const SourceTransition> source_transitions() { return kTransitions; }

std::optional<Chain> SourceView::chain_before(Lsn lsn) const {
  if (!ready) return std::nullopt;
  // A boundary of 0 has no chain: the one before LSN 1 follows from a lineage that is not there yet.
  if (durable && durable->lsn > Lsn() && durable->lsn.next() == lsn) return durable->chain;
  return window.chain_before(lsn);
}

SourceEffects SourceCore::step(const SourceEvent& event) {
  using Kind = SourceEvent::Kind;
  if (is_stale(event)) return {};
  switch (event.kind) {
    case Kind::kStart:
      connect();
      break;
    case Kind::kTimerDue:
      timer_due();
      break;
    case Kind::kConnected:
      enter(State::kAskingPosition);
      ask_position();
      break;
    case Kind::kPosition:
      take_position(*event.position);
      break;
    case Kind::kConnectFailed:
    case Kind::kLost:
    case Kind::kPositionFailed:
      lose(event.error);
      break;
    case Kind::kFetched:
      take_fetched(event);
      break;
    case Kind::kFetchFailed:
      fetch_failed(event);
      break;
    case Kind::kPositionWanted:
      if (state_ == State::kReady) ask_position();
      break;
    case Kind::kTailWanted:
      if (state_ == State::kReady) want_tail(event.ask.from);
      break;
    case Kind::kOwnWanted:
      if (state_ == State::kReady) emit({.kind = Effect::kFetch, .connection = connection_, .ask = event.ask});
      break;
  }
  return std::exchange(effects_, {});
}

// What belongs to a connection that is no more, or was given up, changes nothing.
bool SourceCore::is_stale(const SourceEvent& event) const {
  using Kind = SourceEvent::Kind;
  const bool connected = state_ == State::kAskingPosition || state_ == State::kReady;
  switch (event.kind) {
    case Kind::kStart:
      return state_ != State::kDisconnected;
    case Kind::kTimerDue:
    case Kind::kPositionWanted:
    case Kind::kTailWanted:
    case Kind::kOwnWanted:
      return false;
    case Kind::kConnected:
    case Kind::kConnectFailed:
      return event.connection != connection_ || state_ != State::kConnecting;
    case Kind::kLost:
    case Kind::kPosition:
    case Kind::kPositionFailed:
      return event.connection != connection_ || !connected;
    case Kind::kFetched:
    case Kind::kFetchFailed:
      return event.connection != connection_ || state_ != State::kReady;
  }
  return true;
}

void SourceCore::enter(SourceState state) {
  const auto row = std::ranges::find_if(kTransitions, [&](auto& t) { return t.from == state_ && t.to == state; });
  AERODB_ASSERT(row != std::end(kTransitions));
  tally(Tally::kSourceTransition, static_cast<size_t>(row - std::begin(kTransitions)));
  state_ = state;
}

// --- the connection

void SourceCore::connect() {
  enter(State::kConnecting);
  ++connection_;
  emit({.kind = Effect::kConnect, .connection = connection_});
  emit({.kind = Effect::kArmTimer, .ms = kConnectMs});
}

void SourceCore::timer_due() {
  switch (state_) {
    case State::kDisconnected:
      connect();
      break;
    case State::kConnecting:
      lose({ErrorCode::kTimedOut, fmt::format("no connection within {} ms", kConnectMs), {}});
      break;
    case State::kReady:
      // Heard anyway while a fetch waits for news.
      if (!tail_asked_) ask_position();
      emit({.kind = Effect::kArmTimer, .ms = settings_.fetch_wait_ms});
      break;
    case State::kAskingPosition:
    case State::kStopped:
      break;
  }
}

void SourceCore::lose(Error error) {
  drop(std::move(error), settings_.reconnect_ms == 0 ? State::kStopped : State::kDisconnected);
}

void SourceCore::drop(Error error, SourceState next) {
  error_ = std::move(error);
  position_asked_ = false;
  tail_asked_ = false;
  emit({.kind = Effect::kClose});
  if (view_.ready) {
    view_.ready = false;
    view_.window.clear();
    emit({.kind = Effect::kTellLost});
  }
  enter(next);
  if (next == State::kDisconnected) emit({.kind = Effect::kArmTimer, .ms = settings_.reconnect_ms});
}

// --- position

void SourceCore::ask_position() {
  if (std::exchange(position_asked_, true)) return;
  emit({.kind = Effect::kAskPosition, .connection = connection_});
}

void SourceCore::take_position(const wire::WalPositionResponse& position) {
  position_asked_ = false;
  if (auto wrong = wrong_source(position)) {
    drop(std::move(*wrong), State::kStopped);
    return;
  }
  cluster_ = position.cluster;
  view_.position = position;
  if (state_ == State::kAskingPosition) {
    // A new connection may be a new process or another directory: what was heard before says nothing of its end.
    view_.durable = position.durable;
    view_.ready = true;
    error_.reset();
    enter(State::kReady);
    emit({.kind = Effect::kArmTimer, .ms = settings_.fetch_wait_ms});
  } else {
    note_durable(position.durable);
  }
  emit({.kind = Effect::kTellPosition});
}

std::optional<Error> SourceCore::wrong_source(const wire::WalPositionResponse& position) const {
  if (position.node != settings_.name) {
    Error error{
        ErrorCode::kWrongNode, fmt::format("source {}: its address answers as another node", settings_.name), {}};
    return std::move(error).with("answered", position.node);
  }
  if (cluster_ && *cluster_ != position.cluster) {
    Error error{
        ErrorCode::kWrongNode, fmt::format("source {}: it is of another cluster than before", settings_.name), {}};
    return std::move(error).with("answered", to_hex(position.cluster)).with("before", to_hex(*cluster_));
  }
  return std::nullopt;
}

// Answers may come in another order than they were made.
void SourceCore::note_durable(const wire::Receipt& durable) {
  if (durable.lsn >= view_.durable_lsn()) view_.durable = durable;
}

// --- records

void SourceCore::want_tail(Lsn lsn) {
  auto& window = view_.window;
  if (!window.anchored() || lsn > window.next_lsn()) {
    const bool moved = window.anchored();
    window.anchor(lsn);
    // Whoever waited for what followed the old place must look again.
    if (moved) emit({.kind = Effect::kTellHeard});
  }
  if (lsn == window.next_lsn()) fetch_tail();
}

void SourceCore::fetch_tail() {
  if (std::exchange(tail_asked_, true)) return;
  emit({.kind = Effect::kFetch,
        .connection = connection_,
        .ask = {.from = view_.window.next_lsn(), .wait_ms = settings_.fetch_wait_ms}});
}

void SourceCore::take_fetched(const SourceEvent& event) {
  auto chunk = check_answer(event.answer, event.ask.from, settings_.fetch_max_bytes);
  if (!chunk) {
    lose(std::move(chunk.error()));
    return;
  }
  note_durable(event.answer.durable);
  if (!event.ask.own) {
    take_tail(event.ask, event.answer, std::move(*chunk));
  } else if (*chunk) {
    emit({.kind = Effect::kGive, .ask = event.ask, .chunk = std::move(**chunk)});
  } else {
    // Asked for only where the source has said that it holds more.
    lose({ErrorCode::kBadRecord,
          fmt::format("wal.fetch from LSN {}: no records below the durable boundary", event.ask.from.value()),
          {}});
  }
}

void SourceCore::take_tail(const FetchAsk& ask, const FetchAnswer& answer, std::optional<Chunk> chunk) {
  tail_asked_ = false;
  if (ask.from != view_.window.next_lsn()) {
    // The window was moved in between, by a target that waits for what follows its new place.
    fetch_tail();
    return;
  }
  const bool empty = !chunk;
  if (empty)
    view_.window.note_end_chain(answer.chain_before);
  else
    view_.window.append(std::move(*chunk));
  emit({.kind = Effect::kTellHeard, .empty = empty});
}

void SourceCore::fetch_failed(const SourceEvent& event) {
  if (event.error.code != ErrorCode::kLogReleased) {
    lose(event.error);
  } else if (event.ask.own) {
    emit({.kind = Effect::kGiveReleased, .ask = event.ask});
  } else {
    tail_asked_ = false;
    if (event.ask.from != view_.window.next_lsn()) {
      fetch_tail();
      return;
    }
    view_.window.clear();
    emit({.kind = Effect::kTellReleased, .ask = event.ask});
  }
}

}  // namespace aerodb::shipper
