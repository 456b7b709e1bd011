#include "explainer/record_question.h"

#include <fmt/format.h>

namespace aerodb::explainer {

void RecordQuestion::compare_at(Lsn lsn, const LineageId& lineage) {
  lsn_ = lsn;
  lineage_ = lineage;
  begin_with_first();
  if (lsn.value() == 0) return not_found("the explanation names no record of the log");
  call(node(), wire::kEvidenceRecords, {lsn, 1}, &RecordQuestion::own_found);
}

void RecordQuestion::own_found(const Result<wire::EvidenceRecordsResponse>& answer) {
  if (!answer) {
    const auto& error = answer.error();
    why_ = fmt::format("the node's record at LSN {}: {}: {}", lsn_.value(), error.row().name, error.message);
    // What such an explanation names was durable before it was made.
    if (error.code == ErrorCode::kSourceBehind) return finish(Checked::kLog, Agrees::kFalse, std::move(why_));
    report().note(error.code);
    return ask_next();
  }
  const auto record = record_at(lsn_, answer->records);
  if (!record) return finish(Checked::kLog, Agrees::kFalse, record.error().message);
  if (auto why = differs(*record, "the log")) return finish(Checked::kLog, Agrees::kFalse, std::move(*why));
  agreed(Checked::kLog, "");
}

void RecordQuestion::ask_next() {
  if (!turn_to_next()) return not_found(std::move(why_));
  call(other(), wire::kEvidenceRecords, {lsn_, 1}, &RecordQuestion::other_found);
}

void RecordQuestion::other_found(const Result<wire::EvidenceRecordsResponse>& answer) {
  const std::string& name = other().name();
  const auto pass_over = [&](ErrorCode code) {
    report().note(code);
    why_ += fmt::format("; {}: {}", name, error_row(code).name);
    ask_next();
  };
  if (!answer) return pass_over(answer.error().code);
  if (answer->receipt.lineage != lineage_) return pass_over(ErrorCode::kLineageUnknown);
  const auto record = record_at(lsn_, answer->records);
  if (!record) return pass_over(record.error().code);
  why_ += fmt::format("; compared with {}", name);
  if (auto difference = differs(*record, "the other node's log")) {
    return finish(Checked::kPeer, Agrees::kFalse, *difference + "; " + why_);
  }
  agreed(Checked::kPeer, std::move(why_));
}

}  // namespace aerodb::explainer
