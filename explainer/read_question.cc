// explain.read -> evidence.records for each version -> where the log fails, evidence.versions of another node.
#include <fmt/format.h>

#include <algorithm>

#include "explainer/questions.h"

namespace aerodb::explainer {
namespace {

class ReadOperation final : public std::enable_shared_from_this<ReadOperation> {
 public:
  ReadOperation(WitnessParts parts, ReadQuestion question, WitnessDone done)
      : parts_(parts), question_(std::move(question)), done_(std::move(done)) {}

  void start() {
    auto node = parts_.peers.node(question_.node);
    if (!node) return done_(fail(std::move(node.error())));
    node_ = *node;
    auto admission = node_->admit();
    if (!admission) return done_(fail(std::move(admission.error())));
    admission_ = std::move(*admission);
    node_->call(wire::kExplainRead, {question_.collection, question_.id, question_.at_commit},
                [self = shared_from_this()](auto answer) { self->explained(answer); });
  }

 private:
  using Evidence = rules::ReadVisibilityEvidence;

  void explained(const Result<wire::ExplanationResponse>& answer) {
    if (!answer) return done_(fail(answer.error()));
    report_ = open_report(node_->name(), rules::ExplanationType::kReadVisibility, *answer);
    shown_ = shown_read(report_.explanation);
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
    node_->call(wire::kEvidenceRecords, {lsn, 1}, [self = shared_from_this()](auto answer) { self->found(answer); });
  }

  void found(const Result<wire::EvidenceRecordsResponse>& answer) {
    if (!answer) {
      auto why = at_version(fmt::format("{}: {}", answer.error().row().name, answer.error().message));
      // Only what is durable and applied is visible, so a version beyond the end of the log is a contradiction.
      if (answer.error().code == ErrorCode::kSourceBehind) return finish(Checked::kLog, Agrees::kFalse, std::move(why));
      report_.note(answer.error().code);
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
    const auto& nodes = parts_.peers.nodes();
    if (other_ < nodes.size() && nodes[other_].get() == node_) ++other_;
    if (other_ == nodes.size()) return finish(Checked::kNone, Agrees::kUnknown, std::move(why_));
    nodes[other_]->call(wire::kEvidenceVersions, {question_.collection, question_.id, shown_->evidence.commit.next()},
                        [self = shared_from_this()](auto answer) { self->other_answered(answer); });
  }

  void other_answered(const Result<wire::EvidenceVersionsResponse>& answer) {
    const std::string& name = parts_.peers.nodes()[other_++]->name();
    if (auto code = unusable(answer)) {
      report_.note(*code);
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

  void finish(Checked checked, Agrees agrees, std::string why) {
    report_.evidence = {checked, agrees, std::move(why)};
    record_verdicts(parts_, wire::kExplainRead.name, report_);
    done_(std::move(report_));
  }

  [[nodiscard]] const std::vector<rules::VersionEvidence>& versions() const { return shown_->evidence.versions; }
  [[nodiscard]] std::string at_version(std::string_view what) const {
    return fmt::format("version of commit {}: {}", versions()[checked_].commit.value(), what);
  }
  [[nodiscard]] std::string cut() const {
    if (versions().size() == to_check_) return "";
    return fmt::format("the newest {} of {} versions were compared", to_check_, versions().size());
  }

  WitnessParts parts_;
  ReadQuestion question_;
  WitnessDone done_;
  Peer* node_ = nullptr;
  Admission admission_;
  WitnessReport report_;
  std::optional<Shown<Evidence>> shown_;
  size_t to_check_ = 0;
  size_t checked_ = 0;  // versions found as shown
  size_t other_ = 0;    // next node to ask where the log fails
  std::string why_;     // why the log did not do
};

}  // namespace

void ask_about_read(WitnessParts parts, ReadQuestion question, WitnessDone done) {
  std::make_shared<ReadOperation>(parts, std::move(question), std::move(done))->start();
}

void record_verdicts(WitnessParts parts, std::string_view method, const WitnessReport& report) {
  parts.metrics.add(observe::MetricId::kExplainerVerdictsCount);
  if (report.rules.follow && report.evidence.agrees != Agrees::kFalse) return;
  parts.metrics.add(observe::MetricId::kExplainerMismatchesCount);
  parts.log.write(LogLevel::kError, "explainer.mismatch",
                  {{"node", report.node},
                   {"method", std::string(method)},
                   {"rules_follow", report.rules.follow},
                   {"rules_follow_why", report.rules.why},
                   {"evidence_checked", std::string(checked_name(report.evidence.checked))},
                   {"evidence_agrees", std::string(agrees_name(report.evidence.agrees))},
                   {"evidence_why", report.evidence.why}});
}

}  // namespace aerodb::explainer
