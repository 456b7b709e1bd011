// aerodb-primary takes no records: its replica.* methods exist and say so.
#pragma once

#include "common/node/node.h"

namespace aerodb::primary {

void refuse_records(node::Node& node);

}  // namespace aerodb::primary
