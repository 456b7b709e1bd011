// Log records: the logical layer, the same bytes on every node. Grammar in docs/spec/WAL_FORMAT.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/wal/format.h"

namespace aerodb::wal {

struct RecordHeader {
  uint32_t payload_bytes = 0;
  RecordType type = RecordType::kCommit;
  Epoch epoch;
  Lsn lsn;
  CommitId commit;  // last commit up to and with this record
  Chain chain_before;
  Digest digest_after;
};

// Who asked for a change of authority and why.
struct WhoAndWhy {
  std::string request_id;
  std::string operator_name;
  std::string reason;
  std::optional<Sha256> audit_head;
};

struct LineageStart {
  LineageId lineage;
  // Where it forks from; zero at init.
  LineageId parent;
  Lsn parent_lsn;
  CommitId parent_commit;
  Chain parent_chain;
  LineageReason reason = LineageReason::kInit;
  std::string node;
  InstanceId instance;
  WhoAndWhy who;
};

struct EpochStart {
  Epoch epoch;
  std::string node;
  InstanceId instance;
  Lsn seal_lsn;
  Bytes decline;  // statement that it answers, where the node is not the seal's successor
  WhoAndWhy who;
};

struct Seal {
  std::string successor;
  InstanceId successor_instance;
  uint64_t number = 0;  // seals in this epoch up to this one
  Bytes decline;        // statement of the successor before, where the seal was passed on
  WhoAndWhy who;
};

struct SchemaRecord {
  ByteSpan schema;  // canonical
};

// Versions that only reads below `floor` would see may go, here and on every replica (garbage collection).
struct Floor {
  CommitId floor;
  WhoAndWhy who;
};

struct CommitOperation {
  Operation op = Operation::kInsert;
  std::string_view collection;
  std::string_view id;
  uint32_t schema_version = 0;  // 0 for a delete
  CommitId prev_commit;         // commit of the version before, tombstones included; 0: none
  ByteSpan document;            // canonical; empty for a delete
};
struct Commit {
  std::vector<CommitOperation> operations;
};

using Payload = std::variant<LineageStart, EpochStart, Seal, SchemaRecord, Commit, Floor>;

[[nodiscard]] RecordType type_of(const Payload& payload);
[[nodiscard]] std::string_view record_type_name(RecordType type);  // "lineage_start"

// Appends header, payload and padding. `header.payload_bytes` and `header.type` are filled in from the payload.
void encode_record(RecordHeader header, const Payload& payload, Bytes& out);

// The same for a commit, on the write path: its size is known, so that it is written into its place.
void encode_commit(RecordHeader header, const Commit& commit, Bytes& out);
// Of the whole record, padding included.
[[nodiscard]] uint64_t commit_record_bytes(const Commit& commit);

// One record within a buffer, header checked, payload not yet parsed. Views into the buffer.
struct RecordView {
  RecordHeader header;
  ByteSpan bytes;  // the whole record, padding included
  ByteSpan payload;
  [[nodiscard]] Chain chain_after() const;
  // So that several who ask for chain_after() hash it once.
  void note_chain_after() { noted_chain_after = chain_after(); }
  std::optional<Chain> noted_chain_after;
};

// Reads the record at the start of `in`. BAD_RECORD: truncated, bounds, unknown type, flags or format, padding not
// zero.
[[nodiscard]] Result<RecordView> read_record(ByteSpan in);
// BAD_RECORD where the payload does not parse whole.
[[nodiscard]] Result<Payload> parse_payload(const RecordView& record);

[[nodiscard]] Chain chain_over(ByteSpan record_bytes);
// chain_before of LSN 1.
[[nodiscard]] Chain genesis_chain(const ClusterId& cluster, const LineageId& lineage);

}  // namespace aerodb::wal
