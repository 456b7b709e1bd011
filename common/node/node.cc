#include "common/node/node.h"

#include <fmt/format.h>

#include "common/config/program.h"

namespace aerodb::node {
namespace {

wire::ServerLimits limits_of(const NodeConfig& config) {
  return {config.limits_max_connections, config.limits_max_in_flight, config.limits_max_queued_bytes,
          config.limits_half_message_ms};
}

wire::HelloResponse identity_of(const NodeConfig& config, Binary binary) {
  wire::HelloResponse hello;
  hello.program = binary_name(binary);
  hello.version = config::version();
  hello.node = config.name;
  return hello;
}

}  // namespace

std::string_view binary_name(Binary binary) { return binary == Binary::kPrimary ? "aerodb-primary" : "aerodb-replica"; }

Node::Node(runtime::Runtime& runtime, NodeConfig config, Binary binary)
    : runtime_(runtime),
      config_(std::move(config)),
      binary_(binary),
      metrics_(observe::Process::kNode),
      events_(runtime, config_.data_dir, {.max_file_bytes = config_.events_max_bytes}),
      client_(runtime, wire::ListenerKind::kClient, identity_of(config_, binary), limits_of(config_)),
      replication_(runtime, wire::ListenerKind::kReplication, identity_of(config_, binary), limits_of(config_)),
      control_(runtime, wire::ListenerKind::kControl, identity_of(config_, binary), limits_of(config_)),
      maintenance_(runtime, wire::ListenerKind::kMaintenance, identity_of(config_, binary), limits_of(config_)),
      client_restarts_(runtime, metrics_, client_),
      replication_restarts_(runtime, metrics_, replication_) {
  metrics_.set(observe::MetricId::kStartWallUs, runtime_.clock().wall_us());
  serve_documents(*this);
  serve_observation(*this);
  serve_stats(*this);
  serve_explanations(*this);
  serve_log(*this);
  serve_control(*this);
  serve_storage(*this);
  serve_holds(*this);
}

Node::~Node() { *alive_ = false; }

rules::NodeState Node::state() const {
  if (engine_) return engine_->state();
  return opened_ ? rules::NodeState::kRecovering : rules::NodeState::kInitializing;
}

const engine::NodeFile* Node::identity() const {
  if (engine_) return &engine_->node();
  return opened_ ? &opened_->node : nullptr;
}

Error Node::not_ready() const {
  return {
      ErrorCode::kNotReady, fmt::format("{}: the node is {} (REPL-4)", config_.name, rules::enum_name(state())), {}};
}

engine::OpenOptions Node::open_options() const {
  return {config_.data_dir,
          {config_.wal_segments, config_.wal_segment_bytes},
          config_.name,
          config_.storage_cache_bytes,
          &runtime_.clock()};
}

engine::EngineOptions Node::engine_options() const {
  engine::EngineOptions options;
  options.data_dir = config_.data_dir;
  options.geometry = {config_.wal_segments, config_.wal_segment_bytes};
  options.writer.group_commit = config_.wal_group_commit;
  options.max_memory_bytes = config_.memory_max_bytes;
  options.max_document_bytes = config_.documents_max_bytes;
  options.max_query_entries = config_.query_max_entries;
  options.storage.cache_bytes = config_.storage_cache_bytes;
  options.storage.compression =
      config_.storage_compression == kZstd ? store::Compression::kZstd : store::Compression::kNone;
  options.storage.max_snapshots = config_.storage_max_snapshots;
  return options;
}

void Node::start(std::move_only_function<void(Result<void>)> done) {
  started_ = std::move(done);
  using Opened = Result<std::unique_ptr<engine::OpenedNode>>;
  auto opened = std::make_shared<Opened>();
  runtime_.jobs().run(
      [this, alive = alive_, opened, options = open_options()](runtime::Disk& disk) {
        *opened = engine::claim_directory(disk, options);
        if (!*opened) return;
        // Nothing else touches the event log before this Job is done.
        if (auto loaded = events_.load(disk); !loaded) *opened = fail(std::move(loaded.error()));
      },
      [this, alive = alive_, opened] {
        if (*alive) claimed(std::move(*opened));
      });
}

void Node::claimed(Result<std::unique_ptr<engine::OpenedNode>> opened) {
  if (!opened) return finish_start(fail(std::move(opened.error())));
  opened_ = std::move(*opened);
  if (config_.cluster_id && *config_.cluster_id != opened_->node.cluster) {
    return finish_start(
        fail(ErrorCode::kWrongNode,
             fmt::format("open {}: the configuration names cluster {}, the directory is of {}", config_.data_dir,
                         to_hex(*config_.cluster_id), to_hex(opened_->node.cluster))));
  }
  if (auto listening = listen(); !listening) return finish_start(std::move(listening));
  events_.record(observe::EventId::kRecoveryStarted, {{"segments", uint64_t{config_.wal_segments}}});
  recovery_started_us_ = runtime_.clock().monotonic_us();
  auto result = std::make_shared<Result<void>>();
  runtime_.jobs().run(
      [result, options = open_options(), opened = opened_.get(), device = &runtime_.log_device()](runtime::Disk& disk) {
        *result = engine::recover_log(disk, options, *opened);
        if (*result) *result = device->open(wal::segment_paths(options.data_dir, options.geometry.slots));
      },
      [this, alive = alive_, result] {
        if (*alive) recovered(std::move(*result));
      });
}

Result<void> Node::listen() {
  if (auto ok = client_.listen(config_.listen_client); !ok) return ok;
  if (auto ok = replication_.listen(config_.listen_replication); !ok) return ok;
  if (auto ok = control_.listen(config_.listen_control); !ok) return ok;
  if (auto ok = maintenance_.listen(config_.listen_maintenance); !ok) return ok;
  return {};
}

Result<void> Node::check_role() const {
  const auto& authority = opened_->state.authority();
  const auto role = authority.role_of(opened_->node.instance);
  const auto* current = authority.current();
  const bool promoted = current != nullptr && current->reason == "promotion";
  const bool fits =
      binary_ == Binary::kPrimary ? role != rules::Role::kReplica : role != rules::Role::kPrimary || promoted;
  if (fits) return {};
  const Binary right = binary_ == Binary::kPrimary ? Binary::kReplica : Binary::kPrimary;
  return fail(ErrorCode::kWrongRole, fmt::format("open {}: its log says role {}; start it with {}", config_.data_dir,
                                                 rules::enum_name(role), binary_name(right)));
}

void Node::recovered(Result<void> result) {
  if (!result) {
    const auto& error = result.error();
    events_.record(observe::EventId::kCorruptionFound,
                   {{"code", std::string(error.row().name)}, {"message", error.message}});
    return finish_start(std::move(result));
  }
  if (auto role = check_role(); !role) return finish_start(std::move(role));
  const uint64_t recovery_us = runtime_.clock().monotonic_us() - recovery_started_us_;
  engine::EngineEvents& events = *this;
  engine_ = std::make_unique<engine::Engine>(runtime_, std::move(opened_), engine_options(), events);
  engine_->storage().set_events(this);
  engine_->set_inline_policy([this] {
    // A replica's writes come over its replication listener; a primary's shipper there only waits.
    const uint32_t feeders = engine_->newest_role() == rules::Role::kReplica ? replication_.active_connections() : 0;
    return client_.active_connections() + feeders <= 1;
  });
  record_recovery(recovery_us);
  finish_start({});
}

void Node::finish_start(Result<void> result) {
  // What was recorded on the way must be durable before the process may end.
  events_.flush([this, alive = alive_, result = std::move(result)]() mutable {
    if (*alive && started_) started_(std::move(result));
  });
}

void Node::on_durable(const engine::Position& /*position*/) {
  const auto& counters = engine_->writer().counters();
  metrics_.observe(observe::HistogramId::kWalSync, counters.last_sync_us);
  metrics_.observe(observe::HistogramId::kWalFrame, counters.last_frame_bytes);
  for (auto& callback : progress_) callback();
  if (stopping_) drain();
}

void Node::on_halt(const engine::Halt& halt) {
  events_.record(observe::EventId::kHalted,
                 {{"rule", halt.rule}, {"code", halt.code}, {"lsn", halt.lsn.value()}, {"reason", halt.reason}});
  for (auto& callback : progress_) callback();
  if (stopping_) drain();
}

void Node::stop(std::string_view reason, runtime::Callback done) {
  stopped_ = std::move(done);
  stop_reason_ = reason;
  stopping_ = true;
  if (engine_) {
    engine_->storage().fail_running(
        {ErrorCode::kNotReady, fmt::format("storage operation: {} stops ({})", config_.name, reason), {}});
  }
  for (wire::Server* server : {&client_, &replication_, &control_, &maintenance_}) server->take_no_more();
  drain();
}

void Node::drain() {
  if (!stopped_) return;
  const bool halted = engine_ && engine_->state() == rules::NodeState::kHalted;
  if (engine_ && !halted && !engine_->idle()) return;  // on_durable comes back here
  if (engine_)
    events_.record(observe::EventId::kStopped,
                   {{"reason", stop_reason_}, {"durable_lsn", engine_->visible().lsn.value()}});
  auto finish = [this, alive = alive_, done = std::move(stopped_)]() mutable {
    if (!*alive) return;
    events_.flush(std::move(done));
  };
  stopped_ = nullptr;
  if (!engine_ || halted) return finish();
  auto written = std::make_shared<Result<void>>();
  runtime_.jobs().run([written, engine = engine_.get()](runtime::Disk& disk) { *written = engine->clean_stop(disk); },
                      [this, alive = alive_, written, finish = std::move(finish)]() mutable {
                        if (!*alive) return;
                        if (!*written)
                          runtime_.log().write(LogLevel::kError, "clean_stop_not_recorded",
                                               {{"reason", written->error().message}});
                        finish();
                      });
}

}  // namespace aerodb::node
