#include "common/wal/tail_decision.h"

#include <fmt/format.h>

#include "common/base/assert.h"

namespace aerodb::wal {

Error tail_refusal(TailLabel label, const TailEvidence& e) {
  Error error;
  const uint64_t segment = e.end_segment.value_or(0);
  const uint64_t offset = e.end_offset.value_or(0);
  const uint64_t end_lsn = e.end_lsn.value_or(Lsn()).value();
  switch (label) {
    case TailLabel::kT1:
      break;
    case TailLabel::kT2:
      error = {ErrorCode::kWalHole,
               fmt::format("open log: no valid frame in segment {} at offset {}, but one in segment {} at offset {}",
                           segment, offset, e.later_segment.value_or(0), e.later_offset.value_or(0)),
               {}};
      break;
    case TailLabel::kT3:
      error = {ErrorCode::kWalBoundLost,
               fmt::format("open log: it ends at LSN {}, but {} says that LSN {} was durable", end_lsn,
                           e.bound_name.value_or(""), e.bound_lsn.value_or(Lsn()).value()),
               {}};
      break;
    case TailLabel::kT4:
      error = {ErrorCode::kWalDiscontinuity,
               fmt::format("open log: segment {} at offset {}: {}", segment, offset, e.discontinuity.value_or("")),
               {}};
      break;
  }
  AERODB_ASSERT(label != TailLabel::kT1);
  error.with("tail_label", tail_label_name(label))
      .with("segment", segment)
      .with("offset", offset)
      .with("end_lsn", end_lsn);
  return error;
}

}  // namespace aerodb::wal
