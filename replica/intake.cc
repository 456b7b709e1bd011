#include "replica/intake.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/node/lineage.h"
#include "common/node/translate.h"

namespace aerodb::replica {

using observe::EventId;
using observe::MetricId;

Intake::Intake(node::Node& node) : node_(node) {
  node_.replication().handle(wire::kReplicaOpen, [this](const auto& request, wire::Responder responder) {
    open(request, std::move(responder));
  });
  node_.replication().handle(wire::kReplicaAppend, [this](const auto& request, wire::Responder responder) {
    append(request, std::move(responder));
  });
  node_.on_engine_end([this] { session_ = {}; });
  node_.set_replication_view([this](wire::NodeReplicationResponse& view) { show(view); });
}

Result<void> Intake::takes_records() const {
  const auto* engine = node_.engine();
  if (engine == nullptr) return fail(node_.not_ready());
  if (engine->state() == rules::NodeState::kHalted)
    return fail(ErrorCode::kHalted,
                fmt::format("replica {}: halted ({})", node_.config().name, engine->halt_reason()->reason));
  if (const auto& fence = engine->fence_reason()) return fail(node::fenced_error(node_, *fence));
  if (engine->newest_role() == rules::Role::kPrimary)
    return fail(ErrorCode::kNotAReplica,
                fmt::format("{}: it is primary of epoch {}", node_.config().name, engine->newest().epoch.value()));
  return {};
}

Result<void> Intake::check_ancestry(const wire::ReplicaOpenRequest& request) const {
  auto& engine = *node_.engine();
  const auto own = node::history_of(engine.state_data().authority().ancestry());
  const auto theirs = node::history_of(request.ancestry);
  auto evidence = rules::compare_histories(own, engine.newest().lsn, theirs, request.source_durable.lsn);
  evidence.cluster = engine.node().cluster;
  evidence.source_cluster = request.cluster;
  evidence.own_chain = engine.newest().chain;
  evidence.accepted_lineage = engine.accepted_lineage();
  rules::NoTrace trace;
  const auto about = fmt::format("replica.open on {}: source {}", node_.config().name, request.source_node);
  switch (rules::decide_follow(evidence, trace)) {
    case rules::FollowVerdict::kFollows:
      return {};
    case rules::FollowVerdict::kLineageUnknown:
      return fail(ErrorCode::kLineageUnknown, fmt::format("{} is of cluster {}, this node of {}", about,
                                                          to_hex(request.cluster), to_hex(engine.node().cluster)));
    case rules::FollowVerdict::kSourceBehind:
      return fail(ErrorCode::kSourceBehind,
                  fmt::format("{} has not reached epoch {}, where this log is", about, engine.newest().epoch.value()));
    case rules::FollowVerdict::kLineageChanged:
      break;
  }
  const auto common = rules::common_end(own, engine.newest().lsn, theirs, request.source_durable.lsn);
  const Lsn fork = common ? common->lsn : Lsn();
  Error error{ErrorCode::kLineageChanged,
              fmt::format("{} departs from this log behind LSN {}, and this log ends at {} (REPL-7, REPL-10)", about,
                          fork.value(), engine.newest().lsn.value()),
              {}};
  error.with("lineage", to_hex(evidence.source_lineage.value_or(LineageId{})))
      .with("fork_lsn", fork.value())
      .with("own_lsn", engine.newest().lsn.value());
  return fail(std::move(error));
}

void Intake::open(const wire::ReplicaOpenRequest& request, wire::Responder responder) {
  const auto* engine = node_.engine();
  const bool hears = engine != nullptr && (engine->fence_reason() || engine->role() != rules::Role::kReplica);
  if (!hears) return open_session(request, std::move(responder));
  node::hear_ancestry(node_, request, [this, request, responder = std::move(responder)](Result<void> heard) mutable {
    // A fence that stands is found again by takes_records().
    if (!heard && heard.error().code != ErrorCode::kFenced) return responder.error(heard.error());
    open_session(request, std::move(responder));
  });
}

void Intake::open_session(const wire::ReplicaOpenRequest& request, wire::Responder responder) {
  auto checked = takes_records();
  if (checked) checked = check_ancestry(request);
  if (!checked) {
    node_.events().record(EventId::kPeerRefused, {{"listener", std::string("replication")},
                                                  {"peer", request.shipper},
                                                  {"code", std::string(checked.error().row().name)},
                                                  {"message", checked.error().message}});
    return responder.error(checked.error());
  }
  if (session_.state != SessionState::kNone) {
    if (session_.shipper_instance != request.shipper_instance) superseded_instance_ = session_.shipper_instance;
    node_.events().record(EventId::kSessionSuperseded, {{"session", session_.number},
                                                        {"shipper", session_.shipper},
                                                        {"by_shipper", request.shipper},
                                                        {"by_instance", to_hex(request.shipper_instance)}});
  }
  session_ = {++sessions_opened_,
              SessionState::kOpened,
              request.shipper,
              request.shipper_instance,
              responder.connection(),
              request.source_node,
              {}};
  for (const auto& epoch : request.ancestry) {
    if (session_.lineages.empty() || session_.lineages.back() != epoch.lineage)
      session_.lineages.push_back(epoch.lineage);
  }
  note_source(request.source_durable);
  node_.metrics().add(MetricId::kReplicaSessionsCount);
  node_.events().record(EventId::kSessionOpened, {{"session", session_.number},
                                                  {"shipper", session_.shipper},
                                                  {"shipper_instance", to_hex(session_.shipper_instance)},
                                                  {"source_node", session_.source_node}});
  auto& engine = *node_.engine();
  // Positions are reported as durable; records still on their way are waited for, so that the source's next batch
  // follows.
  engine.when_durable(engine.newest().lsn, [this, number = session_.number,
                                            responder = std::move(responder)](Result<void> durable) mutable {
    if (!durable) return responder.error(durable.error());
    auto& e = *node_.engine();
    responder.ok(wire::ReplicaOpenResponse{number, e.node().name, e.node().instance, e.visible().lsn, e.visible().lsn,
                                           e.visible().chain, e.visible().commit});
  });
}

Chain Intake::own_chain() const {
  auto& engine = *node_.engine();
  if (engine.newest().lsn.value() > 0) return engine.newest().chain;
  // An empty log continues the genesis chain of the lineage that it is about to adopt; without a session there is none.
  if (session_.lineages.empty()) return {};
  return wal::genesis_chain(engine.node().cluster, session_.lineages.front());
}

Result<void> Intake::receive(const wire::ReplicaAppendRequest& request, uint64_t connection) {
  auto& engine = *node_.engine();
  // Session numbers can be guessed; the connection can't.
  const bool its_own = session_.state != SessionState::kNone && session_.connection == connection;
  const rules::AppendEvidence evidence{request.session,     its_own ? session_.number : 0, request.first_lsn,
                                       engine.newest().lsn, request.chain_before,          own_chain()};
  rules::NoTrace trace;
  const bool proven = session_.state == SessionState::kProven;
  const bool may_halt = proven || planted(Fault::kUnprovenPeerHalts);
  switch (rules::decide_append(evidence, trace)) {
    case rules::AppendVerdict::kStaleSession:
      return fail(ErrorCode::kStaleSession, fmt::format("replica.append on {}: session {} is not the current one, {}",
                                                        node_.config().name, request.session, session_.number));
    case rules::AppendVerdict::kNotNext: {
      // What was sent again must at least be what stands here.
      const auto known =
          request.first_lsn.value() == 0 ? std::nullopt : engine.chain_at(Lsn(request.first_lsn.value() - 1));
      if (may_halt && known && *known != request.chain_before) {
        Error error{ErrorCode::kReplicaDiverged,
                    fmt::format("replica.append on {}: another chain before LSN {} (REPL-1)", node_.config().name,
                                request.first_lsn.value()),
                    {}};
        error.with("expected", to_hex(*known)).with("found", to_hex(request.chain_before));
        halt("REPL-1", error, request.first_lsn);
        return fail(std::move(error));
      }
      return fail(Error{
          ErrorCode::kNotNext,
          fmt::format("replica.append on {}: expected LSN {}, offered {} (REPL-2)", node_.config().name,
                      evidence.own_lsn.value() + 1, request.first_lsn.value()),
          {}}.with("expected", evidence.own_lsn.value() + 1));
    }
    case rules::AppendVerdict::kOtherChain: {
      Error error{
          ErrorCode::kReplicaDiverged,
          fmt::format("replica.append on {}: chain before LSN {}: here {}, offered {} (REPL-1)", node_.config().name,
                      request.first_lsn.value(), to_hex(evidence.own_chain), to_hex(request.chain_before)),
          {}};
      error.with("expected", to_hex(evidence.own_chain)).with("found", to_hex(request.chain_before));
      if (may_halt) halt("REPL-1", error, request.first_lsn);
      return fail(std::move(error));
    }
    case rules::AppendVerdict::kFollows:
      break;
  }
  if (!proven && request.count > 0 && !planted(Fault::kAppendWithoutProof))
    return fail(
        ErrorCode::kBadRequest,
        fmt::format("replica.append on {}: a session begins with an empty append as its proof", node_.config().name));
  session_.state = SessionState::kProven;
  return {};
}

Result<void> Intake::check_lineages(const wire::ReplicaAppendRequest& request) const {
  ByteSpan rest = request.records;
  while (!rest.empty()) {
    const auto record = wal::read_record(rest);
    if (!record) break;  // for the engine to judge
    rest = rest.subspan(record->bytes.size());
    if (record->header.type != wal::RecordType::kLineageStart) continue;
    const auto payload = wal::parse_payload(*record);
    const auto* start = payload ? std::get_if<wal::LineageStart>(&*payload) : nullptr;
    if (start == nullptr || std::ranges::find(session_.lineages, start->lineage) != session_.lineages.end()) continue;
    const Lsn fork(record->header.lsn.value() - 1);
    Error error{ErrorCode::kLineageChanged,
                fmt::format("replica.append on {}: source {} goes on in lineage {} from LSN {} (REPL-10)",
                            node_.config().name, session_.source_node, to_hex(start->lineage), fork.value()),
                {}};
    error.with("lineage", to_hex(start->lineage)).with("fork_lsn", fork.value());
    return fail(std::move(error.with("own_lsn", node_.engine()->newest().lsn.value())));
  }
  return {};
}

engine::Restartable<Result<void>> Intake::validate(const wire::ReplicaAppendRequest& request,
                                                   store::LeasedBlocks& blocks) {
  auto appended = node_.engine()->append_batch(request.records, request.count, blocks);
  if (!appended) return std::nullopt;
  if (*appended) return Result<void>();
  Error error = std::move(appended->error());
  const bool proves_nothing = error.code == ErrorCode::kReplicaFull || error.code == ErrorCode::kHalted ||
                              error.code == ErrorCode::kIo || error.code == ErrorCode::kRunDamaged;
  if (!proves_nothing) halt(error.row().rule, error, request.first_lsn);
  return fail(std::move(error));
}

engine::Restartable<Result<void>> Intake::take_in(const wire::ReplicaAppendRequest& request, uint64_t connection,
                                                  store::LeasedBlocks& blocks) {
  if (auto taken = takes_records(); !taken) return taken;
  auto outcome = receive(request, connection);
  const bool valid_so_far = outcome.has_value();
  if (valid_so_far && request.count > 0) outcome = check_lineages(request);
  if (outcome && request.count > 0) {
    auto validated = validate(request, blocks);
    if (!validated) return std::nullopt;
    outcome = std::move(*validated);
  }
  node_.metrics().add(MetricId::kReplicaBatchesReceivedCount);
  if (valid_so_far) note_source(request.source_durable);
  if (outcome && request.count > 0) node_.metrics().add(MetricId::kReplicaBatchesValidatedCount);
  return outcome;
}

void Intake::append(const wire::ReplicaAppendRequest& request, wire::Responder responder) {
  if (!node_.engine()) return refuse(std::move(responder), node_.not_ready(), request.session, request.first_lsn);
  const uint64_t connection = responder.connection();
  node_.replication_restarts().run(
      *node_.engine(), std::move(responder),
      [&](node::Attempt& attempt) { return take_in(request, connection, attempt.blocks); },
      [&](Result<void> taken, wire::Responder asked) {
        if (taken) return answer_when_durable(request.count > 0, std::move(asked));
        Error error = std::move(taken.error());
        const bool other_shipper = error.code == ErrorCode::kStaleSession && superseded_instance_ &&
                                   session_.shipper_instance != *superseded_instance_ &&
                                   request.session < session_.number;
        if (other_shipper) error.code = ErrorCode::kSupersededByInstance;
        refuse(std::move(asked), error, request.session, request.first_lsn);
      });
}

void Intake::answer_when_durable(bool with_records, wire::Responder responder) {
  auto& engine = *node_.engine();
  engine.when_durable(engine.newest().lsn,
                      [this, with_records, responder = std::move(responder)](Result<void> durable) mutable {
                        if (!durable) return responder.error(durable.error());
                        if (with_records) {
                          // The visible bound moves with the durable one: durable is applied.
                          node_.metrics().add(MetricId::kReplicaBatchesDurableCount);
                          node_.metrics().add(MetricId::kReplicaBatchesAppliedCount);
                        }
                        const auto& visible = node_.engine()->visible();
                        responder.ok(wire::ReplicaAppendResponse{visible.lsn, visible.lsn, visible.commit});
                      });
}

void Intake::refuse(wire::Responder responder, const Error& error, uint64_t session, Lsn first_lsn) {
  node_.metrics().add(MetricId::kReplicaBatchesRefusedCount);
  node_.events().record(EventId::kBatchRefused, {{"session", session},
                                                 {"first_lsn", first_lsn.value()},
                                                 {"code", std::string(error.row().name)},
                                                 {"message", error.message}});
  if (!node_.engine()) return responder.error(error);
  // A peer that is told of a halt must find it after any restart.
  node_.engine()->when_halt_recorded([error, responder = std::move(responder)]() mutable { responder.error(error); });
}

void Intake::halt(std::string_view rule, const Error& error, Lsn lsn) {
  node_.engine()->halt(engine::halt_for(rule, error, lsn));
}

void Intake::note_source(const wire::Receipt& durable) {
  source_durable_ = durable;
  source_heard_us_ = node_.runtime().clock().monotonic_us();
  node_.metrics().set(MetricId::kSourceDurableLsn, durable.lsn.value());
}

void Intake::show(wire::NodeReplicationResponse& view) const {
  if (session_.state != SessionState::kNone) {
    view.session = session_.number;
    view.shipper = session_.shipper;
    view.source_node = session_.source_node;
  }
  if (source_durable_) {
    view.source_durable_lsn = source_durable_->lsn;
    view.source_commit = source_durable_->commit_id;
    view.source_heard_us_ago = node_.runtime().clock().monotonic_us() - source_heard_us_;
  }
  const auto& metrics = node_.metrics();
  view.batches_received = metrics.get(MetricId::kReplicaBatchesReceivedCount);
  view.batches_validated = metrics.get(MetricId::kReplicaBatchesValidatedCount);
  view.batches_durable = metrics.get(MetricId::kReplicaBatchesDurableCount);
  view.batches_applied = metrics.get(MetricId::kReplicaBatchesAppliedCount);
  view.batches_refused = metrics.get(MetricId::kReplicaBatchesRefusedCount);
}

}  // namespace aerodb::replica
