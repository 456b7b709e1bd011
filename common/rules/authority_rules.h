// Who may write, and how authority moves: write admission, demotion, promotion, decline.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/fault.h"
#include "common/rules/explanation.h"
#include "common/rules/states.h"

namespace aerodb::rules {

// May this node admit a write? (FAIL-2, AUTH-3, REPL-4, AUTH-2, AUTH-1, in this order)
struct WriteAdmissionEvidence {
  NodeState state = NodeState::kInitializing;
  bool fenced = false;
  Role role = Role::kReplica;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("state", self.state);
    visit("fenced", self.fenced);
    visit("role", self.role);
  }
};

template <class Trace>
[[nodiscard]] std::optional<ErrorCode> decide_write_admission(const WriteAdmissionEvidence& e, Trace& trace) {
  std::optional<ErrorCode> refusal;
  auto apply = [&](RuleId rule, bool holds, ErrorCode code, auto... names) {
    trace.apply(rule, evaluation(holds), e, names...);
    if (!holds && !refusal) refusal = code;
  };
  apply(RuleId::kFail2, e.state != NodeState::kHalted, ErrorCode::kHalted, "state");
  apply(RuleId::kAuth3, !e.fenced, ErrorCode::kFenced, "fenced");
  apply(RuleId::kRepl4, e.state == NodeState::kReady, ErrorCode::kNotReady, "state");
  const bool seal_ignored = e.role == Role::kSealed && planted(Fault::kWritesAfterSeal);
  apply(RuleId::kAuth2, e.role != Role::kSealed || seal_ignored, ErrorCode::kSealed, "role");
  apply(RuleId::kAuth1, e.role == Role::kPrimary || seal_ignored || planted(Fault::kRoleIgnored),
        ErrorCode::kNotPrimary, "role");
  return refusal;
}

enum class AuthorityCommand : uint8_t { kDemote, kPromote, kDecline };
[[nodiscard]] std::string_view enum_name(AuthorityCommand command);
[[nodiscard]] bool enum_from_name(std::string_view name, AuthorityCommand& command);

// Everything that the three decisions look at. What the command itself names stands in the explanation's inputs.
struct AuthorityEvidence {
  // the command
  AuthorityCommand command = AuthorityCommand::kDemote;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
  // the node
  std::string node;
  InstanceId instance;
  NodeState state = NodeState::kInitializing;
  bool fenced = false;
  bool log_validated = false;
  Role role = Role::kReplica;
  std::optional<LineageId> lineage;
  Epoch epoch;
  std::string authority_node;
  Lsn durable_lsn;
  CommitId commit;  // at durable_lsn
  // the seal that the log ends with; absent where it does not end with one
  std::optional<Lsn> seal_lsn;
  std::optional<std::string> seal_successor;
  std::optional<InstanceId> seal_successor_instance;
  bool declined_here = false;  // this node has a decline of that seal on disk
  // a successor's statement, where the operator handed one over
  std::optional<Lsn> decline_seal_lsn;
  std::optional<std::string> decline_node;
  std::optional<InstanceId> decline_instance;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("command", self.command);
    visit("successor", self.successor);
    visit("successor_instance", self.successor_instance);
    visit("node", self.node);
    visit("instance", self.instance);
    visit("state", self.state);
    visit("fenced", self.fenced);
    visit("log_validated", self.log_validated);
    visit("role", self.role);
    visit("lineage", self.lineage);
    visit("epoch", self.epoch);
    visit("authority_node", self.authority_node);
    visit("durable_lsn", self.durable_lsn);
    visit("commit", self.commit);
    visit("seal_lsn", self.seal_lsn);
    visit("seal_successor", self.seal_successor);
    visit("seal_successor_instance", self.seal_successor_instance);
    visit("declined_here", self.declined_here);
    visit("decline_seal_lsn", self.decline_seal_lsn);
    visit("decline_node", self.decline_node);
    visit("decline_instance", self.decline_instance);
  }
};

enum class AuthorityDecision : uint8_t { kGranted, kDenied, kUndetermined };

namespace detail {

// AUTH-11: the statement is of the successor that the seal names, and of this very seal.
[[nodiscard]] inline bool decline_answers_seal(const AuthorityEvidence& e) {
  if (planted(Fault::kForeignDeclineAccepted)) return e.seal_lsn && e.decline_seal_lsn;
  return e.seal_lsn && e.decline_seal_lsn == e.seal_lsn && e.decline_node == e.seal_successor &&
         e.decline_instance == e.seal_successor_instance;
}
[[nodiscard]] inline bool seal_names_this_node(const AuthorityEvidence& e) {
  if (planted(Fault::kForeignSealAccepted)) return e.seal_lsn.has_value();
  return e.seal_successor == e.node && e.seal_successor_instance == e.instance;
}

template <class Trace>
AuthorityDecision decide_demote(const AuthorityEvidence& e, Trace& trace) {
  bool granted = true;
  auto apply = [&](RuleId rule, bool holds, auto... names) {
    trace.apply(rule, evaluation(holds), e, names...);
    granted = granted && holds;
  };
  const bool passes_on = e.role == Role::kSealed && decline_answers_seal(e);
  apply(RuleId::kAuth7, e.state == NodeState::kReady, "state");
  apply(RuleId::kAuth3, !e.fenced, "fenced");
  const bool anyone = planted(Fault::kDemotedWithoutAuthority) && !e.seal_lsn;
  apply(RuleId::kAuth9, e.role == Role::kPrimary || passes_on || anyone, "authority_node", "commit", "durable_lsn",
        "epoch", "lineage", "node", "role");
  const bool another = e.successor_instance != e.instance || planted(Fault::kSealedForItself);
  apply(RuleId::kAuth10, e.successor && e.successor_instance && another, "instance", "successor", "successor_instance");
  apply(RuleId::kAuth11, e.role != Role::kSealed || passes_on, "decline_instance", "decline_node", "decline_seal_lsn",
        "seal_lsn", "seal_successor", "seal_successor_instance");
  return granted ? AuthorityDecision::kGranted : AuthorityDecision::kDenied;
}

template <class Trace>
AuthorityDecision decide_promote(const AuthorityEvidence& e, Trace& trace) {
  auto apply = [&](RuleId rule, Evaluation value, auto... names) {
    trace.apply(rule, value, e, names...);
    return value == Evaluation::kTrue;
  };
  const bool any_state = planted(Fault::kPromotedWhenHalted);
  const bool ready = apply(RuleId::kAuth7, evaluation(e.state == NodeState::kReady || any_state), "state");
  const bool validated = apply(RuleId::kAuth8, evaluation(e.log_validated || planted(Fault::kPromotedUnvalidated)),
                               "commit", "durable_lsn", "log_validated");
  // Where another node's epoch is still open here, the log cannot tell whether that node goes on: evidence is missing.
  const bool without_seal = !e.seal_lsn && planted(Fault::kPromotedWithoutSeal);
  const Evaluation sealed = e.seal_lsn || without_seal ? Evaluation::kTrue
                            : e.role == Role::kPrimary ? Evaluation::kFalse
                                                       : Evaluation::kUndetermined;
  apply(RuleId::kAuth4, sealed, "authority_node", "epoch", "lineage", "role", "seal_lsn");
  const bool named = apply(RuleId::kAuth5, evaluation(seal_names_this_node(e) || without_seal), "instance", "node",
                           "seal_successor", "seal_successor_instance");
  const bool not_declined =
      apply(RuleId::kAuth6, evaluation(!e.declined_here || planted(Fault::kDeclineForgotten)), "declined_here");
  const bool own_seal_declined = apply(RuleId::kAuth11, evaluation(e.role == Role::kSealed && decline_answers_seal(e)),
                                       "decline_instance", "decline_node", "decline_seal_lsn");
  if (!ready || !validated || sealed == Evaluation::kFalse) return AuthorityDecision::kDenied;
  if (sealed == Evaluation::kUndetermined) return AuthorityDecision::kUndetermined;
  return (named && not_declined) || own_seal_declined ? AuthorityDecision::kGranted : AuthorityDecision::kDenied;
}

template <class Trace>
AuthorityDecision decide_decline(const AuthorityEvidence& e, Trace& trace) {
  bool granted = true;
  auto apply = [&](RuleId rule, bool holds, auto... names) {
    trace.apply(rule, evaluation(holds), e, names...);
    granted = granted && holds;
  };
  apply(RuleId::kAuth7, e.state == NodeState::kReady, "state");
  apply(RuleId::kAuth8, e.log_validated, "commit", "durable_lsn", "log_validated");
  const bool any_seal = e.seal_lsn && planted(Fault::kAnySealDeclined);
  apply(RuleId::kAuth12, seal_names_this_node(e) || any_seal, "authority_node", "epoch", "instance", "lineage", "node",
        "role", "seal_lsn", "seal_successor", "seal_successor_instance");
  return granted ? AuthorityDecision::kGranted : AuthorityDecision::kDenied;
}

}  // namespace detail

// demote:  AUTH-7, AUTH-3, AUTH-9, AUTH-10, AUTH-11        all must hold
// promote: AUTH-7, AUTH-8, AUTH-4 must hold, and (AUTH-5 and AUTH-6) or AUTH-11
// decline: AUTH-7, AUTH-8, AUTH-12                         all must hold
template <class Trace>
[[nodiscard]] AuthorityDecision decide_authority(const AuthorityEvidence& evidence, Trace& trace) {
  switch (evidence.command) {
    case AuthorityCommand::kDemote:
      return detail::decide_demote(evidence, trace);
    case AuthorityCommand::kPromote:
      return detail::decide_promote(evidence, trace);
    case AuthorityCommand::kDecline:
      return detail::decide_decline(evidence, trace);
  }
  return AuthorityDecision::kDenied;
}

// The code that the kernel answers for a decision that is not granted.
[[nodiscard]] ErrorCode refusal_code(AuthorityCommand command, AuthorityDecision decision);

// control.command: the kernel's own rules on present evidence. Its conclusion names which evidence is binding (a change
// of it ends a confirmation) and which is only observed (positions, which move under load).
[[nodiscard]] Explanation explain_authority_command(const AuthorityEvidence& evidence);

}  // namespace aerodb::rules
