#include "tests/sim/runtime/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/runtime/network_handles.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {
namespace {

constexpr size_t kPieceBytesMax = 64 * 1024;  // of one on_data, as a real read buffer
constexpr Range kSystemBuffer = {16 * 1024, 256 * 1024};

}  // namespace

SimNetwork::SimNetwork(SimWorld& world) : world_(world) {}
SimNetwork::~SimNetwork() = default;

void SimNetwork::Direction::clear() {
  chunks.clear();
  first = offset = 0;
  bytes = handed = 0;
}

Bytes SimNetwork::Direction::take(size_t count) {
  bytes -= count;
  handed -= count;
  Bytes piece;
  if (offset == 0 && chunks[first].size() == count) {
    piece = std::move(chunks[first++]);
  } else {
    piece.reserve(count);
    while (piece.size() < count) {
      const Bytes& chunk = chunks[first];
      const size_t part = std::min(count - piece.size(), chunk.size() - offset);
      piece.insert(piece.end(), chunk.begin() + static_cast<std::ptrdiff_t>(offset),
                   chunk.begin() + static_cast<std::ptrdiff_t>(offset + part));
      offset += part;
      if (offset == chunk.size()) ++first, offset = 0;
    }
  }
  if (first == chunks.size()) {
    chunks.clear();
    first = 0;
  } else if (first >= 64) {
    chunks.erase(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(first));
    first = 0;
  }
  return piece;
}

SimNetwork::Link* SimNetwork::find(LinkId id) {
  auto at = std::ranges::lower_bound(links_, id, {}, [](const auto& link) { return link->id; });
  return at != links_.end() && (*at)->id == id ? at->get() : nullptr;
}

size_t SimNetwork::links() const { return links_.size(); }

SimNetwork::Link& SimNetwork::make_link(SimProcess& from, SimProcess& to, const runtime::Endpoint& endpoint) {
  auto link = std::make_unique<Link>();
  link->id = next_link_++;
  link->system_buffer = world_.pick(kSystemBuffer);
  SimProcess* processes[] = {&from, &to};
  for (int side : {0, 1}) {
    End& end = link->ends[side];
    end.owner = processes[side]->owner();
    end.machine = processes[side]->machine().index();
    SimProcess& peer = *processes[1 - side];
    if (endpoint.kind == runtime::Endpoint::Kind::kUnix) {
      end.peer = {endpoint.text(), peer.uid()};
    } else {
      end.peer.address =
          side == 0 ? endpoint.text() : fmt::format("{}:{}", peer.machine().address(), 40'000 + link->id % 20'000);
    }
  }
  links_.push_back(std::move(link));
  return *links_.back();
}

void SimNetwork::free_if_unused(LinkId id) {
  auto at = std::ranges::lower_bound(links_, id, {}, [](const auto& link) { return link->id; });
  if (at == links_.end() || (*at)->id != id) return;
  for (const End& end : (*at)->ends) {
    if (end.open || end.attached) return;
  }
  for (int side : {0, 1}) {
    world_.cancel((*at)->towards[side].delivery);
    world_.cancel((*at)->silence_end[side]);
  }
  links_.erase(at);
}

void SimNetwork::schedule_delivery(Link& link, int side) {
  Direction& direction = link.towards[side];
  if (direction.delivery != EventId::kNone || direction.held || !link.ends[side].open) return;
  const bool local = link.ends[0].machine == link.ends[1].machine;
  Range range = local ? world_.options().local_delay_us : world_.options().network_delay_us;
  if (!local && world_.hit(FaultKind::kSlowDelivery)) range = world_.options().slow_delay_us;
  direction.delivery = world_.schedule(
      world_.pick(range), EventKind::kDeliver, link.ends[side].owner,
      [this, id = link.id, side = static_cast<uint32_t>(side)] { deliver(id, static_cast<int>(side)); });
}

// What held a direction may be over, or there is something that no pause holds back. deliver() looks again.
void SimNetwork::wake(Link& link, int side) {
  Direction& direction = link.towards[side];
  if (link.silent) return;
  direction.held = false;
  if (direction.bytes > 0 || direction.mark != EndMark::kOpen) schedule_delivery(link, side);
}

void SimNetwork::deliver(LinkId id, int side) {
  Link* link = find(id);
  if (!link) return;
  Direction& direction = link->towards[side];
  End& end = link->ends[side];
  direction.delivery = EventId::kNone;
  if (!end.open) return;
  if (end.events == nullptr || link->silent || blocked(link->ends[1 - side].machine, end.machine)) {
    direction.held = true;
    return;
  }
  if (direction.mark == EndMark::kOpen && direction.bytes > 0) {
    if (world_.hit(FaultKind::kConnectionReset)) reset(*link);
    if (world_.hit(FaultKind::kHalfOpen)) return go_silent(*link);
  }
  if (direction.mark == EndMark::kReset) return end_stream(id, side, "connection reset by peer");
  if (end.closing) {
    direction.clear();
    hand_over(*link, 1 - side);
  } else if (end.paused) {
    direction.held = true;
    return;
  }
  if (direction.bytes > 0) {
    deliver_bytes(*link, side);
  } else if (direction.mark == EndMark::kFin) {
    end_stream(id, side, "closed by peer");
  }
}

void SimNetwork::deliver_bytes(Link& link, int side) {
  Direction& direction = link.towards[side];
  SeededRandom& random = world_.random();
  size_t count = std::min<uint64_t>(direction.handed, kPieceBytesMax);
  switch (random.below(8)) {
    case 0:
      count = std::min<size_t>(count, 1 + random.below(16));
      break;
    case 1:
      count = 1 + random.below(count);
      break;
    default:
      break;
  }
  Bytes piece = direction.take(count);
  world_.trace_bytes(link.ends[side].owner, piece);
  hand_over(link, 1 - side);
  if (direction.bytes > 0 || direction.mark != EndMark::kOpen) schedule_delivery(link, side);
  // Last: the link may be gone afterwards.
  link.ends[side].events->on_data(piece);
}

// The sender's system takes what it has room for, and says so when that is everything.
void SimNetwork::hand_over(Link& link, int sender) {
  Direction& direction = link.towards[1 - sender];
  End& end = link.ends[sender];
  direction.handed = std::max(direction.handed, std::min(direction.bytes, link.system_buffer));
  if (!end.drain_due || end.drain_scheduled || !end.open || direction.handed < direction.bytes) return;
  end.drain_scheduled = true;
  world_.schedule(world_.pick(world_.options().turn_delay_us), EventKind::kDrained, end.owner,
                  [this, id = link.id, side = static_cast<uint32_t>(sender)] { drained(id, static_cast<int>(side)); });
}

void SimNetwork::drained(LinkId id, int sender) {
  Link* link = find(id);
  if (!link || !link->ends[sender].open) return;
  End& end = link->ends[sender];
  end.drain_scheduled = false;
  const Direction& direction = link->towards[1 - sender];
  if (direction.handed < direction.bytes) return;  // more was sent meanwhile
  end.drain_due = false;
  if (end.closing) return end_stream(id, sender, "closed");
  if (end.events) end.events->on_drained();
}

void SimNetwork::reset(Link& link) {
  for (int side : {0, 1}) {
    link.towards[side].clear();
    link.towards[side].mark = EndMark::kReset;
    wake(link, side);
  }
}

void SimNetwork::go_silent(Link& link) {
  link.silent = true;
  for (int side : {0, 1}) {
    link.towards[side].held = true;
    expect_silence_end(link, side, world_.options().silence_us);
  }
}

void SimNetwork::expect_silence_end(Link& link, int side, Range delay) {
  if (!link.ends[side].open) return;
  world_.cancel(link.silence_end[side]);
  link.silence_end[side] = world_.schedule(world_.pick(delay), EventKind::kSilenceEnds, link.ends[side].owner,
                                           [this, id = link.id, side = static_cast<uint32_t>(side)] {
                                             end_stream(id, static_cast<int>(side), "timed out");
                                           });
}

// One end is over; the other learns it when it sends or from a mark that is on its way already.
void SimNetwork::end_stream(LinkId id, int side, std::string_view why) {
  Link* link = find(id);
  if (!link || !link->ends[side].open) return;
  End& end = link->ends[side];
  if (end.events == nullptr && end.attached) {
    // Nobody to tell yet: kept for set_events().
    link->silent = false;
    link->towards[side].clear();
    link->towards[side].mark = EndMark::kReset;
    link->towards[side].held = true;
    return;
  }
  end.open = false;
  link->towards[side].clear();
  Direction& outward = link->towards[1 - side];
  if (outward.mark == EndMark::kOpen) outward.mark = EndMark::kReset;
  if (outward.mark == EndMark::kReset) outward.clear();
  wake(*link, 1 - side);
  runtime::ConnectionEvents* events = std::exchange(end.events, nullptr);
  free_if_unused(id);
  if (events) events->on_close(why);
}

void SimNetwork::send(LinkId id, int side, Bytes data) {
  Link* link = find(id);
  if (!link || !link->ends[side].open || link->ends[side].closing || data.empty()) return;
  Direction& direction = link->towards[1 - side];
  if (direction.mark == EndMark::kReset) return;
  const bool first_words = link->silent && direction.bytes == 0;
  direction.bytes += data.size();
  direction.chunks.push_back(std::move(data));
  link->ends[side].drain_due = true;
  hand_over(*link, side);
  if (link->silent) {
    if (first_words) expect_silence_end(*link, side, world_.options().silence_after_send_us);
    return;
  }
  schedule_delivery(*link, 1 - side);
}

void SimNetwork::close(LinkId id, int side) {
  Link* link = find(id);
  if (!link || !link->ends[side].open || link->ends[side].closing) return;
  link->ends[side].closing = true;
  Direction& outward = link->towards[1 - side];
  if (outward.mark == EndMark::kOpen) outward.mark = EndMark::kFin;
  link->ends[side].drain_due = true;
  hand_over(*link, side);
  wake(*link, side);  // a pause holds nothing back any more
  wake(*link, 1 - side);
}

// The Connection object is gone: what the system had not taken is lost, the rest arrives.
void SimNetwork::detach(LinkId id, int side) {
  Link* link = find(id);
  if (!link || !link->ends[side].attached) return;
  End& end = link->ends[side];
  end.attached = false;
  end.events = nullptr;
  if (end.open) {
    end.open = false;
    Direction& outward = link->towards[1 - side];
    while (outward.bytes > outward.handed) {
      const uint64_t surplus = outward.bytes - outward.handed;
      Bytes& last = outward.chunks.back();
      const uint64_t cut = std::min<uint64_t>(surplus, last.size());
      last.resize(last.size() - cut);
      outward.bytes -= cut;
      if (last.empty()) outward.chunks.pop_back();
    }
    const bool unread = link->towards[side].bytes > 0;
    if (outward.mark == EndMark::kOpen) outward.mark = unread ? EndMark::kReset : EndMark::kFin;
    if (outward.mark == EndMark::kReset) outward.clear();
    link->towards[side].clear();
    wake(*link, 1 - side);
  }
  free_if_unused(id);
}

void SimNetwork::process_died(Owner owner, CrashKind kind) {
  std::erase_if(listeners_, [&](const auto& listening) { return listening->owner == owner; });
  std::vector<std::pair<LinkId, int>> cut;
  for (const auto& link : links_) {
    for (int side : {0, 1}) {
      if (link->ends[side].owner == owner && link->ends[side].attached) cut.emplace_back(link->id, side);
    }
  }
  for (auto [id, side] : cut) {
    Link* link = find(id);
    if (!link) continue;
    if (kind == CrashKind::kPower && !link->silent) {
      link->ends[side].open = false;
      link->towards[1 - side].clear();
      world_.cancel(link->towards[1 - side].delivery);
      link->towards[1 - side].delivery = EventId::kNone;
      go_silent(*link);
    }
    detach(id, side);
  }
}

void SimNetwork::forget(Owner owner) {
  std::vector<std::unique_ptr<Attempting>> abandoned;  // their callbacks may come back here when they die
  for (auto& attempt : attempts_) {
    if (attempt->owner == owner) abandoned.push_back(std::move(attempt));
  }
  std::erase(attempts_, nullptr);
}

void SimNetwork::block(const SimMachine& from, const SimMachine& to) {
  if (blocked(from.index(), to.index())) return;
  blocked_.emplace_back(from.index(), to.index());
  for (const auto& link : links_) {
    for (int side : {0, 1}) {
      const bool crosses = link->ends[side].machine == from.index() && link->ends[1 - side].machine == to.index();
      if (crosses && !link->silent && world_.hit(FaultKind::kPartitionBreaks)) go_silent(*link);
    }
  }
}

void SimNetwork::block_both(const SimMachine& a, const SimMachine& b) {
  block(a, b);
  block(b, a);
}

void SimNetwork::unblock(const SimMachine& from, const SimMachine& to) {
  std::erase(blocked_, std::pair(from.index(), to.index()));
  for (const auto& link : links_) {
    for (int side : {0, 1}) {
      if (link->ends[1 - side].machine == from.index() && link->ends[side].machine == to.index()) wake(*link, side);
    }
  }
}

void SimNetwork::heal() {
  blocked_.clear();
  for (const auto& link : links_) {
    for (int side : {0, 1}) wake(*link, side);
  }
}

bool SimNetwork::blocked(uint32_t from, uint32_t to) const {
  return std::ranges::find(blocked_, std::pair(from, to)) != blocked_.end();
}

void SimNetwork::reset_between(const SimMachine& a, const SimMachine& b) {
  for (const auto& link : links_) {
    for (int side : {0, 1}) {
      const bool between = link->ends[side].machine == a.index() && link->ends[1 - side].machine == b.index();
      if (!between || link->silent) continue;
      world_.count(FaultKind::kConnectionReset);
      reset(*link);
      break;
    }
  }
}

}  // namespace aerodb::sim
