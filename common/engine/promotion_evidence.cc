#include "common/engine/promotion_evidence.h"

#include <fmt/format.h>

#include "common/engine/authority.h"
#include "common/engine/node_directory.h"

namespace aerodb::engine {
namespace {

void add_previous(const Authority& before, rules::PromotionEvidence& e) {
  if (const auto* current = before.current()) {
    e.previous_epoch = current->epoch;
    e.previous_node = current->node;
    e.previous_instance = current->instance;
  }
  if (const auto& seal = before.seal()) {
    e.seal_lsn = seal->lsn;
    e.seal_number = seal->number;
    e.seal_successor = seal->successor;
    e.seal_successor_instance = seal->successor_instance;
    e.seal_chain = seal->chain_after;
  }
}

void add_who(const wal::WhoAndWhy& who, rules::PromotionEvidence& e) {
  e.request_id = who.request_id;
  e.operator_name = who.operator_name;
  e.reason = who.reason;
}

void add_record(const wal::RecordView& record, const wal::Payload& payload, rules::PromotionEvidence& e) {
  e.start_lsn = record.header.lsn;
  e.start_commit = record.header.commit;
  e.start_chain = record.header.chain_before;
  e.digest = record.header.digest_after;
  if (const auto* start = std::get_if<wal::LineageStart>(&payload)) return add_who(start->who, e);
  const auto& start = std::get<wal::EpochStart>(payload);
  add_who(start.who, e);
  e.answers_seal_lsn = start.seal_lsn;
  if (start.decline.empty()) return;
  const auto decline = decode_decline(start.decline);
  if (!decline) return;  // a statement that does not parse declines nothing
  e.decline_seal_lsn = decline->seal_lsn;
  e.decline_node = decline->node;
  e.decline_instance = decline->instance;
}

rules::PromotionEvidence evidence_of(const Authority& before, const AncestryEntry& started,
                                     const wal::RecordView& record, const wal::Payload& payload) {
  rules::PromotionEvidence e;
  e.epoch = started.epoch;
  e.lineage = started.lineage;
  e.started_by = started.reason;
  e.node = started.node;
  e.instance = started.instance;
  e.parent = started.parent;
  add_previous(before, e);
  add_record(record, payload, e);
  return e;
}

void add_kept(const rules::AuthorityEvidence& kept, rules::PromotionEvidence& e) {
  e.state = kept.state;
  e.fenced = kept.fenced;
  e.log_validated = kept.log_validated;
  e.declined_here = kept.declined_here;
  e.durable_lsn = kept.durable_lsn;
  e.durable_commit = kept.commit;
}

void add_kept(const rules::EndLineageEvidence& kept, rules::PromotionEvidence& e) {
  e.state = kept.state;
  e.fenced = kept.fenced;
  e.log_validated = kept.log_validated;
  e.lost = kept.lost;
  e.peers = kept.peers;
}

}  // namespace

Result<EpochStartFound> find_epoch_start(const std::vector<Bytes>& authority_records, Lsn up_to,
                                         std::optional<Epoch> epoch) {
  std::optional<EpochStartFound> found;
  Authority authority;
  for (const auto& bytes : authority_records) {
    auto record = wal::read_record(bytes);
    if (!record) return fail(std::move(record.error()));
    if (record->header.lsn > up_to) break;
    auto payload = wal::parse_payload(*record);
    if (!payload) return fail(std::move(payload.error()));
    const Authority before = authority;
    const Chain chain_after = record->chain_after();
    if (auto problem = authority.apply(record->header, *payload, chain_after))
      return fail(ErrorCode::kBadRecord, "explain promotion: " + *problem);
    const bool starts = authority.ancestry().size() > before.ancestry().size();
    if (starts && (!epoch || *epoch == authority.epoch()))
      found = EpochStartFound{evidence_of(before, *authority.current(), *record, *payload), chain_after};
  }
  if (found) return std::move(*found);
  return fail(ErrorCode::kBadRequest, epoch
                                          ? fmt::format("explain promotion: this log has no epoch {}, its newest is {}",
                                                        epoch->value(), authority.epoch().value())
                                          : "explain promotion: this log has no epoch yet");
}

void add_decision(runtime::Disk& disk, const std::string& data_dir, EpochStartFound& found) {
  auto& e = found.evidence;
  if (e.started_by != "promotion" && e.started_by != "end") return;
  const auto kept = read_decision(disk, data_dir, e.start_lsn);
  if (!kept) {
    e.failed_code = kept.error().row().name;
    return;
  }
  if (!*kept || (*kept)->chain_after != found.chain_after) return;
  std::visit([&](const auto& evidence) { add_kept(evidence, e); }, (*kept)->evidence);
}

}  // namespace aerodb::engine
