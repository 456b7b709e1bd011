#include "common/node/repairs.h"

#include <fmt/format.h>

#include "common/base/tally.h"
#include "common/node/translate.h"

namespace aerodb::node {

using observe::EventId;

std::string_view repair_kind_name(RepairKind kind) {
  static constexpr std::string_view kNames[] = {"resume", "bootstrap", "export"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view repair_stage_name(RepairStage stage) {
  static constexpr std::string_view kNames[] = {"asking",     "transferring", "verifying", "writing",
                                                "installing", "reopening",    "done",      "failed"};
  return kNames[static_cast<size_t>(stage)];
}

Result<void> Repairs::begin(RepairKind kind, const wire::Request& request, std::string_view detail) {
  const auto name = repair_kind_name(kind);
  if (auto checked = check_request(request); !checked) return checked;
  if (request.reason.empty())
    return fail(ErrorCode::kReasonRequired, fmt::format("{} on {}: say why", name, node_.config().name));
  if (running()) return fail(ErrorCode::kOperationRunning, fmt::format("{}: a {} is under way", name, *view_.kind));
  if (!node_.engine()) return fail(node_.not_ready());
  if (node_.engine()->storage().running())
    return fail(ErrorCode::kOperationRunning, fmt::format("{}: a storage operation is under way", name));
  view_ = {};
  kind_ = kind;
  view_.kind = name;
  view_.request_id = request.request_id;
  note_end_of_log();
  node_.events().record(EventId::kRepairRequested, {{"kind", std::string(name)},
                                                    {"request_id", request.request_id},
                                                    {"operator", request.operator_name},
                                                    {"reason", request.reason},
                                                    {"detail", std::string(detail)}});
  return {};
}

void Repairs::refuse(RepairKind kind, const wire::Request& request, const Error& error, wire::Responder& responder) {
  node_.events().record(EventId::kCommandDenied, {{"command", std::string(repair_kind_name(kind))},
                                                  {"request_id", request.request_id},
                                                  {"code", std::string(error.row().name)},
                                                  {"rule", std::string(error.row().rule)},
                                                  {"message", error.message}});
  responder.error(error);
}

void Repairs::enter(RepairStage stage) {
  tally(Tally::kRepairStage, static_cast<size_t>(kind_) * kRepairStages + static_cast<size_t>(stage));
  view_.stage = repair_stage_name(stage);
  note();
}

void Repairs::end(const Result<void>& result) {
  view_.finished = true;
  if (!result) {
    view_.error_code = result.error().row().name;
    view_.error_message = result.error().message;
  }
  note_end_of_log();
  enter(result ? RepairStage::kDone : RepairStage::kFailed);
}

void Repairs::note_end_of_log() {
  if (!node_.engine()) return;
  view_.end_lsn = node_.engine()->visible().lsn;
  view_.end_commit = node_.engine()->visible().commit;
}

void Repairs::note() {
  node_.events().record(EventId::kRepairStage, {{"kind", *view_.kind},
                                                {"request_id", view_.request_id},
                                                {"stage", view_.stage},
                                                {"done_bytes", view_.done_bytes},
                                                {"total_bytes", view_.total_bytes},
                                                {"code", view_.error_code.value_or("")},
                                                {"message", view_.error_message.value_or("")}});
}

}  // namespace aerodb::node
