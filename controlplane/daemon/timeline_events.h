// Events of nodes for the timeline: one `observe.events` call to each node asked, shown unchanged. Nothing is kept,
// ordered or left out here. Thread: the loop's.
#pragma once

#include <functional>

#include "controlplane/daemon/controlplane_config.h"
#include "controlplane/daemon/node_calls.h"

namespace aerodb::controlplane {

inline constexpr uint32_t kMaxEventsRead = 1000;  // of each node

// UNKNOWN_NODE, or BAD_REQUEST for a limit out of range or a node named twice; then nobody is asked. A node that is not
// reached stands in its place with the error code. Both must outlive the calls.
void read_events(NodeCalls& calls, const ControlplaneConfig& config, const wire::InspectEventsRequest& request,
                 std::move_only_function<void(Result<wire::InspectEventsResponse>)> done);

}  // namespace aerodb::controlplane
