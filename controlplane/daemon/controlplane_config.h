// Configuration of the control plane: where operators reach it, whom it may ask, where it keeps its audit log.
#pragma once

#include <string>
#include <vector>

#include "common/config/checks.h"
#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::controlplane {

struct ControlledNode {
  std::string name;
  runtime::Endpoint address;  // client listener
  runtime::Endpoint control;  // control listener

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("name", self.name, {.required = true, .name = true}, "name of the node, as commands give it");
    visit("address", self.address, {.required = true}, "its client listener, for inspection");
    visit("control", self.control, {.required = true}, "its control listener, for commands");
  }
};

struct ControlplaneConfig {
  std::string name;
  std::string audit_dir;
  uint32_t timeout_ms = 5000;

  runtime::Endpoint listen_control_plane;
  runtime::Endpoint listen_inspect;  // not set: no such listener
  bool listen_allow_remote = false;

  std::vector<ControlledNode> nodes;
  LogLevel log_level = LogLevel::kInfo;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("controlplane.name", self.name, {.required = true, .name = true}, "name of the control plane");
    visit("controlplane.audit_dir", self.audit_dir, {.required = true}, "directory of the append-only audit log");
    visit("controlplane.timeout_ms", self.timeout_ms, {.min = 100, .max = 600'000},
          "a node that has not answered by then is unreached, and a dispatched command unknown");
    visit("listen.control_plane", self.listen_control_plane, {.required = true},
          "all methods; Unix socket only, since the operator is known by its peer's user id");
    visit("listen.inspect", self.listen_inspect, "if set: inspection, audit and timeline for reading, no command");
    visit("listen.allow_remote", self.listen_allow_remote,
          "accept an inspect listener beyond loopback; nothing on it is encrypted or asks who is there");
    visit("log.level", self.log_level, "least level of the lines on stderr");
    visit("node", self.nodes, {.required = true}, "a node that can be inspected and commanded");
  }

  void check(config::Problems& problems) const {
    config::check_listeners({{"listen.control_plane", listen_control_plane}, {"listen.inspect", listen_inspect}},
                            listen_allow_remote, problems);
    if (listen_control_plane.kind != runtime::Endpoint::Kind::kUnix) {
      problems.add("listen.control_plane", config::quote(listen_control_plane.text()), "unix:PATH");
    }
    config::check_names("node", nodes, problems);
  }
};

}  // namespace aerodb::controlplane
