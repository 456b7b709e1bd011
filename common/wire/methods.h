// The method table: every method of every listener, once. Server dispatch, clients and docs/spec/PROTOCOL.md follow it.
#pragma once

#include <array>
#include <string_view>

#include "common/wire/messages_client.h"
#include "common/wire/messages_common.h"
#include "common/wire/messages_control.h"
#include "common/wire/messages_controlplane.h"
#include "common/wire/messages_documents.h"
#include "common/wire/messages_explainer.h"
#include "common/wire/messages_repair.h"
#include "common/wire/messages_replication.h"
#include "common/wire/messages_storage.h"

namespace aerodb::wire {

inline constexpr uint32_t kProtocolVersion = 1;

enum class ListenerKind : uint8_t {
  kClient,
  kReplication,
  kControl,
  kMaintenance,
  kShipper,
  kExplainer,
  kControlPlane
};
[[nodiscard]] std::string_view listener_name(ListenerKind kind);

// A method: its name, its listener, its request and its response.
template <class RequestT, class ResponseT>
struct Method {
  using Request = RequestT;
  using Response = ResponseT;
  ListenerKind listener;
  std::string_view name;
  std::string_view help;
};

// One row a method.
// clang-format off
// --- every listener
using HelloMethod = Method<HelloRequest, HelloResponse>;
inline constexpr HelloMethod kHelloClient{ListenerKind::kClient, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloReplication{ListenerKind::kReplication, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloControl{ListenerKind::kControl, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloMaintenance{ListenerKind::kMaintenance, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloShipper{ListenerKind::kShipper, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloExplainer{ListenerKind::kExplainer, "hello", "who is there; optional"};
inline constexpr HelloMethod kHelloControlPlane{ListenerKind::kControlPlane, "hello", "who is there; optional"};

// --- client
inline constexpr Method<PingRequest, PingResponse> kPing{ListenerKind::kClient, "ping", "answers the nonce"};
inline constexpr Method<Empty, StatusResponse> kStatus{ListenerKind::kClient, "status", "identity, role, state and positions"};
inline constexpr Method<SchemaRegisterRequest, ReceiptResponse> kSchemaRegister{ListenerKind::kClient, "schema.register", "registers a schema version; the same again is no change"};
inline constexpr Method<Empty, SchemaListResponse> kSchemaList{ListenerKind::kClient, "schema.list", "all registered schemas"};
inline constexpr Method<DocInsertRequest, ReceiptResponse> kDocInsert{ListenerKind::kClient, "doc.insert", "inserts a document that is not there"};
inline constexpr Method<DocUpdateRequest, ReceiptResponse> kDocUpdate{ListenerKind::kClient, "doc.update", "replaces a document that is there"};
inline constexpr Method<DocDeleteRequest, ReceiptResponse> kDocDelete{ListenerKind::kClient, "doc.delete", "deletes a document that is there"};
inline constexpr Method<DocWriteRequest, ReceiptResponse> kDocWrite{ListenerKind::kClient, "doc.write", "several operations as one commit"};
inline constexpr Method<DocGetRequest, DocGetResponse> kDocGet{ListenerKind::kClient, "doc.get", "one document at a commit"};
inline constexpr Method<DocQueryRequest, DocQueryResponse> kDocQuery{ListenerKind::kClient, "doc.query", "documents by indexed fields, bounded"};
inline constexpr Method<DocHistoryRequest, DocHistoryResponse> kDocHistory{ListenerKind::kClient, "doc.history", "versions of one document, newest first"};
inline constexpr Method<PinTakeRequest, PinTakeResponse> kPinTake{ListenerKind::kClient, "pin.take", "keeps a commit readable as long as this connection lasts"};
inline constexpr Method<PinReleaseRequest, Empty> kPinRelease{ListenerKind::kClient, "pin.release", "ends a pin of this connection"};
inline constexpr Method<Empty, ObserveWalResponse> kObserveWal{ListenerKind::kClient, "observe.wal", "the ring and its positions"};
inline constexpr Method<Empty, ObserveStorageResponse> kObserveStorage{ListenerKind::kClient, "observe.storage", "manifest, runs, memory, cache, pins, snapshots, operations"};
inline constexpr Method<ObserveCollectionsRequest, ObserveMvccResponse> kObserveMvcc{ListenerKind::kClient, "observe.mvcc", "visible commit, floor, pins, and where versions are"};
inline constexpr Method<ObserveCollectionsRequest, ObserveIndexesResponse> kObserveIndexes{ListenerKind::kClient, "observe.indexes", "entries of each index, in memory and in each run"};
inline constexpr Method<Empty, NodeReplicationResponse> kObserveReplication{ListenerKind::kClient, "observe.replication", "own prefix and the session that feeds it"};
inline constexpr Method<ObserveEventsRequest, ObserveEventsResponse> kObserveEvents{ListenerKind::kClient, "observe.events", "numbered events of this node"};
inline constexpr Method<Empty, StatsResponse> kObserveStats{ListenerKind::kClient, "observe.stats", "every metric"};
inline constexpr Method<ExplainReadRequest, ExplanationResponse> kExplainRead{ListenerKind::kClient, "explain.read", "mvcc.read_visibility of one document"};
inline constexpr Method<DocQueryRequest, ExplanationResponse> kExplainQuery{ListenerKind::kClient, "explain.query", "query.execution: runs the query and explains how it was answered or refused"};
inline constexpr Method<Empty, ExplanationResponse> kExplainRecovery{ListenerKind::kClient, "explain.recovery", "recovery.process of this process's last start"};
inline constexpr Method<Empty, ExplanationResponse> kExplainCheckpoint{ListenerKind::kClient, "explain.checkpoint", "checkpoint.safety of the installed manifest"};
inline constexpr Method<Empty, ExplanationResponse> kExplainHalt{ListenerKind::kClient, "explain.halt", "node.halt: what is refused, and why"};
inline constexpr Method<ExplainPromotionRequest, ExplanationResponse> kExplainPromotion{ListenerKind::kClient, "explain.promotion", "promotion.decision: why an epoch could begin"};
inline constexpr Method<ControlExplainRequest, ExplanationResponse> kExplainCommand{ListenerKind::kClient, "explain.command", "control.command, for looking only"};
inline constexpr Method<ExplainReplicationRequest, ExplanationResponse> kExplainReplication{ListenerKind::kClient, "explain.replication", "replication.safety of this node"};
inline constexpr Method<EvidenceVersionsRequest, EvidenceVersionsResponse> kEvidenceVersions{ListenerKind::kClient, "evidence.versions", "version chain of one document"};
inline constexpr Method<EvidenceRecordsRequest, EvidenceRecordsResponse> kEvidenceRecords{ListenerKind::kClient, "evidence.records", "durable log records, verbatim"};

// --- replication
inline constexpr Method<Empty, WalPositionResponse> kWalPosition{ListenerKind::kReplication, "wal.position", "durable boundary and ancestry of this source"};
inline constexpr Method<WalFetchRequest, WalFetchResponse> kWalFetch{ListenerKind::kReplication, "wal.fetch", "records up to the durable boundary"};
inline constexpr Method<ReplicaOpenRequest, ReplicaOpenResponse> kReplicaOpen{ListenerKind::kReplication, "replica.open", "opens a session; supersedes an older one"};
inline constexpr Method<ReplicaAppendRequest, ReplicaAppendResponse> kReplicaAppend{ListenerKind::kReplication, "replica.append", "records that follow, or none as a proof"};
inline constexpr Method<Empty, StorageHoldResponse> kManifestGet{ListenerKind::kReplication, "manifest.get", "keeps the present manifest's runs on disk, for a bootstrap"};
inline constexpr Method<StorageReadRunRequest, StorageReadRunResponse> kManifestFetch{ListenerKind::kReplication, "manifest.fetch", "bytes of a held run; at most 4 in flight on a connection"};

// --- control
inline constexpr Method<ControlExplainRequest, ExplanationResponse> kControlExplain{ListenerKind::kControl, "control.explain", "control.command: the kernel's own rules on present evidence; writes nothing"};
inline constexpr Method<ControlDemoteRequest, ControlDemoteResponse> kControlDemote{ListenerKind::kControl, "control.demote", "seals this primary's epoch for a successor"};
inline constexpr Method<ControlPromoteRequest, ControlPromoteResponse> kControlPromote{ListenerKind::kControl, "control.promote", "starts the next epoch where the log proves it"};
inline constexpr Method<ControlDeclineRequest, ControlDeclineResponse> kControlDecline{ListenerKind::kControl, "control.decline", "declines the seal that names this node"};
inline constexpr Method<ControlDiagnoseRequest, StorageStartedResponse> kControlDiagnose{ListenerKind::kControl, "control.diagnose", "begins to prove runs and log on the running node; only reads"};
inline constexpr Method<ControlOutcomeRequest, ControlOutcomeResponse> kControlOutcome{ListenerKind::kControl, "control.outcome", "what this node's log records of a request"};

// --- maintenance: operations begin at once and go on by themselves; storage.operation tells how far they are
inline constexpr Method<StorageCheckpointRequest, StorageStartedResponse> kStorageCheckpoint{ListenerKind::kMaintenance, "storage.checkpoint", "writes the memory table out as a run and frees the log below it"};
inline constexpr Method<StorageCompactRequest, StorageStartedResponse> kStorageCompact{ListenerKind::kMaintenance, "storage.compact", "merges all runs into one"};
inline constexpr Method<StorageSnapshotRequest, StorageStartedResponse> kStorageSnapshot{ListenerKind::kMaintenance, "storage.snapshot", "a checkpoint, and second names for its files below snapshots/"};
inline constexpr Method<StorageOperationRequest, OperationView> kStorageOperation{ListenerKind::kMaintenance, "storage.operation", "how far an operation is, or how it ended"};
inline constexpr Method<StorageGcRequest, StorageGcResponse> kStorageGc{ListenerKind::kMaintenance, "storage.gc", "raises the floor, on every node; needs a phrase and a reason"};
inline constexpr Method<Empty, StorageHoldResponse> kStorageHold{ListenerKind::kMaintenance, "storage.hold", "keeps the present manifest's runs on disk, for a backup"};
inline constexpr Method<StorageReadRunRequest, StorageReadRunResponse> kStorageReadRun{ListenerKind::kMaintenance, "storage.read_run", "bytes of a held run; at most 4 in flight on a connection"};
inline constexpr Method<StorageReadLogRequest, EvidenceRecordsResponse> kStorageReadLog{ListenerKind::kMaintenance, "storage.read_log", "durable log records, verbatim; a hold does not keep them"};
inline constexpr Method<StorageReleaseRequest, Empty> kStorageRelease{ListenerKind::kMaintenance, "storage.release", "ends a hold of this connection"};
inline constexpr Method<RepairResumeRequest, RepairStatusResponse> kRepairResume{ListenerKind::kMaintenance, "replica.resume", "ends a halt whose cause is gone, or accepts another lineage"};
inline constexpr Method<RepairBootstrapRequest, RepairStatusResponse> kRepairBootstrap{ListenerKind::kMaintenance, "replica.bootstrap", "takes a snapshot of a source in place of this node's log and runs"};
inline constexpr Method<RepairExportRequest, RepairStatusResponse> kOrphansExport{ListenerKind::kMaintenance, "orphans.export", "writes what this log has and its source does not to a file"};
inline constexpr Method<Empty, RepairStatusResponse> kRepairStatus{ListenerKind::kMaintenance, "repair.status", "how far the last of these is, or how it ended"};
inline constexpr Method<EndLineageRequest, EndLineageResponse> kEndLineage{ListenerKind::kMaintenance, "node.end_lineage", "goes on in a new lineage where the primary's disk is lost; needs two phrases and a reason"};

// --- shipper
inline constexpr Method<Empty, ShipperStatusResponse> kShipperStatus{ListenerKind::kShipper, "status", "source and targets, raw positions"};
inline constexpr Method<Empty, StatsResponse> kShipperStats{ListenerKind::kShipper, "observe.stats", "every metric"};

// --- explainer
inline constexpr Method<Empty, StatsResponse> kExplainerStats{ListenerKind::kExplainer, "observe.stats", "every metric"};
inline constexpr Method<WitnessReadRequest, WitnessResponse> kWitnessRead{ListenerKind::kExplainer, "explain.read", "a node's explanation of a read, with both verdicts"};
inline constexpr Method<WitnessQueryRequest, WitnessResponse> kWitnessQuery{ListenerKind::kExplainer, "explain.query", "how a node answers a query"};
inline constexpr Method<WitnessNodeRequest, WitnessResponse> kWitnessRecovery{ListenerKind::kExplainer, "explain.recovery", "what a node's last start did and why"};
inline constexpr Method<WitnessNodeRequest, WitnessResponse> kWitnessCheckpoint{ListenerKind::kExplainer, "explain.checkpoint", "whether a node's checkpoint is safe"};
inline constexpr Method<WitnessNodeRequest, WitnessResponse> kWitnessHalt{ListenerKind::kExplainer, "explain.halt", "whether a node is halted, and why"};
inline constexpr Method<WitnessPromotionRequest, WitnessResponse> kWitnessPromotion{ListenerKind::kExplainer, "explain.promotion", "why an epoch could begin"};
inline constexpr Method<WitnessCommandRequest, WitnessResponse> kWitnessCommand{ListenerKind::kExplainer, "explain.command", "what a control command would do"};
inline constexpr Method<WitnessReplicationRequest, WitnessResponse> kWitnessReplication{ListenerKind::kExplainer, "explain.replication", "a replica's safety on evidence of both sides"};

// --- control plane
inline constexpr Method<Empty, InspectClusterResponse> kInspectCluster{ListenerKind::kControlPlane, "inspect.cluster", "every configured node's own answer"};
inline constexpr Method<InspectNodeRequest, NodeView> kInspectNode{ListenerKind::kControlPlane, "inspect.node", "one node's own answer"};
inline constexpr Method<InspectViewRequest, InspectViewResponse> kInspectView{ListenerKind::kControlPlane, "inspect.view", "one thing that nodes show, each node's own answer"};
inline constexpr Method<InspectEventsRequest, InspectEventsResponse> kInspectEvents{ListenerKind::kControlPlane, "inspect.events", "numbered events of nodes, as each shows them"};
inline constexpr Method<CommandExplainRequest, CommandExplainResponse> kCommandExplain{ListenerKind::kControlPlane, "command.explain", "asks for a control command and shows the node's explanation; executes nothing"};
inline constexpr Method<CommandConfirmRequest, CommandConfirmResponse> kCommandConfirm{ListenerKind::kControlPlane, "command.confirm", "carries out one explained command, once"};
inline constexpr Method<CommandOutcomeRequest, ControlOutcomeResponse> kCommandOutcome{ListenerKind::kControlPlane, "command.outcome", "what the node's log records of a request"};
inline constexpr Method<AuditReadRequest, AuditReadResponse> kAuditRead{ListenerKind::kControlPlane, "audit.read", "audit records, verbatim"};
inline constexpr Method<Empty, AuditVerifyResponse> kAuditVerify{ListenerKind::kControlPlane, "audit.verify", "checks the chain of the audit log"};

// Calls visit(method) for every method above, in this order.
template <class Visit>
constexpr void for_each_method(Visit&& visit) {
  visit(kHelloClient); visit(kPing); visit(kStatus); visit(kSchemaRegister); visit(kSchemaList);
  visit(kDocInsert); visit(kDocUpdate); visit(kDocDelete); visit(kDocWrite); visit(kDocGet); visit(kDocQuery);
  visit(kDocHistory); visit(kPinTake); visit(kPinRelease);
  visit(kObserveWal); visit(kObserveStorage); visit(kObserveMvcc); visit(kObserveIndexes); visit(kObserveReplication); visit(kObserveEvents); visit(kObserveStats);
  visit(kExplainRead); visit(kExplainQuery); visit(kExplainRecovery); visit(kExplainCheckpoint); visit(kExplainHalt);
  visit(kExplainPromotion); visit(kExplainCommand); visit(kExplainReplication);
  visit(kEvidenceVersions); visit(kEvidenceRecords);
  visit(kHelloReplication); visit(kWalPosition); visit(kWalFetch); visit(kReplicaOpen); visit(kReplicaAppend);
  visit(kManifestGet); visit(kManifestFetch);
  visit(kHelloControl); visit(kControlExplain); visit(kControlDemote); visit(kControlPromote); visit(kControlDecline); visit(kControlDiagnose); visit(kControlOutcome);
  visit(kHelloMaintenance); visit(kStorageCheckpoint); visit(kStorageCompact); visit(kStorageSnapshot); visit(kStorageOperation);
  visit(kStorageGc); visit(kStorageHold); visit(kStorageReadRun); visit(kStorageReadLog); visit(kStorageRelease);
  visit(kRepairResume); visit(kRepairBootstrap); visit(kOrphansExport); visit(kRepairStatus); visit(kEndLineage);
  visit(kHelloShipper); visit(kShipperStatus); visit(kShipperStats);
  visit(kHelloExplainer); visit(kExplainerStats); visit(kWitnessRead); visit(kWitnessQuery); visit(kWitnessRecovery); visit(kWitnessCheckpoint);
  visit(kWitnessHalt); visit(kWitnessPromotion); visit(kWitnessCommand); visit(kWitnessReplication);
  visit(kHelloControlPlane); visit(kInspectCluster); visit(kInspectNode); visit(kInspectView); visit(kInspectEvents); visit(kCommandExplain); visit(kCommandConfirm);
  visit(kCommandOutcome); visit(kAuditRead); visit(kAuditVerify);
}
// clang-format on

}  // namespace aerodb::wire
