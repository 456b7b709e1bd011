#include "common/rules/promotion_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/rules/authority_rules.h"

namespace aerodb::rules {
namespace {

// Takes down how each rule came out; the evidence is named anew.
struct OutcomeTrace {
  template <class Evidence, class... Names>
  void apply(RuleId rule, Evaluation evaluation, const Evidence&, Names...) {
    outcomes[rule] = evaluation;
  }
  std::map<RuleId, Evaluation> outcomes;
};

Role role_of(const PromotionEvidence& e) {
  if (e.previous_instance != e.instance) return Role::kReplica;
  return e.seal_lsn ? Role::kSealed : Role::kPrimary;
}

// What the promotion was decided on. Where something was not kept, the value that speaks for it.
AuthorityEvidence promotion_of(const PromotionEvidence& e) {
  AuthorityEvidence a;
  a.command = AuthorityCommand::kPromote;
  a.node = e.node;
  a.instance = e.instance;
  a.state = e.state.value_or(NodeState::kReady);
  a.fenced = e.fenced.value_or(false);
  a.log_validated = e.log_validated.value_or(true);
  a.role = role_of(e);
  a.lineage = e.lineage;
  a.epoch = e.previous_epoch.value_or(Epoch());
  a.authority_node = e.previous_node.value_or("");
  a.durable_lsn = e.durable_lsn.value_or(Lsn());
  a.commit = e.durable_commit.value_or(CommitId());
  a.seal_lsn = e.seal_lsn;
  a.seal_successor = e.seal_successor;
  a.seal_successor_instance = e.seal_successor_instance;
  a.declined_here = e.declined_here.value_or(false);
  a.decline_seal_lsn = e.decline_seal_lsn;
  a.decline_node = e.decline_node;
  a.decline_instance = e.decline_instance;
  return a;
}

// The same for the end of a lineage.
EndLineageEvidence end_of(const PromotionEvidence& e) {
  EndLineageEvidence end;
  end.node = e.node;
  end.state = e.state.value_or(NodeState::kReady);
  end.fenced = e.fenced.value_or(false);
  end.log_validated = e.log_validated.value_or(true);
  end.role = role_of(e);
  end.lineage = e.parent;
  end.epoch = e.previous_epoch.value_or(Epoch());
  end.authority_node = e.previous_node.value_or("");
  end.authority_instance = e.previous_instance.value_or(InstanceId{});
  end.own_lsn = Lsn(e.start_lsn.value() - 1);
  end.seal_lsn = e.seal_lsn;
  end.seal_successor = e.seal_successor;
  end.lost = e.lost.value_or(authority_to_end(end));
  end.peers = e.peers.value_or(std::vector<PeerEvidence>());
  return end;
}

bool follows_the_seal(const PromotionEvidence& e) {
  return e.seal_lsn && e.answers_seal_lsn == e.seal_lsn && e.start_lsn == e.seal_lsn->next();
}

PromotionVerdict verdict(const PromotionEvidence& e, bool granted_if_missing_speaks_for_it, bool complete) {
  if (!granted_if_missing_speaks_for_it) return PromotionVerdict::kDenied;
  if (e.failed_code) return PromotionVerdict::kIncomplete;
  return complete ? PromotionVerdict::kGranted : PromotionVerdict::kUndetermined;
}

PromotionVerdict decide_by_promotion(const PromotionEvidence& e, RecordingTrace& trace) {
  OutcomeTrace outcome;
  const auto decision = decide_authority(promotion_of(e), outcome);
  const auto apply = [&](RuleId rule, bool kept, auto... names) {
    trace.apply(rule, kept ? outcome.outcomes[rule] : Evaluation::kUndetermined, e, names...);
  };
  const bool validated_kept = e.log_validated && e.durable_lsn && e.durable_commit;
  apply(RuleId::kAuth7, e.state.has_value(), "state");
  apply(RuleId::kAuth8, validated_kept, "durable_commit", "durable_lsn", "log_validated");
  // The log tells it all: where it has no seal there was none.
  trace.apply(RuleId::kAuth4, evaluation(e.seal_lsn.has_value()), e, "lineage", "previous_epoch", "previous_node",
              "seal_lsn", "seal_number");
  apply(RuleId::kAuth5, true, "instance", "node", "seal_successor", "seal_successor_instance");
  apply(RuleId::kAuth6, e.declined_here.has_value(), "declined_here");
  apply(RuleId::kAuth11, true, "decline_instance", "decline_node", "decline_seal_lsn", "instance", "previous_instance",
        "seal_lsn");
  const bool follows = follows_the_seal(e);
  trace.apply(RuleId::kAuth2, evaluation(follows), e, "answers_seal_lsn", "seal_lsn", "start_lsn");
  return verdict(e, follows && decision == AuthorityDecision::kGranted,
                 e.state && validated_kept && e.declined_here.has_value());
}

PromotionVerdict decide_by_end(const PromotionEvidence& e, RecordingTrace& trace) {
  OutcomeTrace outcome;
  const auto decision = decide_end_lineage(end_of(e), outcome);
  const auto apply = [&](RuleId rule, bool kept, auto... names) {
    trace.apply(rule, kept ? outcome.outcomes[rule] : Evaluation::kUndetermined, e, names...);
  };
  const bool node_kept = e.state && e.fenced && e.log_validated && e.lost;
  apply(RuleId::kAuth15, node_kept, "fenced", "instance", "log_validated", "lost", "parent", "previous_instance",
        "previous_node", "seal_lsn", "seal_successor", "state");
  apply(RuleId::kAuth13, e.peers.has_value(), "peers");
  apply(RuleId::kAuth14, e.peers && e.lost, "lost", "peers", "previous_epoch", "previous_instance", "start_lsn");
  // A peer that did not answer makes AUTH-13 null in the decision itself, which then was none.
  if (node_kept && e.peers && decision == EndLineageDecision::kUndetermined) return PromotionVerdict::kUndetermined;
  return verdict(e, decision != EndLineageDecision::kDenied, node_kept && e.peers);
}

void pack_conclusion(const PromotionEvidence& e, PromotionVerdict verdict, const std::vector<RuleEntry>& entries,
                     document::PackWriter& out) {
  switch (verdict) {
    case PromotionVerdict::kNobodyDecided:
      out.map(2);
      out.field("status", "no promotion decided it");
      out.field("started_by", e.started_by);
      return;
    case PromotionVerdict::kGranted:
      out.map(3);
      out.field("status", "granted");
      out.field("epoch", e.epoch);
      out.field("node", e.node);
      return;
    case PromotionVerdict::kDenied: {
      std::vector<std::string_view> failed;
      for (const auto& entry : entries) {
        if (entry.evaluation == Evaluation::kFalse) failed.push_back(rule(entry.rule).name);
      }
      out.map(2);
      out.field("status", "denied");
      out.text("rules_not_holding");
      out.array(static_cast<uint32_t>(failed.size()));
      for (const auto name : failed) out.text(name);
      return;
    }
    case PromotionVerdict::kUndetermined: {
      const auto entry = std::ranges::find(entries, Evaluation::kUndetermined, &RuleEntry::evaluation);
      out.map(2);
      out.field("status", "undetermined");
      out.field("reason", fmt::format("{}: {} was not kept on this node", rule(entry->rule).name,
                                      entry->missing.empty() ? "peers" : entry->missing.front()));
      return;
    }
    case PromotionVerdict::kIncomplete:
      out.map(3);
      out.field("status", "incomplete");
      out.field("error", *e.failed_code);
      out.field("file", fmt::format("authority/decision-{}", e.start_lsn.value()));
      return;
  }
}

}  // namespace

PromotionVerdict decide_promotion(const PromotionEvidence& e, RecordingTrace& trace) {
  if (e.started_by == "promotion") return decide_by_promotion(e, trace);
  if (e.started_by == "end") return decide_by_end(e, trace);
  trace.apply(RuleId::kAuth1, evaluation(!e.node.empty()), e, "epoch", "instance", "lineage", "node", "start_lsn");
  return PromotionVerdict::kNobodyDecided;
}

Explanation explain_promotion(const PromotionEvidence& evidence) {
  RecordingTrace trace;
  const auto decided = decide_promotion(evidence, trace);
  // The inputs repeat the whole evidence, so that re-deriving has every member whichever rules were applied.
  return render_explanation(
      ExplanationType::kPromotionDecision, {evidence.lineage, evidence.start_commit},
      [&](document::PackWriter& out) { detail::pack_struct(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_conclusion(evidence, decided, trace.entries(), out); });
}

}  // namespace aerodb::rules
