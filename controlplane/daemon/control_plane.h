// The control plane as one object on any runtime: listeners, desk, inspection, audit log. It may look, hand on the
// node's explanation, ask, and write down; it decides nothing and repeats nothing. docs/spec/CONTROL_PLANE.md.
//
// Commands are taken on the Unix socket `listen.control_plane` alone, where the operating system names the operator
// (rule CTRL-6). The listener `listen.inspect` serves inspection and the audit log for reading; a command there is
// NOT_PERMITTED.
//
// Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/observe/metrics.h"
#include "common/runtime/runtime.h"
#include "common/wire/server.h"
#include "controlplane/daemon/audit_log.h"
#include "controlplane/daemon/controlplane_config.h"
#include "controlplane/daemon/desk.h"
#include "controlplane/daemon/inspect.h"
#include "controlplane/daemon/kernel_adapter.h"
#include "controlplane/daemon/node_calls.h"
#include "controlplane/daemon/operator.h"

namespace aerodb::controlplane {

class ControlPlane {
 public:
  // The runtime must outlive this.
  ControlPlane(runtime::Runtime& runtime, ControlplaneConfig config, UserNames user_names = system_user_name);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // Opens and verifies the audit log, then listens. `done` runs in a later turn. A log that is broken or can't be
  // written does not keep the control plane from starting: reading is served, commands are refused.
  void start(std::move_only_function<void(Result<void>)> done);

  // Ends the listeners and every call under way; a command that was dispatched is audited as unknown. Then `done`, in
  // a later turn. Once, after start() was answered.
  void stop(runtime::Callback done);

  [[nodiscard]] const AuditLog& audit() const { return audit_; }
  // With the counters of the listeners as they are now.
  [[nodiscard]] const observe::Metrics& metrics();

 private:
  enum class Commands : uint8_t { kTaken, kRefused };
  [[nodiscard]] std::unique_ptr<wire::Server> make_server(Commands commands);
  void serve_inspection(wire::Server& server);
  void serve_view(const wire::InspectViewRequest& request, wire::Responder responder);
  void serve_audit(wire::Server& server);
  void serve_commands(wire::Server& server, Commands commands);
  [[nodiscard]] std::optional<Operator> operator_of(const wire::Responder& responder, Commands commands) const;
  Result<void> listen();

  runtime::Runtime& runtime_;
  const ControlplaneConfig config_;
  UserNames user_names_;
  observe::Metrics metrics_;
  AuditLog audit_;
  NodeCalls calls_;
  Inspector inspector_;
  KernelAdapter kernel_;
  Desk desk_;
  // Last: a server that is gone makes the duty to answer void, whatever still holds it.
  std::unique_ptr<wire::Server> server_;
  std::unique_ptr<wire::Server> inspect_server_;
};

}  // namespace aerodb::controlplane
