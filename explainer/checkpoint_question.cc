// explain.checkpoint -> the record at the position that the manifest covers.
#include "common/rules/checkpoint_rules.h"
#include "explainer/differences.h"
#include "explainer/record_question.h"

namespace aerodb::explainer {
namespace {

class CheckpointOperation final : public RecordQuestion {
 public:
  CheckpointOperation(WitnessParts parts, std::string node, WitnessDone done)
      : RecordQuestion(parts, wire::kExplainCheckpoint.name, rules::ExplanationType::kCheckpointSafety, std::move(node),
                       std::move(done)) {}

 private:
  void ask() override { ask_for(wire::kExplainCheckpoint, {}); }

  void compare() override {
    shown_ = shown<rules::CheckpointEvidence>(report().explanation, rules::ExplanationType::kCheckpointSafety);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    compare_at(shown_->evidence.lsn, shown_->observed.lineage);
  }

  std::optional<std::string> differs(const wal::RecordView& record, std::string_view in) const override {
    const auto& evidence = shown_->evidence;
    return first_of({differ("epoch", record.header.epoch, evidence.epoch, in),
                     differ("commit", record.header.commit, evidence.commit, in),
                     differ("chain", record.chain_after(), evidence.chain, in),
                     differ("digest", record.header.digest_after, evidence.digest, in)});
  }

  std::optional<Shown<rules::CheckpointEvidence>> shown_;
};

}  // namespace

void ask_about_checkpoint(WitnessParts parts, std::string node, WitnessDone done) {
  std::make_shared<CheckpointOperation>(parts, std::move(node), std::move(done))->start();
}

}  // namespace aerodb::explainer
