// status -> explain.halt, or explain.command -> status. Only what stood in both answers of status, before and after,
// can be compared: the node goes on meanwhile.
#include <fmt/format.h>

#include "common/rules/authority_rules.h"
#include "common/rules/diagnosis_rules.h"
#include "common/rules/halt_rules.h"
#include "explainer/differences.h"
#include "explainer/question.h"

namespace aerodb::explainer {
namespace {

constexpr std::string_view kStatusName = "its status";

class StatusQuestion : public Question {
 protected:
  using Question::Question;
  virtual void ask_for_explanation() = 0;
  // Reads the evidence; false where that can't be done.
  [[nodiscard]] virtual bool read_evidence() = 0;
  // The first difference between the evidence and a status; positions are not looked at.
  [[nodiscard]] virtual std::optional<std::string> differs(const wire::StatusResponse& status) const = 0;
  // The commit at which the evidence was gathered.
  [[nodiscard]] virtual CommitId commit() const = 0;

 private:
  void ask() override { call(node(), wire::kStatus, {}, &StatusQuestion::placed); }
  void placed(const Result<wire::StatusResponse>& status) {
    if (!status) return refuse(status.error());
    before_ = *status;
    ask_for_explanation();
  }
  void compare() override {
    if (!read_evidence()) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    call(node(), wire::kStatus, {}, &StatusQuestion::placed_again);
  }
  void placed_again(const Result<wire::StatusResponse>& after) {
    if (!after) {
      report().note(after.error().code);
      auto why = fmt::format("status: {}: {}", after.error().row().name, after.error().message);
      return finish(Checked::kNone, Agrees::kUnknown, std::move(why));
    }
    const auto first = differs(before_);
    const auto second = differs(*after);
    if ((first && second && first != second) || after->commit_id < before_.commit_id) {
      return finish(Checked::kStatus, Agrees::kUnknown, "its status changed meanwhile: " + first.value_or("commit_id"));
    }
    if (first && second) return finish(Checked::kStatus, Agrees::kFalse, *first);
    if (commit() < before_.commit_id || after->commit_id < commit()) {
      auto why = fmt::format("commit is {} before and {} after, {} in the explanation", before_.commit_id.value(),
                             after->commit_id.value(), commit().value());
      return finish(Checked::kStatus, Agrees::kFalse, std::move(why));
    }
    finish(Checked::kStatus, Agrees::kTrue, "");
  }

  wire::StatusResponse before_;
};

class HaltOperation final : public StatusQuestion {
 public:
  HaltOperation(WitnessParts parts, std::string node, WitnessDone done)
      : StatusQuestion(parts, wire::kExplainHalt.name, rules::ExplanationType::kHalt, std::move(node),
                       std::move(done)) {}

 private:
  void ask_for_explanation() override { ask_for(wire::kExplainHalt, {}); }
  bool read_evidence() override {
    shown_ = shown<rules::HaltEvidence>(report().explanation, rules::ExplanationType::kHalt);
    return shown_.has_value();
  }
  CommitId commit() const override { return shown_->evidence.commit; }
  std::optional<std::string> differs(const wire::StatusResponse& status) const override {
    const auto& evidence = shown_->evidence;
    return first_of({
        differ("node", status.node, evidence.node, kStatusName),
        differ("instance", status.instance, evidence.instance, kStatusName),
        differ("state", status.state, std::string(rules::enum_name(evidence.state)), kStatusName),
        differ("role", status.role, std::string(rules::enum_name(evidence.role)), kStatusName),
        differ("halt_rule", status.halt_rule, evidence.halt_rule, kStatusName),
        differ("halt_reason", status.halt_reason, evidence.halt_reason, kStatusName),
        differ("fenced", status.fenced, evidence.fenced, kStatusName),
        differ("fence_lineage", status.fenced_by_lineage, evidence.fence_lineage, kStatusName),
        differ("fork_lsn", status.fork_lsn, evidence.fork_lsn, kStatusName),
    });
  }

  std::optional<Shown<rules::HaltEvidence>> shown_;
};

class CommandOperation final : public StatusQuestion {
 public:
  CommandOperation(WitnessParts parts, CommandQuestion question, WitnessDone done)
      : StatusQuestion(parts, wire::kExplainCommand.name, rules::ExplanationType::kControlCommand, question.node,
                       std::move(done)),
        question_(std::move(question)) {}

 private:
  void ask_for_explanation() override {
    ask_for(wire::kExplainCommand,
            {question_.command, question_.successor, question_.successor_instance, std::nullopt});
  }
  bool read_evidence() override {
    shown_ = shown<rules::AuthorityEvidence>(report().explanation, rules::ExplanationType::kControlCommand);
    return shown_.has_value();
  }
  CommitId commit() const override { return shown_->evidence.commit; }
  std::optional<std::string> differs(const wire::StatusResponse& status) const override {
    const auto& evidence = shown_->evidence;
    constexpr std::string_view kRequest = "the request";
    return first_of({
        differ("command", question_.command, std::string(rules::enum_name(evidence.command)), kRequest),
        differ("successor", question_.successor, evidence.successor, kRequest),
        differ("successor_instance", question_.successor_instance, evidence.successor_instance, kRequest),
        differ("node", status.node, evidence.node, kStatusName),
        differ("instance", status.instance, evidence.instance, kStatusName),
        differ("state", status.state, std::string(rules::enum_name(evidence.state)), kStatusName),
        differ("fenced", status.fenced, evidence.fenced, kStatusName),
        differ("role", status.role, std::string(rules::enum_name(evidence.role)), kStatusName),
        differ("lineage", status.lineage, evidence.lineage, kStatusName),
        differ("epoch", status.epoch, evidence.epoch, kStatusName),
        differ("authority_node", status.authority_node, evidence.authority_node, kStatusName),
        differ("seal_lsn", status.seal_lsn, evidence.seal_lsn, kStatusName),
        differ("seal_successor", status.seal_successor, evidence.seal_successor, kStatusName),
        differ("seal_successor_instance", status.seal_successor_instance, evidence.seal_successor_instance,
               kStatusName),
    });
  }

  CommandQuestion question_;
  std::optional<Shown<rules::AuthorityEvidence>> shown_;
};

// The same question, of the command that only reads.
class DiagnosisOperation final : public StatusQuestion {
 public:
  DiagnosisOperation(WitnessParts parts, std::string node, WitnessDone done)
      : StatusQuestion(parts, wire::kExplainCommand.name, rules::ExplanationType::kControlCommand, std::move(node),
                       std::move(done)) {}

 private:
  void ask_for_explanation() override {
    ask_for(wire::kExplainCommand, {std::string(rules::kDiagnose), std::nullopt, std::nullopt, std::nullopt});
  }
  bool read_evidence() override {
    shown_ = shown<rules::DiagnosisEvidence>(report().explanation, rules::ExplanationType::kControlCommand);
    return shown_.has_value();
  }
  CommitId commit() const override { return shown_->evidence.commit; }
  std::optional<std::string> differs(const wire::StatusResponse& status) const override {
    const auto& evidence = shown_->evidence;
    return first_of({
        differ("command", std::string(rules::kDiagnose), evidence.command, "the request"),
        differ("node", status.node, evidence.node, kStatusName),
        differ("instance", status.instance, evidence.instance, kStatusName),
        differ("state", status.state, std::string(rules::enum_name(evidence.state)), kStatusName),
        differ("lineage", status.lineage, evidence.lineage, kStatusName),
    });
  }

  std::optional<Shown<rules::DiagnosisEvidence>> shown_;
};

}  // namespace

void ask_about_halt(WitnessParts parts, std::string node, WitnessDone done) {
  std::make_shared<HaltOperation>(parts, std::move(node), std::move(done))->start();
}

void ask_about_command(WitnessParts parts, CommandQuestion question, WitnessDone done) {
  if (question.command == rules::kDiagnose)
    return std::make_shared<DiagnosisOperation>(parts, std::move(question.node), std::move(done))->start();
  std::make_shared<CommandOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
