#include "common/rules/lineage_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::rules {

size_t common_epochs(std::span<const HistoryEpoch> own, std::span<const HistoryEpoch> theirs) {
  return static_cast<size_t>(std::ranges::mismatch(own, theirs).in1 - own.begin());
}

std::optional<CommonEnd> common_end(std::span<const HistoryEpoch> own, Lsn own_end,
                                    std::span<const HistoryEpoch> theirs, Lsn their_end) {
  const size_t common = common_epochs(own, theirs);
  if (common == 0) return std::nullopt;
  CommonEnd end{std::min(own_end, their_end), std::nullopt};
  const auto bound_by = [&](std::span<const HistoryEpoch> history) {
    if (history.size() == common || history[common].first_lsn > end.lsn.next()) return;
    const auto& next = history[common];
    end = {Lsn(next.first_lsn.value() - 1), next.chain};
  };
  bound_by(own);
  const CommonEnd by_own = end;
  bound_by(theirs);
  // Two epochs that start at one LSN after different bytes: the histories parted somewhere in the epoch before.
  if (end.lsn == by_own.lsn && by_own.chain && end.chain != by_own.chain) {
    const auto& last = own[common - 1];
    return CommonEnd{Lsn(last.first_lsn.value() - 1), last.chain};
  }
  return end;
}

std::optional<size_t> first_foreign(std::span<const HistoryEpoch> own, std::span<const HistoryEpoch> theirs) {
  for (size_t i = 0; i < theirs.size(); ++i) {
    const bool known =
        std::ranges::any_of(own, [&](const HistoryEpoch& epoch) { return epoch.lineage == theirs[i].lineage; });
    if (!known) return i;
  }
  return std::nullopt;
}

FollowEvidence compare_histories(std::span<const HistoryEpoch> own, Lsn own_end, std::span<const HistoryEpoch> theirs,
                                 Lsn their_end) {
  const size_t common = common_epochs(own, theirs);
  FollowEvidence e;
  e.own_lsn = own_end;
  e.source_lsn = their_end;
  if (!own.empty()) e.own_lineage = own.back().lineage;
  if (!theirs.empty()) e.source_lineage = theirs.back().lineage;
  if (common < own.size()) e.own_departs_lsn = own[common].first_lsn;
  if (common < theirs.size()) {
    e.source_departs_lineage = theirs[common].lineage;
    e.source_departs_lsn = theirs[common].first_lsn;
    e.source_departs_chain = theirs[common].chain;
  }
  return e;
}

std::optional<std::string> peer_objects(const EndLineageEvidence& e, const PeerEvidence& peer) {
  if (!peer.answered) return std::nullopt;
  const bool holds = !e.seal_successor && peer.instance == e.authority_instance;
  if (peer.name == e.lost || holds) return fmt::format("{} answers: it holds the authority that would end", peer.name);
  if (peer.seal_lsn && peer.seal_successor != e.lost)
    return fmt::format("the log of {} ends with a seal at LSN {}", peer.name, peer.seal_lsn->value());
  if (planted(Fault::kFurtherPeerIgnored)) return std::nullopt;
  // It went on where this log did not: an epoch or a lineage, or more of this one.
  if (peer.departs_lsn)
    return fmt::format("{} went on in another epoch or lineage at LSN {}", peer.name, peer.departs_lsn->value());
  if (!peer.own_departs_lsn && peer.durable_lsn > e.own_lsn)
    return fmt::format("{} is further on this lineage, at LSN {}", peer.name, peer.durable_lsn->value());
  return std::nullopt;
}

}  // namespace aerodb::rules
