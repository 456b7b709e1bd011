#include "common/engine/decision.h"

#include <fmt/format.h>

#include "common/engine/node_files.h"
#include "common/engine/small_file.h"

namespace aerodb::engine {
namespace {

template <class Evidence>
bool read_evidence(ByteSpan packed, Decision& decision) {
  return rules::unpack_evidence(packed, decision.evidence.emplace<Evidence>());
}

}  // namespace

std::string decision_name(Lsn lsn) { return fmt::format("decision-{}", lsn.value()); }

Result<Decision> decode_decision(ByteSpan bytes, std::string_view what) {
  auto content = open_file(kDecisionMagic, bytes, what);
  if (!content) return fail(std::move(content.error()));
  ByteReader in(*content);
  Decision decision;
  decision.lsn = Lsn(in.u64());
  decision.chain_after = in.id<Chain>();
  const auto kind = static_cast<DecisionKind>(in.u8());
  const ByteSpan packed = in.blob();
  const bool promotion = kind == DecisionKind::kPromotion && read_evidence<rules::AuthorityEvidence>(packed, decision);
  const bool end = kind == DecisionKind::kEnd && read_evidence<rules::EndLineageEvidence>(packed, decision);
  if (!in.at_end() || !(promotion || end)) return damaged_file(what);
  return decision;
}

Result<std::optional<Decision>> read_decision(runtime::Disk& disk, const std::string& data_dir, Lsn lsn) {
  const std::string path = data_dir + "/authority/" + decision_name(lsn);
  return decode_file(disk, path, [&](ByteSpan bytes) { return decode_decision(bytes, path); });
}

}  // namespace aerodb::engine
