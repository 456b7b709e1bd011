// A small history and nodes that serve it: real records, real explanations, real RPC servers on the in-memory network,
// and hooks to make a node lie, fail or keep silent.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"
#include "common/wal/record.h"
#include "common/wire/server.h"
#include "explainer/explainer_config.h"
#include "tests/unit/explainer/fake_evidence.h"
#include "tests/unit/wire/memory_runtime.h"

namespace aerodb::explainer::testing {

template <class Id>
Id filled_id(uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}
inline LineageId test_lineage() { return filled_id<LineageId>(0x11); }
inline Bytes test_document(uint8_t value) { return {0x82, 0xa3, '_', 'i', 'd', 0xa2, 'A', 'W', 0xa1, 'n', value}; }

// Records of a log from LSN 1 on.
class TestLog {
 public:
  TestLog() {
    wal::LineageStart start;
    start.lineage = test_lineage();
    start.node = "p1";
    start.instance = filled_id<InstanceId>(0x22);
    add(0, start);
  }
  void add(uint64_t commit, const wal::Payload& payload, Epoch epoch = Epoch(1)) {
    wal::RecordHeader header;
    header.epoch = epoch;
    header.lsn = Lsn(records_.size() + 1);
    header.commit = CommitId(commit);
    header.chain_before = chain();
    header.digest_after = digest_at(header.lsn);
    wal::encode_record(header, payload, records_.emplace_back());
  }
  void add_commit(uint64_t commit, wal::CommitOperation operation) { add(commit, wal::Commit{{operation}}); }
  [[nodiscard]] Lsn end() const { return Lsn(records_.size()); }
  [[nodiscard]] const Bytes& at(Lsn lsn) const { return records_.at(lsn.value() - 1); }
  [[nodiscard]] Chain chain() const { return records_.empty() ? Chain{} : chain_at(end()); }
  [[nodiscard]] Chain chain_at(Lsn lsn) const { return wal::chain_over(at(lsn)); }
  // Keeps the records up to `lsn`.
  void cut_after(Lsn lsn) { records_.resize(lsn.value()); }

 private:
  std::vector<Bytes> records_;
};

// LSN 2 to 5: insert countries/AW, insert countries/BE, update and delete countries/AW: commits 1 to 4.
inline TestLog four_commits() {
  TestLog log;
  const Bytes first = test_document(1);
  const Bytes second = test_document(2);
  log.add_commit(1, {wal::Operation::kInsert, "countries", "AW", 1, CommitId(), first});
  log.add_commit(2, {wal::Operation::kInsert, "countries", "BE", 1, CommitId(), first});
  log.add_commit(3, {wal::Operation::kUpdate, "countries", "AW", 2, CommitId(1), second});
  log.add_commit(4, {wal::Operation::kDelete, "countries", "AW", 0, CommitId(3), {}});
  return log;
}

inline rules::VersionEvidence version(uint64_t commit, uint64_t lsn, uint32_t schema, const Bytes& document,
                                      uint64_t prev) {
  rules::VersionEvidence version{CommitId(commit), Lsn(lsn), "document", schema, {}, CommitId(prev)};
  version.hash.bytes = xxh3_128(document);
  return version;
}
// What is true of countries/AW at commit 4 in that history.
inline rules::ReadVisibilityEvidence true_evidence() {
  rules::ReadVisibilityEvidence evidence;
  evidence.collection = "countries";
  evidence.id = "AW";
  evidence.commit = CommitId(4);
  evidence.versions = {{CommitId(4), Lsn(5), "tombstone", 0, {}, CommitId(3)},
                       version(3, 4, 2, test_document(2), 1),
                       version(1, 2, 1, test_document(1), 0)};
  return evidence;
}
// The same at commit 3.
inline rules::ReadVisibilityEvidence true_evidence_at_3() {
  auto evidence = true_evidence();
  evidence.commit = CommitId(3);
  evidence.versions.erase(evidence.versions.begin());
  return evidence;
}
inline wire::ExplanationResponse answer_of(const rules::Explanation& explanation) {
  return {wire::Packed{explanation.packed}, explanation.sha256, explanation.rule_sha256};
}
inline wire::EvidenceVersionsResponse versions_of(const rules::ReadVisibilityEvidence& evidence) {
  wire::EvidenceVersionsResponse response;
  for (const auto& v : evidence.versions) {
    response.versions.push_back({v.commit, v.lsn, v.kind, v.schema_version, v.hash.bytes, v.prev_commit});
  }
  response.receipt.lineage = test_lineage();
  response.receipt.commit_id = CommitId(4);
  return response;
}

inline runtime::Endpoint endpoint_at(uint16_t port) {
  auto endpoint = runtime::Endpoint::parse("127.0.0.1:" + std::to_string(port));
  AERODB_ASSERT(endpoint.has_value());
  return *endpoint;
}

// A node with `log`, which holds authority where its name is p1.
class FakeNode {
 public:
  FakeNode(wire::testing::MemoryRuntime& runtime, std::string given_name, uint16_t port)
      : name(std::move(given_name)), server_(runtime, wire::ListenerKind::kClient, {}, {}) {
    serve();
    AERODB_ASSERT(server_.listen(endpoint_at(port)).has_value());
  }

  const std::string name;
  TestLog log = four_commits();
  rules::ReadVisibilityEvidence evidence = true_evidence();
  wire::EvidenceVersionsResponse versions = versions_of(true_evidence());
  Lsn released;  // records up to here can't be read any more
  std::optional<Error> status_error;
  std::string authority = "p1";
  bool silent = false;                  // requests are kept, not answered
  std::vector<wire::Responder> kept;    // these
  std::vector<std::string> asked;       // methods, in order
  std::optional<wire::Receipt> source;  // as handed over with explain.replication
  rules::QueryEvidence query = true_query();
  rules::RecoveryEvidence recovery = true_recovery();
  rules::CheckpointEvidence checkpoint = true_checkpoint(log.chain_at(Lsn(3)));
  rules::HaltEvidence halt = true_halt(name);
  rules::AuthorityEvidence command = true_command(name, test_lineage());
  rules::PromotionEvidence promotion;
  LineageId lineage = test_lineage();
  wire::ObserveStorageResponse storage;
  wire::ObserveMvccResponse mvcc;
  wire::ObserveIndexesResponse indexes;
  wire::ObserveEventsResponse events;
  wire::StatsResponse stats;
  std::optional<std::string> after_collection;  // as asked for last
  std::optional<CommitId> asked_at_commit;      // by explain.query, last
  std::function<void(wire::StatusResponse&)> tamper_status = [](auto&) {};
  std::function<void(rules::Explanation&)> tamper_read = [](auto&) {};
  std::function<void(rules::ReplicationSafetyEvidence&)> tamper_safety = [](auto&) {};
  [[nodiscard]] uint64_t connections() const { return server_.counters().connections_accepted; }

 private:
  template <class Request, class Response, class Answer>
  void on(const wire::Method<Request, Response>& method, Answer answer) {
    server_.handle(method, [this, method, answer](const Request& request, wire::Responder responder) {
      asked.emplace_back(method.name);
      if (silent) {
        kept.push_back(std::move(responder));
      } else {
        answer(request, responder);
      }
    });
  }
  void serve() {
    on(wire::kStatus, [this](const auto&, auto& responder) {
      if (status_error) return responder.error(*status_error);
      responder.ok(status());
    });
    on(wire::kObserveReplication, [this](const auto&, auto& responder) {
      wire::NodeReplicationResponse response;
      response.role = name == "p1" ? "primary" : "replica";
      response.state = "READY";
      response.durable_lsn = response.applied_lsn = log.end();
      response.applied_commit = CommitId(4);
      responder.ok(response);
    });
    serve_observation();
    serve_explanations();
    on(wire::kExplainRead, [this](const auto& request, auto& responder) {
      if (request.at_commit == CommitId(99)) return responder.error({ErrorCode::kBehind, "not yet", {}});
      auto explanation = rules::explain_visibility(evidence, test_lineage());
      tamper_read(explanation);
      responder.ok(answer_of(explanation));
    });
    on(wire::kExplainReplication, [this](const auto& request, auto& responder) { explain(request, responder); });
    on(wire::kEvidenceVersions, [this](const auto&, auto& responder) { responder.ok(versions); });
    on(wire::kEvidenceRecords, [this](const auto& request, auto& responder) { records(request.first_lsn, responder); });
  }
  void serve_observation() {
    on(wire::kObserveWal, [this](const auto&, auto& responder) {
      wire::ObserveWalResponse response;
      response.first_lsn = released.next();
      response.durable_lsn = response.appended_lsn = log.end();
      response.chain = log.chain();
      responder.ok(response);
    });
    on(wire::kObserveStorage, [this](const auto&, auto& responder) { responder.ok(storage); });
    on(wire::kObserveMvcc, [this](const auto& request, auto& responder) {
      after_collection = request.after_collection;
      responder.ok(mvcc);
    });
    on(wire::kObserveIndexes, [this](const auto& request, auto& responder) {
      after_collection = request.after_collection;
      responder.ok(indexes);
    });
    on(wire::kObserveEvents, [this](const auto& request, auto& responder) {
      wire::ObserveEventsResponse response;
      for (const auto& event : events.events) {
        if (event.number > request.after_number && response.events.size() < request.limit)
          response.events.push_back(event);
      }
      responder.ok(response);
    });
    on(wire::kObserveStats, [this](const auto&, auto& responder) { responder.ok(stats); });
  }
  void serve_explanations() {
    on(wire::kExplainQuery, [this](const auto& request, auto& responder) {
      asked_at_commit = request.at_commit;
      responder.ok(answer_of(rules::explain_query(query, lineage)));
    });
    on(wire::kExplainRecovery,
       [this](const auto&, auto& responder) { responder.ok(answer_of(rules::explain_recovery(recovery, lineage))); });
    on(wire::kExplainCheckpoint, [this](const auto&, auto& responder) {
      responder.ok(answer_of(rules::explain_checkpoint(checkpoint, lineage)));
    });
    on(wire::kExplainHalt,
       [this](const auto&, auto& responder) { responder.ok(answer_of(rules::explain_halt(halt, lineage))); });
    on(wire::kExplainPromotion,
       [this](const auto&, auto& responder) { responder.ok(answer_of(rules::explain_promotion(promotion))); });
    on(wire::kExplainCommand, [this](const auto& request, auto& responder) {
      auto asked_for = command;
      asked_for.successor = request.successor;
      asked_for.successor_instance = request.successor_instance;
      AERODB_ASSERT(rules::enum_from_name(request.command, asked_for.command));
      responder.ok(answer_of(rules::explain_authority_command(asked_for)));
    });
  }
  [[nodiscard]] wire::StatusResponse status() const {
    wire::StatusResponse status;
    status.node = name;
    status.role = name == "p1" ? "primary" : "replica";
    status.state = "READY";
    status.lineage = test_lineage();
    status.epoch = Epoch(1);
    status.authority_node = authority;
    status.appended_lsn = status.durable_lsn = status.applied_lsn = log.end();
    status.commit_id = CommitId(4);
    status.chain = log.chain();
    tamper_status(status);
    return status;
  }
  void explain(const wire::ExplainReplicationRequest& request, wire::Responder& responder) {
    source = request.source;
    rules::ReplicationSafetyEvidence safety;
    safety.gate.state = rules::NodeState::kReady;
    safety.gate.log_validated = true;
    safety.gate.applied_lsn = safety.own_lsn = log.end();
    safety.gate.applied_commit = CommitId(log.end().value() - 1);
    safety.gate.commit = request.at_commit.value_or(safety.gate.applied_commit);
    safety.own_chain = log.chain();
    if (source) {
      safety.source_node = authority;
      safety.source_lsn = source->lsn;
      safety.source_chain = source->chain;
      safety.own_chain_at_source_lsn = log.chain_at(source->lsn);
    }
    tamper_safety(safety);
    responder.ok(answer_of(rules::explain_replication_safety(safety, test_lineage())));
  }
  void records(Lsn lsn, wire::Responder& responder) {
    if (lsn > log.end()) return responder.error({ErrorCode::kSourceBehind, "beyond", {}});
    if (lsn <= released) return responder.error({ErrorCode::kLogReleased, "released", {}});
    responder.ok(wire::EvidenceRecordsResponse{lsn, 1, {lineage, Epoch(1), {}, log.end(), {}}, log.at(lsn)});
  }

  wire::Server server_;
};

// LSN 6 and 7 of a node: a seal for r1, and r1's epoch 2; the evidence says the same.
inline void add_promotion(FakeNode& node) {
  wal::Seal seal;
  seal.successor = "r1";
  seal.successor_instance = filled_id<InstanceId>(0x33);
  seal.number = 1;
  node.log.add(4, seal);
  wal::EpochStart start;
  start.epoch = Epoch(2);
  start.node = "r1";
  start.instance = seal.successor_instance;
  start.seal_lsn = Lsn(6);
  start.who = {"0123", "somebody", "a test", std::nullopt};
  node.log.add(4, start, Epoch(2));
  auto& evidence = node.promotion;
  evidence.epoch = start.epoch;
  evidence.lineage = test_lineage();
  evidence.started_by = "promotion";
  evidence.start_lsn = Lsn(7);
  evidence.start_commit = CommitId(4);
  evidence.start_chain = evidence.seal_chain.emplace(node.log.chain_at(Lsn(6)));
  evidence.digest = digest_at(Lsn(7));
  evidence.node = start.node;
  evidence.instance = start.instance;
  evidence.request_id = start.who.request_id;
  evidence.operator_name = start.who.operator_name;
  evidence.reason = start.who.reason;
  evidence.answers_seal_lsn = evidence.seal_lsn = Lsn(6);
  evidence.seal_number = seal.number;
  evidence.seal_successor = seal.successor;
  evidence.seal_successor_instance = seal.successor_instance;
}

// p1 and r1, up; r2, configured and down; a shipper s1, down.
struct FakeCluster {
  wire::testing::MemoryRuntime runtime;
  FakeNode p1{runtime, "p1", 7301};
  FakeNode r1{runtime, "r1", 7302};

  static ExplainerConfig config() {
    ExplainerConfig config;
    config.name = "x1";
    config.timeout_ms = 1000;
    config.listen_explainer = endpoint_at(7400);
    config.listen_http = endpoint_at(7401);
    config.nodes = {{"p1", endpoint_at(7301)}, {"r1", endpoint_at(7302)}, {"r2", endpoint_at(7303)}};
    config.shippers = {{"s1", endpoint_at(7311)}};
    return config;
  }
};

}  // namespace aerodb::explainer::testing
