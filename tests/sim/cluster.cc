#include "tests/sim/cluster.h"

#include <utility>

#include "common/base/assert.h"
#include "primary/no_intake.h"

namespace aerodb::sim {
namespace {

constexpr std::string_view kDataDir = "/data";

// A recovery makes some thirty to a hundred disk calls.
constexpr uint64_t kRecoveryCalls = 100;

}  // namespace

runtime::Endpoint endpoint_of(const SimMachine& machine, uint16_t port) {
  runtime::Endpoint endpoint;
  endpoint.host = machine.address();
  endpoint.port = port;
  return endpoint;
}

NodeHost::NodeHost(Context& context, NodeIndex index, SimMachine& machine, bool primary, const ClusterId& cluster)
    : context_(context),
      index_(index),
      machine_(machine),
      random_(context.world.seed() * 31 + index + 1),
      cluster_(cluster),
      binary_(primary ? node::Binary::kPrimary : node::Binary::kReplica) {
  facts().name = machine_.name();
  make_directory(primary);
}

void NodeHost::make_directory(bool primary) {
  machine_.disk().set_faulty(false);
  SimProcess process(machine_, context_.world, {.name = machine_.name() + "-init"});
  engine::InitOptions options;
  options.data_dir = kDataDir;
  options.name = machine_.name();
  options.geometry = context_.plan.geometry;
  options.primary = primary;
  options.cluster = cluster_;
  options.operator_name = "sim";
  options.reason = "init";
  auto made = engine::init_directory(process.blocking_disk(), process.random(), options);
  AERODB_ASSERT(made.has_value());
  context_.model.initialized(index_, made->instance);
}

NodeHost::~NodeHost() { clear(); }

node::NodeConfig NodeHost::config() const {
  node::NodeConfig config;
  config.name = machine_.name();
  config.data_dir = kDataDir;
  config.listen_client = endpoint_of(machine_, kClientPort);
  config.listen_replication = endpoint_of(machine_, kReplicationPort);
  config.listen_control = endpoint_of(machine_, kControlPort);
  config.listen_maintenance = endpoint_of(machine_, kMaintenancePort);
  config.wal_segments = context_.plan.geometry.slots;
  config.wal_segment_bytes = context_.plan.geometry.segment_bytes;
  config.wal_group_commit = context_.plan.group_commit;
  config.memory_max_bytes = 64 << 20;
  config.storage_cache_bytes = context_.plan.cache_bytes;
  config.storage_compression = context_.plan.compress ? "zstd" : "none";
  config.documents_max_bytes = 4096;
  config.limits_max_in_flight = context_.plan.max_in_flight;
  config.limits_max_queued_bytes = 1 << 20;
  config.events_max_bytes = 64 << 10;
  return config;
}

void NodeHost::start_later(uint64_t delay_us) {
  if (std::exchange(start_scheduled_, true)) return;
  context_.world.schedule(delay_us, EventKind::kScript, kWorld, [this] {
    start_scheduled_ = false;
    if (state_ == State::kDown && !facts().gone) start();
  });
}

void NodeHost::start() {
  AERODB_ASSERT(!process_);
  context_.count(Counter::kNodeStarts);
  ++facts().incarnation;
  ++start_number_;
  failed_operation_ = 0;
  state_ = State::kStarting;
  process_ = std::make_unique<SimProcess>(machine_, context_.world, ProcessOptions{.name = machine_.name()});
  // Now and then it does not survive its recovery. After a kill the power goes soon, now and then: what recovery showed
  // must be durable by itself.
  if (!context_.calm && start_number_ > 1) {
    const bool power_goes = context_.plan.power_crash > 0;
    if (random_.one_in(6)) {
      context_.count(Counter::kRecoveryCrashes);
      process_->crash_at_call(1 + random_.below(kRecoveryCalls),
                              power_goes && random_.one_in(2) ? CrashKind::kPower : CrashKind::kProcess);
    } else if (power_goes && !crash_was_power_ && random_.one_in(3)) {
      process_->crash_at_call(kRecoveryCalls / 2 + random_.below(kRecoveryCalls), CrashKind::kPower);
    }
  }
  node_ = std::make_unique<node::Node>(*process_, config(), binary_);
  if (binary_ == node::Binary::kReplica) {
    intake_ = std::make_unique<replica::Intake>(*node_);
  } else {
    primary::refuse_records(*node_);
  }
  node_->on_progress([this] { progress(); });
  node_->on_engine_end([this] { engine_ends(); });
  node_->on_lost([this](const Error& error) { lost(error); });
  context_.journal.note("{} starts as {}", name(), node::binary_name(binary_));
  node_->start([this](Result<void> result) { started(std::move(result)); });
}

void NodeHost::started(Result<void> result) {
  if (!process_->alive()) return;
  if (!result) return refused(result.error());
  state_ = State::kUp;
  binary_turned_ = false;
  progress();
  // A command may have closed its directory again already.
  if (context_.model.failed() || node_->engine() == nullptr) return;
  const auto& visible = node_->engine()->visible();
  context_.journal.note("{} is up: LSN {}, commit {}, {}, {}", name(), visible.lsn.value(), visible.commit.value(),
                        rules::enum_name(node_->engine()->role()), rules::enum_name(node_->engine()->state()));
}

void NodeHost::refused(const Error& error) {
  context_.journal.note("{} does not start: {}: {}", name(), error.row().name, error.message);
  if (error.code == ErrorCode::kWrongRole && !binary_turned_) {
    context_.count(Counter::kWrongBinaryRefused);
    binary_turned_ = true;
    binary_ = binary_ == node::Binary::kPrimary ? node::Binary::kReplica : node::Binary::kPrimary;
  } else if (!disk_fault_) {
    context_.model.fail(
        fmt::format("{}: refuses to start after nothing but crashes: {}: {}", name(), error.row().name, error.message));
  }
  process_->crash(CrashKind::kProcess);
}

// For a repair, or with the process.
void NodeHost::engine_ends() {
  facts().engine = nullptr;
  facts().halted = false;
  failed_operation_ = 0;
}

// A directory that could not be opened again after a repair.
void NodeHost::lost(const Error& error) {
  context_.journal.note("{} is lost: {}: {}", name(), error.row().name, error.message);
  context_.count(Counter::kNodesLost);
  if (!disk_fault_)
    context_.model.fail(fmt::format("{}: a repair left a directory that can't be opened: {}", name(), error.message));
  process_->crash(CrashKind::kProcess);
}

// The engine exists some turns before start() says so, and requests are answered from then on.
void NodeHost::progress() {
  if (!process_ || !process_->alive() || node_->engine() == nullptr) return;
  NodeFacts& known = facts();
  if (known.engine == nullptr) {
    known.engine = node_->engine();
    context_.model.recovered(index_, machine_.disk());
  } else {
    context_.model.observe(index_, machine_.disk());
  }
  check_operations();
  if (!known.halted) return;
  context_.journal.note("{} is halted", name());
  machine_.disk().set_faulty(false);
}

// An operation may fail for its disk, and for a halt or a stop, and for nothing else.
void NodeHost::check_operations() {
  const auto& operations = node_->engine()->storage().operations();
  if (operations.empty() || !operations.back().error || operations.back().number == failed_operation_) return;
  failed_operation_ = operations.back().number;
  context_.count(Counter::kOperationsFailed);
  const Error& error = *operations.back().error;
  const bool excused =
      facts().disk_faulty || facts().halted || state_ == State::kStopping || error.code == ErrorCode::kSnapshotExists;
  if (excused) return;
  context_.model.fail(fmt::format("{}: {} failed on a good disk: {}", name(),
                                  engine::operation_kind_name(operations.back().kind), error.message));
}

void NodeHost::crash(CrashKind kind) {
  if (!process_ || !process_->alive()) return;
  process_->crash(kind);
}

void NodeHost::restart(node::Binary binary) {
  binary_ = binary;
  binary_turned_ = false;
  if (state_ != State::kUp) return;
  state_ = State::kStopping;
  context_.count(Counter::kCleanStops);
  context_.journal.note("{} stops, to be {} next", name(), node::binary_name(binary));
  node_->stop("sim", [this] {
    if (process_->alive()) process_->crash(CrashKind::kProcess);
  });
}

void NodeHost::tend() {
  if (!process_) return;
  if (process_->alive()) {
    // The engine appears between two events of the node: facts about it must not lag behind its answers.
    const engine::Engine* engine = node_->engine();
    if (engine != nullptr && (facts().engine == nullptr || engine->fence_reason().has_value() != facts().stay().fenced))
      progress();
    return;
  }
  crash_was_power_ = !machine_.up();
  context_.count(crash_was_power_ ? Counter::kPowerCrashes : Counter::kProcessCrashes);
  context_.journal.note("{} is dead ({})", name(), crash_was_power_ ? "power" : "process");
  clear();
  machine_.disk().set_faulty(false);
  start_later(100 + random_.below(random_.one_in(4) ? 30'000 : 2'000));
}

void NodeHost::clear() {
  facts().engine = nullptr;
  facts().halted = false;
  state_ = State::kDown;
  if (!process_) return;
  if (process_->alive()) process_->crash(CrashKind::kProcess);
  intake_.reset();
  node_.reset();
  process_.reset();
}

void NodeHost::arm_disk_fault(FaultKind kind) {
  if (disk_fault_) return;
  disk_fault_ = true;
  facts().disk_faulty = true;
  context_.count(Counter::kDiskFaultsArmed);
  context_.journal.note("{}: its disk begins to show {}", name(), kFaultKindNames[static_cast<size_t>(kind)]);
  machine_.disk().set_faulty(true);
  context_.world.options().rate(kind) = 2 + static_cast<uint32_t>(random_.below(6));
}

void NodeHost::make_calm() {
  machine_.disk().set_faulty(false);
  if (process_ && process_->alive()) process_->crash_at_call(0, CrashKind::kProcess);
  if (state_ == State::kDown) start_later(100);
}

void NodeHost::lose_disk(bool come_back) {
  context_.count(Counter::kDisksLost);
  context_.journal.note("{} loses its disk{}", name(), come_back ? "" : ", and is gone for good");
  if (process_ && process_->alive()) process_->crash(CrashKind::kPower);
  clear();
  machine_.disk().wipe();
  facts().gone = !come_back;
  binary_ = node::Binary::kReplica;
  make_directory(false);
  if (come_back) start_later(1'000 + random_.below(20'000));
}

bool NodeHost::holds_log_behind(Lsn lsn) {
  const Lsn held = node()->engine()->reader().first_lsn();
  return held > Lsn() && held <= lsn.next();
}

}  // namespace aerodb::sim
