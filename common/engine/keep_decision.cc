#include "common/engine/decision.h"
#include "common/engine/node_files.h"
#include "common/engine/small_file.h"

namespace aerodb::engine {

Bytes encode_decision(const Decision& decision) {
  const bool promotion = std::holds_alternative<rules::AuthorityEvidence>(decision.evidence);
  Bytes content;
  ByteWriter out(content);
  out.u64(decision.lsn.value());
  out.id(decision.chain_after);
  out.u8(static_cast<uint8_t>(promotion ? DecisionKind::kPromotion : DecisionKind::kEnd));
  out.blob(std::visit([](const auto& evidence) { return rules::pack_evidence(evidence); }, decision.evidence));
  return seal_file(kDecisionMagic, content);
}

Result<void> keep_decision(runtime::Disk& disk, const std::string& data_dir, const Decision& decision) {
  auto kept = read_decision(disk, data_dir, decision.lsn);
  if (!kept) return fail(std::move(kept.error()));
  if (*kept && (*kept)->chain_after == decision.chain_after) return {};
  return runtime::replace_file(disk, data_dir + "/authority", decision_name(decision.lsn), encode_decision(decision));
}

}  // namespace aerodb::engine
