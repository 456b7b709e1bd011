// Configuration of the explainer: where it listens, and whom it asks.
#pragma once

#include <string>
#include <vector>

#include "common/config/checks.h"
#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::explainer {

struct ExplainerConfig {
  std::string name;
  bool enabled = true;
  uint32_t timeout_ms = 5000;

  runtime::Endpoint listen_explainer;
  runtime::Endpoint listen_http;
  bool listen_allow_remote = false;
  std::vector<std::string> http_allowed_hosts;

  std::vector<config::Peer> nodes;
  std::vector<config::Peer> shippers;
  runtime::Endpoint control_plane;  // not set: nobody to ask
  LogLevel log_level = LogLevel::kInfo;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("explainer.name", self.name, {.required = true, .name = true}, "name of the explainer");
    visit("explainer.enabled", self.enabled, "false: it starts without listeners and asks nobody");
    visit("explainer.timeout_ms", self.timeout_ms, {.min = 100, .max = 600'000},
          "a peer that has not answered by then is unreached");
    visit("listen.explainer", self.listen_explainer, {.required = true}, "MessagePack-RPC");
    visit("listen.http", self.listen_http, {.required = true}, "HTTP: `/v1`, `/metrics` and the web page; TCP only");
    visit("listen.allow_remote", self.listen_allow_remote,
          "accept listeners beyond loopback; nothing on them is encrypted or asks who is there");
    visit("http.allowed_hosts", self.http_allowed_hosts, {.derived = "`127.0.0.1:PORT`, `localhost:PORT`"},
          "values of the Host header that are answered; any other is refused");
    visit("control_plane.address", self.control_plane, "the control plane's inspect listener, for its audit log");
    visit("log.level", self.log_level, "least level of the lines on stderr");
    visit("node", self.nodes, {.required = true}, "a node to ask; `address` is its client listener");
    visit("shipper", self.shippers, "a shipper to ask; `address` is its own listener");
  }

  void complete() {
    if (!http_allowed_hosts.empty()) return;
    const std::string port = std::to_string(listen_http.port);
    http_allowed_hosts = {"127.0.0.1:" + port, "localhost:" + port};
  }
  void check(config::Problems& problems) const {
    config::check_listeners({{"listen.explainer", listen_explainer}, {"listen.http", listen_http}}, listen_allow_remote,
                            problems);
    if (listen_http.kind != runtime::Endpoint::Kind::kTcp) {
      problems.add("listen.http", config::quote(listen_http.text()), "HOST:PORT");
    }
    config::check_names("node", nodes, problems);
    config::check_names("shipper", shippers, problems);
  }
};

}  // namespace aerodb::explainer
