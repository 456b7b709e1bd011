// Authority: demotion, promotion, decline. The decisions are in common/rules/authority_rules.h; here they are carried
// out.
//
// Every decision looks at the newest state, records that are not durable yet included: an epoch_start on its way leaves
// no seal to decline, and a decline counts from the moment its writing begins, so that the two never both succeed.
#include <fmt/format.h>

#include "common/engine/authority_evidence.h"
#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

Bytes statement_of(const std::optional<Decline>& decline) { return decline ? encode_decline(*decline) : Bytes(); }

}  // namespace

rules::AuthorityEvidence Engine::authority_evidence(const AuthorityRequest& request) const {
  auto e = authority_evidence_of(request.command, node(), state_().authority(), declined_seals_);
  e.successor = request.successor;
  e.successor_instance = request.successor_instance;
  e.state = state();
  e.fenced = fenced();
  e.log_validated = true;  // see gate_evidence
  e.durable_lsn = visible_.lsn;
  e.commit = visible_.commit;
  if (request.decline) {
    e.decline_seal_lsn = request.decline->seal_lsn;
    e.decline_node = request.decline->node;
    e.decline_instance = request.decline->instance;
  }
  return e;
}

Result<Decline> Engine::check_decline(ByteSpan statement) const {
  auto decline = decode_decline(statement);
  if (!decline) return decline;
  const auto& seal = state_().authority().seal();
  const bool same_log = decline->cluster == node().cluster && seal && seal->lsn == decline->seal_lsn &&
                        seal->chain_after == decline->seal_chain;
  if (!same_log) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("decline statement of {}: it is of a seal at LSN {} that this log does not end with",
                            decline->node, decline->seal_lsn.value()));
  }
  return decline;
}

Decided<AuthorityOutcome> Engine::demote(const AuthorityRequest& request) {
  const auto& authority = state_().authority();
  const auto evidence = authority_evidence(request);
  rules::NoTrace trace;
  const auto& seal = authority.seal();
  const bool same_again = seal && newest_role() == rules::Role::kSealed && state() == rules::NodeState::kReady &&
                          seal->successor == request.successor &&
                          seal->successor_instance == request.successor_instance;
  if (same_again) {
    return {AuthorityOutcome{seal->lsn, seal->lsn, seal->number, seal->successor, seal->successor_instance,
                             authority.epoch(), true, newest()},
            decided_on()};
  }
  if (auto decision = rules::decide_authority(evidence, trace); decision != rules::AuthorityDecision::kGranted)
    return {authority_refused(evidence, decision), decided_on()};

  wal::Seal record{*request.successor, *request.successor_instance, seal ? seal->number + 1 : 1,
                   statement_of(request.decline), request.who};
  Bytes size_probe;
  auto header = next_header(authority.epoch());
  wal::encode_record(header, record, size_probe);
  if (!writer_.has_room(size_probe.size(), wal::RoomFor::kReserved))
    return {fail(ErrorCode::kWalFull, "demote: no room for the seal (WAL-6)"), decided_on()};
  const wal::Payload payload = record;
  header.type = wal::RecordType::kSeal;
  const auto [record_view, after] = append_own(header, payload);
  state_().take_authority(record_view, payload, after);
  pending_authority_.push_back({after.lsn, authority});
  appended(after);
  return {AuthorityOutcome{after.lsn, after.lsn, record.number, record.successor, record.successor_instance,
                           after.epoch, false, after},
          after.lsn};
}

Decided<AuthorityOutcome> Engine::promote(const AuthorityRequest& request) {
  const auto& authority = state_().authority();
  const auto* current = authority.current();
  if (current != nullptr && current->instance == node().instance && current->reason == "promotion" &&
      !authority.seal() && state() == rules::NodeState::kReady) {
    return {AuthorityOutcome{current->first_lsn, Lsn(current->first_lsn.value() - 1), 0, current->node,
                             current->instance, current->epoch, true, newest()},
            decided_on()};
  }
  const auto evidence = authority_evidence(request);
  rules::NoTrace trace;
  if (auto decision = rules::decide_authority(evidence, trace); decision != rules::AuthorityDecision::kGranted)
    return {authority_refused(evidence, decision), decided_on()};

  const SealState seal = authority.seal().value_or(SealState{});  // none only where a fault is planted
  wal::EpochStart record{authority.epoch().next(),      node().name, node().instance, seal.lsn,
                         statement_of(request.decline), request.who};
  auto header = next_header(record.epoch);
  header.type = wal::RecordType::kEpochStart;
  Bytes size_probe;
  wal::encode_record(header, record, size_probe);
  if (!writer_.has_room(size_probe.size(), wal::RoomFor::kReserved))
    return {fail(ErrorCode::kWalFull, "promote: no room for the epoch_start (WAL-6)"), decided_on()};
  const wal::Payload payload = record;
  const auto [record_view, after] = append_own(header, payload);
  state_().take_authority(record_view, payload, after);
  pending_authority_.push_back({after.lsn, authority});
  decisions_.emplace(after.lsn, Unkept{{after.lsn, after.chain, evidence}, {}});
  appended(after);
  return {AuthorityOutcome{after.lsn, seal.lsn, seal.number, node().name, node().instance, record.epoch, false, after},
          after.lsn};
}

void Engine::keep_decision(Lsn lsn, runtime::Callback done) {
  const auto unkept = decisions_.find(lsn);
  if (unkept == decisions_.end()) return done();
  auto& waiting = unkept->second.waiting;
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  ++keeping_;
  auto kept = std::make_shared<Result<void>>();
  runtime_.jobs().run([kept, data_dir = options_.data_dir, decision = unkept->second.decision](
                          runtime::Disk& disk) { *kept = engine::keep_decision(disk, data_dir, decision); },
                      [this, alive = alive_, kept, lsn] {
                        if (!*alive) return;
                        if (!*kept) {
                          runtime_.log().write(LogLevel::kError, "decision_not_kept",
                                               {{"lsn", lsn.value()}, {"reason", kept->error().message}});
                        }
                        --keeping_;
                        auto told = std::move(decisions_.extract(lsn).mapped().waiting);
                        for (auto& each : told) each();
                        note_rest();
                      });
}

void Engine::decline(const AuthorityRequest& request, std::move_only_function<void(Result<Bytes>)> done) {
  const auto evidence = authority_evidence(request);
  rules::NoTrace trace;
  if (auto decision = rules::decide_authority(evidence, trace); decision != rules::AuthorityDecision::kGranted) {
    done(authority_refused(evidence, decision));
    return;
  }
  const auto& seal = *state_().authority().seal();
  // From here on, whatever becomes of the file: no promotion by this seal in this process.
  declined_seals_.push_back({seal.lsn, seal.chain_after});
  // Asked again meanwhile: two Jobs would get into each other's way, one answer serves both.
  auto& waiting = declining_[seal.lsn];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  // The seal first: one that this log could still lose would come again, and the decline of it would be forgotten.
  when_durable(newest().lsn, [this, decline = Decline{node().cluster, seal.lsn, seal.chain_after, node().name,
                                                      node().instance, request.who}](Result<void> durable) {
    if (durable)
      write_statement(decline);
    else
      declined(decline.seal_lsn, fail(std::move(durable.error())));
  });
}

void Engine::declined(Lsn seal_lsn, const Result<Bytes>& statement) {
  auto waiting = std::move(declining_[seal_lsn]);
  declining_.erase(seal_lsn);
  for (auto& done : waiting) done(statement);
  note_rest();
}

void Engine::write_statement(const Decline& decline) {
  struct Work {
    Result<Bytes> statement;
  };
  auto work = std::make_shared<Work>();
  runtime_.jobs().run(
      [work, data_dir = options_.data_dir, decline](runtime::Disk& disk) {
        // A decline written before is answered again as it stands, and written again: a process that died before its
        // sync may have left it in the page cache alone, and a statement handed out must outlive the power.
        auto kept = read_decline(disk, data_dir, decline.seal_lsn);
        if (!kept) {
          work->statement = fail(std::move(kept.error()));
          return;
        }
        const bool stands = *kept && (*kept)->seal_chain == decline.seal_chain;
        const Decline& statement = stands ? **kept : decline;
        auto written = write_decline(disk, data_dir, statement);
        if (written)
          work->statement = encode_decline(statement);
        else
          work->statement = fail(std::move(written.error()));
      },
      [this, alive = alive_, work, seal_lsn = decline.seal_lsn] {
        if (*alive) declined(seal_lsn, work->statement);
      });
}

}  // namespace aerodb::engine
