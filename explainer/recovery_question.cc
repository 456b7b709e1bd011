// explain.recovery -> the record at the end that was recovered.
#include "common/rules/recovery_rules.h"
#include "explainer/differences.h"
#include "explainer/record_question.h"

namespace aerodb::explainer {
namespace {

class RecoveryOperation final : public RecordQuestion {
 public:
  RecoveryOperation(WitnessParts parts, std::string node, WitnessDone done)
      : RecordQuestion(parts, wire::kExplainRecovery.name, rules::ExplanationType::kRecovery, std::move(node),
                       std::move(done)) {}

 private:
  void ask() override { ask_for(wire::kExplainRecovery, {}); }

  void compare() override {
    shown_ = shown<rules::RecoveryEvidence>(report().explanation, rules::ExplanationType::kRecovery);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    compare_at(shown_->evidence.final_lsn.value_or(Lsn()), shown_->observed.lineage);
  }

  std::optional<std::string> differs(const wal::RecordView& record, std::string_view in) const override {
    const auto& evidence = shown_->evidence;
    return first_of(
        {differ("final_commit", std::optional(record.header.commit), evidence.final_commit, in),
         differ("replayed_digest", std::optional(record.header.digest_after), evidence.replayed_digest, in)});
  }

  std::optional<Shown<rules::RecoveryEvidence>> shown_;
};

}  // namespace

void ask_about_recovery(WitnessParts parts, std::string node, WitnessDone done) {
  std::make_shared<RecoveryOperation>(parts, std::move(node), std::move(done))->start();
}

}  // namespace aerodb::explainer
