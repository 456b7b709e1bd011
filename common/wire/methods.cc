#include "common/wire/methods.h"

#include "common/base/assert.h"

namespace aerodb::wire {

std::string_view listener_name(ListenerKind kind) {
  switch (kind) {
    case ListenerKind::kClient:
      return "client";
    case ListenerKind::kReplication:
      return "replication";
    case ListenerKind::kControl:
      return "control";
    case ListenerKind::kMaintenance:
      return "maintenance";
    case ListenerKind::kShipper:
      return "shipper";
    case ListenerKind::kExplainer:
      return "explainer";
    case ListenerKind::kControlPlane:
      return "controlplane";
  }
  assert_failed("a listener without a name", __FILE__, __LINE__);
}

}  // namespace aerodb::wire
