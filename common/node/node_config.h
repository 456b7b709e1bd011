// Configuration of a node. It names no role: both node binaries accept it, and the data directory proves which one
// fits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/checks.h"
#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::node {

inline constexpr std::string_view kZstd = "zstd";
inline constexpr std::string_view kCompressions[] = {"none", kZstd};

struct NodeConfig {
  std::string name;
  std::string data_dir;
  std::optional<ClusterId> cluster_id;  // checked against the data directory at start

  runtime::Endpoint listen_client;
  runtime::Endpoint listen_replication;
  runtime::Endpoint listen_control;
  runtime::Endpoint listen_maintenance;
  bool listen_allow_remote = false;
  runtime::Endpoint http_listen;  // not set: no REST
  std::vector<std::string> http_allowed_hosts;

  uint32_t wal_segments = 4;
  uint64_t wal_segment_bytes = 64 * config::kMiB;
  bool wal_group_commit = true;

  uint64_t memory_max_bytes = config::kGiB;
  uint64_t storage_cache_bytes = 64 * config::kMiB;
  std::string storage_compression = "none";
  uint32_t storage_max_snapshots = 64;
  uint32_t documents_max_bytes = config::kMiB;
  uint32_t query_max_entries = 100'000;

  uint32_t limits_max_connections = 1024;
  uint32_t limits_max_in_flight = 1024;
  uint64_t limits_max_queued_bytes = 32 * config::kMiB;
  uint32_t limits_half_message_ms = 10'000;

  uint64_t events_max_bytes = 64 * config::kMiB;
  LogLevel log_level = LogLevel::kInfo;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    using config::kGiB;
    using config::kKiB;
    using config::kMiB;
    visit("node.name", self.name, {.required = true, .name = true},
          "name of the node; must be the one its init was given");
    visit("node.data_dir", self.data_dir, {.required = true}, "directory that holds everything the node owns");
    visit("node.cluster_id", self.cluster_id, "if set, a data directory of another cluster is refused");

    visit("listen.client", self.listen_client, {.required = true}, "documents, observation, explanations");
    visit("listen.replication", self.listen_replication, {.required = true},
          "the log, for shippers and bootstrapping replicas");
    visit("listen.control", self.listen_control, {.derived = "`unix:DATA_DIR/control.sock`"},
          "for the control plane only");
    visit("listen.maintenance", self.listen_maintenance, {.derived = "`unix:DATA_DIR/maintenance.sock`"},
          "for the `aerodb` command");
    visit("listen.allow_remote", self.listen_allow_remote,
          "accept listeners beyond loopback; nothing on them is encrypted or asks who is there");

    visit("http.listen", self.http_listen, "REST: documents and schemas as JSON; TCP only; absent: not served");
    visit("http.allowed_hosts", self.http_allowed_hosts, {.derived = "`127.0.0.1:PORT`, `localhost:PORT`"},
          "values of the Host header that are answered; any other is refused");

    visit("wal.segments", self.wal_segments, {.min = 4, .max = 4096}, "segments of the log's ring; fixed by init");
    visit("wal.segment_bytes", self.wal_segment_bytes, {.min = 16 * kMiB, .max = kGiB},
          "size of each segment; fixed by init");
    visit("wal.group_commit", self.wal_group_commit,
          "one sync for all writes that came during the one before; false: one each");

    visit("memory.max_bytes", self.memory_max_bytes, {.min = 16 * kMiB, .max = 1024 * kGiB},
          "memory of the newest versions; a write beyond it is refused with MEMORY_FULL");
    visit("storage.cache_bytes", self.storage_cache_bytes, {.min = kMiB, .max = 1024 * kGiB},
          "memory for blocks of runs, beside that of the newest versions");
    visit("storage.compression", self.storage_compression, {.one_of = kCompressions},
          "of the blocks in runs written from now on");
    visit("storage.max_snapshots", self.storage_max_snapshots, {.min = 1, .max = 65'536},
          "directories below snapshots; one more is refused with SNAPSHOT_EXISTS");
    visit("documents.max_bytes", self.documents_max_bytes, {.min = kKiB, .max = 8 * kMiB},
          "largest document, in its canonical form");
    visit("query.max_entries", self.query_max_entries, {.min = 1, .max = 100'000'000},
          "largest bound that a query may ask for, and its bound where it names none");

    visit("limits.max_connections", self.limits_max_connections, {.min = 1, .max = 65'536},
          "connections of each listener");
    visit("limits.max_in_flight", self.limits_max_in_flight, {.min = 1, .max = 65'536},
          "unanswered requests of a connection; beyond it reading pauses");
    visit("limits.max_queued_bytes", self.limits_max_queued_bytes, {.min = kMiB, .max = kGiB},
          "unsent answers of a connection; beyond it reading pauses");
    visit("limits.half_message_ms", self.limits_half_message_ms, {.min = 100, .max = 3'600'000},
          "a message that stays half sent for so long ends its connection");

    visit("events.max_bytes", self.events_max_bytes, {.min = kMiB, .max = kGiB},
          "size at which events.jsonl becomes events.1.jsonl, replacing the older one");
    visit("log.level", self.log_level, "least level of the lines on stderr");
  }

  void complete() {
    if (!config::is_set(listen_control)) listen_control = config::unix_socket(data_dir, "control.sock");
    if (!config::is_set(listen_maintenance)) listen_maintenance = config::unix_socket(data_dir, "maintenance.sock");
    if (!config::is_set(http_listen) || !http_allowed_hosts.empty()) return;
    const std::string port = std::to_string(http_listen.port);
    http_allowed_hosts = {"127.0.0.1:" + port, "localhost:" + port};
  }
  void check(config::Problems& problems) const {
    config::check_listeners({{"listen.client", listen_client},
                             {"listen.replication", listen_replication},
                             {"listen.control", listen_control},
                             {"listen.maintenance", listen_maintenance},
                             {"http.listen", http_listen}},
                            listen_allow_remote, problems);
    if (http_listen.kind != runtime::Endpoint::Kind::kTcp) {
      problems.add("http.listen", config::quote(http_listen.text()), "HOST:PORT");
    }
  }
};

}  // namespace aerodb::node
