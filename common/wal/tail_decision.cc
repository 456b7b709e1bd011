#include "common/wal/tail_decision.h"

#include <fmt/format.h>

#include "common/base/assert.h"

namespace aerodb::wal {

std::string_view tail_label_name(TailLabel label) {
  static constexpr std::string_view kNames[] = {"T1", "T2", "T3", "T4"};
  return kNames[static_cast<size_t>(label)];
}

Error tail_refusal(TailLabel label, const TailEvidence& e) {
  Error error;
  switch (label) {
    case TailLabel::kT1:
      break;
    case TailLabel::kT2:
      error = {ErrorCode::kWalHole,
               fmt::format("open log: no valid frame in segment {} at offset {}, but one in segment {} at offset {}",
                           e.end_segment, e.end_offset, e.later_segment.value_or(0), e.later_offset.value_or(0)),
               {}};
      break;
    case TailLabel::kT3:
      error = {ErrorCode::kWalBoundLost,
               fmt::format("open log: it ends at LSN {}, but {} says that LSN {} was durable", e.end_lsn.value(),
                           e.bound_name.value_or(""), e.bound_lsn.value_or(Lsn()).value()),
               {}};
      break;
    case TailLabel::kT4:
      error = {ErrorCode::kWalDiscontinuity,
               fmt::format("open log: segment {} at offset {}: {}", e.end_segment, e.end_offset,
                           e.discontinuity.value_or("")),
               {}};
      break;
  }
  AERODB_ASSERT(label != TailLabel::kT1);
  error.with("tail_label", tail_label_name(label))
      .with("segment", e.end_segment)
      .with("offset", e.end_offset)
      .with("end_lsn", e.end_lsn.value());
  return error;
}

}  // namespace aerodb::wal
