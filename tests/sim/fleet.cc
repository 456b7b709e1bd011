#include "tests/sim/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/assert.h"

namespace aerodb::sim {

ShipperHost::ShipperHost(Context& context, SimMachine& machine, std::string name, uint16_t port)
    : context_(context), machine_(machine), name_(std::move(name)), port_(port) {}

ShipperHost::~ShipperHost() { clear(); }

void ShipperHost::start(NodeIndex source, std::vector<NodeIndex> targets) {
  clear();
  context_.count(Counter::kShipperStarts);
  source_ = source;
  targets_ = std::move(targets);
  shipper::ShipperConfig config;
  config.name = name_;
  config.reconnect_ms = 5;
  config.listen_shipper = endpoint_of(machine_, port_);
  config.source_name = context_.nodes[source]->name();
  config.source_address = endpoint_of(context_.nodes[source]->machine(), kReplicationPort);
  config.fetch_max_bytes = 4 << 10;
  config.fetch_wait_ms = 40;
  config.window_bytes = 16 << 10;
  for (const NodeIndex target : targets_) {
    NodeHost& node = *context_.nodes[target];
    config.targets.push_back({node.name(), endpoint_of(node.machine(), kReplicationPort)});
  }
  context_.journal.note("{} starts, source {}, {} targets", name_, config.source_name, config.targets.size());
  process_ = std::make_unique<SimProcess>(machine_, context_.world, ProcessOptions{.name = name_});
  shipper_ = std::make_unique<shipper::Shipper>(*process_, std::move(config));
  auto started = shipper_->start();
  AERODB_ASSERT(started.has_value());
}

void ShipperHost::stop() {
  source_.reset();
  if (!process_) return;
  context_.journal.note("{} stops", name_);
  clear();
}

void ShipperHost::crash() {
  if (process_ && process_->alive()) process_->crash(CrashKind::kProcess);
}

void ShipperHost::tend() {
  if (!process_ || process_->alive()) return;
  context_.journal.note("{} is dead", name_);
  restart();
}

bool ShipperHost::has_stopped_target() const {
  if (!shipper_) return false;
  const auto status = shipper_->status();
  if (status.source_state == "STOPPED") return true;
  return std::ranges::any_of(status.targets, [](const auto& target) { return target.state == "STOPPED"; });
}

std::string ShipperHost::describe() const {
  if (!shipper_) return {};
  const auto status = shipper_->status();
  std::string text = fmt::format(" {} from {}: {}", name_, status.source, status.source_state);
  for (const auto& target : status.targets)
    text += fmt::format(", {} {} {}", target.target, target.state, target.stopped_message.value_or(""));
  return text + ";";
}

void ShipperHost::clear() {
  if (process_ && process_->alive()) process_->crash(CrashKind::kProcess);
  shipper_.reset();
  process_.reset();
}

// --- all of them

Fleet::Fleet(Context& context, SimMachine& machine) : context_(context) {
  const uint32_t count = context.plan.topology == Topology::kOne ? 1 : context.plan.shippers;
  for (uint32_t i = 1; i <= count; ++i) {
    shippers_.push_back(
        std::make_unique<ShipperHost>(context, machine, fmt::format("s{}", i), static_cast<uint16_t>(7100 + i)));
  }
  mistake_ = std::make_unique<ShipperHost>(context, machine, "s0", uint16_t{7100});
}

void Fleet::follow(NodeIndex source, bool plainly) {
  for (auto& shipper : shippers_) shipper->stop();
  source_ = source;
  plain_ = plainly;
  const size_t nodes = context_.nodes.size();
  if (nodes == 1) return;
  std::vector<NodeIndex> others;
  for (size_t i = 1; i < nodes; ++i) others.push_back(static_cast<NodeIndex>((source + i) % nodes));
  if (plainly || shippers_.size() == 1 || others.size() == 1) return shippers_.front()->start(source, others);
  const bool cascade = context_.plan.topology == Topology::kCascade;
  const size_t used = std::min(shippers_.size(), others.size());
  context_.count(cascade ? Counter::kCascades : Counter::kSharedTargets);
  for (size_t i = 0; i < used; ++i) {
    std::vector<NodeIndex> targets;
    for (size_t at = i; at < others.size(); at += cascade ? 1 : used) {
      targets.push_back(others[at]);
      if (cascade && i + 1 < used) break;
    }
    shippers_[i]->start(cascade && i > 0 ? others[i - 1] : source, targets);
  }
}

void Fleet::run_by_mistake(NodeIndex source, NodeIndex target) {
  context_.count(Counter::kSecondShippers);
  mistake_->start(source, {target});
}

void Fleet::stop() {
  for (auto& shipper : shippers_) shipper->stop();
  source_.reset();
}

void Fleet::crash_one(SeededRandom& random) { shippers_[random.below(shippers_.size())]->crash(); }

void Fleet::tend() {
  for (auto& shipper : shippers_) shipper->tend();
  mistake_->tend();
}

void Fleet::look_after() {
  for (auto& shipper : shippers_) {
    if (shipper->runs() && shipper->has_stopped_target()) shipper->restart();
  }
}

bool Fleet::has_stopped_target() const {
  return std::ranges::any_of(shippers_, [](const auto& shipper) { return shipper->has_stopped_target(); });
}

std::string Fleet::describe() const {
  std::string text;
  for (const auto& shipper : shippers_) text += shipper->describe();
  return text.empty() ? "no shipper" : text;
}

}  // namespace aerodb::sim
