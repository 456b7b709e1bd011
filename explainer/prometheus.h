// Metrics in the text form of Prometheus. Names follow its conventions, values stay exact: `aerodb_` and the name of
// the metric table, where
//   _us        becomes _seconds, as decimal fraction of six digits
//   _count     goes, and a counter ends with _total: aerodb_requests_total, aerodb_wal_record_bytes_total
//   histograms become one: NAME_UNIT_bucket{le="..."}, NAME_UNIT_sum, NAME_UNIT_count; the maximum is a gauge,
//              NAME_UNIT_max
// docs/spec/OBSERVABILITY.md.
#pragma once

#include <string>

#include "common/wire/messages_common.h"

namespace aerodb::explainer {

// A metric that this program's table does not know (a peer of another version) is "untyped"; a name that could not
// stand in the table is left out.
[[nodiscard]] std::string prometheus_text(const wire::StatsResponse& stats);

}  // namespace aerodb::explainer
