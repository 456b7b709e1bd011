// Chains of this node's own log at any LSN, to be compared with what another node's history says of it. Thread: the
// loop's.
#pragma once

#include <functional>
#include <optional>

#include "common/engine/engine.h"

namespace aerodb::node {

// The chain after a durable LSN, where memory holds it: the end, the starts of epochs, the newest records.
[[nodiscard]] std::optional<Chain> known_chain_after(const engine::Engine& engine, Lsn lsn);

// The same, read from the log where memory does not hold it; nullopt where the log does not reach so far, holds it no
// longer, or can't be read. `done` may run before this returns, and does not run where the engine ends before.
void own_chain_after(engine::Engine& engine, Lsn lsn, std::move_only_function<void(const std::optional<Chain>&)> done);

}  // namespace aerodb::node
