// What a log says of authority, as evidence for the rules that decide about it: of a running engine and of a directory
// at rest alike.
#pragma once

#include <span>

#include "common/engine/authority.h"
#include "common/engine/node_directory.h"
#include "common/rules/authority_rules.h"

namespace aerodb::engine {

// Who the node is, its role, epoch and the seal that its log ends with. State, positions and the rest of the command
// are the caller's to fill in.
[[nodiscard]] rules::AuthorityEvidence authority_evidence_of(rules::AuthorityCommand command, const NodeFile& node,
                                                             const Authority& authority,
                                                             std::span<const DeclinedSeal> declined_seals);

// The refusal of a decision that is not granted, with the rules that do not hold.
[[nodiscard]] std::unexpected<Error> authority_refused(const rules::AuthorityEvidence& evidence,
                                                       rules::AuthorityDecision decision);

}  // namespace aerodb::engine
