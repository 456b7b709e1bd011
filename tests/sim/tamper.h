// What no crash leaves behind: durable bytes that are whole, and wrong. Recovery must refuse them by name.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/cluster.h"

namespace aerodb::sim {

// Ends the node and gives its last logged record another digest, under checksums that hold: starting from that must be
// refused with DIGEST_MISMATCH (REC-6), and so must the end of a halt (FAIL-4). Answers what happened instead; nullopt
// where it was refused, or where the manifest covers everything, so that nothing is replayed. `tried` says which of the
// two.
[[nodiscard]] std::optional<std::string> wrong_digest_is_accepted(NodeHost& host, SimWorld& world,
                                                                  const wal::RingGeometry& geometry, bool& tried);

}  // namespace aerodb::sim
