#include "controlplane/daemon/desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/document/json.h"

namespace aerodb::controlplane {
namespace {

using observe::MetricId;

// How the phrase is built; the phrase itself is never printed ready to paste.
constexpr std::string_view kPhraseForm = "COMMAND NODE";
constexpr size_t kMaxAnswerJsonBytes = 256 * 1024;
constexpr size_t kMaxRequestIdBytes = 64;

AuditDetails& add_error(AuditDetails& details, const Error& error) {
  return details.text("error_code", error_name(error)).text("error_message", error.message);
}

AuditDetails requested_details(const Command& command) {
  AuditDetails details;
  if (command.successor)
    details.text("successor", *command.successor);
  else
    details.nil("successor");
  if (command.decline)
    details.bytes("decline", *command.decline);
  else
    details.nil("decline");
  return details;
}

// The node's answer as JSON, or nothing but its hash where it has no place in a record.
void add_answer(AuditDetails& details, ByteSpan packed) {
  Bytes read_back;
  const auto json = document::to_json(packed);
  const bool fits = json && json->size() <= kMaxAnswerJsonBytes && document::from_json(*json, read_back);
  if (fits)
    details.packed("answer", packed);
  else
    details.nil("answer");
  details.bytes("answer_sha256", sha256(packed));
}

}  // namespace

// How many requests are under way. Shared, since their callbacks may be destroyed after the desk.
struct Desk::Activity {
  explicit Activity(runtime::Loop& own_loop) : loop(own_loop) {}
  runtime::Loop& loop;
  size_t running = 0;
  runtime::Callback on_idle;
  void look() {
    if (running == 0 && on_idle) loop.post(std::move(on_idle));
  }
};

struct Desk::Run {
  explicit Run(std::shared_ptr<Activity> counted) : activity(std::move(counted)) { ++activity->running; }
  ~Run() {
    --activity->running;
    activity->look();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  std::shared_ptr<Activity> activity;
  Operator who;
  wire::Responder responder;
  std::shared_ptr<Command> command;  // absent: a confirmation of nothing known
  uint64_t ticket = 0;
  std::vector<wire::NodeView> unreached;
};

Desk::Desk(runtime::Runtime& runtime, const ControlplaneConfig& config, AuditLog& audit, KernelAdapter& kernel,
           Inspector& inspector, observe::Metrics& metrics)
    : runtime_(runtime),
      config_(config),
      audit_(audit),
      kernel_(kernel),
      inspector_(inspector),
      metrics_(metrics),
      confirmations_(runtime.random()),
      activity_(std::make_shared<Activity>(runtime.loop())) {}

void Desk::when_idle(runtime::Callback done) {
  AERODB_ASSERT(!activity_->on_idle);
  activity_->on_idle = std::move(done);
  activity_->look();
}

Desk::RunPointer Desk::start(Operator who, wire::Responder responder) {
  auto run = std::make_shared<Run>(activity_);
  run->who = std::move(who);
  run->responder = std::move(responder);
  return run;
}

// --- writing down

void Desk::record(RunPointer run, AuditStage stage, const AuditDetails& details, Next next,
                  std::move_only_function<void(Error)> failed) {
  AuditEntry entry;
  entry.stage = stage;
  entry.uid = run->who.uid;
  entry.operator_name = run->who.name;
  entry.details = details.finish();
  if (const auto* command = run->command.get()) {
    entry.request_id = command->request_id;
    entry.command = command_name(command->kind);
    entry.node = command->node;
    entry.reason = command->reason;
    entry.interactive = command->interactive;
  }
  audit_.append(std::move(entry), [this, run, stage, next = std::move(next),
                                   failed = std::move(failed)](Result<AuditPlace> place) mutable {
    if (!place) {
      failed(std::move(place.error()));
      return;
    }
    runtime_.log().write(LogLevel::kInfo, "audited",
                         {{"number", place->number},
                          {"stage", std::string(audit_stage_name(stage))},
                          {"request_id", run->command ? run->command->request_id : std::string()}});
    next(*place);
  });
}

void Desk::record_or_answer(RunPointer run, AuditStage stage, const AuditDetails& details, Next next) {
  record(run, stage, details, std::move(next), [run](Error error) { run->responder.error(error); });
}

void Desk::refuse(RunPointer run, Error error) {
  metrics_.add(MetricId::kControlplaneRefusedCount);
  if (run->command && run->command->stage() != CommandStage::kRefused) run->command->advance(CommandStage::kRefused);
  AuditDetails details;
  add_error(details, error);
  record_or_answer(run, AuditStage::kRefused, details,
                   [run, error = std::move(error)](const AuditPlace&) { run->responder.error(error); });
}

// --- command.explain

void Desk::explain(const wire::CommandExplainRequest& request, Operator who, wire::Responder responder) {
  const uint64_t ticket = confirmations_.begin(who.uid);
  if (auto refusal = audit_.refusal()) {
    metrics_.add(MetricId::kControlplaneRefusedCount);
    responder.error(*refusal);
    return;
  }
  auto command = read_command(request, config_);
  if (!command) {
    metrics_.add(MetricId::kControlplaneRefusedCount);
    responder.error(command.error());
    return;
  }
  auto run = start(std::move(who), std::move(responder));
  run->ticket = ticket;
  run->command = std::make_shared<Command>(std::move(*command));
  run->command->who = run->who;
  run->command->request_id = to_hex(runtime::random_id<Id128<struct RequestIdTag>>(runtime_.random()));
  record_or_answer(run, AuditStage::kRequested, requested_details(*run->command),
                   [this, run](const AuditPlace&) { survey(run); });
}

void Desk::survey(RunPointer run) {
  inspector_.cluster([this, run](std::vector<wire::NodeView> views) { take_survey(std::move(run), std::move(views)); });
}

void Desk::take_survey(RunPointer run, std::vector<wire::NodeView> views) {
  auto& command = *run->command;
  if (command.successor) {
    const auto view = std::ranges::find(views, *command.successor, &wire::NodeView::node);
    if (!view->reached) {
      refuse(run, {ErrorCode::kUnreachable,
                   fmt::format("demote {}: successor {} did not answer its status ({}), so its instance is not known",
                               command.node, view->node, view->why.value_or("")),
                   {}});
      return;
    }
    if (view->status->node != view->node) {
      refuse(run, {ErrorCode::kWrongNode,
                   fmt::format("demote {}: node \"{}\" answers at {}, where {} is configured", command.node,
                               view->status->node, view->address, view->node),
                   {}});
      return;
    }
    command.successor_instance = view->status->instance;
  }
  for (auto& view : views) {
    if (!view.reached && view.node != command.node) run->unreached.push_back(std::move(view));
  }
  ask_explanation(run);
}

void Desk::ask_explanation(RunPointer run) {
  const auto& command = *run->command;
  kernel_.explain(*find_node(config_, command.node), command, [this, run](Result<NodeExplanation> explanation) {
    if (!explanation) {
      refuse(run, std::move(explanation.error()));
    } else if (run->command->stage() == CommandStage::kAsked) {
      show_explanation(run, std::move(*explanation));
    } else {
      check_binding(run, std::move(*explanation));
    }
  });
}

void Desk::show_explanation(RunPointer run, NodeExplanation explanation) {
  auto& command = *run->command;
  auto binding = binding_of(explanation.packed);
  if (!binding) {
    refuse(run, std::move(binding.error()));
    return;
  }
  command.binding = std::move(*binding);
  AuditDetails details;
  if (command.successor_instance)
    details.bytes("successor_instance", command.successor_instance->bytes);
  else
    details.nil("successor_instance");
  details.bytes("sha256", explanation.sha256).bytes("binding_sha256", command.binding.sha256);
  std::string unreached;
  for (const auto& view : run->unreached) unreached += (unreached.empty() ? "" : ", ") + view.node;
  details.text("unreached", unreached).packed("explanation", explanation.packed);
  record_or_answer(run, AuditStage::kExplained, details,
                   [this, run, explanation = std::move(explanation)](const AuditPlace& place) {
                     run->command->advance(CommandStage::kExplained);
                     const auto challenge = confirmations_.issue(run->ticket, run->command);
                     if (!challenge) {
                       refuse(run, {ErrorCode::kConfirmationUsed,
                                    "command.explain: the same operator asked for another command meanwhile",
                                    {}});
                       return;
                     }
                     metrics_.add(MetricId::kControlplaneExplainedCount);
                     wire::CommandExplainResponse response;
                     response.challenge = *challenge;
                     response.phrase_form = kPhraseForm;
                     response.request_id = run->command->request_id;
                     response.audit_number = place.number;
                     response.explanation.bytes = explanation.packed;
                     response.sha256 = explanation.sha256;
                     response.unreached = run->unreached;
                     run->responder.ok(response);
                   });
}

// --- command.confirm

void Desk::confirm(const wire::CommandConfirmRequest& request, Operator who, wire::Responder responder) {
  if (auto refusal = audit_.refusal()) {
    metrics_.add(MetricId::kControlplaneRefusedCount);
    responder.error(*refusal);
    return;
  }
  auto taken = confirmations_.take(who.uid, request.challenge, request.phrase);
  auto run = start(std::move(who), std::move(responder));
  run->command = std::move(taken.command);
  if (run->command) run->command->interactive = request.interactive;
  if (taken.refusal) {
    refuse(run, std::move(*taken.refusal));
    return;
  }
  ask_explanation(run);
}

void Desk::check_binding(RunPointer run, NodeExplanation explanation) {
  auto& command = *run->command;
  auto now = binding_of(explanation.packed);
  if (!now) {
    refuse(run, std::move(now.error()));
    return;
  }
  if (now->sha256 != command.binding.sha256) {
    Error error{ErrorCode::kExplanationChanged,
                fmt::format("{}: {} explains it otherwise than when it was shown", command.phrase(), command.node),
                {}};
    refuse(run, std::move(error).with("changed", changed_names(command.binding, *now)));
    return;
  }
  AuditDetails details;
  details.bytes("sha256", explanation.sha256).bytes("binding_sha256", now->sha256);
  record_or_answer(run, AuditStage::kConfirmed, details, [this, run](const AuditPlace&) {
    run->command->advance(CommandStage::kConfirmed);
    metrics_.add(MetricId::kControlplaneConfirmedCount);
    dispatch(run);
  });
}

void Desk::dispatch(RunPointer run) {
  AuditDetails details;
  details.text("operation", fmt::format("control.{}", command_name(run->command->kind)));
  record_or_answer(run, AuditStage::kDispatched, details,
                   [this, run](const AuditPlace& place) { send(run, place.head); });
}

void Desk::send(RunPointer run, const Sha256& audit_head) {
  run->command->advance(CommandStage::kDispatched);
  metrics_.add(MetricId::kControlplaneDispatchedCount);
  const auto& command = *run->command;
  const auto& node = *find_node(config_, command.node);
  auto done = [this, run](KernelReply reply) { take_reply(run, std::move(reply)); };
  switch (command.kind) {
    case CommandKind::kDemote:
      kernel_.demote(node, command, audit_head, std::move(done));
      return;
    case CommandKind::kPromote:
      kernel_.promote(node, command, audit_head, std::move(done));
      return;
    case CommandKind::kDecline:
      kernel_.decline(node, command, audit_head, std::move(done));
      return;
    case CommandKind::kDiagnose:
      kernel_.diagnose(node, command, audit_head, std::move(done));
      return;
  }
}

void Desk::take_reply(RunPointer run, KernelReply reply) {
  using Verdict = KernelReply::Verdict;
  AuditDetails details;
  std::string_view outcome = "answered";
  auto stage = AuditStage::kAnswered;
  switch (reply.verdict) {
    case Verdict::kNotSent:
      refuse(run, std::move(reply.error));
      return;
    case Verdict::kAnswered:
      details.text("outcome", outcome).nil("error_code").nil("error_message");
      add_answer(details, reply.packed);
      break;
    case Verdict::kRejected:
      outcome = "rejected";
      details.text("outcome", outcome);
      add_error(details, reply.error).nil("answer").nil("answer_sha256");
      break;
    case Verdict::kUnknown:
      outcome = "unknown";
      stage = AuditStage::kUnknown;
      metrics_.add(MetricId::kControlplaneUnknownCount);
      add_error(details, reply.error);
      break;
  }
  run->command->advance(stage == AuditStage::kUnknown ? CommandStage::kUnknown : CommandStage::kAnswered);
  auto shared = std::make_shared<KernelReply>(std::move(reply));
  record(
      run, stage, details,
      [this, run, shared, outcome](const AuditPlace& place) { answer_confirmed(run, *shared, outcome, place.number); },
      [this, run, shared, outcome](const Error&) { answer_confirmed(run, *shared, outcome, 0); });
}

void Desk::answer_confirmed(RunPointer run, const KernelReply& reply, std::string_view outcome, uint64_t audit_number) {
  wire::CommandConfirmResponse response;
  response.request_id = run->command->request_id;
  response.outcome = outcome;
  response.audit_number = audit_number;
  if (reply.verdict == KernelReply::Verdict::kAnswered) {
    response.answer = wire::Packed{reply.packed};
  } else {
    response.error_code = error_name(reply.error);
    response.error_message = reply.error.message;
  }
  run->responder.ok(response);
}

// --- command.outcome

void Desk::outcome(const wire::CommandOutcomeRequest& request, wire::Responder responder) {
  const auto* node = find_node(config_, request.node);
  if (node == nullptr) {
    responder.error(unknown_node("command.outcome", request.node));
    return;
  }
  if (request.request_id.empty() || request.request_id.size() > kMaxRequestIdBytes) {
    responder.error(
        {ErrorCode::kBadRequest, fmt::format("command.outcome: request_id has 1 to {} bytes", kMaxRequestIdBytes), {}});
    return;
  }
  kernel_.outcome(*node, request.request_id,
                  [responder = std::move(responder)](Result<wire::ControlOutcomeResponse> result) mutable {
                    responder.answer(result);
                  });
}

}  // namespace aerodb::controlplane
