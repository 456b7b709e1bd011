// observe.stats: every metric of the process.
#include "common/node/node.h"

namespace aerodb::node {
namespace {

using observe::MetricId;

void add_server(observe::Metrics& metrics, const wire::ServerCounters& counters) {
  metrics.add(MetricId::kConnectionsAcceptedCount, counters.connections_accepted);
  metrics.add(MetricId::kConnectionsRefusedCount, counters.connections_refused);
  metrics.add(MetricId::kConnectionsBrokenCount, counters.connections_broken);
  metrics.add(MetricId::kRequestsCount, counters.requests);
  metrics.add(MetricId::kErrorsAnsweredCount, counters.errors_answered);
}

void set_documents(Node& node, observe::Metrics& metrics) {
  const auto& engine = *node.engine();
  const auto& state = engine.state_data();
  size_t schemas = 0;
  for (const auto& [collection, versions] : state.schemas()) schemas += versions.size();
  metrics.set(MetricId::kDocumentsLiveCount, state.live_documents());
  metrics.set(MetricId::kDocumentsVersionsCount, state.layers().versions());
  metrics.set(MetricId::kIndexEntriesCount, state.layers().index_entries());
  metrics.set(MetricId::kIndexBytes, state.layers().index_bytes());
  metrics.set(MetricId::kCollectionsCount, state.schemas().size());
  metrics.set(MetricId::kSchemasCount, schemas);
  metrics.set(MetricId::kVisibleCommit, engine.visible().commit.value());
  metrics.set(MetricId::kFloorCommit, engine.floor().value());
  metrics.set(MetricId::kAuthorityEpochCount, engine.visible().epoch.value());
  metrics.set(MetricId::kAppliedLsn, engine.visible().lsn.value());
}

void set_log(Node& node, observe::Metrics& metrics) {
  const auto wal = observe_wal(node);
  const auto& counters = node.engine()->writer().counters();
  metrics.set(MetricId::kWalMaxBytes, wal.max_wal_bytes);
  metrics.set(MetricId::kWalUsedBytes, wal.used_bytes);
  metrics.set(MetricId::kWalFreeBytes, wal.free_bytes);
  metrics.set(MetricId::kWalFirstLsn, wal.first_lsn.value());
  metrics.set(MetricId::kWalRecordsCount, counters.records);
  metrics.set(MetricId::kWalRecordBytes, counters.record_bytes);
  metrics.set(MetricId::kWalInlineSyncCount, counters.inline_syncs);
  metrics.set(MetricId::kWalAppendedLsn, wal.appended_lsn.value());
  metrics.set(MetricId::kWalDurableLsn, wal.durable_lsn.value());
}

void set_storage(Node& node, observe::Metrics& metrics) {
  const auto& layers = node.engine()->state_data().layers();
  const auto& storage = node.engine()->storage();
  const auto& manifest = storage.manifest();
  const auto& cache = storage.cache();
  metrics.set(MetricId::kMemoryBytes, layers.memory_bytes());
  metrics.set(MetricId::kMemoryFrozenBytes, layers.frozen() ? layers.frozen()->bytes() : 0);
  metrics.set(MetricId::kMemoryMaxBytes, node.config().memory_max_bytes);
  metrics.set(MetricId::kCacheBytes, cache.bytes());
  metrics.set(MetricId::kCacheMaxBytes, cache.max_bytes());
  metrics.set(MetricId::kCacheHitsCount, cache.counters().hits);
  metrics.set(MetricId::kCacheMissesCount, cache.counters().misses);
  metrics.set(MetricId::kCacheEvictedCount, cache.counters().evicted);
  metrics.set(MetricId::kRunsCount, manifest.runs.size());
  metrics.set(MetricId::kRunsBytes, manifest.run_bytes());
  metrics.set(MetricId::kManifestLsn, manifest.lsn.value());
  metrics.set(MetricId::kPinsCount, storage.pins());
}

// Gauges are read when asked for, so that the hot path keeps none of them up to date.
wire::StatsResponse stats(Node& node) {
  observe::Metrics metrics = node.metrics();
  for (wire::Server* server : {&node.client(), &node.replication(), &node.control(), &node.maintenance()})
    add_server(metrics, server->counters());
  if (node.engine() != nullptr) {
    set_documents(node, metrics);
    set_log(node, metrics);
    set_storage(node, metrics);
  }
  metrics.set(MetricId::kEventsDurableCount, node.events().durable_number());
  metrics.set(MetricId::kEventsDroppedCount, node.events().dropped());
  wire::StatsResponse response;
  metrics.visit([&](const observe::MetricView& view) {
    response.metrics.push_back({std::string(view.name), view.value, std::string(observe::unit_name(view.unit))});
  });
  return response;
}

}  // namespace

void serve_stats(Node& node) {
  node.client().handle(wire::kObserveStats, [&](const auto&, wire::Responder responder) { responder.ok(stats(node)); });
}

}  // namespace aerodb::node
