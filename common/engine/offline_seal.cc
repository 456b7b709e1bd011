#include "common/engine/offline_seal.h"

#include <fmt/format.h>

#include "common/engine/authority_evidence.h"
#include "common/wal/append_at_rest.h"

namespace aerodb::engine {
namespace {

rules::AuthorityEvidence evidence_of(const OpenedNode& opened, const OfflineSealOptions& options) {
  auto e = authority_evidence_of(rules::AuthorityCommand::kDemote, opened.node, opened.state.authority(),
                                 opened.declined_seals);
  e.successor = options.successor;
  e.successor_instance = options.successor_instance;
  // Recovered, as a start would: it would now be READY, unless it halted before.
  e.state = opened.halt ? rules::NodeState::kHalted : rules::NodeState::kReady;
  e.fenced = opened.fence.has_value();
  e.log_validated = true;
  e.durable_lsn = opened.state.position().lsn;
  e.commit = opened.state.position().commit;
  return e;
}

Result<void> append_seal(runtime::Disk& disk, runtime::Random& random, const OpenOptions& open,
                         const OfflineSealOptions& options, const OpenedNode& opened) {
  const auto& end = opened.state.position();
  const wal::RecordHeader header{0,         wal::RecordType::kSeal, end.epoch, end.lsn.next(), end.commit, end.chain,
                                 end.digest};
  Bytes record;
  wal::encode_record(header, wal::Seal{options.successor, options.successor_instance, 1, {}, options.who}, record);
  const wal::Ring ring(open.geometry, opened.scan.end.cursor, opened.scan.released_sequence);
  auto appended = wal::append_at_rest(disk, random, options.data_dir, opened.node.cluster, opened.node.instance, ring,
                                      opened.scan.end, record);
  if (!appended) return fail(std::move(appended.error()));
  return {};
}

// What the log says now, read from its files: the seal must be its end.
Result<AuthorityOutcome> read_back(runtime::Disk& disk, const OpenOptions& open, const OfflineSealOptions& options,
                                   const NodeFile& node) {
  OpenedNode again(node);
  if (auto read = inspect_log(disk, open, {Trust::kOwnLog, nullptr}, again); !read)
    return fail(std::move(read.error()));
  const auto& seal = again.state.authority().seal();
  if (!seal || seal->successor != options.successor || seal->successor_instance != options.successor_instance ||
      again.state.authority().role_of(node.instance) != rules::Role::kSealed) {
    return fail(ErrorCode::kIo, fmt::format("seal {}: the log read again ends at LSN {} without the seal",
                                            options.data_dir, again.state.position().lsn.value()));
  }
  const auto& end = again.state.position();
  if (auto noted = write_clean_stop(disk, options.data_dir, {end.lsn, end.chain}); !noted)
    return fail(std::move(noted.error()));
  return AuthorityOutcome{seal->lsn, seal->lsn, seal->number, seal->successor, seal->successor_instance,
                          end.epoch, false,     end};
}

}  // namespace

Result<OfflineSealReport> seal_directory(runtime::Disk& disk, runtime::Random& random,
                                         const OfflineSealOptions& options) {
  if (options.who.reason.empty())
    return fail(ErrorCode::kReasonRequired, fmt::format("seal {}: a reason is missing", options.data_dir));
  OpenOptions open;
  open.data_dir = options.data_dir;
  auto claimed = claim_directory(disk, open);
  if (!claimed) return fail(std::move(claimed.error()));
  OpenedNode& opened = **claimed;
  auto geometry = wal::ring_geometry(disk, options.data_dir);
  if (!geometry) return fail(std::move(geometry.error()));
  open.geometry = *geometry;
  if (auto recovered = recover_log(disk, open, opened); !recovered) return fail(std::move(recovered.error()));

  const auto evidence = evidence_of(opened, options);
  const bool same_again = evidence.role == rules::Role::kSealed && evidence.seal_successor == options.successor &&
                          evidence.seal_successor_instance == options.successor_instance;
  if (!same_again) {
    rules::NoTrace trace;
    if (auto decision = rules::decide_authority(evidence, trace); decision != rules::AuthorityDecision::kGranted)
      return authority_refused(evidence, decision);
    if (auto appended = append_seal(disk, random, open, options, opened); !appended)
      return fail(std::move(appended.error()));
  }
  auto outcome = read_back(disk, open, options, opened.node);
  if (!outcome) return fail(std::move(outcome.error()));
  outcome->repeated = same_again;
  return OfflineSealReport{opened.node, std::move(*outcome)};
}

}  // namespace aerodb::engine
