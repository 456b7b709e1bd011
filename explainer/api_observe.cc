// /v1 but explanations, and /metrics: what one peer said, or what all of them said.
#include <algorithm>

#include "explainer/api.h"
#include "explainer/prometheus.h"

namespace aerodb::explainer {
namespace {

// The codes of those that did not answer, each once.
template <class Views>
void note_unreached(const Views& views, std::vector<std::string_view>& notes) {
  for (const auto& view : views) {
    if (view.why && std::ranges::find(notes, *view.why) == notes.end()) notes.push_back(*view.why);
  }
}

Envelope at(const Parameters& parameters, std::optional<CommitId> commit) { return {parameters.node, false, commit}; }

// Where the next page begins: behind `last`, the value of `parameter` in the last entry shown.
Envelope page_at(const Parameters& parameters, std::optional<CommitId> commit, bool more, std::string_view parameter,
                 std::string last_as_json) {
  Envelope envelope = at(parameters, commit);
  envelope.paged = true;
  if (more) envelope.next.emplace(parameter, std::move(last_as_json));
  return envelope;
}

// A page of collections: cut where it is too long, with the name where the next begins.
template <class Response>
Envelope collections_page(const Parameters& parameters, Response& response) {
  if (cut_page(response.collections, kMaxLimit)) response.more = true;
  std::string last = response.collections.empty() ? "" : http::json_string(response.collections.back().collection);
  return page_at(parameters, response.visible_commit, response.more, "after_collection", std::move(last));
}

// A page of numbered entries. One that is as long as was asked for may have a next page, even an empty one.
template <class Entry>
Envelope numbered_page(const Parameters& parameters, std::vector<Entry>& entries) {
  const bool full = entries.size() >= *parameters.limit;
  const bool cut = cut_page(entries, *parameters.limit);
  std::string last = entries.empty() ? "" : std::to_string(entries.back().number);
  return page_at(parameters, std::nullopt, full || cut, "after_number", std::move(last));
}

}  // namespace

template <class Request, class Response, class Then>
void Api::ask(Result<Peer*> peer, const wire::Method<Request, Response>& method, std::type_identity_t<Request> request,
              http::HttpReply reply, Then then) {
  if (!peer) return refuse(peer.error(), reply);
  auto admission = (*peer)->admit();
  if (!admission) return refuse(admission.error(), reply);
  (*peer)->call(method, std::move(request),
                [this, admission = std::move(*admission), reply = std::move(reply),
                 then = std::move(then)](Result<Response>&& answer) mutable {
                  if (!answer) return refuse(answer.error(), reply);
                  then(*answer, reply);
                });
}

void Api::status(Parameters parameters, http::HttpReply reply) {
  if (parameters.node) {
    auto peer = parts_.peers.node(*parameters.node);
    return ask(peer, wire::kStatus, {}, std::move(reply),
               [this, parameters](const wire::StatusResponse& answer, http::HttpReply& to) {
                 give(at(parameters, answer.commit_id), answer, to);
               });
  }
  view_status(parts_.peers, [this, reply = std::move(reply)](const StatusViews& views) mutable {
    Envelope envelope;
    note_unreached(views.nodes, envelope.notes);
    give(envelope, views, reply);
  });
}

void Api::nodes(Parameters parameters, http::HttpReply reply) {
  Peer* only = nullptr;
  if (parameters.node) {
    auto peer = parts_.peers.node(*parameters.node);
    if (!peer) return refuse(peer.error(), reply);
    only = *peer;
  }
  view_nodes(parts_.peers, only, [this, parameters, reply = std::move(reply)](const NodesView& views) mutable {
    Envelope envelope = at(parameters, std::nullopt);
    if (parameters.node && views.nodes.front().status) envelope.commit = views.nodes.front().status->commit_id;
    note_unreached(views.nodes, envelope.notes);
    note_unreached(views.shippers, envelope.notes);
    give(envelope, views, reply);
  });
}

void Api::replication(Parameters parameters, http::HttpReply reply) {
  if (parameters.node) {
    auto peer = parts_.peers.node(*parameters.node);
    return ask(peer, wire::kObserveReplication, {}, std::move(reply),
               [this, parameters](const wire::NodeReplicationResponse& answer, http::HttpReply& to) {
                 give(at(parameters, answer.applied_commit), answer, to);
               });
  }
  view_replication(parts_.peers, [this, reply = std::move(reply)](const ReplicationViews& views) mutable {
    Envelope envelope;
    note_unreached(views.nodes, envelope.notes);
    note_unreached(views.shippers, envelope.notes);
    give(envelope, views, reply);
  });
}

void Api::wal(Parameters parameters, http::HttpReply reply) {
  auto peer = parts_.peers.node(*parameters.node);
  ask(peer, wire::kObserveWal, {}, std::move(reply),
      [this, parameters](const wire::ObserveWalResponse& answer, http::HttpReply& to) {
        give(at(parameters, std::nullopt), answer, to);
      });
}

void Api::mvcc(Parameters parameters, http::HttpReply reply) {
  if (parameters.collection || parameters.id) return versions(std::move(parameters), std::move(reply));
  if (parameters.before_commit) {
    return refuse(parameter_error(ErrorCode::kBadRequest, "before_commit", "needs collection and id").error(), reply);
  }
  auto peer = parts_.peers.node(*parameters.node);
  const auto asked = std::make_shared<const Parameters>(std::move(parameters));
  ask(peer, wire::kObserveMvcc, {asked->after_collection, *asked->limit}, std::move(reply),
      [this, asked](wire::ObserveMvccResponse& answer, http::HttpReply& to) {
        give(collections_page(*asked, answer), answer, to);
      });
}

void Api::versions(Parameters parameters, http::HttpReply reply) {
  const std::string_view missing = !parameters.collection ? "collection" : !parameters.id ? "id" : "";
  if (!missing.empty()) return refuse(parameter_error(ErrorCode::kMissingField, missing, "is missing").error(), reply);
  if (parameters.after_collection) {
    return refuse(parameter_error(ErrorCode::kBadRequest, "after_collection", "lists collections").error(), reply);
  }
  auto peer = parts_.peers.node(*parameters.node);
  const auto asked = std::make_shared<const Parameters>(std::move(parameters));
  ask(peer, wire::kEvidenceVersions, {*asked->collection, *asked->id, asked->before_commit}, std::move(reply),
      [this, asked](wire::EvidenceVersionsResponse& answer, http::HttpReply& to) {
        if (cut_page(answer.versions, *asked->limit)) answer.more = true;
        std::string last = answer.versions.empty() ? "" : std::to_string(answer.versions.back().commit_id.value());
        give(page_at(*asked, answer.receipt.commit_id, answer.more, "before_commit", std::move(last)), answer, to);
      });
}

void Api::snapshots(Parameters parameters, http::HttpReply reply) {
  auto peer = parts_.peers.node(*parameters.node);
  ask(peer, wire::kObserveStorage, {}, std::move(reply),
      [this, parameters](wire::ObserveStorageResponse& answer, http::HttpReply& to) {
        std::erase_if(answer.snapshots, [&](const wire::SnapshotView& snapshot) {
          return parameters.after_name && snapshot.name <= *parameters.after_name;
        });
        const bool more = cut_page(answer.snapshots, *parameters.limit);
        std::string last = answer.snapshots.empty() ? "" : http::json_string(answer.snapshots.back().name);
        const SnapshotsView view{answer.floor, answer.pins, answer.lowest_pin, answer.holds,
                                 std::move(answer.snapshots)};
        give(page_at(parameters, std::nullopt, more, "after_name", std::move(last)), view, to);
      });
}

void Api::checkpoints(Parameters parameters, http::HttpReply reply) {
  auto peer = parts_.peers.node(*parameters.node);
  ask(peer, wire::kObserveStorage, {}, std::move(reply),
      [this, parameters](wire::ObserveStorageResponse& answer, http::HttpReply& to) {
        std::erase_if(answer.runs, [&](const wire::RunView& run) {
          return parameters.after_commit && run.last_commit <= *parameters.after_commit;
        });
        const bool more = cut_page(answer.runs, *parameters.limit);
        std::string last = answer.runs.empty() ? "" : std::to_string(answer.runs.back().last_commit.value());
        const CheckpointsView view{answer.manifest_number, answer.manifest_lsn,         answer.manifest_commit,
                                   answer.manifest_digest, answer.memory_active_bytes,  answer.memory_frozen_bytes,
                                   std::move(answer.runs), std::move(answer.operations)};
        give(page_at(parameters, answer.manifest_commit, more, "after_commit", std::move(last)), view, to);
      });
}

void Api::indexes(Parameters parameters, http::HttpReply reply) {
  auto peer = parts_.peers.node(*parameters.node);
  const auto asked = std::make_shared<const Parameters>(std::move(parameters));
  ask(peer, wire::kObserveIndexes, {asked->after_collection, *asked->limit}, std::move(reply),
      [this, asked](wire::ObserveIndexesResponse& answer, http::HttpReply& to) {
        give(collections_page(*asked, answer), answer, to);
      });
}

void Api::events(Parameters parameters, http::HttpReply reply) {
  auto peer = parts_.peers.node(*parameters.node);
  ask(peer, wire::kObserveEvents, {parameters.after_number.value_or(0), *parameters.limit}, std::move(reply),
      [this, parameters](wire::ObserveEventsResponse& answer, http::HttpReply& to) {
        const Envelope envelope = numbered_page(parameters, answer.events);
        give(envelope, answer, to);
      });
}

void Api::audit(Parameters parameters, http::HttpReply reply) {
  ask(parts_.peers.control_plane(), wire::kAuditRead, {parameters.after_number.value_or(0), *parameters.limit},
      std::move(reply), [this, parameters](wire::AuditReadResponse& answer, http::HttpReply& to) {
        const Envelope envelope = numbered_page(parameters, answer.records);
        give(envelope, answer, to);
      });
}

void Api::metrics(Parameters parameters, http::HttpReply reply) {
  const auto text_of = [](const wire::StatsResponse& stats) {
    http::HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = prometheus_text(stats);
    return response;
  };
  if (!parameters.node) return reply(text_of(own_stats_()));
  auto peer = parts_.peers.node(*parameters.node);
  ask(peer, wire::kObserveStats, {}, std::move(reply),
      [text_of](const wire::StatsResponse& answer, http::HttpReply& to) { to(text_of(answer)); });
}

}  // namespace aerodb::explainer
