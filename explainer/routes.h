// Every route of the HTTP API, once: path, parameters, and the types of what stands under `data`. Dispatch,
// docs/openapi/explainer.json and the tables of docs/spec/OBSERVABILITY_API.md follow it.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "common/wire/messages_client.h"
#include "common/wire/messages_explainer.h"
#include "explainer/parameters.h"
#include "explainer/views.h"

namespace aerodb::explainer {

// The first type of Data is what is answered with the parameters required; a second one what the route answers in its
// other form, which `other_form` describes.
template <class... Data>
struct Route {
  std::string_view path;
  std::span<const ParameterUse> parameters;
  std::string_view help;
  bool paged = false;  // the envelope says under `next` which parameters give the next page
  std::string_view other_form = {};
};

namespace parameters_of {
inline constexpr std::array<ParameterUse, 1> kAnyNode{{{"node"}}};
inline constexpr std::array<ParameterUse, 1> kNode{{{"node", true}}};
inline constexpr std::array<ParameterUse, 6> kMvcc{
    {{"node", true}, {"collection"}, {"id"}, {"before_commit"}, {"after_collection"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 3> kSnapshots{{{"node", true}, {"after_name"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 3> kCheckpoints{{{"node", true}, {"after_commit"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 3> kIndexes{{{"node", true}, {"after_collection"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 3> kEvents{{{"node", true}, {"after_number"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 2> kAudit{{{"after_number"}, {"limit"}}};
inline constexpr std::array<ParameterUse, 4> kRead{{{"node", true}, {"collection", true}, {"id", true}, {"at_commit"}}};
inline constexpr std::array<ParameterUse, 2> kQuery{{{"node", true}, {"query", true}}};
inline constexpr std::array<ParameterUse, 2> kReplication{{{"node", true}, {"at_commit"}}};
inline constexpr std::array<ParameterUse, 2> kPromotion{{{"node", true}, {"epoch"}}};
inline constexpr std::array<ParameterUse, 4> kCommand{
    {{"node", true}, {"command", true}, {"successor"}, {"successor_instance"}}};
}  // namespace parameters_of

// clang-format off
inline constexpr Route<wire::StatusResponse, StatusViews> kStatusRoute{"/v1/status", parameters_of::kAnyNode, "identity, role, state and positions", false, "without `node`: every configured node"};
inline constexpr Route<NodesView> kNodesRoute{"/v1/nodes", parameters_of::kAnyNode, "each configured process's own answer, none left out; with `node` that node alone"};
inline constexpr Route<wire::ObserveWalResponse> kWalRoute{"/v1/wal", parameters_of::kNode, "the ring and its positions"};
inline constexpr Route<wire::ObserveMvccResponse, wire::EvidenceVersionsResponse> kMvccRoute{"/v1/mvcc", parameters_of::kMvcc, "visible commit, floor, pins, and where versions are; paged by `after_collection`", true, "with `collection` and `id`: the version chain of one document, newest first; paged by `before_commit`"};
inline constexpr Route<SnapshotsView> kSnapshotsRoute{"/v1/snapshots", parameters_of::kSnapshots, "named snapshots, pins and holds; paged by `after_name`", true};
inline constexpr Route<CheckpointsView> kCheckpointsRoute{"/v1/checkpoints", parameters_of::kCheckpoints, "the installed manifest, its runs, and storage operations; paged by `after_commit`", true};
inline constexpr Route<wire::ObserveIndexesResponse> kIndexesRoute{"/v1/indexes", parameters_of::kIndexes, "entries of each index, in memory and in each run; paged by `after_collection`", true};
inline constexpr Route<wire::NodeReplicationResponse, ReplicationViews> kReplicationRoute{"/v1/replication", parameters_of::kAnyNode, "own prefix and the session that feeds it", false, "without `node`: every configured node and shipper"};
inline constexpr Route<wire::ObserveEventsResponse> kEventsRoute{"/v1/events", parameters_of::kEvents, "numbered events of the node; paged by `after_number`", true};
inline constexpr Route<wire::AuditReadResponse> kAuditRoute{"/v1/audit", parameters_of::kAudit, "the control plane's audit records, verbatim; paged by `after_number`", true};
inline constexpr Route<wire::WitnessResponse> kReadRoute{"/v1/explain/read", parameters_of::kRead, "`mvcc.read_visibility`"};
inline constexpr Route<wire::WitnessResponse> kQueryRoute{"/v1/explain/query", parameters_of::kQuery, "`query.execution`"};
inline constexpr Route<wire::WitnessResponse> kRecoveryRoute{"/v1/explain/recovery", parameters_of::kNode, "`recovery.process` of the node's last start"};
inline constexpr Route<wire::WitnessResponse> kCheckpointRoute{"/v1/explain/checkpoint", parameters_of::kNode, "`checkpoint.safety` of the installed manifest"};
inline constexpr Route<wire::WitnessResponse> kExplainReplicationRoute{"/v1/explain/replication", parameters_of::kReplication, "`replication.safety`, on evidence of both sides where the source answers"};
inline constexpr Route<wire::WitnessResponse> kHaltRoute{"/v1/explain/halt", parameters_of::kNode, "`node.halt`"};
inline constexpr Route<wire::WitnessResponse> kPromotionRoute{"/v1/explain/promotion", parameters_of::kPromotion, "`promotion.decision`"};
inline constexpr Route<wire::WitnessResponse> kCommandRoute{"/v1/explain/command", parameters_of::kCommand, "`control.command`, for looking only"};
// Text for Prometheus, no envelope.
inline constexpr Route<> kMetricsRoute{"/metrics", parameters_of::kAnyNode, "the explainer's own metrics; with `node` those of that node"};
// clang-format on

// Calls visit(route) for every route above, in this order.
template <class Visit>
constexpr void for_each_route(Visit&& visit) {
  visit(kStatusRoute);
  visit(kNodesRoute);
  visit(kWalRoute);
  visit(kMvccRoute);
  visit(kSnapshotsRoute);
  visit(kCheckpointsRoute);
  visit(kIndexesRoute);
  visit(kReplicationRoute);
  visit(kEventsRoute);
  visit(kAuditRoute);
  visit(kReadRoute);
  visit(kQueryRoute);
  visit(kRecoveryRoute);
  visit(kCheckpointRoute);
  visit(kExplainReplicationRoute);
  visit(kHaltRoute);
  visit(kPromotionRoute);
  visit(kCommandRoute);
  visit(kMetricsRoute);
}

}  // namespace aerodb::explainer
