// status -> the source's record at the end of the node's log -> explain.replication with it -> the node's own records.
#include <fmt/format.h>

#include "explainer/questions.h"

namespace aerodb::explainer {
namespace {

class ReplicationOperation final : public std::enable_shared_from_this<ReplicationOperation> {
 public:
  ReplicationOperation(WitnessParts parts, ReplicationQuestion question, WitnessDone done)
      : parts_(parts), question_(std::move(question)), done_(std::move(done)) {}

  void start() {
    auto node = parts_.peers.node(question_.node);
    if (!node) return done_(fail(std::move(node.error())));
    node_ = *node;
    auto admission = node_->admit();
    if (!admission) return done_(fail(std::move(admission.error())));
    admission_ = std::move(*admission);
    node_->call(wire::kStatus, {}, [self = shared_from_this()](auto answer) { self->placed(answer); });
  }

 private:
  // The source is the node that the last authority record in the node's own log names.
  void placed(const Result<wire::StatusResponse>& status) {
    if (!status) return done_(fail(status.error()));
    const std::string& authority = status->authority_node;
    if (authority == status->node) return without_source(authority, ErrorCode::kNotAReplica);
    Peer* source = parts_.peers.find_node(authority);
    if (source == nullptr) return without_source(authority, ErrorCode::kUnknownNode);
    if (status->durable_lsn.value() == 0) return without_source(authority, ErrorCode::kNotReady);
    source->call(wire::kEvidenceRecords, {status->durable_lsn, 1},
                 [self = shared_from_this(), source, lsn = status->durable_lsn](auto answer) {
                   self->source_answered(source->name(), lsn, answer);
                 });
  }

  void source_answered(const std::string& source, Lsn lsn, const Result<wire::EvidenceRecordsResponse>& answer) {
    if (!answer) return without_source(source, answer.error().code);
    const auto position = position_at(lsn, answer->records);
    if (!position) return without_source(source, position.error().code);
    source_ = *position;
    explain(wire::Receipt{answer->receipt.lineage, position->epoch, position->commit, lsn, position->chain});
  }

  void without_source(std::string_view source, ErrorCode code) {
    report_notes_.push_back(code);
    source_why_ =
        fmt::format("no position of the source {}: {}", source.empty() ? "(none named)" : source, error_row(code).name);
    explain(std::nullopt);
  }

  void explain(std::optional<wire::Receipt> source) {
    node_->call(wire::kExplainReplication, {question_.at_commit, source},
                [self = shared_from_this()](auto answer) { self->explained(answer); });
  }

  void explained(const Result<wire::ExplanationResponse>& answer) {
    if (!answer) return done_(fail(answer.error()));
    report_ = open_report(node_->name(), rules::ExplanationType::kReplicationSafety, *answer);
    report_.notes = std::move(report_notes_);
    shown_ = shown_replication(report_.explanation);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    if (auto why = safety_differs(shown_->evidence, question_.at_commit, source_)) {
      return finish(Checked::kNone, Agrees::kFalse, std::move(*why));
    }
    const Lsn own = shown_->evidence.own_lsn;
    if (own.value() == 0) return finish(Checked::kNone, Agrees::kUnknown, "the node's log is empty");
    fetch_own(own, [](ReplicationOperation& self, const LogPosition& position) { self.own_end_found(position); });
  }

  void own_end_found(const LogPosition& position) {
    const auto& evidence = shown_->evidence;
    if (auto why = own_end_differs(evidence, position)) return finish(Checked::kLog, Agrees::kFalse, std::move(*why));
    if (!source_ || !evidence.own_chain_at_source_lsn) return finish(Checked::kLog, Agrees::kTrue, "");
    if (*evidence.source_lsn == evidence.own_lsn) return compare_at_source(position);
    fetch_own(*evidence.source_lsn,
              [](ReplicationOperation& self, const LogPosition& at_source) { self.compare_at_source(at_source); });
  }

  void compare_at_source(const LogPosition& position) {
    const Chain& shown = *shown_->evidence.own_chain_at_source_lsn;
    if (shown == position.chain) return finish(Checked::kLog, Agrees::kTrue, "");
    finish(Checked::kLog, Agrees::kFalse,
           fmt::format("own_chain_at_source_lsn is {} in the log, {} in the explanation", to_hex(position.chain),
                       to_hex(shown)));
  }

  // The node's own record at `lsn`; `then` where there is one.
  void fetch_own(Lsn lsn, void (*then)(ReplicationOperation&, const LogPosition&)) {
    node_->call(wire::kEvidenceRecords, {lsn, 1}, [self = shared_from_this(), lsn, then](auto answer) {
      if (!answer) return self->own_log_failed(lsn, answer.error());
      const auto position = position_at(lsn, answer->records);
      if (!position) return self->finish(Checked::kLog, Agrees::kFalse, position.error().message);
      then(*self, *position);
    });
  }

  void own_log_failed(Lsn lsn, const Error& error) {
    auto why = fmt::format("the node's record at LSN {}: {}: {}", lsn.value(), error.row().name, error.message);
    // Both positions lie within what the node calls its durable log.
    if (error.code == ErrorCode::kSourceBehind) return finish(Checked::kLog, Agrees::kFalse, std::move(why));
    report_.note(error.code);
    finish(Checked::kNone, Agrees::kUnknown, std::move(why));
  }

  void finish(Checked checked, Agrees agrees, std::string why) {
    if (!source_why_.empty()) why += (why.empty() ? "" : "; ") + source_why_;
    report_.evidence = {checked, agrees, std::move(why)};
    record_verdicts(parts_, wire::kExplainReplication.name, report_);
    done_(std::move(report_));
  }

  WitnessParts parts_;
  ReplicationQuestion question_;
  WitnessDone done_;
  Peer* node_ = nullptr;
  Admission admission_;
  WitnessReport report_;
  std::optional<Shown<rules::ReplicationSafetyEvidence>> shown_;
  std::optional<LogPosition> source_;
  std::string source_why_;  // why there is none
  std::vector<ErrorCode> report_notes_;
};

}  // namespace

void ask_about_replication(WitnessParts parts, ReplicationQuestion question, WitnessDone done) {
  std::make_shared<ReplicationOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
