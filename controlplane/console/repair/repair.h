// Repairs of a node as its maintenance listener shows them.
#pragma once

#include "common/wire/methods.h"
#include "controlplane/console/output.h"
#include "controlplane/console/session.h"

namespace aerodb::console {

// Stays until the repair ends, with a bar where bytes are counted; prints its end. The node answers all the while, also
// when it opens its directory anew.
[[nodiscard]] Result<ExitCode> follow_repair(Session& session, Output& output);

}  // namespace aerodb::console
