// Where a log ends after a crash, and whether it may be opened at all (rules REC-1 to REC-4). Pure: no I/O; what it
// decides is carried out by tail_repair.
//
//   label  seen                                                        how it can arise
//   T1     the first invalid frame position is followed by no valid    clean stop; or a crash while the one unsynced
//          frame of this ring sequence                                 frame was being written
//   T2     an invalid frame and a valid later one                      damage to bytes that a later sync had made
//   durable T3     the valid end lies below a bound known to be durable        loss of a whole tail: a swapped disk, a
//   failed sync T4     a gap in LSN or commit id, a broken chain, a falling        a bug, or files of another log
//          epoch or an unknown lineage
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/rules/trace.h"
#include "common/wal/ring.h"

namespace aerodb::wal {

struct TailEvidence {
  Lsn end_lsn;               // last record of the valid frames
  uint64_t end_segment = 0;  // first invalid frame position
  uint64_t end_offset = 0;
  bool bytes_at_end = false;              // there is something other than zeros
  std::optional<uint64_t> later_segment;  // a valid frame behind it
  std::optional<uint64_t> later_offset;
  std::optional<Lsn> bound_lsn;              // highest position known to be durable by other means
  std::optional<std::string> bound_name;     // which
  std::optional<std::string> discontinuity;  // what broke, at end_segment and end_offset
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("end_lsn", self.end_lsn);
    visit("end_segment", self.end_segment);
    visit("end_offset", self.end_offset);
    visit("bytes_at_end", self.bytes_at_end);
    visit("later_segment", self.later_segment);
    visit("later_offset", self.later_offset);
    visit("bound_lsn", self.bound_lsn);
    visit("bound_name", self.bound_name);
    visit("discontinuity", self.discontinuity);
  }
};

enum class TailLabel : uint8_t { kT1, kT2, kT3, kT4 };
[[nodiscard]] std::string_view tail_label_name(TailLabel label);

// All four rules are applied; the first of T4, T2, T3 that does not hold gives the label, T1 otherwise.
template <class Trace>
[[nodiscard]] TailLabel decide_tail(const TailEvidence& e, Trace& trace) {
  const bool continuous = !e.discontinuity.has_value();
  const bool no_hole = !e.later_segment.has_value();
  const bool above_bound = !e.bound_lsn || e.end_lsn >= *e.bound_lsn;
  using rules::evaluation;
  using rules::RuleId;
  trace.apply(RuleId::kRec4, evaluation(continuous), e, "discontinuity", "end_offset", "end_segment");
  trace.apply(RuleId::kRec2, evaluation(no_hole), e, "end_offset", "end_segment", "later_offset", "later_segment");
  trace.apply(RuleId::kRec3, evaluation(above_bound), e, "bound_lsn", "bound_name", "end_lsn");
  trace.apply(RuleId::kRec1, evaluation(continuous && no_hole && above_bound), e, "bytes_at_end", "end_lsn");
  if (!continuous) return TailLabel::kT4;
  if (!no_hole) return TailLabel::kT2;
  if (!above_bound) return TailLabel::kT3;
  return TailLabel::kT1;
}

// The refusal for T2, T3 and T4, naming segment, offset, expected and found.
[[nodiscard]] Error tail_refusal(TailLabel label, const TailEvidence& evidence);

}  // namespace aerodb::wal
