// Fetches what a timeline is made of from the control plane: verification and records of the audit log, and the events
// that the nodes show. A page a request; a node is asked again only where its page was full. Nothing is kept.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/session.h"
#include "controlplane/console/timeline/report.h"

namespace aerodb::console::timeline {

// `nodes`: configured names; empty: all. BAD_MESSAGE where numbers do not grow; MESSAGE_TOO_LARGE for an audit log of
// more than 512 MiB.
[[nodiscard]] Result<Logs> fetch(Session& session, const std::vector<std::string>& nodes);

}  // namespace aerodb::console::timeline
