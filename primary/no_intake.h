// aerodb-primary takes no records: its replica.* methods exist and say so. What replica.open tells of another lineage
// is heard all the same (common/node/lineage.h).
#pragma once

#include "common/node/node.h"

namespace aerodb::primary {

void refuse_records(node::Node& node);

}  // namespace aerodb::primary
