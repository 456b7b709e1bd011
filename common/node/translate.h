// Engine positions to wire messages and back.
#pragma once

#include <fmt/format.h>

#include "common/engine/engine.h"
#include "common/rules/lineage_rules.h"
#include "common/wire/messages_common.h"

namespace aerodb::node {

[[nodiscard]] inline wire::Receipt receipt_of(const engine::Position& p) {
  return {p.lineage, p.epoch, p.commit, p.lsn, p.chain};
}

[[nodiscard]] inline std::optional<engine::ReceiptClaim> claim_of(const std::optional<wire::Receipt>& receipt) {
  if (!receipt) return std::nullopt;
  return engine::ReceiptClaim{receipt->lineage, receipt->epoch, receipt->lsn, receipt->chain};
}

[[nodiscard]] inline std::vector<wire::AncestryEntry> ancestry_of(const engine::Authority& authority) {
  std::vector<wire::AncestryEntry> entries;
  for (const auto& e : authority.ancestry()) {
    entries.push_back(
        {e.lineage, e.epoch, e.first_lsn, e.first_commit, e.chain, e.node, e.instance, e.reason, e.parent});
  }
  return entries;
}

// Of a wire::AncestryEntry or engine::AncestryEntry.
template <class Entry>
[[nodiscard]] std::vector<rules::HistoryEpoch> history_of(const std::vector<Entry>& ancestry) {
  std::vector<rules::HistoryEpoch> epochs;
  epochs.reserve(ancestry.size());
  for (const auto& e : ancestry) epochs.push_back({e.lineage, e.epoch, e.first_lsn, e.first_commit, e.chain});
  return epochs;
}

[[nodiscard]] inline wal::WhoAndWhy who_of(const wire::Request& request) {
  return {request.request_id, request.operator_name, request.reason, request.audit_head};
}

inline constexpr size_t kMaxNameBytes = 256;  // of nodes and operators, in records and events

// Bounds what goes into records and events. BAD_REQUEST.
[[nodiscard]] inline Result<void> check_request(const wire::Request& request) {
  constexpr size_t kMaxIdBytes = 128;
  constexpr size_t kMaxReasonBytes = 1024;
  if (request.request_id.size() <= kMaxIdBytes && request.operator_name.size() <= kMaxNameBytes &&
      request.reason.size() <= kMaxReasonBytes)
    return {};
  return fail(ErrorCode::kBadRequest,
              fmt::format("request: request_id has at most {} bytes, operator_name {}, reason {}", kMaxIdBytes,
                          kMaxNameBytes, kMaxReasonBytes));
}

[[nodiscard]] inline wire::ExplanationResponse explanation_of(const rules::Explanation& explanation) {
  return {wire::Packed{explanation.packed}, explanation.sha256, explanation.rule_sha256};
}

}  // namespace aerodb::node
