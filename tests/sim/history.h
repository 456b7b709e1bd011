// One branch of the tree of histories: every record from LSN 1 on, and the documents that follow from them.
//
// There is one branch until an operator ends a lineage. Then there are two that have everything up to the fork in
// common, and each may go on: the ended one on a node that does not know yet, or not any more. A branch holds its
// common part as a copy, so that every question about it is answered from it alone.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/workload.h"

namespace aerodb::sim {

// Of a document.
struct Version {
  CommitId commit;
  uint32_t schema_version = 0;  // 0: tombstone
  std::optional<int64_t> k;
  Bytes document;
};

struct History {
  struct Entry {
    Chain chain;  // after the record
    Digest digest;
    CommitId commit;
    LineageId lineage;
    Epoch epoch;
    wal::RecordType type = wal::RecordType::kLineageStart;
  };
  struct SealFacts {
    std::string successor;
    InstanceId instance;
    bool declined = false;  // its successor's statement was handed out
  };
  struct EpochFacts {
    Epoch epoch;
    Lsn lsn;
    Lsn seal_lsn;  // that it answers; zero at the start of a lineage
    std::string node;
    InstanceId instance;
    bool by_successor = false;
  };
  // What a primary must say to operations.
  struct Ruling {
    std::optional<ErrorCode> code;  // absent: accepted
    CommitId commit;                // that the refusal names
    friend bool operator==(const Ruling&, const Ruling&) = default;
  };

  explicit History(uint32_t id_count) : ids(id_count), documents(size_t{kCollections} * id_count) {}
  // All of it up to `fork`.
  [[nodiscard]] History up_to(Lsn fork) const;

  [[nodiscard]] Lsn last_lsn() const { return Lsn(entries.size() - 1); }
  [[nodiscard]] CommitId last_commit() const { return entries.back().commit; }
  [[nodiscard]] bool ends_with_seal() const { return entries.back().type == wal::RecordType::kSeal; }
  [[nodiscard]] const Entry& at(Lsn lsn) const { return entries[lsn.value()]; }
  [[nodiscard]] const EpochFacts* epoch(Epoch number) const;
  // The floor once the record at `lsn` is applied.
  [[nodiscard]] CommitId floor_at(Lsn lsn) const;
  [[nodiscard]] bool has_schema(uint32_t collection, uint32_t version, Lsn lsn) const {
    const Lsn registered = schema_lsn[collection][version - 1];
    return registered > Lsn() && registered <= lsn;
  }
  [[nodiscard]] std::vector<Version>& versions(uint32_t collection, uint32_t id) {
    return documents[collection * ids + id];
  }
  [[nodiscard]] const std::vector<Version>& versions(uint32_t collection, uint32_t id) const {
    return documents[collection * ids + id];
  }
  // Tombstones included; nullptr: there was nothing yet.
  [[nodiscard]] const Version* newest(uint32_t collection, uint32_t id, CommitId bound) const;
  [[nodiscard]] const Version* visible(uint32_t collection, uint32_t id, CommitId bound) const;
  // Newest first: those above the floor, and the newest one at or below it unless it is a tombstone.
  [[nodiscard]] std::vector<Version> logical_chain(uint32_t collection, uint32_t id, CommitId bound,
                                                   CommitId floor) const;
  // What a primary whose log ends at `lsn` must say.
  [[nodiscard]] Ruling evaluate(const std::vector<Operation>& operations, Lsn lsn) const;
  // Of the documents at its end.
  [[nodiscard]] Digest digest_from_scratch() const;

  uint32_t ids;
  size_t parent = 0;                            // branch that it left; itself for the first one
  Lsn fork;                                     // last LSN in common with its parent
  std::vector<Entry> entries{1};                // by LSN; 0 is before the first
  std::vector<Lsn> commit_lsn = {Lsn()};        // by commit
  std::vector<uint64_t> commit_issue = {0};     // by commit: number of the issue it holds
  std::vector<std::vector<Version>> documents;  // by collection and id
  std::array<std::array<Lsn, kSchemaVersions>, kCollections> schema_lsn{};
  std::map<Lsn, SealFacts> seals;
  std::map<Lsn, CommitId> floors;
  std::vector<EpochFacts> epochs;
  std::map<std::string, std::vector<Lsn>> requests;  // authority records by request id
};

}  // namespace aerodb::sim
