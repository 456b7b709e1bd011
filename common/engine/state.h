// What the records of a log add up to: schemas, documents, digest, authority, positions. The same fold everywhere: a
// primary applies what it admits, a replica what it was sent, recovery what it reads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/document/schema.h"
#include "common/engine/authority.h"
#include "common/store/memory_table.h"
#include "common/wal/record.h"

namespace aerodb::engine {

// Where a log stands after a record.
struct Position {
  Lsn lsn;
  CommitId commit;
  Epoch epoch;
  LineageId lineage;
  Chain chain;    // after lsn
  Digest digest;  // after lsn
};

struct RegisteredSchema {
  document::Schema schema;
  Bytes canonical;
  Lsn lsn;  // of its record
};

// How strictly records are checked when applied.
enum class Trust : uint8_t {
  kOwnLog,  // its bytes were checked when they were written here; checksum and chain vouch for them
  kPeer,    // documents must be canonical and valid under their schema (REPL-3)
};

class State {
 public:
  explicit State(ClusterId cluster) : cluster_(cluster) {}

  // Applies the next record. Errors, each with the state of the record's own operations possibly half applied (the
  // caller stops for good): WAL_DISCONTINUITY (epoch, commit id, authority), BAD_RECORD (payload, schema, document),
  // REPLICA_DIVERGED (prev_commit), DIGEST_MISMATCH.
  [[nodiscard]] Result<void> apply(const wal::RecordView& record, Trust trust);

  // --- for admission on a primary
  // The newest version, tombstones included; nullptr: never there.
  [[nodiscard]] const store::Version* newest(std::string_view collection, std::string_view id) const;
  // Digest after the operations of one commit; no change of state.
  [[nodiscard]] Digest digest_after(const wal::Commit& commit, CommitId id) const;
  [[nodiscard]] Digest digest_after_schema(ByteSpan canonical) const;
  // Takes a record that this node itself made of checked input.
  void take_commit(const wal::Commit& commit, const Position& after);
  void take_schema(document::Schema schema, ByteSpan canonical, const Position& after);
  void take_authority(const wal::RecordHeader& header, const wal::Payload& payload, const Position& after);

  // nullptr where no such version is registered at or below `up_to`.
  [[nodiscard]] const RegisteredSchema* schema(std::string_view collection, uint32_t version, Lsn up_to) const;
  [[nodiscard]] const RegisteredSchema* newest_schema(std::string_view collection, Lsn up_to) const;
  using Schemas = std::map<std::string, std::map<uint32_t, RegisteredSchema>, std::less<>>;
  [[nodiscard]] const Schemas& schemas() const { return schemas_; }

  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const Authority& authority() const { return authority_; }
  [[nodiscard]] const store::MemoryTable& table() const { return table_; }
  // LSN of the record of a commit.
  [[nodiscard]] Lsn lsn_of(CommitId commit) const;

 private:
  [[nodiscard]] Result<void> apply_commit(const wal::RecordView& record, const wal::Commit& commit, Trust trust);
  [[nodiscard]] Result<void> apply_schema(const wal::RecordView& record, const wal::SchemaRecord& schema);
  [[nodiscard]] Result<void> check_operation(const wal::CommitOperation& operation, Trust trust) const;
  void put(const wal::Commit& commit, CommitId id);
  void add_schema(document::Schema schema, ByteSpan canonical, Lsn lsn);
  void move_to(const Position& after);

  ClusterId cluster_;
  Position position_;
  Authority authority_;
  Schemas schemas_;
  store::MemoryTable table_;
  // Commits grow by one with each commit record; `lsn - commit` steps up at every other record.
  struct Step {
    CommitId from_commit;
    uint64_t lsn_minus_commit;
  };
  std::vector<Step> steps_;
};

// XXH3-128 over the canonical document; zero for a tombstone.
[[nodiscard]] DocumentHash document_hash(const store::Version& version);

}  // namespace aerodb::engine
