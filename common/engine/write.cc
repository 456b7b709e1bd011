// Admission of writes, schemas and floors on a primary.
#include <fmt/format.h>

#include <algorithm>

#include "common/document/canonical.h"
#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

std::string_view operation_name(wal::Operation op) {
  switch (op) {
    case wal::Operation::kInsert:
      return "insert";
    case wal::Operation::kUpdate:
      return "update";
    case wal::Operation::kDelete:
      return "delete";
  }
  return "";
}

}  // namespace

Restartable<Decided<Position>> Engine::write(std::span<const WriteOperation> operations,
                                             const std::optional<ReceiptClaim>& receipt, store::LeasedBlocks& blocks) {
  if (planted(Fault::kReplicaAcknowledges) && newest_role() == rules::Role::kReplica)
    return Decided<Position>{newest(), Lsn()};
  auto outcome = admit(operations, receipt, blocks);
  if (!outcome) return std::nullopt;
  // A refusal rests on everything admitted so far, durable or not.
  return Decided<Position>{std::move(*outcome), decided_on()};
}

Result<void> Engine::check_write(std::span<const WriteOperation> operations,
                                 const std::optional<ReceiptClaim>& receipt) {
  rules::NoTrace trace;
  if (auto code = rules::decide_write_admission({state(), fenced(), newest_role()}, trace)) {
    Error error{*code, fmt::format("write on {}: {}", node().name, error_row(*code).meaning), {}};
    if (const auto* current = state_().authority().current())
      error.with("authority_node", current->node).with("epoch", current->epoch.value());
    return fail(std::move(error));
  }
  if (receipt) {
    if (auto code = rules::decide_read_gate(gate_evidence(std::nullopt, receipt), trace)) {
      return fail(*code, fmt::format("write on {}: receipt at LSN {}: {}", node().name, receipt->lsn.value(),
                                     error_row(*code).meaning));
    }
  }
  if (operations.empty() || operations.size() > kMaxBatchOperations) {
    return fail(ErrorCode::kBatchInvalid,
                fmt::format("write: {} operations, 1 to {} expected (MVCC-9)", operations.size(), kMaxBatchOperations));
  }
  if (newest().lsn.value() >= kMaxNumber) return fail(ErrorCode::kNumberExhausted, "write: LSNs are used up (WAL-2)");
  if (state_().layers().memory_bytes() >= options_.max_memory_bytes) {
    return fail(Error{ErrorCode::kMemoryFull, "write: the memory table is at memory.max_bytes (WAL-6)", {}}.with(
        "max_bytes", options_.max_memory_bytes));
  }
  return {};
}

// Canonicalises one operation and checks it against the newest state. Fills in prepared_.
Result<void> Engine::prepare_operation(const WriteOperation& operation) {
  const auto name = operation_name(operation.op);
  const auto* newest_schema = state_().newest_schema(operation.collection, newest().lsn);
  if (newest_schema == nullptr) {
    return fail(ErrorCode::kUnknownCollection,
                fmt::format("{} {}: no schema is registered for the collection (DOC-1)", name, operation.collection));
  }
  Prepared prepared;
  prepared.operation = {operation.op, operation.collection, operation.id, 0, CommitId(), {}};
  prepared.begin = prepared.end = canonical_.size();
  if (operation.op != wal::Operation::kDelete) {
    const auto* schema = state_().schema(operation.collection, operation.schema_version, newest().lsn);
    if (schema == nullptr) {
      return fail(Error{
          ErrorCode::kUnknownSchema,
          fmt::format("{} {}: no schema version {} (DOC-1)", name, operation.collection, operation.schema_version),
          {}}.with("newest_version", newest_schema->schema.version));
    }
    if (!operation.document)
      return fail(ErrorCode::kMissingField, fmt::format("{} {}: no document", name, operation.collection));
    if (auto canonical =
            document::canonicalize(*operation.document, schema->schema, options_.max_document_bytes, canonical_);
        !canonical) {
      canonical.error().message =
          fmt::format("{} {}: {} (DOC-3)", name, operation.collection, canonical.error().message);
      return canonical;
    }
    prepared.end = canonical_.size();
    prepared.operation.schema_version = operation.schema_version;
  } else if (operation.id.empty() || operation.id.size() > document::kMaxIdBytes) {
    return fail(ErrorCode::kDocumentInvalid,
                fmt::format("delete {}: _id must have 1 to {} bytes", operation.collection, document::kMaxIdBytes));
  }
  prepared_.push_back(prepared);
  return {};
}

// Existence and precondition of one operation against the newest version (MVCC-6, MVCC-8).
Result<void> Engine::check_against(const WriteOperation& asked, const wal::CommitOperation& operation,
                                   const store::VersionView& before) const {
  const auto name = operation_name(operation.op);
  const CommitId live_commit = before.live() ? before.commit : CommitId();
  if (asked.if_commit && *asked.if_commit != live_commit) {
    return fail(Error{
        ErrorCode::kPreconditionFailed,
        fmt::format("{} {}/{}: the newest version is of commit {}, {} was expected (MVCC-8)", name,
                    operation.collection, operation.id, live_commit.value(), asked.if_commit->value()),
        {}}.with("commit_id", live_commit.value()));
  }
  if (before.live() && operation.op == wal::Operation::kInsert) {
    return fail(Error{
        ErrorCode::kDocumentExists,
        fmt::format("insert {}/{}: it exists since commit {} (MVCC-6)", operation.collection, operation.id,
                    live_commit.value()),
        {}}.with("commit_id", live_commit.value()));
  }
  if (!before.live() && operation.op != wal::Operation::kInsert) {
    return fail(ErrorCode::kNoSuchDocument,
                fmt::format("{} {}/{}: no live document (MVCC-6)", name, operation.collection, operation.id));
  }
  return {};
}

Restartable<Result<Position>> Engine::admit(std::span<const WriteOperation> operations,
                                            const std::optional<ReceiptClaim>& receipt, store::LeasedBlocks& blocks) {
  if (auto checked = check_write(operations, receipt); !checked) return fail(std::move(checked.error()));
  canonical_.clear();
  prepared_.clear();
  befores_.clear();
  for (const auto& operation : operations) {
    if (auto prepared = prepare_operation(operation); !prepared) return fail(std::move(prepared.error()));
  }
  // canonical_ grows no more: views into it are safe from here on.
  bool cold = false;
  for (auto& prepared : prepared_) {
    auto& operation = prepared.operation;
    operation.document = ByteSpan(canonical_).subspan(prepared.begin, prepared.end - prepared.begin);
    if (operation.op != wal::Operation::kDelete) operation.id = document::document_id(operation.document);
    const auto before = state_().before(blocks, operation.collection, operation.id);
    cold = cold || !before;
    befores_.push_back(before.value_or(Before()));
  }
  if (cold) {
    if (blocks.trouble()) return fail(*blocks.trouble());
    return std::nullopt;
  }

  wal::Commit commit;
  commit.operations.reserve(prepared_.size());
  for (size_t i = 0; i < prepared_.size(); ++i) {
    auto& operation = prepared_[i].operation;
    if (auto checked = check_against(operations[i], operation, befores_[i].version); !checked)
      return fail(std::move(checked.error()));
    operation.prev_commit = befores_[i].version.commit;
    commit.operations.push_back(operation);
  }
  if (const auto* twice = named_twice(commit)) {
    return fail(ErrorCode::kBatchInvalid,
                fmt::format("write: {}/{} stands twice in one batch (MVCC-9)", twice->collection, twice->id));
  }
  const uint64_t record_bytes = wal::commit_record_bytes(commit);
  if (record_bytes > wal::kMaxRecordBytes) {
    return fail(ErrorCode::kBatchInvalid, fmt::format("write: the batch takes {} bytes of log, at most {} (WAL-7)",
                                                      record_bytes, wal::kMaxRecordBytes));
  }
  if (!writer_.has_room(record_bytes, wal::RoomFor::kCommit)) {
    return fail(Error{ErrorCode::kWalFull, "write: the ring has no released segment left (WAL-6)", {}}.with(
        "max_wal_bytes", options_.geometry.max_wal_bytes()));
  }

  auto header = next_header(newest().epoch);
  header.commit = newest().commit.next();
  header.digest_after = state_().digest_after(commit, befores_, header.commit);
  Bytes& out = writer_.encode_buffer();
  const size_t begin = out.size();
  wal::encode_commit(header, commit, out);
  const ByteSpan record = ByteSpan(out).subspan(begin);
  AERODB_ASSERT(record.size() == record_bytes);
  const Position after{header.lsn,       header.commit,           header.epoch,
                       newest().lineage, wal::chain_over(record), header.digest_after};
  writer_.append(header.lsn, record_bytes);
  state_().take_commit(commit, befores_, after);
  appended(after);
  return after;
}

Decided<Position> Engine::raise_floor(CommitId floor, const wal::WhoAndWhy& who) {
  auto outcome = admit_floor(floor, who);
  return {std::move(outcome), decided_on()};
}

Result<Position> Engine::admit_floor(CommitId floor, const wal::WhoAndWhy& who) {
  rules::NoTrace trace;
  if (auto code = rules::decide_write_admission({state(), fenced(), newest_role()}, trace))
    return fail(*code, fmt::format("gc on {}: {}", node().name, error_row(*code).meaning));
  // Above the visible commit there is nothing a read could be promised.
  if (floor <= state_().floor() || floor > visible_.commit) {
    return fail(
        Error{ErrorCode::kFloorRefused, fmt::format("gc on {}: floor {} (CKPT-6)", node().name, floor.value()), {}}
            .with("floor", state_().floor().value())
            .with("visible_commit", visible_.commit.value()));
  }
  if (auto pin = storage_->lowest_pin(); pin && *pin < floor) {
    return fail(
        Error{ErrorCode::kPinned, fmt::format("gc on {}: floor {} (CKPT-6)", node().name, floor.value()), {}}.with(
            "lowest_pin", pin->value()));
  }
  const wal::Payload payload = wal::Floor{floor, who};
  auto header = next_header(newest().epoch);
  Bytes size_probe;
  wal::encode_record(header, payload, size_probe);
  if (!writer_.has_room(size_probe.size(), wal::RoomFor::kReserved))
    return fail(ErrorCode::kWalFull, "gc: no room for the floor (WAL-6)");
  const auto [record, after] = append_own(header, payload);
  state_().take_floor(floor, after);
  pending_floors_.push_back({after.lsn, floor});
  appended(after);
  return after;
}

Decided<Position> Engine::register_schema(document::Cursor schema) {
  auto outcome = admit_schema(schema);
  return {std::move(outcome), decided_on()};
}

Result<Position> Engine::admit_schema(document::Cursor cursor) {
  rules::NoTrace trace;
  if (auto code = rules::decide_write_admission({state(), fenced(), newest_role()}, trace)) {
    return fail(*code, fmt::format("schema.register on {}: {}", node().name, error_row(*code).meaning));
  }
  auto schema = document::decode_schema(cursor);
  if (!schema) return fail(std::move(schema.error()));
  const auto name = fmt::format("schema.register {} version {}", schema->collection, schema->version);
  Bytes canonical;
  document::encode_schema(*schema, canonical);
  if (const auto* present = state_().schema(schema->collection, schema->version, newest().lsn)) {
    if (present->canonical == canonical) return newest();
    return fail(ErrorCode::kSchemaExists, name + ": registered already with another content (DOC-2)");
  }
  const auto* previous = state_().newest_schema(schema->collection, newest().lsn);
  const uint32_t expected = previous == nullptr ? 1 : previous->schema.version + 1;
  if (schema->version != expected)
    return fail(ErrorCode::kSchemaInvalid, fmt::format("{}: the next version is {} (DOC-2)", name, expected));
  if (previous != nullptr) {
    if (auto additive = document::check_additive(previous->schema, *schema); !additive)
      return fail(std::move(additive.error()));
  }
  const uint64_t record_bytes = round_up(wal::kRecordHeaderBytes + 4 + canonical.size(), 8);
  if (!writer_.has_room(record_bytes, wal::RoomFor::kReserved))
    return fail(ErrorCode::kWalFull, name + ": the ring has no released segment left (WAL-6)");
  auto header = next_header(newest().epoch);
  header.digest_after = state_().digest_after_schema(canonical);
  const Position after = append_own(header, wal::SchemaRecord{canonical}).after;
  state_().take_schema(std::move(*schema), canonical, after);
  appended(after);
  return after;
}

}  // namespace aerodb::engine
