// What a node notes down of its own start and of its storage operations.
#include <fmt/format.h>

#include "common/config/program.h"
#include "common/node/node.h"

namespace aerodb::node {

using observe::EventId;
using observe::MetricId;

void note_denied(Node& node, std::string_view command, const std::string& request_id, const Error& error) {
  node.events().record(EventId::kCommandDenied, {{"command", std::string(command)},
                                                 {"request_id", request_id},
                                                 {"code", std::string(error.row().name)},
                                                 {"rule", std::string(error.row().rule)},
                                                 {"message", error.message}});
}

void Node::record_recovery(uint64_t recovery_us) {
  const auto& report = engine_->recovery();
  const auto& evidence = report.evidence;
  const auto& position = engine_->visible();
  events_.record(EventId::kManifestLoaded, {{"number", evidence.manifest_number.value_or(0)},
                                            {"lsn", evidence.tail.manifest_lsn.value_or(Lsn()).value()},
                                            {"commit", evidence.manifest_commit.value_or(CommitId()).value()},
                                            {"runs", evidence.runs.size()}});
  events_.record(
      EventId::kTailDecision,
      {{"label", std::string(wal::tail_label_name(report.label))},
       {"end_lsn", evidence.tail.end_lsn.value_or(Lsn()).value()},
       {"segment", evidence.tail.end_segment.value_or(0)},
       {"offset", evidence.tail.end_offset.value_or(0)},
       {"detail", std::string(report.quarantined.empty() ? "no torn frame"
                                                         : "undetermined whether the torn frame was acknowledged")}});
  if (!report.quarantined.empty()) events_.record(EventId::kQuarantined, {{"file", report.quarantined}});
  if (evidence.rewrites_last_frame == true) {
    events_.record(EventId::kLastFrameRewritten, {{"segment", *evidence.last_frame_segment},
                                                  {"offset", *evidence.last_frame_offset},
                                                  {"bytes", *evidence.last_frame_bytes}});
  }
  events_.record(EventId::kRecordsReplayed, {{"first_lsn", evidence.tail.first_replayed_lsn.value_or(Lsn()).value()},
                                             {"last_lsn", position.lsn.value()},
                                             {"count", report.records_replayed},
                                             {"us", report.replay_us}});
  events_.record(EventId::kRecoveryFinished, {{"durable_lsn", position.lsn.value()},
                                              {"commit", position.commit.value()},
                                              {"digest", to_hex(position.digest)},
                                              {"us", recovery_us}});
  metrics_.set(MetricId::kRecoveryUs, recovery_us);
  metrics_.set(MetricId::kRecoveryReplayUs, report.replay_us);
  metrics_.set(MetricId::kRecoveryRecordsCount, report.records_replayed);
  events_.record(EventId::kStart, {{"program", std::string(binary_name(binary_))},
                                   {"version", std::string(config::version())},
                                   {"node", config_.name},
                                   {"instance", to_hex(engine_->node().instance)},
                                   {"role", std::string(rules::enum_name(engine_->role()))},
                                   {"state", std::string(rules::enum_name(engine_->state()))}});
}

void Node::on_operation(const engine::OperationStatus& status) {
  std::vector<store::RunNumber> runs;
  for (const auto& run : engine_->storage().manifest().runs) runs.push_back(run.number);
  const uint64_t now_us = status.finished() ? status.ended_us : runtime_.clock().monotonic_us();
  const uint64_t us = now_us - status.started_us;
  events_.record(EventId::kStorageOperation,
                 {{"number", status.number},
                  {"kind", std::string(engine::operation_kind_name(status.kind))},
                  {"stage", std::string(engine::operation_stage_name(status.stage))},
                  {"lsn", status.lsn.value()},
                  {"commit", status.commit.value()},
                  {"bytes", status.done_bytes},
                  {"manifest", status.manifest},
                  {"runs", fmt::format("{}", fmt::join(runs, " "))},
                  {"snapshot", status.snapshot},
                  {"code", status.error ? std::string(status.error->row().name) : std::string()},
                  {"message", status.error ? status.error->message : std::string()},
                  {"us", us}});
  if (!status.finished()) return;
  metrics_.add(status.error ? MetricId::kStorageOperationsFailedCount : MetricId::kStorageOperationsCount);
  if (status.error || status.manifest == 0 || status.kind == engine::OperationKind::kCompact) return;
  metrics_.set(MetricId::kLastCheckpointWallUs, runtime_.clock().wall_us());
  metrics_.set(MetricId::kLastCheckpointUs, us);
}

}  // namespace aerodb::node
