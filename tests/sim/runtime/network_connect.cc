// How streams begin: listening, connecting, and the connection objects handed out.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/runtime/network_handles.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::sim {
namespace {

bool is_wildcard(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

}  // namespace

void SimConnection::set_events(runtime::ConnectionEvents* events) {
  SimNetwork::Link* link = network_.find(link_);
  if (!link || !link->ends[side_].attached) return;
  link->ends[side_].events = events;
  if (events) network_.wake(*link, side_);
}

uint64_t SimConnection::queued_bytes() const {
  const SimNetwork::Link* link = network_.find(link_);
  if (!link || !link->ends[side_].open) return 0;
  const auto& direction = link->towards[1 - side_];
  return direction.bytes - direction.handed;
}

void SimConnection::pause_reading() {
  if (SimNetwork::Link* link = network_.find(link_)) link->ends[side_].paused = true;
}

void SimConnection::resume_reading() {
  SimNetwork::Link* link = network_.find(link_);
  if (!link) return;
  link->ends[side_].paused = false;
  network_.wake(*link, side_);
}

Result<std::unique_ptr<runtime::Listener>> SimNetwork::listen(
    SimProcess& process, const runtime::Endpoint& endpoint,
    std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept) {
  const std::string text = endpoint.text();
  if (!process.alive()) return fail(ErrorCode::kIo, fmt::format("listen {}: process is dead", text));
  const uint32_t machine = process.machine().index();
  auto listening = std::make_shared<Listening>(Listening{process.owner(), &process, endpoint, std::move(accept)});
  runtime::Endpoint& bound = listening->endpoint;
  if (bound.kind == runtime::Endpoint::Kind::kTcp) {
    if (!is_wildcard(bound.host) && !bound.is_loopback() && bound.host != process.machine().address()) {
      return fail(ErrorCode::kIo, fmt::format("listen {}: not an address of this machine", text));
    }
    if (bound.port == 0) bound.port = next_port_++;
  }
  const bool taken = std::ranges::any_of(listeners_, [&](const auto& other) {
    if (other->process->machine().index() != machine || other->endpoint.kind != bound.kind) return false;
    if (bound.kind == runtime::Endpoint::Kind::kUnix) return other->endpoint.path == bound.path;
    return other->endpoint.port == bound.port &&
           (other->endpoint.host == bound.host || is_wildcard(bound.host) || is_wildcard(other->endpoint.host));
  });
  if (taken) return fail(ErrorCode::kIo, fmt::format("listen {}: address in use", text));
  listeners_.push_back(listening);
  return std::make_unique<ListenerHandle>(*this, std::move(listening));
}

std::unique_ptr<runtime::Network::Attempt> SimNetwork::connect(
    SimProcess& process, const runtime::Endpoint& endpoint,
    std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done) {
  auto attempt = std::make_unique<Attempting>();
  const uint32_t id = attempt->id = next_attempt_++;
  if (process.alive()) {
    attempt->owner = process.owner();
    attempt->process = &process;
    attempt->endpoint = endpoint;
    attempt->done = std::move(done);
    attempts_.push_back(std::move(attempt));
    // Nobody's event: it runs the accepting process, and finds out itself whether the connecting one still lives.
    world_.schedule(world_.pick(world_.options().network_delay_us), EventKind::kConnect, kWorld,
                    [this, id] { arrive(id); });
  }
  return std::make_unique<AttemptHandle>(*this, id);
}

SimNetwork::Attempting* SimNetwork::find_attempt(uint32_t id) {
  auto at = std::ranges::find(attempts_, id, [](const auto& attempt) { return attempt->id; });
  return at == attempts_.end() ? nullptr : at->get();
}

void SimNetwork::cancel_attempt(uint32_t id) {
  auto at = std::ranges::find(attempts_, id, [](const auto& attempt) { return attempt->id; });
  if (at == attempts_.end()) return;
  auto attempt = std::move(*at);
  attempts_.erase(at);
  if (attempt->link != 0) detach(attempt->link, 0);
}

SimMachine* SimNetwork::resolve(SimProcess& process, const runtime::Endpoint& endpoint) const {
  if (endpoint.is_loopback() || is_wildcard(endpoint.host)) return &process.machine();
  for (const auto& machine : world_.machines()) {
    if (machine->address() == endpoint.host) return machine.get();
  }
  return nullptr;
}

std::shared_ptr<SimNetwork::Listening> SimNetwork::find_listener(uint32_t machine,
                                                                 const runtime::Endpoint& endpoint) const {
  for (const auto& listening : listeners_) {
    const runtime::Endpoint& bound = listening->endpoint;
    if (listening->process->machine().index() != machine || bound.kind != endpoint.kind) continue;
    const bool match = bound.kind == runtime::Endpoint::Kind::kUnix
                           ? bound.path == endpoint.path
                           : bound.port == endpoint.port && (is_wildcard(bound.host) || bound.host == endpoint.host);
    if (match) return listening;
  }
  return nullptr;
}

void SimNetwork::answer_later(Attempting& attempt, uint64_t delay_us, std::string why) {
  attempt.why = std::move(why);
  world_.schedule(delay_us, EventKind::kConnected, attempt.owner, [this, id = attempt.id] { finish(id); });
}

// The connect reaches the other machine, or does not.
void SimNetwork::arrive(uint32_t id) {
  Attempting* attempt = find_attempt(id);
  if (!attempt || !world_.alive(attempt->owner)) return;
  const SimOptions& options = world_.options();
  const uint32_t here = attempt->process->machine().index();
  SimMachine* target = resolve(*attempt->process, attempt->endpoint);
  if (!target || !target->up() || blocked(here, target->index()) || blocked(target->index(), here)) {
    return answer_later(*attempt, world_.pick(options.connect_timeout_us), "timed out");
  }
  const uint64_t back_us = world_.pick(options.network_delay_us);
  if (world_.hit(FaultKind::kConnectFailed)) return answer_later(*attempt, back_us, "no route to host");
  auto listening = find_listener(target->index(), attempt->endpoint);
  if (!listening) return answer_later(*attempt, back_us, "connection refused");
  Link& link = make_link(*attempt->process, *listening->process, attempt->endpoint);
  attempt->link = link.id;
  answer_later(*attempt, back_us, {});
  listening->accept(std::make_unique<SimConnection>(*this, link.id, 1, link.ends[1].peer));
}

void SimNetwork::finish(uint32_t id) {
  auto at = std::ranges::find(attempts_, id, [](const auto& attempt) { return attempt->id; });
  if (at == attempts_.end()) return;
  auto attempt = std::move(*at);
  attempts_.erase(at);
  if (attempt->link == 0) {
    attempt->done(fail(ErrorCode::kUnreachable, fmt::format("connect {}: {}", attempt->endpoint.text(), attempt->why)));
    return;
  }
  Link* link = find(attempt->link);
  attempt->done(std::make_unique<SimConnection>(*this, attempt->link, 0, link->ends[0].peer));
}

Result<std::unique_ptr<runtime::Listener>> ProcessNetwork::listen(
    const runtime::Endpoint& endpoint, std::move_only_function<void(std::unique_ptr<runtime::Connection>)> accept) {
  return process_.world().network().listen(process_, endpoint, std::move(accept));
}

std::unique_ptr<runtime::Network::Attempt> ProcessNetwork::connect(
    const runtime::Endpoint& endpoint,
    std::move_only_function<void(Result<std::unique_ptr<runtime::Connection>>)> done) {
  return process_.world().network().connect(process_, endpoint, std::move(done));
}

}  // namespace aerodb::sim
