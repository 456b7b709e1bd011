// What a server does by the turn of the loop and by the clock: handing answers over, taking up reading again, counting
// who is active, ending what takes too long.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/wire/server_state.h"

namespace aerodb::wire {
namespace {

// Above this an output buffer is given away instead of lent.
constexpr size_t kLendBytes = size_t{256} << 10;

}  // namespace

// --- the end of a turn

void ServerState::mark_dirty(Peer& peer) {
  if (!peer.dirty) dirty_.push_back({peer.index, peer.number});
  peer.dirty = true;
  post_end_of_turn();
}

void ServerState::post_end_of_turn() {
  if (turn_posted_) return;
  turn_posted_ = true;
  runtime_.loop().post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->end_turn();
  });
}

void ServerState::end_turn() {
  const Busy busy(*this);
  if (stopped_) return;
  turn_posted_ = false;
  ++turn_;
  std::swap(asked_before_, asked_now_);
  // asked_now_ holds those who asked two turns ago.
  for (const auto key : asked_now_) {
    if (auto* peer = find(key)) review_active(*peer);
  }
  asked_now_.clear();

  take_up_resumed();
  if (stopped_) return;

  std::swap(dirty_, flushing_);
  for (const auto key : flushing_) {
    auto* peer = find(key);
    if (peer == nullptr || peer->phase != Peer::Phase::kOpen) continue;
    peer->dirty = false;
    hand_over(*peer);
    settle(*peer);
    if (stopped_) return;
  }
  flushing_.clear();
}

// Here and not in resume(), which may be called in the middle of another request's handler.
void ServerState::take_up_resumed() {
  const auto resumed = std::exchange(resumed_, {});
  for (const auto key : resumed) {
    auto* peer = find(key);
    if (peer == nullptr) continue;
    peer->waiting = false;
    settle(*peer);
    if (stopped_) return;
  }
}

void ServerState::hand_over(Peer& peer) {
  if (peer.output.empty()) return;
  if (peer.output.size() > kLendBytes) {
    peer.connection->send(std::exchange(peer.output, Bytes()));
    return;
  }
  peer.sending = true;
  peer.connection->send_view(peer.output);
  peer.sending = false;
  peer.output.clear();
}

void ServerState::drained(Peer& peer) {
  if (peer.sending) return;  // whoever sends settles afterwards
  const Busy busy(*this);
  settle(peer);
}

// Takes up reading again where the limits allow it.
void ServerState::settle(Peer& peer) {
  if (!peer.paused || peer.waiting || !takes_more_ || peer.phase != Peer::Phase::kOpen || over_limit(peer)) return;
  peer.paused = false;
  peer.connection->resume_reading();
  take_messages(peer);
  if (!stopped_) peer.input.release();
}

// --- who is active

void ServerState::mark_active(Peer& peer) {
  if (!peer.active) ++active_;
  peer.active = true;
  if (peer.active_turn != turn_) asked_now_.push_back({peer.index, peer.number});
  peer.active_turn = turn_;
}

void ServerState::review_active(Peer& peer) {
  if (!peer.active || peer.in_flight > 0 || peer.waiting || peer.active_turn + 1 >= turn_) return;
  peer.active = false;
  --active_;
}

// --- what takes too long

void ServerState::wait_from_now(Peer& peer) {
  if (peer.waiting_since_us != 0) return;
  peer.waiting_since_us = std::max<uint64_t>(runtime_.clock().monotonic_us(), 1);
  arm_sweep();
}

void ServerState::arm_sweep() {
  if (sweep_ != runtime::TimerId::kNone) return;
  const uint64_t period_us = std::max<uint64_t>(uint64_t{limits_.half_message_ms} * 250, 1000);
  sweep_ = runtime_.loop().after(period_us, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->sweep();
  });
}

void ServerState::sweep() {
  const Busy busy(*this);
  if (stopped_) return;
  sweep_ = runtime::TimerId::kNone;
  const auto now_us = runtime_.clock().monotonic_us();
  for (size_t i = 0; i < peers_.size() && !stopped_; ++i) {
    auto* peer = peers_[i].get();
    if (peer == nullptr || peer->waiting_since_us == 0) continue;
    if (now_us < peer->waiting_since_us + uint64_t{limits_.half_message_ms} * 1000) {
      arm_sweep();
    } else if (peer->phase == Peer::Phase::kClosing) {
      ended(*peer);
    } else {
      violation(*peer, Error{ErrorCode::kBadMessage,
                             fmt::format("a message stayed incomplete for {} ms", limits_.half_message_ms),
                             {}});
    }
  }
}

}  // namespace aerodb::wire
