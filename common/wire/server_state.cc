#include "common/wire/server_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"

namespace aerodb::wire {
namespace {

constexpr uint8_t kEmptyMap[] = {0x80};
// Storage that one large message made and that is not kept for the next.
constexpr size_t kKeepTokens = size_t{256} << 10;

void write_answer_head(Bytes& buffer, uint32_t message_id, bool is_error) {
  document::StagedPackWriter out(buffer);
  out.array(4);
  out.unsigned_integer(static_cast<uint8_t>(MessageKind::kResponse));
  out.unsigned_integer(message_id);
  if (!is_error) out.nil();
}

void write_error_answer(Bytes& buffer, uint32_t message_id, const Error& error) {
  write_answer_head(buffer, message_id, true);
  document::PackWriter out(buffer);
  encode_error(error, out);
  out.nil();
}

}  // namespace

void Peer::on_data(ByteSpan data) { server.received(*this, data); }
void Peer::on_drained() { server.drained(*this); }
void Peer::on_close(std::string_view /*why*/) { server.ended(*this); }

ServerState::Busy::~Busy() {
  if (--state_->busy_ == 0 && state_->stopped_) {
    // Handlers may own responders, which own this state.
    const auto handlers = std::move(state_->handlers_);
    const auto callbacks = std::move(state_->on_disconnect_);
  }
}

ServerState::ServerState(runtime::Runtime& runtime, ListenerKind kind, ServerLimits limits)
    : runtime_(runtime), kind_(kind), limits_(limits) {
  AERODB_ASSERT(limits.max_in_flight > 0 && limits.max_queued_bytes > 0);
  const bool parsed = no_params_.parse(kEmptyMap).has_value();
  AERODB_ASSERT(parsed);
}

void ServerState::add(ListenerKind kind, std::string_view name, Handler handler) {
  AERODB_ASSERT(kind == kind_ && listener_ == nullptr);
  const auto place = std::ranges::lower_bound(handlers_, name, {}, &Entry::name);
  AERODB_ASSERT(place == handlers_.end() || place->name != name);
  handlers_.insert(place, Entry{name, std::move(handler)});
}

Result<void> ServerState::listen(const runtime::Endpoint& endpoint) {
  AERODB_ASSERT(listener_ == nullptr);
  auto listener = runtime_.network().listen(endpoint, [weak = weak_from_this()](auto connection) {
    if (auto self = weak.lock()) self->accept(std::move(connection));
  });
  if (!listener) return fail(std::move(listener.error()));
  listener_ = std::move(*listener);
  return {};
}

void ServerState::take_no_more() {
  takes_more_ = false;
  for (auto& peer : peers_) {
    if (peer && peer->phase == Peer::Phase::kOpen) peer->connection->pause_reading();
  }
}

void ServerState::stop() {
  const Busy busy(*this);
  stopped_ = true;
  runtime_.loop().cancel(sweep_);
  listener_.reset();
  // The peers themselves stay: one of them may be in the middle of an event.
  for (auto& peer : peers_) {
    if (peer) peer->connection.reset();
  }
}

runtime::Endpoint ServerState::endpoint() const {
  AERODB_ASSERT(listener_ != nullptr);
  return listener_->endpoint();
}

std::vector<std::string> ServerState::method_names() const {
  std::vector<std::string> names;
  names.reserve(handlers_.size());
  for (const auto& entry : handlers_) names.emplace_back(entry.name);
  return names;
}

// --- connections

void ServerState::accept(std::unique_ptr<runtime::Connection> connection) {
  if (stopped_ || !takes_more_) return;
  if (connections_ >= limits_.max_connections) {
    ++counters_.connections_refused;
    return;
  }
  ++counters_.connections_accepted;
  ++connections_;
  if (free_peers_.empty()) {
    free_peers_.push_back(static_cast<uint32_t>(peers_.size()));
    peers_.emplace_back();
  }
  const auto index = free_peers_.back();
  free_peers_.pop_back();
  peers_[index] = std::make_unique<Peer>(*this, index, ++last_number_, std::move(connection));
  peers_[index]->connection->set_events(peers_[index].get());
}

Peer* ServerState::find(PeerKey key) const {
  auto* peer = peers_[key.index].get();
  return peer != nullptr && peer->number == key.number ? peer : nullptr;
}

void ServerState::ended(Peer& peer) {
  const Busy busy(*this);
  const auto dead = std::move(peers_[peer.index]);
  if (dead->active) --active_;
  free_peers_.push_back(dead->index);
  --connections_;
  std::erase_if(waiting_, [&](PeerKey key) { return key.number == dead->number; });
  for (auto& callback : on_disconnect_) {
    callback(dead->number);
    if (stopped_) return;
  }
}

bool ServerState::over_limit(const Peer& peer) const {
  return peer.in_flight >= limits_.max_in_flight ||
         peer.connection->queued_bytes() + peer.output.size() >= limits_.max_queued_bytes;
}

void ServerState::shut(Peer& peer) {
  peer.phase = Peer::Phase::kClosing;
  hand_over(peer);
  peer.connection->close();
  peer.input.clear();
  peer.waiting_since_us = 0;
  wait_from_now(peer);
}

void ServerState::violation(Peer& peer, const Error& error) {
  ++counters_.connections_broken;
  runtime_.log().write(LogLevel::kWarn, "wire.connection_broken",
                       {{"listener", std::string(listener_name(kind_))},
                        {"peer", peer.connection->peer().address},
                        {"code", std::string(error.row().name)},
                        {"message", error.message}});
  const auto& scanner = peer.input.scanner();
  if (scanner.kind() == MessageKind::kRequest && scanner.id()) {
    ++counters_.errors_answered;
    write_error_answer(peer.output, *scanner.id(), error);
  }
  shut(peer);
}

// --- requests

void ServerState::received(Peer& peer, ByteSpan data) {
  if (peer.phase != Peer::Phase::kOpen || !takes_more_) return;
  const Busy busy(*this);
  peer.input.feed(data);
  take_messages(peer);
  if (!stopped_) peer.input.release();
}

void ServerState::take_messages(Peer& peer) {
  while (!stopped_ && takes_more_ && peer.phase == Peer::Phase::kOpen) {
    if (peer.waiting || over_limit(peer)) return pause(peer);
    if (peer.input.next(tape_)) {
      peer.waiting_since_us = 0;
      take_message(peer);
    } else if (peer.input.scanner().state() == MessageScanner::State::kRefused) {
      violation(peer, peer.input.scanner().error());
    } else {
      if (peer.input.is_half()) wait_from_now(peer);
      return;
    }
  }
}

void ServerState::pause(Peer& peer) {
  if (!peer.paused) peer.connection->pause_reading();
  peer.paused = true;
  peer.waiting_since_us = 0;
}

void ServerState::take_message(Peer& peer) {
  const bool is_notification = peer.input.scanner().kind() == MessageKind::kNotification;
  auto method = tape_.root().first().skip();
  if (!is_notification) method = method.skip();
  const auto params = method.skip();
  if (peer.input.scanner().kind() == MessageKind::kResponse) {
    violation(peer, Error{ErrorCode::kBadMessage, "a response, and nothing was asked", {}});
  } else if (method.type() != document::Type::kString && method.type() != document::Type::kBytes) {
    violation(peer, Error{ErrorCode::kBadMessage, "not a MessagePack-RPC message: the method is no string", {}});
  } else if (params.type() != document::Type::kArray) {
    violation(peer, Error{ErrorCode::kBadMessage, "not a MessagePack-RPC message: params is no array", {}});
  } else if (!is_notification) {
    take_request(peer, method, params);
  }
  if (tape_.tokens().capacity() > kKeepTokens) tape_ = document::Tape();
}

void ServerState::take_request(Peer& peer, document::Cursor method, document::Cursor params) {
  // Clients from before MessagePack told strings from bytes send the name as bytes.
  const auto name = method.text().value_or(method.type() == document::Type::kBytes ? as_text(*method.bytes()) : "");
  ++counters_.requests;
  mark_active(peer);
  post_end_of_turn();
  const auto request = open_slot(peer, *peer.input.scanner().id());
  Responder responder(shared_from_this(), peer.number, request);
  auto* entry = find_handler(name);
  if (entry == nullptr) {
    constexpr size_t kShownBytes = 64;
    responder.error(
        Error{ErrorCode::kUnknownMethod, fmt::format("listener {} has no such method", listener_name(kind_)), {}}.with(
            "method", name.substr(0, kShownBytes)));
    return;
  }
  running_ = request;
  const auto count = params.token().size;
  if (count == 0) {
    entry->handler(no_params_.root(), std::move(responder));
  } else if (count == 1 && params.first().type() == document::Type::kMap) {
    entry->handler(params.first(), std::move(responder));
  } else {
    responder.error(Error{ErrorCode::kBadRequest, fmt::format("{}: params must be an array with one map", name), {}});
  }
  running_.reset();
}

ServerState::Entry* ServerState::find_handler(std::string_view name) {
  // Most requests name the method of the one before.
  if (last_handler_ < handlers_.size() && handlers_[last_handler_].name == name) return &handlers_[last_handler_];
  const auto entry = std::ranges::lower_bound(handlers_, name, {}, &Entry::name);
  if (entry == handlers_.end() || entry->name != name) return nullptr;
  last_handler_ = static_cast<size_t>(entry - handlers_.begin());
  return &*entry;
}

// --- answers

uint64_t ServerState::open_slot(const Peer& peer, uint32_t message_id) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto index = free_slots_.back();
  free_slots_.pop_back();
  auto& slot = slots_[index];
  slot.message_id = message_id;
  slot.peer = {peer.index, peer.number};
  ++peers_[peer.index]->in_flight;
  return uint64_t{slot.generation} << 32 | index;
}

const ServerState::Slot& ServerState::slot_of(uint64_t request) const {
  const auto& slot = slots_[static_cast<uint32_t>(request)];
  AERODB_ASSERT(slot.generation == request >> 32);
  return slot;
}

ServerState::Slot ServerState::close_slot(uint64_t request) {
  const auto slot = slot_of(request);
  const auto index = static_cast<uint32_t>(request);
  ++slots_[index].generation;
  free_slots_.push_back(index);
  if (auto* peer = find(slot.peer)) {
    --peer->in_flight;
    review_active(*peer);
  }
  return slot;
}

Bytes* ServerState::begin_answer(uint64_t request, bool is_error) {
  if (stopped_) return nullptr;
  const auto slot = close_slot(request);
  auto* peer = find(slot.peer);
  if (peer == nullptr || peer->phase != Peer::Phase::kOpen) return nullptr;
  answer_ = {peer, peer->output.size(), slot.message_id, is_error};
  write_answer_head(peer->output, slot.message_id, is_error);
  return &peer->output;
}

void ServerState::end_answer() {
  auto& peer = *answer_.peer;
  if (answer_.is_error) document::PackWriter(peer.output).nil();
  const auto size = peer.output.size() - answer_.begin;
  if (size > kMaxMessageBytes) {
    peer.output.resize(answer_.begin);
    answer_.is_error = true;
    write_error_answer(
        peer.output, answer_.message_id,
        Error{ErrorCode::kMessageTooLarge,
              fmt::format("the answer takes {} bytes; a message holds at most {}", size, kMaxMessageBytes),
              {}});
  }
  if (answer_.is_error) ++counters_.errors_answered;
  mark_dirty(peer);
}

void ServerState::drop(uint64_t request) {
  if (stopped_) return;
  const auto slot = close_slot(request);
  const auto* peer = find(slot.peer);
  // While its connection is open, a request must be answered.
  AERODB_ASSERT(peer == nullptr || peer->phase != Peer::Phase::kOpen);
}

// --- requests put back

void ServerState::put_back(uint64_t request) {
  if (stopped_) return;
  AERODB_ASSERT(running_ == request);
  const auto slot = close_slot(request);
  auto* peer = find(slot.peer);
  if (peer == nullptr || peer->phase != Peer::Phase::kOpen) return;
  --counters_.requests;  // counted when it runs again
  peer->input.put_back();
  peer->waiting = true;
  waiting_.push_back(slot.peer);
}

void ServerState::resume(uint64_t connection) {
  const auto key = std::ranges::find(waiting_, connection, &PeerKey::number);
  if (key == waiting_.end()) return;
  resumed_.push_back(*key);
  waiting_.erase(key);
  post_end_of_turn();
}

const runtime::PeerIdentity& ServerState::identity_of(uint64_t request) const {
  static const runtime::PeerIdentity kGone;
  if (stopped_) return kGone;
  const auto* peer = find(slot_of(request).peer);
  return peer != nullptr ? peer->connection->peer() : kGone;
}

}  // namespace aerodb::wire
