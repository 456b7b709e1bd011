#include "tests/sim/history.h"

#include <algorithm>
#include <ranges>

#include "common/base/checksum.h"

namespace aerodb::sim {

History History::up_to(Lsn fork_lsn) const {
  History branch = *this;
  branch.fork = fork_lsn;
  branch.entries.resize(fork_lsn.value() + 1);
  const CommitId commit = branch.last_commit();
  branch.commit_lsn.resize(commit.value() + 1);
  branch.commit_issue.resize(commit.value() + 1);
  for (auto& chain : branch.documents) std::erase_if(chain, [&](const Version& v) { return v.commit > commit; });
  for (auto& versions_of : branch.schema_lsn) {
    for (Lsn& lsn : versions_of) {
      if (lsn > fork_lsn) lsn = Lsn();
    }
  }
  auto beyond = [&](const auto& entry) { return entry.first > fork_lsn; };
  std::erase_if(branch.seals, beyond);
  std::erase_if(branch.floors, beyond);
  std::erase_if(branch.epochs, [&](const EpochFacts& e) { return e.lsn > fork_lsn; });
  for (auto& [id, lsns] : branch.requests) std::erase_if(lsns, [&](Lsn lsn) { return lsn > fork_lsn; });
  return branch;
}

const History::EpochFacts* History::epoch(Epoch number) const {
  const auto at = std::ranges::find(epochs, number, &EpochFacts::epoch);
  return at == epochs.end() ? nullptr : &*at;
}

CommitId History::floor_at(Lsn lsn) const {
  const auto after = floors.upper_bound(lsn);
  return after == floors.begin() ? CommitId() : std::prev(after)->second;
}

const Version* History::newest(uint32_t collection, uint32_t id, CommitId bound) const {
  const auto& chain = versions(collection, id);
  for (size_t i = chain.size(); i-- > 0;) {
    if (chain[i].commit <= bound) return &chain[i];
  }
  return nullptr;
}

const Version* History::visible(uint32_t collection, uint32_t id, CommitId bound) const {
  const Version* version = newest(collection, id, bound);
  return version != nullptr && version->schema_version > 0 ? version : nullptr;
}

std::vector<Version> History::logical_chain(uint32_t collection, uint32_t id, CommitId bound, CommitId floor) const {
  std::vector<Version> chain;
  for (const auto& version : std::views::reverse(versions(collection, id))) {
    if (version.commit > bound) continue;
    if (version.commit > floor) {
      chain.push_back(version);
      continue;
    }
    if (version.schema_version != 0) chain.push_back(version);
    break;
  }
  return chain;
}

History::Ruling History::evaluate(const std::vector<Operation>& operations, Lsn lsn) const {
  const CommitId bound = at(lsn).commit;
  for (const auto& operation : operations) {
    if (!has_schema(operation.collection, 1, lsn)) return {ErrorCode::kUnknownCollection, {}};
    if (operation.op == wal::Operation::kDelete) continue;
    if (!has_schema(operation.collection, operation.schema_version, lsn)) return {ErrorCode::kUnknownSchema, {}};
    if (operation.form_error) return {operation.form_error, {}};
  }
  for (const auto& operation : operations) {
    const Version* live = visible(operation.collection, operation.id, bound);
    const CommitId commit = live == nullptr ? CommitId() : live->commit;
    if (operation.if_commit && *operation.if_commit != commit) return {ErrorCode::kPreconditionFailed, commit};
    const bool insert = operation.op == wal::Operation::kInsert;
    if (insert && live != nullptr) return {ErrorCode::kDocumentExists, commit};
    if (!insert && live == nullptr) return {ErrorCode::kNoSuchDocument, {}};
  }
  for (size_t i = 1; i < operations.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (operations[i].collection == operations[j].collection && operations[i].id == operations[j].id)
        return {ErrorCode::kBatchInvalid, {}};
    }
  }
  return {};
}

Digest History::digest_from_scratch() const {
  Digest digest;
  Bytes input;
  auto add = [&] { digest = digest_add(digest, Digest{xxh3_128(input)}); };
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t v = 1; v <= kSchemaVersions; ++v) {
      if (!has_schema(c, v, last_lsn())) continue;
      input.clear();
      ByteWriter out(input);
      out.u8('s');
      out.blob(schema_bytes(c, v));
      add();
    }
    for (uint32_t id = 0; id < ids; ++id) {
      const Version* version = visible(c, id, last_commit());
      if (version == nullptr) continue;
      input.clear();
      ByteWriter out(input);
      out.u8('d');
      out.string(collection_name(c));
      out.string(id_name(id));
      out.u64(version->commit.value());
      out.u32(version->schema_version);
      out.blob(version->document);
      add();
    }
  }
  return digest;
}

}  // namespace aerodb::sim
