// The life of a control command, from the question to the node's answer. command.h has the picture of its stages.
//
// explain:  form checked -> audit `requested` -> every node asked for its status, once -> control.explain ->
//           audit `explained` -> answer with a challenge. Nothing is executed.
// confirm:  challenge and phrase checked -> control.explain again, bindings compared -> audit `confirmed` ->
//           audit `dispatched` -> exactly one kernel call, with the head of the audit log -> audit `answered` or
//           `unknown` -> the node's words, unchanged.
//
// Every arrow behind an audit stage waits until that record is on disk (rule CTRL-4). Ways out:
//   a step fails before dispatch      audit `refused`, the error is the answer; the challenge is gone
//   the node could not be reached     the same, from DISPATCHED too: nothing was sent
//   the answer is lost                audit `unknown`; never sent again, command.outcome asks the node's log
//   the audit log fails before dispatch   its refusal is the answer, nothing is dispatched
//   the audit log fails after dispatch    the node's words are answered all the same, with audit_number 0; the last
//                                         record stays `dispatched`, which says no more than `unknown`
//
// Thread: the loop's. No timers but those of NodeCalls, no state but waiting confirmations.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "common/observe/metrics.h"
#include "common/wire/server.h"
#include "controlplane/daemon/audit_log.h"
#include "controlplane/daemon/confirmations.h"
#include "controlplane/daemon/inspect.h"
#include "controlplane/daemon/kernel_adapter.h"

namespace aerodb::controlplane {

class Desk {
 public:
  // All must outlive this. Callbacks that these hold when they are destroyed are harmless.
  Desk(runtime::Runtime& runtime, const ControlplaneConfig& config, AuditLog& audit, KernelAdapter& kernel,
       Inspector& inspector, observe::Metrics& metrics);

  void explain(const wire::CommandExplainRequest& request, Operator who, wire::Responder responder);
  void confirm(const wire::CommandConfirmRequest& request, Operator who, wire::Responder responder);
  void outcome(const wire::CommandOutcomeRequest& request, wire::Responder responder);

  // Runs `done` in a later turn, once no command is under way. Once.
  void when_idle(runtime::Callback done);

 private:
  // One request under way; held by the callback of its present step.
  struct Run;
  using RunPointer = std::shared_ptr<Run>;
  struct Activity;
  // Gets the record's place; runs only where it is durable.
  using Next = std::move_only_function<void(const AuditPlace&)>;

  [[nodiscard]] RunPointer start(Operator who, wire::Responder responder);
  void record(RunPointer run, AuditStage stage, const AuditDetails& details, Next next,
              std::move_only_function<void(Error)> failed);
  void record_or_answer(RunPointer run, AuditStage stage, const AuditDetails& details, Next next);
  void refuse(RunPointer run, Error error);

  void survey(RunPointer run);
  void take_survey(RunPointer run, std::vector<wire::NodeView> views);
  void ask_explanation(RunPointer run);
  void show_explanation(RunPointer run, NodeExplanation explanation);
  void check_binding(RunPointer run, NodeExplanation explanation);
  void dispatch(RunPointer run);
  void send(RunPointer run, const Sha256& audit_head);
  void take_reply(RunPointer run, KernelReply reply);
  void answer_confirmed(RunPointer run, const KernelReply& reply, std::string_view outcome, uint64_t audit_number);

  runtime::Runtime& runtime_;
  const ControlplaneConfig& config_;
  AuditLog& audit_;
  KernelAdapter& kernel_;
  Inspector& inspector_;
  observe::Metrics& metrics_;
  Confirmations confirmations_;
  std::shared_ptr<Activity> activity_;
};

}  // namespace aerodb::controlplane
