// A question whose evidence names records of the log: it is compared with the node's own record there; where the node
// has it no more, with another configured node's of the same lineage, which has the same record there.
#pragma once

#include <string>

#include "common/wal/record.h"
#include "explainer/question.h"

namespace aerodb::explainer {

class RecordQuestion : public Question {
 protected:
  using Question::Question;
  // The first difference between the evidence and the record in the log called `in`.
  [[nodiscard]] virtual std::optional<std::string> differs(const wal::RecordView& record,
                                                           std::string_view in) const = 0;
  // The record is as the evidence says.
  virtual void agreed(Checked checked, std::string why) { finish(checked, Agrees::kTrue, std::move(why)); }
  // Nobody that answered has it.
  virtual void not_found(std::string why) { finish(Checked::kNone, Agrees::kUnknown, std::move(why)); }
  // Ends in finish(), agreed() or not_found(). LSN 0 is before the first record.
  void compare_at(Lsn lsn, const LineageId& lineage);

 private:
  void own_found(const Result<wire::EvidenceRecordsResponse>& answer);
  void ask_next();
  void other_found(const Result<wire::EvidenceRecordsResponse>& answer);

  Lsn lsn_;
  LineageId lineage_;
  std::string why_;  // why the node's own log did not do
};

}  // namespace aerodb::explainer
