// Counters and gauges of a process: one table names them all, with unit, kind and the processes that have them. Exact,
// no sampling. `aerodb stats`, observe.stats and /metrics show them in table order.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aerodb::observe {

// Kinds of processes that have metrics; both node binaries are kNode.
enum class Process : uint8_t { kNode = 1, kShipper = 2, kExplainer = 4, kControlplane = 8 };

enum class Unit : uint8_t { kBytes, kUs, kCount, kLsn, kCommit };
[[nodiscard]] std::string_view unit_name(Unit unit);

// A counter only grows from the start of the process on; a gauge is what is now (or last was).
enum class MetricKind : uint8_t { kCounter, kGauge };

enum class MetricId : uint8_t {
  // every process
  kStartWallUs,
  kConnectionsAcceptedCount,
  kConnectionsRefusedCount,
  kConnectionsBrokenCount,
  kRequestsCount,
  kErrorsAnsweredCount,
  // documents
  kDocumentsLiveCount,
  kDocumentsVersionsCount,
  kCollectionsCount,
  kSchemasCount,
  kIndexEntriesCount,
  kIndexBytes,
  kVisibleCommit,
  kFloorCommit,
  kWritesCommittedCount,
  kWritesRefusedCount,
  kReadsAnsweredCount,
  kReadsRefusedCount,
  kQueriesAnsweredCount,
  kColdRequestsCount,
  // log
  kWalMaxBytes,
  kWalUsedBytes,
  kWalFreeBytes,
  kWalFirstLsn,
  kWalAppendedLsn,
  kWalDurableLsn,
  kWalRecordsCount,
  kWalRecordBytes,
  kWalInlineSyncCount,
  // memory
  kMemoryBytes,
  kMemoryFrozenBytes,
  kMemoryMaxBytes,
  kCacheBytes,
  kCacheMaxBytes,
  kCacheHitsCount,
  kCacheMissesCount,
  kCacheEvictedCount,
  // storage
  kRunsCount,
  kRunsBytes,
  kManifestLsn,
  kLastCheckpointWallUs,
  kLastCheckpointUs,
  kStorageOperationsCount,
  kStorageOperationsFailedCount,
  kPinsCount,
  kHoldsCount,
  // recovery
  kRecoveryUs,
  kRecoveryReplayUs,
  kRecoveryRecordsCount,
  // authority and replication on a node
  kAuthorityEpochCount,
  kAppliedLsn,
  kSourceDurableLsn,
  kFetchesAnsweredCount,
  kFetchedBytes,
  kReplicaSessionsCount,
  kReplicaBatchesReceivedCount,
  kReplicaBatchesValidatedCount,
  kReplicaBatchesDurableCount,
  kReplicaBatchesAppliedCount,
  kReplicaBatchesRefusedCount,
  // events
  kEventsDurableCount,
  kEventsDroppedCount,
  // shipper
  kShipperTargetsCount,
  kShipperTargetsStoppedCount,
  kShipperSourceLsn,
  kShipperConnectAttemptsCount,
  kShipperRecordsFetchedCount,
  kShipperBytesFetchedTotal,
  kShipperRecordsSentCount,
  kShipperBytesSentTotal,
  kShipperBatchesSentCount,
  kShipperBatchesRefusedCount,
  kShipperInFlightBytes,
  // explainer
  kExplainerHttpRequestsCount,
  kExplainerHttpRefusedCount,
  kExplainerPeerRequestsCount,
  kExplainerPeersUnreachedCount,
  kExplainerBusyCount,
  kExplainerVerdictsCount,
  kExplainerMismatchesCount,
  // control plane
  kControlplaneExplainedCount,
  kControlplaneConfirmedCount,
  kControlplaneRefusedCount,
  kControlplaneDispatchedCount,
  kControlplaneUnknownCount,
  kAuditRecordsCount,
  kAuditBytes,
};

struct MetricRow {
  MetricId id;
  Unit unit;
  MetricKind kind;
  uint8_t processes;      // bits of Process
  std::string_view name;  // its unit stands last; a sum of bytes may end with "_total"
  std::string_view help;
};

// In enum order.
[[nodiscard]] std::span<const MetricRow> metric_table();
[[nodiscard]] const MetricRow& metric_row(MetricId id);

enum class HistogramId : uint8_t { kWalSync, kWalFrame };

// A histogram is shown as several metrics, after those of the table: NAME_count, NAME_UNIT_total, NAME_UNIT_max,
// NAME_UNIT_le_1, ... (how many values were at most that large, cumulative, at powers of two from `first` to `last`).
struct HistogramRow {
  HistogramId id;
  Unit unit;
  uint8_t first_power;
  uint8_t last_power;
  uint8_t processes;  // bits of Process
  std::string_view name;
  std::string_view help;
};
[[nodiscard]] std::span<const HistogramRow> histogram_table();

struct MetricView {
  std::string_view name;  // valid during the visit
  Unit unit;
  MetricKind kind;
  std::string_view help;
  uint64_t value;
};

// The values of one process. Thread: the loop's.
class Metrics {
 public:
  explicit Metrics(Process process) : process_(process) {}

  // A metric that this process does not have is a bug (assert).
  void add(MetricId id, uint64_t count = 1) { slot(id) += count; }
  void set(MetricId id, uint64_t value) { slot(id) = value; }
  [[nodiscard]] uint64_t get(MetricId id) const { return values_[static_cast<size_t>(id)]; }
  // One value of a distribution: a latency or a size.
  void observe(HistogramId id, uint64_t value);

  // Every metric of the process, in table order.
  void visit(const std::function<void(const MetricView&)>& visitor) const;

 private:
  struct Histogram {
    std::array<uint64_t, 65> buckets{};  // bucket n: values in (2^(n-1), 2^n]; bucket 0: 0 and 1
    uint64_t count = 0;
    uint64_t total = 0;
    uint64_t max = 0;
  };
  uint64_t& slot(MetricId id);
  void visit_histogram(const HistogramRow& row, const std::function<void(const MetricView&)>& visitor) const;

  Process process_;
  std::array<uint64_t, static_cast<size_t>(MetricId::kAuditBytes) + 1> values_{};
  std::array<Histogram, static_cast<size_t>(HistogramId::kWalFrame) + 1> histograms_{};
};

}  // namespace aerodb::observe
