// What a start of an epoch was decided on, as the node that decided keeps it beside its log: for promotion.decision.
//
// DIR/authority/decision-LSN, a small file (small_file.h) of format 1: u64 LSN of the record, chain[16] after it, u8
// kind (1 promotion, 2 end of a lineage), blob of the evidence as a MessagePack map. It is written once the record is
// durable and before anybody is told of it. The chain ties it to one log: another's is no evidence. Blocking.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/rules/authority_rules.h"
#include "common/rules/lineage_rules.h"
#include "common/runtime/disk.h"

namespace aerodb::engine {

enum class DecisionKind : uint8_t { kPromotion = 1, kEnd = 2 };

struct Decision {
  Lsn lsn;
  Chain chain_after;
  std::variant<rules::AuthorityEvidence, rules::EndLineageEvidence> evidence;
};

[[nodiscard]] Bytes encode_decision(const Decision& decision);
// BAD_NODE_FILE, NEWER_FORMAT. `what` is for messages.
[[nodiscard]] Result<Decision> decode_decision(ByteSpan bytes, std::string_view what);

// "decision-12", in DIR/authority
[[nodiscard]] std::string decision_name(Lsn lsn);
// nullopt where there is none. IO too.
[[nodiscard]] Result<std::optional<Decision>> read_decision(runtime::Disk& disk, const std::string& data_dir, Lsn lsn);
// Durably. One that stands for the same record stays as it is; one of a log that this directory holds no more goes.
[[nodiscard]] Result<void> keep_decision(runtime::Disk& disk, const std::string& data_dir, const Decision& decision);

}  // namespace aerodb::engine
