// status -> the source's record at the end of the node's log -> explain.replication with it -> the node's own records.
#include <fmt/format.h>

#include "explainer/question.h"

namespace aerodb::explainer {
namespace {

class ReplicationOperation final : public Question {
 public:
  ReplicationOperation(WitnessParts parts, ReplicationQuestion question, WitnessDone done)
      : Question(parts, wire::kExplainReplication.name, rules::ExplanationType::kReplicationSafety, question.node,
                 std::move(done)),
        question_(std::move(question)) {}

 private:
  void ask() override { call(node(), wire::kStatus, {}, &ReplicationOperation::placed); }

  // The source is the node that the last authority record in the node's own log names.
  void placed(const Result<wire::StatusResponse>& status) {
    if (!status) return refuse(status.error());
    const std::string& authority = status->authority_node;
    if (authority == status->node) return without_source(authority, ErrorCode::kNotAReplica);
    Peer* source = peers().find_node(authority);
    if (source == nullptr) return without_source(authority, ErrorCode::kUnknownNode);
    if (status->durable_lsn.value() == 0) return without_source(authority, ErrorCode::kNotReady);
    source_name_ = authority;
    source_lsn_ = status->durable_lsn;
    call(*source, wire::kEvidenceRecords, {source_lsn_, 1}, &ReplicationOperation::source_answered);
  }

  void source_answered(const Result<wire::EvidenceRecordsResponse>& answer) {
    if (!answer) return without_source(source_name_, answer.error().code);
    const auto position = position_at(source_lsn_, answer->records);
    if (!position) return without_source(source_name_, position.error().code);
    source_ = *position;
    explain(wire::Receipt{answer->receipt.lineage, position->epoch, position->commit, source_lsn_, position->chain});
  }

  void without_source(std::string_view source, ErrorCode code) {
    report().note(code);
    source_why_ =
        fmt::format("no position of the source {}: {}", source.empty() ? "(none named)" : source, error_row(code).name);
    explain(std::nullopt);
  }

  void explain(std::optional<wire::Receipt> source) {
    ask_for(wire::kExplainReplication, {question_.at_commit, source});
  }

  void compare() override {
    shown_ = shown<rules::ReplicationSafetyEvidence>(report().explanation, rules::ExplanationType::kReplicationSafety);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    if (auto why = safety_differs(shown_->evidence, question_.at_commit, source_)) {
      return finish(Checked::kNone, Agrees::kFalse, std::move(*why));
    }
    const Lsn own = shown_->evidence.own_lsn;
    if (own.value() == 0) return finish(Checked::kNone, Agrees::kUnknown, "the node's log is empty");
    fetch_own(own, &ReplicationOperation::own_end_found);
  }

  void own_end_found(const LogPosition& position) {
    const auto& evidence = shown_->evidence;
    if (auto why = own_end_differs(evidence, position)) return finish(Checked::kLog, Agrees::kFalse, std::move(*why));
    if (!source_ || !evidence.own_chain_at_source_lsn) return finish(Checked::kLog, Agrees::kTrue, "");
    if (*evidence.source_lsn == evidence.own_lsn) return compare_at_source(position);
    fetch_own(*evidence.source_lsn, &ReplicationOperation::compare_at_source);
  }

  void compare_at_source(const LogPosition& position) {
    const Chain& shown = *shown_->evidence.own_chain_at_source_lsn;
    if (shown == position.chain) return finish(Checked::kLog, Agrees::kTrue, "");
    finish(Checked::kLog, Agrees::kFalse,
           fmt::format("own_chain_at_source_lsn is {} in the log, {} in the explanation", to_hex(position.chain),
                       to_hex(shown)));
  }

  // The node's own record at `lsn`; `then` where there is one.
  void fetch_own(Lsn lsn, void (ReplicationOperation::*then)(const LogPosition&)) {
    own_lsn_ = lsn;
    then_ = then;
    call(node(), wire::kEvidenceRecords, {lsn, 1}, &ReplicationOperation::own_found);
  }
  void own_found(const Result<wire::EvidenceRecordsResponse>& answer) {
    if (!answer) return own_log_failed(own_lsn_, answer.error());
    const auto position = position_at(own_lsn_, answer->records);
    if (!position) return finish(Checked::kLog, Agrees::kFalse, position.error().message);
    (this->*then_)(*position);
  }

  void own_log_failed(Lsn lsn, const Error& error) {
    auto why = fmt::format("the node's record at LSN {}: {}: {}", lsn.value(), error.row().name, error.message);
    // Both positions lie within what the node calls its durable log.
    if (error.code == ErrorCode::kSourceBehind) return finish(Checked::kLog, Agrees::kFalse, std::move(why));
    report().note(error.code);
    finish(Checked::kNone, Agrees::kUnknown, std::move(why));
  }

  void finish(Checked checked, Agrees agrees, std::string why) {
    if (!source_why_.empty()) why += (why.empty() ? "" : "; ") + source_why_;
    Question::finish(checked, agrees, std::move(why));
  }

  ReplicationQuestion question_;
  std::optional<Shown<rules::ReplicationSafetyEvidence>> shown_;
  std::optional<LogPosition> source_;
  std::string source_why_;  // why there is none
  std::string source_name_;
  Lsn source_lsn_;  // where its record is asked for
  Lsn own_lsn_;     // the node's own record under way
  void (ReplicationOperation::*then_)(const LogPosition&) = nullptr;
};

}  // namespace

void ask_about_replication(WitnessParts parts, ReplicationQuestion question, WitnessDone done) {
  std::make_shared<ReplicationOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
