#include "common/engine/state.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/base/fault.h"
#include "common/document/canonical.h"
#include "common/store/digest.h"

namespace aerodb::engine {
namespace {

std::unexpected<Error> discontinuity(std::string message) {
  return fail(ErrorCode::kWalDiscontinuity, "apply record: " + std::move(message));
}

std::unexpected<Error> digest_differs(const wal::RecordHeader& header, const Digest& found) {
  return fail(Error{ErrorCode::kDigestMismatch,
                    fmt::format("apply record: LSN {}: the state digest differs (REC-6, REPL-3)", header.lsn.value()),
                    {}}
                  .with("expected", to_hex(header.digest_after))
                  .with("found", to_hex(found)));
}

}  // namespace

// By sorting: a record from a peer may hold some hundred thousand operations.
const wal::CommitOperation* named_twice(const wal::Commit& commit) {
  if (commit.operations.size() < 2) return nullptr;
  std::vector<const wal::CommitOperation*> sorted;
  sorted.reserve(commit.operations.size());
  for (const auto& operation : commit.operations) sorted.push_back(&operation);
  const auto key = [](const wal::CommitOperation* operation) {
    return std::pair(operation->collection, operation->id);
  };
  std::ranges::sort(sorted, {}, key);
  const auto twice = std::ranges::adjacent_find(sorted, {}, key);
  return twice == sorted.end() ? nullptr : *twice;
}

DocumentHash document_hash(const store::VersionView& version) {
  return version.tombstone() ? DocumentHash{} : DocumentHash{xxh3_128(version.document)};
}

std::optional<store::VersionView> State::visible(store::Blocks& blocks, std::string_view collection,
                                                 std::string_view id, CommitId bound,
                                                 store::MemoryTable::Place* place) const {
  auto found = layers_.find(blocks, collection, id, bound, place);
  if (found && *found && found->tombstone() && found->commit <= floor_) return store::VersionView();
  return found;
}

std::optional<Before> State::before(store::Blocks& blocks, std::string_view collection, std::string_view id) const {
  Before before;
  const auto found = visible(blocks, collection, id, CommitId(kMaxNumber), &before.place);
  if (!found) return std::nullopt;
  before.version = *found;
  return before;
}

std::optional<store::VersionView> State::listed_below(store::Blocks& blocks, std::string_view collection,
                                                      std::string_view id, CommitId before, CommitId floor) const {
  if (before == CommitId()) return store::VersionView();
  // Below the floor nothing but the version seen at the floor itself is in the view.
  const CommitId bound = std::max(CommitId(before.value() - 1), floor);
  auto found = layers_.find(blocks, collection, id, bound);
  if (!found || !*found) return found;
  const bool passed = found->commit >= before;
  const bool removed = found->tombstone() && found->commit <= floor;
  return passed || removed ? store::VersionView() : found;
}

Digest State::digest_after(const wal::Commit& commit, std::span<const Before> befores, CommitId id) const {
  Digest digest = position_.digest;
  for (size_t i = 0; i < commit.operations.size(); ++i) {
    const auto& operation = commit.operations[i];
    const auto& before = befores[i].version;
    if (before.live()) {
      digest = digest_subtract(digest, store::document_term(operation.collection, operation.id, before.commit,
                                                            before.schema_version, before.document));
    }
    if (operation.op != wal::Operation::kDelete) {
      digest = digest_add(digest, store::document_term(operation.collection, operation.id, id, operation.schema_version,
                                                       operation.document));
    }
  }
  return digest;
}

Digest State::digest_after_schema(ByteSpan canonical) const {
  return digest_add(position_.digest, store::schema_term(canonical));
}

void State::put(const wal::Commit& commit, std::span<const Before> befores, CommitId id) {
  auto& table = layers_.active();
  for (size_t i = 0; i < commit.operations.size(); ++i) {
    const auto& operation = commit.operations[i];
    auto* collection = table.collection(operation.collection);
    AERODB_ASSERT(collection != nullptr);
    table.put(*collection, operation.id, id, operation.schema_version, operation.document, befores[i].place);
    live_documents_ += operation.op == wal::Operation::kDelete ? 0 : 1;
    live_documents_ -= befores[i].version.live() ? 1 : 0;
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
                               [](CommitId c, const store::CommitStep& s) { return c < s.from_commit; });
  AERODB_ASSERT(step != steps_.begin());
  return Lsn(commit.value() + std::prev(step)->lsn_minus_commit);
}

CommitId State::commit_at(Lsn lsn) const {
  if (lsn >= position_.lsn) return position_.commit;
  // The step after it bounds it: between two steps stand records that are no commits.
  CommitId bound = position_.commit;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (step->from_commit.value() + step->lsn_minus_commit <= lsn.value())
      return std::min(bound, CommitId(lsn.value() - step->lsn_minus_commit));
    bound = CommitId(step->from_commit.value() - 1);
  }
  return CommitId();
}

void State::take_commit(const wal::Commit& commit, std::span<const Before> befores, const Position& after) {
  put(commit, befores, after.commit);
  move_to(after);
}

void State::add_schema(document::Schema schema, ByteSpan canonical, Lsn lsn) {
  auto& table = layers_.active();
  auto* entries = table.collection(schema.collection);
  if (entries == nullptr) entries = &table.add_collection(schema.collection);
  for (const auto& path : schema.indexed_paths()) table.add_index(*entries, path);
  const uint32_t version = schema.version;
  const std::string collection = schema.collection;
  schemas_[collection].emplace(version,
                               RegisteredSchema{std::move(schema), Bytes(canonical.begin(), canonical.end()), lsn});
}

void State::take_schema(document::Schema schema, ByteSpan canonical, const Position& after) {
  add_schema(std::move(schema), canonical, after.lsn);
  move_to(after);
}

void State::take_authority(const wal::RecordView& record, const wal::Payload& payload, const Position& after) {
  auto problem = authority_.apply(record.header, payload, after.chain);
  AERODB_ASSERT(!problem);  // the rules granted it
  authority_records_.emplace_back(record.bytes.begin(), record.bytes.end());
  move_to(after);
}

void State::take_floor(CommitId floor, const Position& after) {
  floor_ = floor;
  move_to(after);
}

store::IndexedPaths State::indexes() const {
  store::IndexedPaths indexes;
  for (const auto& [collection, versions] : schemas_) {
    // The newest version has every field of those before (DOC-2).
    indexes.emplace_back(collection, versions.rbegin()->second.schema.indexed_paths());
  }
  return indexes;
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

Result<void> State::apply(const wal::RecordView& record, Trust trust, store::Blocks& blocks) {
  const auto& header = record.header;
  const bool is_commit = header.type == wal::RecordType::kCommit;
  const CommitId expected = is_commit ? position_.commit.next() : position_.commit;
  if (header.commit != expected) {
    return discontinuity(fmt::format("LSN {}: expected commit id {}, found {}", header.lsn.value(), expected.value(),
                                     header.commit.value()));
  }
  auto payload = wal::parse_payload(record);
  if (!payload) return fail(std::move(payload.error()));
  if (const auto* commit = std::get_if<wal::Commit>(&*payload)) {
    if (auto applied = apply_commit(record, *commit, trust, blocks); !applied) return applied;
  } else if (const auto* schema = std::get_if<wal::SchemaRecord>(&*payload)) {
    if (auto applied = apply_schema(record, *schema); !applied) return applied;
  } else if (const auto* floor = std::get_if<wal::Floor>(&*payload)) {
    if (auto applied = apply_floor(record, *floor); !applied) return applied;
  } else {
    if (auto applied = apply_authority(record, *payload); !applied) return applied;
  }
  move_to(
      {header.lsn, header.commit, authority_.epoch(), authority_.lineage(), record.chain_after(), header.digest_after});
  return {};
}

bool State::warm(const wal::RecordView& record, store::Blocks& blocks) const {
  if (record.header.type != wal::RecordType::kCommit) return true;
  if (layers_.runs().empty()) return true;  // only they have blocks
  auto payload = wal::parse_payload(record);
  if (!payload) return true;  // apply() names what is wrong
  bool warm = true;
  for (const auto& operation : std::get<wal::Commit>(*payload).operations)
    warm = newest(blocks, operation.collection, operation.id).has_value() && warm;
  return warm;
}

// Fills befores_.
Result<void> State::look_up(const wal::Commit& commit, store::Blocks& blocks) {
  befores_.clear();
  for (const auto& operation : commit.operations) {
    auto before = this->before(blocks, operation.collection, operation.id);
    if (!before) {
      AERODB_ASSERT(blocks.trouble().has_value());
      return fail(*blocks.trouble());
    }
    befores_.push_back(*before);
  }
  return {};
}

Result<void> State::check_operation(const wal::CommitOperation& operation, const store::VersionView& before,
                                    Trust trust) const {
  if (before.commit != operation.prev_commit) {
    return fail(Error{
        ErrorCode::kReplicaDiverged,
        fmt::format("apply record: {}/{}: expected previous commit {}, found {} (REPL-3)", operation.collection,
                    operation.id, operation.prev_commit.value(), before.commit.value()),
        {}}.with("expected", operation.prev_commit.value())
                    .with("found", before.commit.value()));
  }
  if (before.live() != (operation.op != wal::Operation::kInsert)) {
    return fail(ErrorCode::kBadRecord,
                fmt::format("apply record: {}/{}: the operation does not fit the document's state",
                            operation.collection, operation.id));
  }
  if (layers_.active().collection(operation.collection) == nullptr) {
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

Result<void> State::apply_commit(const wal::RecordView& record, const wal::Commit& commit, Trust trust,
                                 store::Blocks& blocks) {
  if (auto problem = authority_.admits(record.header)) return discontinuity(*problem);
  if (const auto* twice = named_twice(commit)) {
    return fail(ErrorCode::kBadRecord,
                fmt::format("apply record: {}/{} stands twice in one commit (MVCC-9)", twice->collection, twice->id));
  }
  if (auto found = look_up(commit, blocks); !found) return found;
  for (size_t i = 0; i < commit.operations.size(); ++i) {
    if (auto checked = check_operation(commit.operations[i], befores_[i].version, trust); !checked) return checked;
  }
  const Digest digest = digest_after(commit, befores_, record.header.commit);
  const bool unchecked =
      planted(trust == Trust::kOwnLog ? Fault::kReplayedDigestUnchecked : Fault::kPeerDigestUnchecked);
  if (digest != record.header.digest_after && !unchecked) {
    return digest_differs(record.header, digest);
  }
  put(commit, befores_, record.header.commit);
  return {};
}

Result<void> State::apply_schema(const wal::RecordView& record, const wal::SchemaRecord& payload) {
  if (auto problem = authority_.admits(record.header)) return discontinuity(*problem);
  document::Tape tape;
  if (auto parsed = tape.parse(payload.schema); !parsed)
    return fail(ErrorCode::kBadRecord, "apply record: schema: " + parsed.error().message);
  auto schema = document::decode_schema(tape.root());
  if (!schema) return fail(ErrorCode::kBadRecord, "apply record: " + schema.error().message);
  if (digest_after_schema(payload.schema) != record.header.digest_after) {
    return digest_differs(record.header, digest_after_schema(payload.schema));
  }
  if (this->schema(schema->collection, schema->version, record.header.lsn) != nullptr)
    return fail(ErrorCode::kBadRecord, "apply record: schema version registered twice");
  add_schema(std::move(*schema), payload.schema, record.header.lsn);
  return {};
}

Result<void> State::check_digest_unchanged(const wal::RecordHeader& header) const {
  if (header.digest_after == position_.digest) return {};
  return digest_differs(header, position_.digest);
}

Result<void> State::apply_floor(const wal::RecordView& record, const wal::Floor& payload) {
  if (auto problem = authority_.admits(record.header)) return discontinuity(*problem);
  if (auto unchanged = check_digest_unchanged(record.header); !unchanged) return unchanged;
  if (payload.floor <= floor_ || payload.floor > position_.commit) {
    return fail(
        ErrorCode::kBadRecord,
        fmt::format("apply record: LSN {}: floor {}, expected one above {} and at most {} (CKPT-6)",
                    record.header.lsn.value(), payload.floor.value(), floor_.value(), position_.commit.value()));
  }
  floor_ = payload.floor;
  return {};
}

Result<void> State::apply_authority(const wal::RecordView& record, const wal::Payload& payload) {
  const auto& header = record.header;
  const auto* start = std::get_if<wal::LineageStart>(&payload);
  if (start != nullptr && header.lsn == Lsn(1) && header.chain_before != wal::genesis_chain(cluster_, start->lineage))
    return discontinuity("LSN 1 starts another cluster's log");
  if (auto unchanged = check_digest_unchanged(header); !unchanged) return unchanged;
  if (auto problem = authority_.apply(header, payload, record.chain_after())) return discontinuity(*problem);
  authority_records_.emplace_back(record.bytes.begin(), record.bytes.end());
  return {};
}

}  // namespace aerodb::engine
