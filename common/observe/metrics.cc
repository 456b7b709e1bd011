#include "common/observe/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "common/base/assert.h"

namespace aerodb::observe {
namespace {

using enum MetricId;
using enum Unit;
using enum MetricKind;

constexpr uint8_t kNode = static_cast<uint8_t>(Process::kNode);
constexpr uint8_t kShipper = static_cast<uint8_t>(Process::kShipper);
constexpr uint8_t kExplainer = static_cast<uint8_t>(Process::kExplainer);
constexpr uint8_t kDesk = static_cast<uint8_t>(Process::kControlplane);
constexpr uint8_t kAll = kNode | kShipper | kExplainer | kDesk;

// clang-format off
constexpr MetricRow kMetrics[] = {
    {kStartWallUs, kUs, kGauge, kAll, "start_wall_us", "wall clock when the process started, since 1970"},
    {kConnectionsAcceptedCount, kCount, kCounter, kAll, "connections_accepted_count", "connections accepted, all listeners"},
    {kConnectionsRefusedCount, kCount, kCounter, kAll, "connections_refused_count", "connections refused for the limit"},
    {kConnectionsBrokenCount, kCount, kCounter, kAll, "connections_broken_count", "connections closed for a violation of the protocol"},
    {kRequestsCount, kCount, kCounter, kAll, "requests_count", "requests taken in, all listeners"},
    {kErrorsAnsweredCount, kCount, kCounter, kAll, "errors_answered_count", "requests answered with an error"},

    {kDocumentsLiveCount, kCount, kGauge, kNode, "documents_live_count", "documents visible at the newest commit"},
    {kDocumentsVersionsCount, kCount, kGauge, kNode, "documents_versions_count", "versions and tombstones held"},
    {kCollectionsCount, kCount, kGauge, kNode, "collections_count", "collections with a schema"},
    {kSchemasCount, kCount, kGauge, kNode, "schemas_count", "registered schema versions"},
    {kIndexEntriesCount, kCount, kGauge, kNode, "index_entries_count", "index entries held"},
    {kIndexBytes, kBytes, kGauge, kNode, "index_bytes", "size of these entries"},
    {kVisibleCommit, kCommit, kGauge, kNode, "visible_commit", "newest commit that reads see"},
    {kFloorCommit, kCommit, kGauge, kNode, "floor_commit", "oldest commit that can be read"},
    {kWritesCommittedCount, kCount, kCounter, kNode, "writes_committed_count", "writes that became commits"},
    {kWritesRefusedCount, kCount, kCounter, kNode, "writes_refused_count", "writes refused"},
    {kReadsAnsweredCount, kCount, kCounter, kNode, "reads_answered_count", "gets and histories answered"},
    {kReadsRefusedCount, kCount, kCounter, kNode, "reads_refused_count", "reads refused by the read gate"},
    {kQueriesAnsweredCount, kCount, kCounter, kNode, "queries_answered_count", "queries answered"},
    {kColdRequestsCount, kCount, kCounter, kNode, "cold_requests_count", "times a request had to wait for blocks of runs"},

    {kWalMaxBytes, kBytes, kGauge, kNode, "wal_max_bytes", "size of the ring"},
    {kWalUsedBytes, kBytes, kGauge, kNode, "wal_used_bytes", "segments that hold unreleased records"},
    {kWalFreeBytes, kBytes, kGauge, kNode, "wal_free_bytes", "what can be written before WAL_FULL"},
    {kWalFirstLsn, kLsn, kGauge, kNode, "wal_first_lsn", "oldest record still in the ring"},
    {kWalAppendedLsn, kLsn, kGauge, kNode, "wal_appended_lsn", "last record admitted"},
    {kWalDurableLsn, kLsn, kGauge, kNode, "wal_durable_lsn", "durable boundary"},
    {kWalRecordsCount, kCount, kCounter, kNode, "wal_records_count", "records written"},
    {kWalRecordBytes, kBytes, kCounter, kNode, "wal_record_bytes", "bytes of these records"},
    {kWalInlineSyncCount, kCount, kCounter, kNode, "wal_inline_sync_count", "frames synced on the loop itself"},

    {kMemoryBytes, kBytes, kGauge, kNode, "memory_bytes", "memory tables, the frozen one included"},
    {kMemoryFrozenBytes, kBytes, kGauge, kNode, "memory_frozen_bytes", "of these the one that a checkpoint writes out"},
    {kMemoryMaxBytes, kBytes, kGauge, kNode, "memory_max_bytes", "bound at which writes are refused with MEMORY_FULL"},

    {kCacheBytes, kBytes, kGauge, kNode, "cache_bytes", "blocks of runs held in memory"},
    {kCacheMaxBytes, kBytes, kGauge, kNode, "cache_max_bytes", "bound of the block cache"},
    {kCacheHitsCount, kCount, kCounter, kNode, "cache_hits_count", "blocks found in the cache"},
    {kCacheMissesCount, kCount, kCounter, kNode, "cache_misses_count", "blocks that were not there"},
    {kCacheEvictedCount, kCount, kCounter, kNode, "cache_evicted_count", "blocks that left it for others"},

    {kRunsCount, kCount, kGauge, kNode, "runs_count", "runs of the installed manifest"},
    {kRunsBytes, kBytes, kGauge, kNode, "runs_bytes", "size of their files"},
    {kManifestLsn, kLsn, kGauge, kNode, "manifest_lsn", "LSN up to which they hold everything; 0: no checkpoint yet"},
    {kLastCheckpointWallUs, kUs, kGauge, kNode, "last_checkpoint_wall_us", "wall clock when the last checkpoint ended, since 1970; 0: none since start"},
    {kLastCheckpointUs, kUs, kGauge, kNode, "last_checkpoint_us", "how long it took"},
    {kStorageOperationsCount, kCount, kCounter, kNode, "storage_operations_count", "storage operations that ended well"},
    {kStorageOperationsFailedCount, kCount, kCounter, kNode, "storage_operations_failed_count", "storage operations that failed"},
    {kPinsCount, kCount, kGauge, kNode, "pins_count", "commits that connections keep readable"},
    {kHoldsCount, kCount, kGauge, kNode, "holds_count", "sets of runs held for a backup or a bootstrap"},

    {kRecoveryUs, kUs, kGauge, kNode, "recovery_us", "how long recovery took"},
    {kRecoveryReplayUs, kUs, kGauge, kNode, "recovery_replay_us", "of this replay, which enters the records' documents into the indexes"},
    {kRecoveryRecordsCount, kCount, kGauge, kNode, "recovery_records_count", "records it replayed"},

    {kAuthorityEpochCount, kCount, kGauge, kNode, "authority_epoch_count", "current epoch"},
    {kAppliedLsn, kLsn, kGauge, kNode, "applied_lsn", "last record visible to reads"},
    {kSourceDurableLsn, kLsn, kGauge, kNode, "source_durable_lsn", "the source's durable boundary as last heard; 0: never"},
    {kFetchesAnsweredCount, kCount, kCounter, kNode, "fetches_answered_count", "wal.fetch requests answered"},
    {kFetchedBytes, kBytes, kCounter, kNode, "fetched_bytes", "bytes of records in these answers"},
    {kReplicaSessionsCount, kCount, kCounter, kNode, "replica_sessions_count", "sessions that shippers opened"},
    {kReplicaBatchesReceivedCount, kCount, kCounter, kNode, "replica_batches_received_count", "batches taken in"},
    {kReplicaBatchesValidatedCount, kCount, kCounter, kNode, "replica_batches_validated_count", "of these validated"},
    {kReplicaBatchesDurableCount, kCount, kCounter, kNode, "replica_batches_durable_count", "of these durable"},
    {kReplicaBatchesAppliedCount, kCount, kCounter, kNode, "replica_batches_applied_count", "of these applied"},
    {kReplicaBatchesRefusedCount, kCount, kCounter, kNode, "replica_batches_refused_count", "batches refused without a trace in the log"},

    {kEventsDurableCount, kCount, kGauge, kNode, "events_durable_count", "number of the last durable event"},
    {kEventsDroppedCount, kCount, kCounter, kNode, "events_dropped_count", "events not taken in because too many were pending"},

    {kShipperTargetsCount, kCount, kGauge, kShipper, "shipper_targets_count", "targets of the configuration"},
    {kShipperTargetsStoppedCount, kCount, kGauge, kShipper, "shipper_targets_stopped_count", "of these stopped by a refusal"},
    {kShipperSourceLsn, kLsn, kGauge, kShipper, "shipper_source_lsn", "the source's durable boundary as last heard; 0: never"},
    {kShipperConnectAttemptsCount, kCount, kCounter, kShipper, "shipper_connect_attempts_count", "connections tried, source and targets"},
    {kShipperRecordsFetchedCount, kCount, kCounter, kShipper, "shipper_records_fetched_count", "records taken from the source"},
    {kShipperBytesFetchedTotal, kBytes, kCounter, kShipper, "shipper_bytes_fetched_total", "bytes of these records"},
    {kShipperRecordsSentCount, kCount, kCounter, kShipper, "shipper_records_sent_count", "records handed to targets"},
    {kShipperBytesSentTotal, kBytes, kCounter, kShipper, "shipper_bytes_sent_total", "bytes of these records"},
    {kShipperBatchesSentCount, kCount, kCounter, kShipper, "shipper_batches_sent_count", "replica.append requests sent, empty ones included"},
    {kShipperBatchesRefusedCount, kCount, kCounter, kShipper, "shipper_batches_refused_count", "of these answered with an error"},
    {kShipperInFlightBytes, kBytes, kGauge, kShipper, "shipper_in_flight_bytes", "records sent and not yet answered, all targets"},

    {kExplainerHttpRequestsCount, kCount, kCounter, kExplainer, "explainer_http_requests_count", "HTTP requests"},
    {kExplainerHttpRefusedCount, kCount, kCounter, kExplainer, "explainer_http_refused_count", "of these answered with an error"},
    {kExplainerPeerRequestsCount, kCount, kCounter, kExplainer, "explainer_peer_requests_count", "requests to nodes and shippers"},
    {kExplainerPeersUnreachedCount, kCount, kCounter, kExplainer, "explainer_peers_unreached_count", "of these without an answer"},
    {kExplainerBusyCount, kCount, kCounter, kExplainer, "explainer_busy_count", "requests refused because one was in progress for that node"},
    {kExplainerVerdictsCount, kCount, kCounter, kExplainer, "explainer_verdicts_count", "explanations derived again"},
    {kExplainerMismatchesCount, kCount, kCounter, kExplainer, "explainer_mismatches_count", "of these different from what the node said"},

    {kControlplaneExplainedCount, kCount, kCounter, kDesk, "controlplane_explained_count", "commands explained"},
    {kControlplaneConfirmedCount, kCount, kCounter, kDesk, "controlplane_confirmed_count", "of these confirmed"},
    {kControlplaneRefusedCount, kCount, kCounter, kDesk, "controlplane_refused_count", "commands and confirmations refused here"},
    {kControlplaneDispatchedCount, kCount, kCounter, kDesk, "controlplane_dispatched_count", "kernel operations dispatched"},
    {kControlplaneUnknownCount, kCount, kCounter, kDesk, "controlplane_unknown_count", "of these with an unknown outcome"},
    {kAuditRecordsCount, kCount, kGauge, kDesk, "audit_records_count", "number of the last audit record"},
    {kAuditBytes, kBytes, kGauge, kDesk, "audit_bytes", "size of the audit log"},
};

constexpr HistogramRow kHistograms[] = {
    {HistogramId::kWalSync, kUs, 4, 24, kNode, "wal_sync", "time from handing a frame to the device until it was durable"},
    {HistogramId::kWalFrame, kBytes, 9, 24, kNode, "wal_frame", "size of a frame, padding included"},
};
// clang-format on

constexpr bool in_enum_order() {
  for (size_t i = 0; i < std::size(kMetrics); ++i) {
    if (static_cast<size_t>(kMetrics[i].id) != i) return false;
  }
  for (size_t i = 0; i < std::size(kHistograms); ++i) {
    if (static_cast<size_t>(kHistograms[i].id) != i) return false;
  }
  return true;
}
static_assert(in_enum_order());
static_assert(std::size(kMetrics) == static_cast<size_t>(kAuditBytes) + 1);

bool has(uint8_t processes, Process process) { return (processes & static_cast<uint8_t>(process)) != 0; }

}  // namespace

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case kBytes:
      return "bytes";
    case kUs:
      return "us";
    case kCount:
      return "count";
    case kLsn:
      return "lsn";
    case kCommit:
      return "commit";
  }
  return "";
}

std::span<const MetricRow> metric_table() { return kMetrics; }
const MetricRow& metric_row(MetricId id) { return kMetrics[static_cast<size_t>(id)]; }
std::span<const HistogramRow> histogram_table() { return kHistograms; }

uint64_t& Metrics::slot(MetricId id) {
  AERODB_ASSERT(has(metric_row(id).processes, process_));
  return values_[static_cast<size_t>(id)];
}

void Metrics::observe(HistogramId id, uint64_t value) {
  AERODB_ASSERT(has(kHistograms[static_cast<size_t>(id)].processes, process_));
  Histogram& histogram = histograms_[static_cast<size_t>(id)];
  ++histogram.buckets[value <= 1 ? 0 : static_cast<size_t>(std::bit_width(value - 1))];
  ++histogram.count;
  histogram.total += value;
  histogram.max = std::max(histogram.max, value);
}

void Metrics::visit(const std::function<void(const MetricView&)>& visitor) const {
  for (const MetricRow& row : kMetrics) {
    if (has(row.processes, process_)) visitor({row.name, row.unit, row.kind, row.help, get(row.id)});
  }
  for (const HistogramRow& row : kHistograms) {
    if (has(row.processes, process_)) visit_histogram(row, visitor);
  }
}

void Metrics::visit_histogram(const HistogramRow& row, const std::function<void(const MetricView&)>& visitor) const {
  const Histogram& histogram = histograms_[static_cast<size_t>(row.id)];
  const std::string in_unit = fmt::format("{}_{}", row.name, unit_name(row.unit));
  visitor({fmt::format("{}_count", row.name), kCount, kCounter, row.help, histogram.count});
  visitor({in_unit + "_total", row.unit, kCounter, row.help, histogram.total});
  visitor({in_unit + "_max", row.unit, kGauge, row.help, histogram.max});
  uint64_t at_most = 0;
  for (size_t power = 0; power <= row.last_power; ++power) {
    at_most += histogram.buckets[power];
    if (power < row.first_power) continue;
    visitor({fmt::format("{}_le_{}", in_unit, uint64_t{1} << power), kCount, kCounter, row.help, at_most});
  }
}

}  // namespace aerodb::observe
