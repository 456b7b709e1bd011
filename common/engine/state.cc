#include "common/engine/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/document/canonical.h"

namespace aerodb::engine {
namespace {

// Terms of the state digest. The leading byte keeps documents and schemas apart.
Digest document_term(std::string_view collection, std::string_view id, CommitId commit, uint32_t schema_version,
                     ByteSpan document) {
  thread_local Bytes input;  // scratch: the write path allocates nothing here
  input.clear();
  ByteWriter out(input);
  out.u8('d');
  out.string(collection);
  out.string(id);
  out.u64(commit.value());
  out.u32(schema_version);
  out.blob(document);
  return Digest{xxh3_128(input)};
}

Digest schema_term(ByteSpan canonical) {
  Bytes input;
  ByteWriter out(input);
  out.u8('s');
  out.blob(canonical);
  return Digest{xxh3_128(input)};
}

// MVCC-9. By sorting: a record from a peer may hold some hundred thousand operations.
Result<void> check_each_once(const wal::Commit& commit) {
  if (commit.operations.size() == 1) return {};
  std::vector<std::pair<std::string_view, std::string_view>> keys;
  keys.reserve(commit.operations.size());
  for (const auto& operation : commit.operations) keys.emplace_back(operation.collection, operation.id);
  std::ranges::sort(keys);
  auto twice = std::ranges::adjacent_find(keys);
  if (twice == keys.end()) return {};
  return fail(ErrorCode::kBadRecord,
              fmt::format("apply record: {}/{} stands twice in one commit (MVCC-9)", twice->first, twice->second));
}

std::unexpected<Error> discontinuity(std::string message) {
  return fail(ErrorCode::kWalDiscontinuity, "apply record: " + std::move(message));
}

}  // namespace

DocumentHash document_hash(const store::Version& version) {
  return version.tombstone() ? DocumentHash{} : DocumentHash{xxh3_128(version.document())};
}

const store::Version* State::newest(std::string_view collection, std::string_view id) const {
  const auto* table = table_.collection(collection);
  const auto* entry = table == nullptr ? nullptr : store::MemoryTable::find(*table, id);
  return entry == nullptr ? nullptr : entry->newest;
}

Digest State::digest_after(const wal::Commit& commit, CommitId id) const {
  Digest digest = position_.digest;
  for (const auto& operation : commit.operations) {
    const auto* before = newest(operation.collection, operation.id);
    if (before != nullptr && !before->tombstone()) {
      digest = digest_subtract(digest, document_term(operation.collection, operation.id, before->commit,
                                                     before->schema_version, before->document()));
    }
    if (operation.op != wal::Operation::kDelete) {
      digest = digest_add(
          digest, document_term(operation.collection, operation.id, id, operation.schema_version, operation.document));
    }
  }
  return digest;
}

Digest State::digest_after_schema(ByteSpan canonical) const {
  return digest_add(position_.digest, schema_term(canonical));
}

void State::put(const wal::Commit& commit, CommitId id) {
  for (const auto& operation : commit.operations) {
    auto* table = table_.collection(operation.collection);
    AERODB_ASSERT(table != nullptr);
    table_.put(*table, operation.id, id, operation.schema_version, operation.document);
  }
}

void State::move_to(const Position& after) {
  const uint64_t difference = after.lsn.value() - after.commit.value();
  const bool is_commit = after.commit > position_.commit;
  if (is_commit && (steps_.empty() || steps_.back().lsn_minus_commit != difference))
    steps_.push_back({after.commit, difference});
  position_ = after;
}

Lsn State::lsn_of(CommitId commit) const {
  auto step = std::upper_bound(steps_.begin(), steps_.end(), commit,
                               [](CommitId c, const Step& s) { return c < s.from_commit; });
  AERODB_ASSERT(step != steps_.begin());
  return Lsn(commit.value() + std::prev(step)->lsn_minus_commit);
}

void State::take_commit(const wal::Commit& commit, const Position& after) {
  put(commit, after.commit);
  move_to(after);
}

void State::add_schema(document::Schema schema, ByteSpan canonical, Lsn lsn) {
  auto* table = table_.collection(schema.collection);
  if (table == nullptr) table = &table_.add_collection(schema.collection);
  for (const auto& path : schema.indexed_paths()) table_.add_index(*table, path);
  const uint32_t version = schema.version;
  const std::string collection = schema.collection;
  schemas_[collection].emplace(version,
                               RegisteredSchema{std::move(schema), Bytes(canonical.begin(), canonical.end()), lsn});
}

void State::take_schema(document::Schema schema, ByteSpan canonical, const Position& after) {
  add_schema(std::move(schema), canonical, after.lsn);
  move_to(after);
}

void State::take_authority(const wal::RecordHeader& header, const wal::Payload& payload, const Position& after) {
  auto problem = authority_.apply(header, payload, after.chain);
  AERODB_ASSERT(!problem);  // the rules granted it
  move_to(after);
}

const RegisteredSchema* State::schema(std::string_view collection, uint32_t version, Lsn up_to) const {
  auto versions = schemas_.find(collection);
  if (versions == schemas_.end()) return nullptr;
  auto found = versions->second.find(version);
  return found == versions->second.end() || found->second.lsn > up_to ? nullptr : &found->second;
}

const RegisteredSchema* State::newest_schema(std::string_view collection, Lsn up_to) const {
  auto versions = schemas_.find(collection);
  if (versions == schemas_.end()) return nullptr;
  const RegisteredSchema* newest = nullptr;
  for (const auto& [version, schema] : versions->second) {
    if (schema.lsn <= up_to) newest = &schema;
  }
  return newest;
}

Result<void> State::apply(const wal::RecordView& record, Trust trust) {
  const auto& header = record.header;
  const bool is_commit = header.type == wal::RecordType::kCommit;
  const CommitId expected = is_commit ? position_.commit.next() : position_.commit;
  if (header.commit != expected) {
    return discontinuity(fmt::format("LSN {}: expected commit id {}, found {}", header.lsn.value(), expected.value(),
                                     header.commit.value()));
  }
  auto payload = wal::parse_payload(record);
  if (!payload) return fail(std::move(payload.error()));
  const Chain chain_after = record.chain_after();

  if (const auto* commit = std::get_if<wal::Commit>(&*payload)) {
    if (auto problem = authority_.admits(header)) return discontinuity(*problem);
    if (auto applied = apply_commit(record, *commit, trust); !applied) return applied;
  } else if (const auto* schema = std::get_if<wal::SchemaRecord>(&*payload)) {
    if (auto problem = authority_.admits(header)) return discontinuity(*problem);
    if (auto applied = apply_schema(record, *schema); !applied) return applied;
  } else {
    const auto* start = std::get_if<wal::LineageStart>(&*payload);
    if (start != nullptr && header.lsn == Lsn(1) &&
        header.chain_before != wal::genesis_chain(cluster_, start->lineage)) {
      return discontinuity("LSN 1 starts another cluster's log");
    }
    if (header.digest_after != position_.digest)
      return fail(
          ErrorCode::kDigestMismatch,
          fmt::format("apply record: LSN {} changes the digest without changing a document", header.lsn.value()));
    if (auto problem = authority_.apply(header, *payload, chain_after)) return discontinuity(*problem);
  }
  move_to({header.lsn, header.commit, authority_.epoch(), authority_.lineage(), chain_after, header.digest_after});
  return {};
}

Result<void> State::check_operation(const wal::CommitOperation& operation, Trust trust) const {
  const auto* before = newest(operation.collection, operation.id);
  const CommitId prev = before == nullptr ? CommitId() : before->commit;
  if (prev != operation.prev_commit) {
    return fail(ErrorCode::kReplicaDiverged,
                fmt::format("apply record: {}/{}: expected previous commit {}, found {} (REPL-3)", operation.collection,
                            operation.id, operation.prev_commit.value(), prev.value()));
  }
  const bool live = before != nullptr && !before->tombstone();
  if (live != (operation.op != wal::Operation::kInsert)) {
    return fail(ErrorCode::kBadRecord,
                fmt::format("apply record: {}/{}: the operation does not fit the document's state",
                            operation.collection, operation.id));
  }
  if (table_.collection(operation.collection) == nullptr) {
    return fail(ErrorCode::kBadRecord, fmt::format("apply record: collection {} has no schema", operation.collection));
  }
  if (operation.op == wal::Operation::kDelete || trust == Trust::kOwnLog) return {};
  const auto* schema = this->schema(operation.collection, operation.schema_version, position_.lsn);
  if (schema == nullptr)
    return fail(ErrorCode::kBadRecord, fmt::format("apply record: {} has no schema version {}", operation.collection,
                                                   operation.schema_version));
  auto canonical = document::check_canonical(operation.document, schema->schema, document::kLargestMaxDocumentBytes);
  if (!canonical) return fail(ErrorCode::kBadRecord, "apply record: " + canonical.error().message);
  if (document::document_id(operation.document) != operation.id)
    return fail(ErrorCode::kBadRecord, "apply record: the document has another _id than its operation");
  return {};
}

Result<void> State::apply_commit(const wal::RecordView& record, const wal::Commit& commit, Trust trust) {
  if (auto unique = check_each_once(commit); !unique) return unique;
  for (const auto& operation : commit.operations) {
    if (auto checked = check_operation(operation, trust); !checked) return checked;
  }
  const Digest digest = digest_after(commit, record.header.commit);
  if (digest != record.header.digest_after) {
    return fail(Error{
        ErrorCode::kDigestMismatch,
        fmt::format("apply record: LSN {}: the state digest differs (REC-6, REPL-3)", record.header.lsn.value()),
        {}}.with("expected", to_hex(record.header.digest_after))
                    .with("found", to_hex(digest)));
  }
  put(commit, record.header.commit);
  return {};
}

Result<void> State::apply_schema(const wal::RecordView& record, const wal::SchemaRecord& payload) {
  document::Tape tape;
  if (auto parsed = tape.parse(payload.schema); !parsed)
    return fail(ErrorCode::kBadRecord, "apply record: schema: " + parsed.error().message);
  auto schema = document::decode_schema(tape.root());
  if (!schema) return fail(ErrorCode::kBadRecord, "apply record: " + schema.error().message);
  if (digest_after_schema(payload.schema) != record.header.digest_after) {
    return fail(
        ErrorCode::kDigestMismatch,
        fmt::format("apply record: LSN {}: the state digest differs (REC-6, REPL-3)", record.header.lsn.value()));
  }
  if (this->schema(schema->collection, schema->version, record.header.lsn) != nullptr)
    return fail(ErrorCode::kBadRecord, "apply record: schema version registered twice");
  add_schema(std::move(*schema), payload.schema, record.header.lsn);
  return {};
}

}  // namespace aerodb::engine
