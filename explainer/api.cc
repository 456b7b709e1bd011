#include "explainer/api.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::explainer {
namespace {

using observe::MetricId;

http::HttpResponse response_of(const UiFile& file) {
  http::HttpResponse response;
  response.content_type = file.content_type;
  response.body.assign(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  return response;
}

}  // namespace

Api::Api(WitnessParts parts, std::span<const UiFile> files, std::function<wire::StatsResponse()> own_stats)
    : parts_(parts), files_(files), own_stats_(std::move(own_stats)) {
  on(kStatusRoute, &Api::status);
  on(kNodesRoute, &Api::nodes);
  on(kWalRoute, &Api::wal);
  on(kMvccRoute, &Api::mvcc);
  on(kSnapshotsRoute, &Api::snapshots);
  on(kCheckpointsRoute, &Api::checkpoints);
  on(kIndexesRoute, &Api::indexes);
  on(kReplicationRoute, &Api::replication);
  on(kEventsRoute, &Api::events);
  on(kAuditRoute, &Api::audit);
  on(kReadRoute, &Api::explain_read);
  on(kQueryRoute, &Api::explain_query);
  on(kRecoveryRoute, &Api::explain_recovery);
  on(kCheckpointRoute, &Api::explain_checkpoint);
  on(kExplainReplicationRoute, &Api::explain_replication);
  on(kHaltRoute, &Api::explain_halt);
  on(kPromotionRoute, &Api::explain_promotion);
  on(kCommandRoute, &Api::explain_command);
  on(kMetricsRoute, &Api::metrics);
}

void Api::handle(const http::HttpRequest& request, http::HttpReply reply) {
  parts_.metrics.add(MetricId::kExplainerHttpRequestsCount);
  if (auto taken = dispatch(request, reply); !taken) refuse(taken.error(), reply);
}

Result<void> Api::dispatch(const http::HttpRequest& request, http::HttpReply& reply) {
  if (request.method != "GET") {
    return fail(ErrorCode::kMethodNotAllowed, fmt::format("{}: only GET is served", request.method));
  }
  if (const auto file = std::ranges::find(files_, request.path, &UiFile::path); file != files_.end()) {
    reply(response_of(*file));
    return {};
  }
  const auto entry = std::ranges::find(entries_, request.path, &Entry::path);
  if (entry == entries_.end()) return fail(ErrorCode::kNotFound, fmt::format("{}: no such route", request.path));
  auto parameters = http::parse_parameters<Parameters>(request, entry->parameters);
  if (!parameters) return fail(std::move(parameters.error()));
  (this->*entry->handler)(std::move(*parameters), std::move(reply));
  return {};
}

void Api::refuse(const Error& error, http::HttpReply& reply) {
  parts_.metrics.add(MetricId::kExplainerHttpRefusedCount);
  reply(error_response(error));
}

void Api::give(Result<http::HttpResponse> response, http::HttpReply& reply) {
  if (!response) return refuse(response.error(), reply);
  reply(std::move(*response));
}

}  // namespace aerodb::explainer
