// Parts that several messages share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/wire/fields.h"

namespace aerodb::wire {

// What every answered read and write carries, and what a client may show to never be answered from the past.
struct Receipt {
  LineageId lineage;
  Epoch epoch;
  CommitId commit_id;
  Lsn lsn;
  Chain chain;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lineage", self.lineage, "lineage of the answering node");
    visit("epoch", self.epoch, "epoch in which lsn lies");
    visit("commit_id", self.commit_id, "last commit at lsn");
    visit("lsn", self.lsn, "position at which the answer was fixed");
    visit("chain", self.chain, "chain after lsn");
  }
};

// One entry of a node's ancestry.
struct AncestryEntry {
  LineageId lineage;
  Epoch epoch;
  Lsn first_lsn;
  CommitId first_commit;  // last commit before first_lsn
  Chain chain;            // chain before first_lsn
  std::string node;
  InstanceId instance;
  std::string reason;  // init, promotion, end, restore
  std::optional<LineageId> parent;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lineage", self.lineage, "lineage");
    visit("epoch", self.epoch, "epoch that starts here");
    visit("first_lsn", self.first_lsn, "LSN of the record that starts it");
    visit("first_commit", self.first_commit, "last commit before it");
    visit("chain", self.chain, "chain before it");
    visit("node", self.node, "node that holds authority in it");
    visit("instance", self.instance, "that node's instance");
    visit("reason", self.reason, "init, promotion, end or restore");
    visit("parent", self.parent, "lineage it forked from");
  }
};

// Who asks for a change of authority and why; stands in the record that results.
struct Request {
  std::string request_id;
  std::string operator_name;
  std::string reason;
  std::optional<Sha256> audit_head;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request_id", self.request_id, "id under which the outcome can be asked for");
    visit("operator_name", self.operator_name, "who; recorded, never checked");
    visit("reason", self.reason, "why; recorded");
    visit("audit_head", self.audit_head, "hash of the audit record written before dispatch");
  }
};

struct HelloRequest {
  uint32_t protocol = 0;
  std::string client;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("protocol", self.protocol, "protocol version; this is 1");
    visit("client", self.client, "name of the program that calls, for the log");
  }
};
struct HelloResponse {
  uint32_t protocol = 0;
  std::string program;
  std::string version;
  std::string node;
  std::string listener;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("protocol", self.protocol, "protocol version spoken");
    visit("program", self.program, "role binary");
    visit("version", self.version, "its version");
    visit("node", self.node, "configured name");
    visit("listener", self.listener, "which listener this is");
  }
};

struct MetricValue {
  std::string name;
  uint64_t value = 0;
  std::string unit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name, "metric name");
    visit("value", self.value, "exact value");
    visit("unit", self.unit, "bytes, us, count, lsn or commit");
  }
};
struct StatsResponse {
  std::vector<MetricValue> metrics;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("metrics", self.metrics, "every metric of the process, in table order");
  }
};

// An explanation as the node made it, with its hashes beside it.
struct ExplanationResponse {
  Packed explanation;
  Sha256 sha256{};
  std::vector<Sha256> rule_sha256;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("explanation", self.explanation, "the explanation object, canonical");
    visit("sha256", self.sha256, "SHA-256 of its canonical JSON");
    visit("rule_sha256", self.rule_sha256, "SHA-256 of the canonical JSON of each rule entry, in order");
  }
};

}  // namespace aerodb::wire
