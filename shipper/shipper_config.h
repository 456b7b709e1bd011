// Configuration of a shipper: one source, the targets it pushes to. After a switchover another file names the new
// source.
#pragma once

#include <string>
#include <vector>

#include "common/config/checks.h"
#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::shipper {

struct ShipperConfig {
  std::string name;
  uint32_t reconnect_ms = 500;

  runtime::Endpoint listen_shipper;
  bool listen_allow_remote = false;

  std::string source_name;
  runtime::Endpoint source_address;
  std::vector<config::Peer> targets;

  uint32_t fetch_max_bytes = config::kMiB;
  uint32_t fetch_wait_ms = 1000;
  uint64_t window_bytes = 8 * config::kMiB;
  LogLevel log_level = LogLevel::kInfo;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    using config::kKiB;
    using config::kMiB;
    visit("shipper.name", self.name, {.required = true, .name = true}, "name of the shipper");
    visit("shipper.reconnect_ms", self.reconnect_ms, {.min = 0, .max = 3'600'000},
          "a lost connection is opened again after so long; 0: never");
    visit("listen.shipper", self.listen_shipper, {.required = true}, "its own state and counters");
    visit("listen.allow_remote", self.listen_allow_remote,
          "accept a listener beyond loopback; nothing on it is encrypted or asks who is there");
    visit("source.name", self.source_name, {.required = true, .name = true}, "name of the node whose log is shipped");
    visit("source.address", self.source_address, {.required = true}, "its replication listener");
    visit("fetch.max_bytes", self.fetch_max_bytes, {.min = 64 * kKiB, .max = kMiB},
          "records asked for at once; a single larger record comes whole");
    visit("fetch.wait_ms", self.fetch_wait_ms, {.min = 1, .max = 60'000},
          "the source answers empty after so long without anything newer");
    visit("window.bytes", self.window_bytes, {.min = kMiB, .max = 256 * kMiB},
          "records sent to a target and not yet answered");
    visit("log.level", self.log_level, "least level of the lines on stderr");
    visit("target", self.targets, {.required = true}, "a replica to push to; `address` is its replication listener");
  }

  void check(config::Problems& problems) const {
    config::check_listeners({{"listen.shipper", listen_shipper}}, listen_allow_remote, problems);
    config::check_names("target", targets, problems);
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i].address != source_address) continue;
      problems.add("target[" + std::to_string(i) + "].address", config::quote(source_address.text()),
                   "another node than the source");
    }
  }
};

}  // namespace aerodb::shipper
