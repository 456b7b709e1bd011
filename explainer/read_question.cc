// explain.read -> evidence.records for each version -> where the log fails, evidence.versions of another node.
#include <fmt/format.h>

#include <algorithm>

#include "explainer/question.h"

namespace aerodb::explainer {
namespace {

class ReadOperation final : public Question {
 public:
  ReadOperation(WitnessParts parts, ReadQuestion question, WitnessDone done)
      : Question(parts, wire::kExplainRead.name, rules::ExplanationType::kReadVisibility, question.node,
                 std::move(done)),
        question_(std::move(question)) {}

 private:
  using Evidence = rules::ReadVisibilityEvidence;

  void ask() override { ask_for(wire::kExplainRead, {question_.collection, question_.id, question_.at_commit}); }

  void compare() override {
    shown_ = shown<rules::ReadVisibilityEvidence>(report().explanation, rules::ExplanationType::kReadVisibility);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    if (auto why = read_differs(shown_->evidence, question_.collection, question_.id, question_.at_commit)) {
      return finish(Checked::kNone, Agrees::kFalse, std::move(*why));
    }
    to_check_ = std::min(versions().size(), kMaxVersionsChecked);
    if (to_check_ == 0) return ask_others("no version is shown that could be looked up in the log");
    check_next();
  }

  void check_next() {
    if (checked_ == to_check_) return finish(Checked::kLog, Agrees::kTrue, cut());
    const Lsn lsn = versions()[checked_].lsn;
    if (lsn.value() == 0) return finish(Checked::kLog, Agrees::kFalse, at_version("LSN 0 is before the first record"));
    call(node(), wire::kEvidenceRecords, {lsn, 1}, &ReadOperation::found);
  }

  void found(const Result<wire::EvidenceRecordsResponse>& answer) {
    if (!answer) {
      auto why = at_version(fmt::format("{}: {}", answer.error().row().name, answer.error().message));
      // Only what is durable and applied is visible, so a version beyond the end of the log is a contradiction.
      if (answer.error().code == ErrorCode::kSourceBehind) return finish(Checked::kLog, Agrees::kFalse, std::move(why));
      report().note(answer.error().code);
      return ask_others(std::move(why));
    }
    if (auto why = version_differs(shown_->evidence, versions()[checked_], answer->records)) {
      return finish(Checked::kLog, Agrees::kFalse, std::move(*why));
    }
    ++checked_;
    check_next();
  }

  void ask_others(std::string why) {
    why_ = std::move(why);
    next_other();
  }

  void next_other() {
    if (!turn_to_next()) return finish(Checked::kNone, Agrees::kUnknown, std::move(why_));
    call(other(), wire::kEvidenceVersions, {question_.collection, question_.id, shown_->evidence.commit.next()},
         &ReadOperation::other_answered);
  }

  void other_answered(const Result<wire::EvidenceVersionsResponse>& answer) {
    const std::string& name = other().name();
    if (auto code = unusable(answer)) {
      report().note(*code);
      why_ += fmt::format("; {}: {}", name, error_row(*code).name);
      return next_other();
    }
    why_ += fmt::format("; compared with {}", name);
    if (auto difference = versions_differ(shown_->evidence, *answer)) {
      return finish(Checked::kPeer, Agrees::kFalse, *difference + "; " + why_);
    }
    const std::string part = cut();
    finish(Checked::kPeer, Agrees::kTrue, part.empty() ? why_ : part + "; " + why_);
  }

  // Why another node's versions say nothing about these.
  [[nodiscard]] std::optional<ErrorCode> unusable(const Result<wire::EvidenceVersionsResponse>& answer) const {
    if (!answer) return answer.error().code;
    if (answer->receipt.lineage != shown_->observed.lineage) return ErrorCode::kLineageUnknown;
    if (answer->receipt.commit_id < shown_->evidence.commit) return ErrorCode::kBehind;
    return std::nullopt;
  }

  [[nodiscard]] const std::vector<rules::VersionEvidence>& versions() const { return shown_->evidence.versions; }
  [[nodiscard]] std::string at_version(std::string_view what) const {
    return fmt::format("version of commit {}: {}", versions()[checked_].commit.value(), what);
  }
  [[nodiscard]] std::string cut() const {
    if (versions().size() == to_check_) return "";
    return fmt::format("the newest {} of {} versions were compared", to_check_, versions().size());
  }

  ReadQuestion question_;
  std::optional<Shown<Evidence>> shown_;
  size_t to_check_ = 0;
  size_t checked_ = 0;  // versions found as shown
  std::string why_;     // why the log did not do
};

}  // namespace

void ask_about_read(WitnessParts parts, ReadQuestion question, WitnessDone done) {
  std::make_shared<ReadOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
