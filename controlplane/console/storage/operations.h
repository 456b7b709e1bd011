// Waiting for a storage operation of a node and showing how it ended.
#pragma once

#include "common/wire/methods.h"
#include "controlplane/console/session.h"
#include "controlplane/console/target.h"

namespace aerodb::console {

// Asks the node until the operation is over; shows its progress on a terminal.
[[nodiscard]] Result<wire::OperationView> wait_for_operation(Session& session, uint64_t number, Output& output);

// The operation as an answer; where it failed, its own error.
[[nodiscard]] Result<ExitCode> show_operation(const wire::OperationView& operation, Output& output);

}  // namespace aerodb::console
