// Where a log ends after a crash, and whether it may be opened at all (rules REC-4, REC-2, REC-3, REC-1, applied in
// this order). Pure: what a T1 decision asks for is carried out by wal/tail_repair.
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
#include <string_view>

#include "common/base/ids.h"
#include "common/rules/trace.h"

namespace aerodb::rules {

struct TailEvidence {
  // Where the walk begins, and the first record behind that; absent: there is none.
  std::optional<Lsn> manifest_lsn;
  std::optional<Chain> manifest_chain;
  std::optional<Lsn> first_replayed_lsn;
  std::optional<Chain> first_replayed_chain_before;
  std::optional<Lsn> end_lsn;           // last record of the valid frames; absent: the end was not reached
  std::optional<uint64_t> end_segment;  // first invalid frame position
  std::optional<uint64_t> end_offset;
  std::optional<bool> bytes_at_end;      // there is something other than zeros
  std::optional<uint64_t> torn_segment;  // what a frame that was being written left behind the end
  std::optional<uint64_t> torn_offset;   // 0: the segment's header is part of it
  std::optional<uint64_t> torn_bytes;
  std::optional<uint64_t> later_segment;  // a valid frame behind the end
  std::optional<uint64_t> later_offset;
  std::optional<Lsn> bound_lsn;              // highest position known to be durable by other means
  std::optional<std::string> bound_name;     // which
  std::optional<std::string> discontinuity;  // what broke, at end_segment and end_offset
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("manifest_lsn", self.manifest_lsn);
    visit("manifest_chain", self.manifest_chain);
    visit("first_replayed_lsn", self.first_replayed_lsn);
    visit("first_replayed_chain_before", self.first_replayed_chain_before);
    visit("end_lsn", self.end_lsn);
    visit("end_segment", self.end_segment);
    visit("end_offset", self.end_offset);
    visit("bytes_at_end", self.bytes_at_end);
    visit("torn_segment", self.torn_segment);
    visit("torn_offset", self.torn_offset);
    visit("torn_bytes", self.torn_bytes);
    visit("later_segment", self.later_segment);
    visit("later_offset", self.later_offset);
    visit("bound_lsn", self.bound_lsn);
    visit("bound_name", self.bound_name);
    visit("discontinuity", self.discontinuity);
  }
};

enum class TailLabel : uint8_t { kT1, kT2, kT3, kT4 };
[[nodiscard]] std::string_view tail_label_name(TailLabel label);

// Applies one of the four rules with the evidence it looks at, and with what `more` names. `Evidence` has the fields of
// TailEvidence.
template <class Evidence, class Trace, class... Names>
void apply_tail_rule(RuleId id, Evaluation evaluation, const Evidence& e, Trace& trace, Names... more) {
  if (id == RuleId::kRec4) {
    trace.apply(id, evaluation, e, "discontinuity", "end_offset", "end_segment", "first_replayed_chain_before",
                "first_replayed_lsn", "manifest_chain", "manifest_lsn", more...);
  } else if (id == RuleId::kRec2) {
    trace.apply(id, evaluation, e, "end_offset", "end_segment", "later_offset", "later_segment", more...);
  } else if (id == RuleId::kRec3) {
    trace.apply(id, evaluation, e, "bound_lsn", "bound_name", "end_lsn", more...);
  } else {
    trace.apply(id, evaluation, e, "bytes_at_end", "end_lsn", "torn_bytes", "torn_offset", "torn_segment", more...);
  }
}

// All four rules are applied; the first of T4, T2, T3 that does not hold gives the label, T1 otherwise. Requires that
// the end was reached.
template <class Evidence, class Trace>
[[nodiscard]] TailLabel decide_tail_of(const TailEvidence& e, const Evidence& shown, Trace& trace) {
  const bool chained =
      !e.first_replayed_chain_before || !e.manifest_chain || *e.first_replayed_chain_before == *e.manifest_chain;
  const bool continuous = !e.discontinuity && chained;
  const bool no_hole = !e.later_segment;
  const bool above_bound = !e.bound_lsn || e.end_lsn.value_or(Lsn()) >= *e.bound_lsn;
  apply_tail_rule(RuleId::kRec4, evaluation(continuous), shown, trace);
  apply_tail_rule(RuleId::kRec2, evaluation(no_hole), shown, trace);
  apply_tail_rule(RuleId::kRec3, evaluation(above_bound), shown, trace);
  apply_tail_rule(RuleId::kRec1, evaluation(continuous && no_hole && above_bound), shown, trace);
  if (!continuous) return TailLabel::kT4;
  if (!no_hole) return TailLabel::kT2;
  return above_bound ? TailLabel::kT1 : TailLabel::kT3;
}

template <class Trace>
[[nodiscard]] TailLabel decide_tail(const TailEvidence& e, Trace& trace) {
  return decide_tail_of(e, e, trace);
}

}  // namespace aerodb::rules
