// control.*: one kernel operation a call. Every denial and every change is an event under its request id.
#include <fmt/format.h>

#include "common/node/node.h"
#include "common/node/operations.h"
#include "common/node/translate.h"
#include "common/rules/diagnosis_rules.h"

namespace aerodb::node {
namespace {

using observe::EventId;

// A promotion's states, one event a step; nothing moves by time. STEADY -> VALIDATING -> DENIED, or APPROVED ->
// TRANSITIONING -> STEADY.
enum class PromotionState : uint8_t { kSteady, kValidating, kDenied, kApproved, kTransitioning };
std::string_view name_of(PromotionState state) {
  static constexpr std::string_view kNames[] = {"STEADY", "VALIDATING", "DENIED", "APPROVED", "TRANSITIONING"};
  return kNames[static_cast<size_t>(state)];
}

void promotion_step(Node& node, const std::string& request_id, PromotionState state, std::string_view detail) {
  node.events().record(
      EventId::kPromotionStep,
      {{"request_id", request_id}, {"state", std::string(name_of(state))}, {"detail", std::string(detail)}});
}

Result<std::optional<engine::Decline>> decline_of(Node& node, const std::optional<ByteSpan>& statement) {
  if (!statement) return std::optional<engine::Decline>();
  auto decline = node.engine()->check_decline(*statement);
  if (!decline) return fail(std::move(decline.error()));
  return std::optional(std::move(*decline));
}

// control.explain for the control plane, explain.command for whoever only looks: one request, one answer.
Result<engine::AuthorityRequest> authority_request_of(Node& node, const wire::ControlExplainRequest& request) {
  engine::AuthorityRequest authority;
  if (!rules::enum_from_name(request.command, authority.command)) {
    return fail(
        ErrorCode::kBadRequest,
        fmt::format("explain command: command \"{}\"; expected demote, promote, decline or diagnose", request.command));
  }
  if (request.successor && request.successor->size() > kMaxNameBytes)
    return fail(ErrorCode::kBadRequest, fmt::format("explain command: successor has at most {} bytes", kMaxNameBytes));
  auto decline = decline_of(node, request.decline);
  if (!decline) return fail(std::move(decline.error()));
  authority.successor = request.successor;
  authority.successor_instance = request.successor_instance;
  authority.decline = std::move(*decline);
  return authority;
}

void explain(Node& node, const wire::ControlExplainRequest& request, wire::Responder responder) {
  if (request.command == rules::kDiagnose) return explain_diagnosis(node, std::move(responder));
  const auto authority = authority_request_of(node, request);
  if (!authority) return responder.error(authority.error());
  responder.ok(explanation_of(rules::explain_authority_command(node.engine()->authority_evidence(*authority))));
}

void demote(Node& node, const wire::ControlDemoteRequest& request, wire::Responder responder) {
  if (auto checked = check_request(request.request); !checked) return responder.error(checked.error());
  auto decline = decline_of(node, request.decline);
  if (!decline) return responder.error(decline.error());
  auto& engine = *node.engine();
  auto decided = engine.demote({rules::AuthorityCommand::kDemote, who_of(request.request), request.successor,
                                request.successor_instance, std::move(*decline)});
  engine.hold<engine::AuthorityOutcome>(
      std::move(decided), [&node, request_id = request.request.request_id,
                           responder = std::move(responder)](Result<engine::AuthorityOutcome> outcome) mutable {
        if (!outcome) {
          note_denied(node, "demote", request_id, outcome.error());
          return responder.error(outcome.error());
        }
        if (!outcome->repeated) {
          node.events().record(EventId::kSealed, {{"lsn", outcome->record_lsn.value()},
                                                  {"epoch", outcome->epoch.value()},
                                                  {"lineage", to_hex(outcome->position.lineage)},
                                                  {"successor", outcome->successor},
                                                  {"successor_instance", to_hex(outcome->successor_instance)},
                                                  {"request_id", request_id}});
        }
        responder.ok(wire::ControlDemoteResponse{outcome->seal_lsn, outcome->seal_number, outcome->successor,
                                                 outcome->successor_instance, outcome->repeated,
                                                 receipt_of(outcome->position)});
      });
}

void promoted(Node& node, const std::string& request_id, const engine::AuthorityOutcome& outcome,
              wire::Responder responder) {
  if (!outcome.repeated) {
    node.events().record(EventId::kPromoted, {{"lsn", outcome.record_lsn.value()},
                                              {"epoch", outcome.epoch.value()},
                                              {"lineage", to_hex(outcome.position.lineage)},
                                              {"request_id", request_id}});
  }
  promotion_step(node, request_id, PromotionState::kSteady, outcome.repeated ? "promoted before" : "promoted");
  responder.ok(wire::ControlPromoteResponse{outcome.epoch, outcome.record_lsn, outcome.seal_lsn, outcome.repeated,
                                            receipt_of(outcome.position)});
}

void promote(Node& node, const wire::ControlPromoteRequest& request, wire::Responder responder) {
  if (auto checked = check_request(request.request); !checked) return responder.error(checked.error());
  auto decline = decline_of(node, request.decline);
  if (!decline) return responder.error(decline.error());
  auto& engine = *node.engine();
  const std::string request_id = request.request.request_id;
  promotion_step(node, request_id, PromotionState::kValidating,
                 "rules AUTH-7, AUTH-8, AUTH-4, AUTH-5, AUTH-6, AUTH-11");
  auto decided = engine.promote(
      {rules::AuthorityCommand::kPromote, who_of(request.request), std::nullopt, std::nullopt, std::move(*decline)});
  if (decided.outcome && !decided.outcome->repeated) {
    promotion_step(node, request_id, PromotionState::kApproved,
                   fmt::format("epoch {}", decided.outcome->epoch.value()));
    promotion_step(node, request_id, PromotionState::kTransitioning,
                   fmt::format("epoch_start at LSN {} on its way", decided.outcome->record_lsn.value()));
  }
  engine.hold<engine::AuthorityOutcome>(std::move(decided), [&node, request_id, responder = std::move(responder)](
                                                                Result<engine::AuthorityOutcome> outcome) mutable {
    if (!outcome) {
      promotion_step(node, request_id, PromotionState::kDenied, outcome.error().row().name);
      note_denied(node, "promote", request_id, outcome.error());
      promotion_step(node, request_id, PromotionState::kSteady, "authority unchanged");
      return responder.error(outcome.error());
    }
    // What it was decided on is kept before anybody is told.
    node.engine()->keep_decision(outcome->record_lsn, [&node, request_id, outcome = std::move(*outcome),
                                                       responder = std::move(responder)]() mutable {
      promoted(node, request_id, outcome, std::move(responder));
    });
  });
}

void decline(Node& node, const wire::ControlDeclineRequest& request, wire::Responder responder) {
  if (auto checked = check_request(request.request); !checked) return responder.error(checked.error());
  auto& engine = *node.engine();
  const auto& seal = engine.state_data().authority().seal();
  const Lsn seal_lsn = seal ? seal->lsn : Lsn();
  const LineageId lineage = engine.state_data().authority().lineage();
  const auto before = engine.authority_evidence({rules::AuthorityCommand::kDecline, {}, {}, {}, {}}).declined_here;
  engine.decline({rules::AuthorityCommand::kDecline, who_of(request.request), std::nullopt, std::nullopt, std::nullopt},
                 [&node, seal_lsn, lineage, before, request_id = request.request.request_id,
                  responder = std::move(responder)](Result<Bytes> statement) mutable {
                   if (!statement) {
                     note_denied(node, "decline", request_id, statement.error());
                     return responder.error(statement.error());
                   }
                   node.events().record(
                       EventId::kDeclined,
                       {{"seal_lsn", seal_lsn.value()}, {"lineage", to_hex(lineage)}, {"request_id", request_id}});
                   responder.ok(wire::ControlDeclineResponse{seal_lsn, before, *statement});
                 });
}

void outcome(Node& node, const wire::ControlOutcomeRequest& request, wire::Responder responder) {
  auto& engine = *node.engine();
  wire::ControlOutcomeResponse response;
  response.outcome = "no_effect_recorded";
  if (auto recorded = engine.visible_authority().outcome(request.request_id)) {
    response.outcome = "recorded";
    response.record_type = wal::record_type_name(recorded->type);
    response.lsn = recorded->lsn;
  }
  response.receipt = receipt_of(engine.visible());
  responder.ok(response);
}

}  // namespace

void serve_control(Node& node) {
  auto ready = [&node](auto handler) {
    return [&node, handler](const auto& request, wire::Responder responder) {
      if (!node.engine()) return responder.error(node.not_ready());
      handler(node, request, std::move(responder));
    };
  };
  auto& server = node.control();
  server.handle(wire::kControlExplain, ready(explain));
  node.client().handle(wire::kExplainCommand, ready(explain));
  server.handle(wire::kControlDemote, ready(demote));
  server.handle(wire::kControlPromote, ready(promote));
  server.handle(wire::kControlDecline, ready(decline));
  server.handle(wire::kControlOutcome, ready(outcome));
}

}  // namespace aerodb::node
