// The decision about a log's end (common/rules/tail_rules.h) in terms of the log: its evidence comes from scan.h, and
// what it refuses is named here.
#pragma once

#include "common/base/error.h"
#include "common/rules/tail_rules.h"
#include "common/wal/ring.h"

namespace aerodb::wal {

using rules::decide_tail;
using rules::tail_label_name;
using rules::TailEvidence;
using rules::TailLabel;

// The refusal for T2, T3 and T4, naming segment, offset, expected and found.
[[nodiscard]] Error tail_refusal(TailLabel label, const TailEvidence& evidence);

}  // namespace aerodb::wal
