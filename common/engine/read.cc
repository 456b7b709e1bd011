// Reads: the gate, documents at a commit, version chains.
#include <fmt/format.h>

#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

Error gate_error(ErrorCode code, std::string_view what, const rules::ReadGateEvidence& evidence,
                 const std::string& node, const std::optional<Halt>& halt, const std::optional<Fence>& fence) {
  Error error{code, fmt::format("{} on {}: {}", what, node, error_row(code).meaning), {}};
  error.with("applied_commit", evidence.applied_commit.value()).with("applied_lsn", evidence.applied_lsn.value());
  if (code == ErrorCode::kBehind) error.with("commit", evidence.commit.value());
  if (code == ErrorCode::kBelowFloor) error.with("floor", evidence.floor.value());
  if (evidence.receipt_lsn) error.with("receipt_lsn", evidence.receipt_lsn->value());
  if (code == ErrorCode::kLineageEnded) {
    if (fence)
      error.with("at", fence->fork_lsn.value()).with("ended_by", to_hex(fence->lineage));
    else if (evidence.lineage_last_lsn)
      error.with("at", evidence.lineage_last_lsn->value());
  }
  if (code == ErrorCode::kEpochEnded && evidence.epoch_last_lsn) error.with("at", evidence.epoch_last_lsn->value());
  if (halt) error.with("halt_rule", halt->rule).with("halt_reason", halt->reason);
  return error;
}

// A lookup lacked a block: come again, or refused because reading it failed.
std::optional<std::unexpected<Error>> cold(const store::Blocks& blocks) {
  if (blocks.trouble()) return fail(*blocks.trouble());
  return std::nullopt;
}

}  // namespace

rules::ReadGateEvidence Engine::gate_evidence(std::optional<CommitId> at_commit,
                                              const std::optional<ReceiptClaim>& receipt) const {
  rules::ReadGateEvidence e;
  e.state = state();
  e.fenced = fenced();
  e.log_validated =
      true;  // recovery replayed it in this process, and every later record was checked before it was written
  e.applied_lsn = visible_.lsn;
  e.applied_commit = visible_.commit;
  e.floor = floor();
  e.commit = at_commit.value_or(visible_.commit);
  if (!receipt) return e;
  e.receipt_lineage = receipt->lineage;
  e.receipt_epoch = receipt->epoch;
  e.receipt_lsn = receipt->lsn;
  e.receipt_chain = receipt->chain;
  e.own_chain_at_receipt = chain_at(receipt->lsn);
  e.lineage_known = false;
  e.epoch_known = false;
  const auto& ancestry = visible_authority_.ancestry();
  for (size_t i = 0; i < ancestry.size(); ++i) {
    if (ancestry[i].lineage != receipt->lineage) continue;
    const bool has_next = i + 1 < ancestry.size();
    e.lineage_known = true;
    if (has_next && ancestry[i + 1].lineage != receipt->lineage)
      e.lineage_last_lsn = Lsn(ancestry[i + 1].first_lsn.value() - 1);
    if (ancestry[i].epoch != receipt->epoch) continue;
    e.epoch_known = true;
    if (has_next) e.epoch_last_lsn = Lsn(ancestry[i + 1].first_lsn.value() - 1);
  }
  return e;
}

Result<CommitId> Engine::admit_read(std::string_view operation, std::optional<CommitId> at_commit,
                                    const std::optional<ReceiptClaim>& receipt) const {
  rules::NoTrace trace;
  const auto gate = gate_evidence(at_commit, receipt);
  if (auto code = rules::decide_read_gate(gate, trace))
    return fail(gate_error(*code, operation, gate, node().name, halt_, fence_));
  return gate.commit;
}

const RegisteredSchema* Engine::schema_for_read(std::string_view collection, uint32_t version, Error& error) const {
  const auto* newest = state_().newest_schema(collection, visible_.lsn);
  if (newest == nullptr) {
    error = {ErrorCode::kUnknownCollection,
             fmt::format("read {}: no schema is registered for the collection (DOC-1)", collection),
             {}};
    return nullptr;
  }
  const auto* schema = state_().schema(collection, version, visible_.lsn);
  if (schema == nullptr) {
    error = {ErrorCode::kUnknownSchema, fmt::format("read {}: no schema version {} (DOC-1)", collection, version), {}};
    error.with("newest_version", newest->schema.version);
  }
  return schema;
}

Restartable<Result<GetAnswer>> Engine::get(const GetRequest& request, store::Blocks& blocks) const {
  const auto bound = admit_read("read", request.at_commit, request.receipt);
  if (!bound) return fail(bound.error());
  Error error;
  if (schema_for_read(request.collection, request.schema_version, error) == nullptr) return fail(std::move(error));
  auto found = state_().visible(blocks, request.collection, request.id, *bound);
  if (!found) return cold(blocks);
  GetAnswer answer{*bound, {}, visible_};
  if (!found->live()) return answer;
  if (found->schema_version > request.schema_version) {
    return fail(Error{
        ErrorCode::kSchemaNewer,
        fmt::format("read {}/{}: written under schema version {}, {} was named (MVCC-7)", request.collection,
                    request.id, found->schema_version, request.schema_version),
        {}}.with("schema_version", found->schema_version));
  }
  answer.version = *found;
  return answer;
}

Restartable<Result<std::vector<rules::VersionEvidence>>> Engine::version_chain(std::string_view collection,
                                                                               std::string_view id, CommitId bound,
                                                                               store::Blocks& blocks) const {
  std::vector<rules::VersionEvidence> chain;
  CommitId before = bound.next();
  while (true) {
    auto version = state_().listed_below(blocks, collection, id, before, floor());
    if (!version) return cold(blocks);
    if (!chain.empty()) chain.back().prev_commit = version->commit;
    if (!*version) return chain;
    chain.push_back({version->commit, state_().lsn_of(version->commit), version->tombstone() ? "tombstone" : "document",
                     version->schema_version, document_hash(*version), CommitId()});
    before = version->commit;
  }
}

}  // namespace aerodb::engine
