// ping, status, observe.* but stats and storage, evidence.versions: raw state, read-only.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "common/node/node.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

wire::StatusResponse status(Node& node) {
  wire::StatusResponse s;
  s.node = node.config().name;
  s.role = rules::enum_name(rules::Role::kReplica);
  s.state = rules::enum_name(node.state());
  if (const auto* identity = node.identity()) {
    s.cluster = identity->cluster;
    s.instance = identity->instance;
  }
  auto* engine = node.engine();
  if (engine == nullptr) return s;
  const auto& visible = engine->visible();
  const auto& authority = engine->visible_authority();
  s.role = rules::enum_name(engine->role());
  if (const auto* current = authority.current()) {
    s.lineage = current->lineage;
    s.epoch = current->epoch;
    s.authority_node = current->node;
  }
  s.appended_lsn = engine->newest().lsn;
  s.durable_lsn = visible.lsn;
  s.applied_lsn = visible.lsn;
  s.commit_id = visible.commit;
  s.floor = engine->floor();
  s.chain = visible.chain;
  s.digest = visible.digest;
  if (const auto& seal = authority.seal()) {
    s.seal_lsn = seal->lsn;
    s.seal_successor = seal->successor;
    s.seal_successor_instance = seal->successor_instance;
  }
  if (const auto& fence = engine->fence_reason()) {
    s.fenced = true;
    s.fenced_by_lineage = fence->lineage;
    s.fork_lsn = fence->fork_lsn;
  }
  if (const auto& halt = engine->halt_reason()) {
    s.halt_rule = halt->rule;
    s.halt_reason = halt->reason;
  }
  s.ancestry = ancestry_of(authority);
  return s;
}

wire::NodeReplicationResponse observe_replication(Node& node) {
  wire::NodeReplicationResponse r;
  auto& engine = *node.engine();
  r.role = rules::enum_name(engine.role());
  r.state = rules::enum_name(engine.state());
  r.durable_lsn = engine.visible().lsn;
  r.applied_lsn = engine.visible().lsn;
  r.applied_commit = engine.visible().commit;
  if (node.replication_view()) node.replication_view()(r);
  return r;
}

constexpr size_t kVersionsPerPage = 1000;

void evidence_versions(Node& node, const wire::EvidenceVersionsRequest& request, wire::Responder responder) {
  auto& engine = *node.engine();
  const CommitId visible = engine.visible().commit;
  if (request.before_commit && request.before_commit->value() == 0) {
    return responder.error({ErrorCode::kBadRequest, "evidence.versions: before_commit must be at least 1", {}});
  }
  const CommitId bound =
      request.before_commit ? std::min(visible, CommitId(request.before_commit->value() - 1)) : visible;
  node.client_restarts().run(
      engine, std::move(responder),
      [&](Attempt& attempt) { return engine.version_chain(request.collection, request.id, bound, attempt.blocks); },
      [&](const Result<std::vector<rules::VersionEvidence>>& versions, wire::Responder asked) {
        if (!versions) return asked.error(versions.error());
        wire::EvidenceVersionsResponse response;
        for (const auto& v : *versions | std::views::take(kVersionsPerPage))
          response.versions.push_back({v.commit, v.lsn, v.kind, v.schema_version, v.hash.bytes, v.prev_commit});
        response.more = versions->size() > kVersionsPerPage;
        response.receipt = receipt_of(engine.visible());
        asked.ok(response);
      });
}

void observe_events(Node& node, const wire::ObserveEventsRequest& request, wire::Responder responder) {
  if (request.limit == 0 || request.limit > 1000)
    return responder.error({ErrorCode::kBadRequest, "observe.events: limit must be 1 to 1000", {}});
  wire::ObserveEventsResponse response;
  for (auto& event : node.events().recent(request.after_number, request.limit)) {
    response.events.push_back({event.number, event.wall_us, std::move(event.name), std::move(event.fields)});
  }
  responder.ok(response);
}

}  // namespace

wire::ObserveWalResponse observe_wal(Node& node) {
  auto& engine = *node.engine();
  const auto& ring = engine.writer().ring();
  wire::ObserveWalResponse r;
  r.segments = ring.geometry().slots;
  r.segment_bytes = ring.geometry().segment_bytes;
  r.max_wal_bytes = ring.geometry().max_wal_bytes();
  r.active_segment_sequence = ring.end().segment_sequence;
  r.active_offset_bytes = ring.end().offset;
  r.used_bytes = (ring.end().segment_sequence - ring.released()) * ring.geometry().segment_bytes;
  r.free_bytes = ring.free_bytes(ring.end());
  r.first_lsn = engine.reader().first_lsn();
  r.durable_lsn = engine.visible().lsn;
  r.appended_lsn = engine.newest().lsn;
  r.chain = engine.visible().chain;
  return r;
}

void serve_observation(Node& node) {
  auto& server = node.client();
  server.handle(wire::kPing, [](const auto& request, wire::Responder responder) { responder.ok(request); });
  server.handle(wire::kStatus, [&](const auto&, wire::Responder responder) { responder.ok(status(node)); });
  server.handle(wire::kObserveEvents, [&](const auto& request, wire::Responder responder) {
    observe_events(node, request, std::move(responder));
  });
  server.handle(wire::kObserveWal, [&](const auto&, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    responder.ok(observe_wal(node));
  });
  server.handle(wire::kObserveReplication, [&](const auto&, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    responder.ok(observe_replication(node));
  });
  server.handle(wire::kEvidenceVersions, [&](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    evidence_versions(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
