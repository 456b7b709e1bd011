#include "common/node/node.h"

#include <fmt/format.h>

#include "common/config/program.h"
#include "common/node/repairs.h"

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

Node::Node(runtime::Runtime& runtime, NodeConfig config, Binary binary, Damaged damaged)
    : runtime_(runtime),
      config_(std::move(config)),
      binary_(binary),
      damaged_(damaged),
      metrics_(observe::Process::kNode),
      events_(runtime, config_.data_dir, {.max_file_bytes = config_.events_max_bytes}),
      client_(runtime, wire::ListenerKind::kClient, identity_of(config_, binary), limits_of(config_)),
      replication_(runtime, wire::ListenerKind::kReplication, identity_of(config_, binary), limits_of(config_)),
      control_(runtime, wire::ListenerKind::kControl, identity_of(config_, binary), limits_of(config_)),
      maintenance_(runtime, wire::ListenerKind::kMaintenance, identity_of(config_, binary), limits_of(config_)),
      client_restarts_(runtime, metrics_, client_),
      replication_restarts_(runtime, metrics_, replication_),
      repairs_(std::make_unique<Repairs>(*this)) {
  metrics_.set(observe::MetricId::kStartWallUs, runtime_.clock().wall_us());
  serve_documents(*this);
  serve_observation(*this);
  serve_collections(*this);
  serve_stats(*this);
  serve_explanations(*this);
  serve_log(*this);
  serve_control(*this);
  serve_diagnose(*this);
  serve_storage(*this);
  serve_holds(*this);
  serve_lineage(*this);
  serve_bootstrap(*this);
  serve_repairs(*this);
}

Node::~Node() { *alive_ = false; }

rules::NodeState Node::state() const {
  if (engine_) return engine_->state();
  return identity_ ? rules::NodeState::kRecovering : rules::NodeState::kInitializing;
}

Error Node::not_ready() const {
  return {
      ErrorCode::kNotReady, fmt::format("{}: the node is {} (REPL-4)", config_.name, rules::enum_name(state())), {}};
}

engine::OpenOptions Node::open_options() const {
  return {config_.data_dir,  {config_.wal_segments, config_.wal_segment_bytes},
          config_.name,      config_.storage_cache_bytes,
          &runtime_.clock(), replayed_to_};
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
  options.storage.operations_before = operations_before_;
  return options;
}

void Node::on_durable(const engine::Position& /*position*/) {
  if (!engine_) return;  // of the engine that is ending
  const auto& counters = engine_->writer().counters();
  metrics_.observe(observe::HistogramId::kWalSync, counters.last_sync_us);
  metrics_.observe(observe::HistogramId::kWalFrame, counters.last_frame_bytes);
  for (auto& callback : progress_) callback();
  if (stopping_) drain();
}

void Node::on_halt(const engine::Halt& halt) {
  events_.record(observe::EventId::kHalted,
                 {{"rule", halt.rule}, {"code", halt.code}, {"lsn", halt.lsn.value()}, {"reason", halt.reason}});
  if (!engine_) return;
  for (auto& callback : progress_) callback();
  if (stopping_) drain();
}

}  // namespace aerodb::node
