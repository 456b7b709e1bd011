// Evidence of promotion.decision: from the authority records of a log, of a running node or of a directory at rest
// alike, and from what was kept beside it.
#pragma once

#include <vector>

#include "common/engine/decision.h"
#include "common/rules/promotion_rules.h"

namespace aerodb::engine {

struct EpochStartFound {
  rules::PromotionEvidence evidence;  // as far as the log tells
  Chain chain_after;                  // the record
};

// `authority_records`: lineage_start, epoch_start, seal, verbatim, in order; those beyond `up_to` do not count.
// `epoch`: absent: the newest. BAD_REQUEST where there is no such epoch, BAD_RECORD where a record does not parse.
[[nodiscard]] Result<EpochStartFound> find_epoch_start(const std::vector<Bytes>& authority_records, Lsn up_to,
                                                       std::optional<Epoch> epoch);

// Adds what this directory kept of the decision, where it is of that very record. What can't be read is put down as the
// evidence's failed_code. Blocking.
void add_decision(runtime::Disk& disk, const std::string& data_dir, EpochStartFound& found);

}  // namespace aerodb::engine
