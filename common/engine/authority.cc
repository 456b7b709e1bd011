#include "common/engine/authority.h"

#include <fmt/format.h>

#include "common/base/fault.h"

namespace aerodb::engine {
namespace {

std::string_view reason_name(wal::LineageReason reason) {
  switch (reason) {
    case wal::LineageReason::kInit:
      return "init";
    case wal::LineageReason::kEnd:
      return "end";
    case wal::LineageReason::kRestore:
      return "restore";
  }
  return "";
}

}  // namespace

std::optional<std::string> Authority::admits(const wal::RecordHeader& header) const {
  if (ancestry_.empty()) return "the log does not start with a lineage_start";
  if (header.epoch != epoch())
    return fmt::format("LSN {} is of epoch {}, the log is in epoch {}", header.lsn.value(), header.epoch.value(),
                       epoch().value());
  if (seal_) return fmt::format("LSN {} follows the seal at LSN {} (AUTH-2)", header.lsn.value(), seal_->lsn.value());
  return std::nullopt;
}

std::optional<std::string> Authority::apply(const wal::RecordHeader& header, const wal::Payload& payload,
                                            const Chain& chain_after) {
  if (const auto* start = std::get_if<wal::LineageStart>(&payload)) return start_lineage(header, *start);
  if (const auto* start = std::get_if<wal::EpochStart>(&payload)) return start_epoch(header, *start);
  if (const auto* seal = std::get_if<wal::Seal>(&payload)) return seal_epoch(header, *seal, chain_after);
  return "not an authority record";
}

std::optional<std::string> Authority::start_lineage(const wal::RecordHeader& header, const wal::LineageStart& start) {
  if (ancestry_.empty() != (header.lsn == Lsn(1))) return "a first lineage_start stands at LSN 1 and nowhere else";
  if (header.epoch != epoch().next())
    return fmt::format("lineage_start of epoch {}, expected {}", header.epoch.value(), epoch().value() + 1);
  AncestryEntry entry{start.lineage,       header.epoch, header.lsn,     header.commit,
                      header.chain_before, start.node,   start.instance, std::string(reason_name(start.reason)),
                      std::nullopt};
  if (!ancestry_.empty()) {
    const bool follows =
        start.parent == lineage() && start.parent_lsn.next() == header.lsn && start.parent_chain == header.chain_before;
    if (!follows) return "lineage_start names another parent than this log";
    entry.parent = start.parent;
  }
  ancestry_.push_back(std::move(entry));
  seal_.reset();
  record(start.who, header);
  return std::nullopt;
}

std::optional<std::string> Authority::start_epoch(const wal::RecordHeader& header, const wal::EpochStart& start) {
  if (!seal_ && planted(Fault::kPromotedWithoutSeal))
    seal_ = SealState{start.seal_lsn, 0, start.node, start.instance, {}, false};
  if (!seal_) return "epoch_start where no seal ends the epoch before";
  if (start.seal_lsn != seal_->lsn)
    return fmt::format("epoch_start answers the seal at LSN {}, the log has it at {}", start.seal_lsn.value(),
                       seal_->lsn.value());
  if (start.epoch != epoch().next() || header.epoch != start.epoch)
    return fmt::format("epoch_start of epoch {}, expected {}", start.epoch.value(), epoch().value() + 1);
  const bool by_successor = start.instance == seal_->successor_instance && start.node == seal_->successor;
  const bool by_sealed_node = start.instance == ancestry_.back().instance && !start.decline.empty();
  if (!by_successor && !by_sealed_node && !planted(Fault::kForeignSealAccepted)) {
    return fmt::format("epoch_start names {}, the seal names {} (AUTH-5)", start.node, seal_->successor);
  }
  ancestry_.push_back({lineage(), start.epoch, header.lsn, header.commit, header.chain_before, start.node,
                       start.instance, "promotion", std::nullopt});
  seal_.reset();
  record(start.who, header);
  return std::nullopt;
}

std::optional<std::string> Authority::seal_epoch(const wal::RecordHeader& header, const wal::Seal& seal,
                                                 const Chain& chain_after) {
  if (ancestry_.empty() || header.epoch != epoch()) return "seal of another epoch";
  if (seal_ && seal.decline.empty())
    return fmt::format("a second seal without a decline of the one at LSN {} (AUTH-2)", seal_->lsn.value());
  const uint64_t number = seal_ ? seal_->number + 1 : 1;
  if (seal.number != number) return fmt::format("seal number {}, expected {}", seal.number, number);
  seal_ =
      SealState{header.lsn, seal.number, seal.successor, seal.successor_instance, chain_after, !seal.decline.empty()};
  record(seal.who, header);
  return std::nullopt;
}

rules::Role Authority::role_of(const InstanceId& instance) const {
  if (ancestry_.empty() || ancestry_.back().instance != instance) return rules::Role::kReplica;
  return seal_ ? rules::Role::kSealed : rules::Role::kPrimary;
}

std::optional<RecordedOutcome> Authority::outcome(const std::string& request_id) const {
  auto found = outcomes_.find(request_id);
  return found == outcomes_.end() ? std::nullopt : std::optional(found->second);
}

void Authority::record(const wal::WhoAndWhy& who, const wal::RecordHeader& header) {
  if (!who.request_id.empty()) outcomes_[who.request_id] = {header.type, header.lsn};
}

}  // namespace aerodb::engine
