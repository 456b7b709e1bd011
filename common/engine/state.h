// What the records of a log add up to: schemas, documents, digest, authority, positions. The same fold everywhere: a
// primary applies what it admits, a replica what it was sent, recovery what it reads.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/document/schema.h"
#include "common/engine/authority.h"
#include "common/store/layers.h"
#include "common/store/manifest.h"
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

// The newest version of a document before a commit (empty: none), and where the commit's own will stand.
struct Before {
  store::VersionView version;
  store::MemoryTable::Place place;
};

class State {
 public:
  explicit State(ClusterId cluster) : cluster_(cluster) {}

  // Starts from a manifest in place of an empty log. MANIFEST_DAMAGED where its parts contradict each other.
  [[nodiscard]] Result<void> load(const store::Manifest& manifest, std::vector<std::shared_ptr<const store::Run>> runs);
  // What a manifest says of the present position; runs, numbers and places are for the caller to fill in.
  [[nodiscard]] store::Manifest draft_manifest() const;

  // Applies the next record. Errors, each with the state of the record's own operations possibly half applied (the
  // caller stops for good): WAL_DISCONTINUITY (epoch, commit id, authority), BAD_RECORD (payload, schema, document),
  // REPLICA_DIVERGED (prev_commit), DIGEST_MISMATCH, and what `blocks` met with. Requires that `blocks` has what it
  // looks up: it reads on the spot, or warm() answered true.
  [[nodiscard]] Result<void> apply(const wal::RecordView& record, Trust trust, store::Blocks& blocks);
  // Looks up what apply() will need of the record. False: a block is not at hand, or could not be read.
  [[nodiscard]] bool warm(const wal::RecordView& record, store::Blocks& blocks) const;

  // --- for admission on a primary
  // The newest version, tombstones above the floor included; empty: none. nullopt: a block is not at hand.
  [[nodiscard]] std::optional<store::VersionView> newest(store::Blocks& blocks, std::string_view collection,
                                                         std::string_view id) const {
    return visible(blocks, collection, id, CommitId(kMaxNumber));
  }
  [[nodiscard]] std::optional<Before> before(store::Blocks& blocks, std::string_view collection,
                                             std::string_view id) const;
  // The same at a bound. A tombstone at or below the floor counts as nothing, whether or not a merge removed it: every
  // node answers the same.
  [[nodiscard]] std::optional<store::VersionView> visible(store::Blocks& blocks, std::string_view collection,
                                                          std::string_view id, CommitId bound,
                                                          store::MemoryTable::Place* place = nullptr) const;
  // The newest version below `before` in the logical view at `floor`: versions above the floor, and the newest one at
  // or below it unless that is a tombstone, whatever merges have removed or left on disk. Empty where there is none.
  [[nodiscard]] std::optional<store::VersionView> listed_below(store::Blocks& blocks, std::string_view collection,
                                                               std::string_view id, CommitId before,
                                                               CommitId floor) const;
  // Digest after the operations of one commit, `befores` being the newest versions they replace; no change of state.
  [[nodiscard]] Digest digest_after(const wal::Commit& commit, std::span<const Before> befores, CommitId id) const;
  [[nodiscard]] Digest digest_after_schema(ByteSpan canonical) const;
  // Takes a record that this node itself made of checked input.
  void take_commit(const wal::Commit& commit, std::span<const Before> befores, const Position& after);
  void take_schema(document::Schema schema, ByteSpan canonical, const Position& after);
  void take_authority(const wal::RecordView& record, const wal::Payload& payload, const Position& after);
  void take_floor(CommitId floor, const Position& after);

  // nullptr where no such version is registered at or below `up_to`.
  [[nodiscard]] const RegisteredSchema* schema(std::string_view collection, uint32_t version, Lsn up_to) const;
  [[nodiscard]] const RegisteredSchema* newest_schema(std::string_view collection, Lsn up_to) const;
  using Schemas = std::map<std::string, std::map<uint32_t, RegisteredSchema>, std::less<>>;
  [[nodiscard]] const Schemas& schemas() const { return schemas_; }
  // Every index path of every collection, as runs have them.
  [[nodiscard]] store::IndexedPaths indexes() const;

  [[nodiscard]] const ClusterId& cluster() const { return cluster_; }
  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] const Authority& authority() const { return authority_; }
  // lineage_start, epoch_start, seal: verbatim, in order.
  [[nodiscard]] const std::vector<Bytes>& authority_records() const { return authority_records_; }
  [[nodiscard]] CommitId floor() const { return floor_; }
  [[nodiscard]] uint64_t live_documents() const { return live_documents_; }
  [[nodiscard]] store::Layers& layers() { return layers_; }
  [[nodiscard]] const store::Layers& layers() const { return layers_; }
  // LSN of the record of a commit.
  [[nodiscard]] Lsn lsn_of(CommitId commit) const;
  // The last commit at or before an LSN.
  [[nodiscard]] CommitId commit_at(Lsn lsn) const;

 private:
  [[nodiscard]] Result<void> look_up(const wal::Commit& commit, store::Blocks& blocks);
  [[nodiscard]] Result<void> apply_commit(const wal::RecordView& record, const wal::Commit& commit, Trust trust,
                                          store::Blocks& blocks);
  [[nodiscard]] Result<void> apply_schema(const wal::RecordView& record, const wal::SchemaRecord& schema);
  [[nodiscard]] Result<void> apply_floor(const wal::RecordView& record, const wal::Floor& floor);
  [[nodiscard]] Result<void> apply_authority(const wal::RecordView& record, const wal::Payload& payload);
  [[nodiscard]] Result<void> check_operation(const wal::CommitOperation& operation, const store::VersionView& before,
                                             Trust trust) const;
  [[nodiscard]] Result<void> check_digest_unchanged(const wal::RecordHeader& header) const;
  [[nodiscard]] Result<void> load_authority(const store::Manifest& manifest);
  [[nodiscard]] Result<void> load_schemas(const store::Manifest& manifest);
  void put(const wal::Commit& commit, std::span<const Before> befores, CommitId id);
  void add_schema(document::Schema schema, ByteSpan canonical, Lsn lsn);
  void move_to(const Position& after);

  ClusterId cluster_;
  Position position_;
  Authority authority_;
  std::vector<Bytes> authority_records_;  // verbatim, for the manifest
  Schemas schemas_;
  store::Layers layers_;
  CommitId floor_;
  uint64_t live_documents_ = 0;
  std::vector<store::CommitStep> steps_;
  std::vector<Before> befores_;  // scratch of apply()
};

// An operation on a document that another one of the commit is on too (MVCC-9); nullptr: each is named once.
[[nodiscard]] const wal::CommitOperation* named_twice(const wal::Commit& commit);

// XXH3-128 over the canonical document; zero for a tombstone.
[[nodiscard]] DocumentHash document_hash(const store::VersionView& version);

}  // namespace aerodb::engine
