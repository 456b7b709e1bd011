#include "common/wal/record.h"

#include <fmt/format.h>

#include "common/base/assert.h"
#include "common/base/checksum.h"

namespace aerodb::wal {
namespace {

std::unexpected<Error> bad_record(std::string_view what) {
  return fail(ErrorCode::kBadRecord, fmt::format("log record: {}", what));
}

void put_header(const RecordHeader& header, std::span<uint8_t> place) {
  PlacedWriter writer(place);
  writer.u32(header.payload_bytes);
  writer.u8(static_cast<uint8_t>(header.type));
  writer.u8(0);
  writer.u16(kRecordFormat);
  writer.u64(header.epoch.value());
  writer.u64(header.lsn.value());
  writer.u64(header.commit.value());
  writer.id(header.chain_before);
  writer.id(header.digest_after);
  AERODB_ASSERT(writer.at_end());
}

void put_who(const WhoAndWhy& who, ByteWriter& out) {
  out.string(who.request_id);
  out.string(who.operator_name);
  out.string(who.reason);
  out.blob(who.audit_head ? ByteSpan(*who.audit_head) : ByteSpan());
}

bool get_who(ByteReader& in, WhoAndWhy& who) {
  who.request_id = in.string();
  who.operator_name = in.string();
  who.reason = in.string();
  auto head = in.blob();
  if (head.size() == sizeof(Sha256)) {
    std::copy(head.begin(), head.end(), who.audit_head.emplace().begin());
    return true;
  }
  return head.empty();
}

void put(const LineageStart& v, ByteWriter& out) {
  out.id(v.lineage);
  out.id(v.parent);
  out.u64(v.parent_lsn.value());
  out.u64(v.parent_commit.value());
  out.id(v.parent_chain);
  out.u8(static_cast<uint8_t>(v.reason));
  out.string(v.node);
  out.id(v.instance);
  put_who(v.who, out);
}
bool get(ByteReader& in, LineageStart& v) {
  v.lineage = in.id<LineageId>();
  v.parent = in.id<LineageId>();
  v.parent_lsn = Lsn(in.u64());
  v.parent_commit = CommitId(in.u64());
  v.parent_chain = in.id<Chain>();
  uint8_t reason = in.u8();
  v.reason = static_cast<LineageReason>(reason);
  v.node = in.string();
  v.instance = in.id<InstanceId>();
  return get_who(in, v.who) && reason >= 1 && reason <= 3;
}

void put(const EpochStart& v, ByteWriter& out) {
  out.u64(v.epoch.value());
  out.string(v.node);
  out.id(v.instance);
  out.u64(v.seal_lsn.value());
  out.blob(v.decline);
  put_who(v.who, out);
}
bool get(ByteReader& in, EpochStart& v) {
  v.epoch = Epoch(in.u64());
  v.node = in.string();
  v.instance = in.id<InstanceId>();
  v.seal_lsn = Lsn(in.u64());
  auto decline = in.blob();
  v.decline.assign(decline.begin(), decline.end());
  return get_who(in, v.who);
}

void put(const Seal& v, ByteWriter& out) {
  out.string(v.successor);
  out.id(v.successor_instance);
  out.u64(v.number);
  out.blob(v.decline);
  put_who(v.who, out);
}
bool get(ByteReader& in, Seal& v) {
  v.successor = in.string();
  v.successor_instance = in.id<InstanceId>();
  v.number = in.u64();
  auto decline = in.blob();
  v.decline.assign(decline.begin(), decline.end());
  return get_who(in, v.who);
}

void put(const SchemaRecord& v, ByteWriter& out) { out.blob(v.schema); }
bool get(ByteReader& in, SchemaRecord& v) {
  v.schema = in.blob();
  return true;
}

template <class Writer>
void put(const CommitOperation& v, Writer& out) {
  out.u8(static_cast<uint8_t>(v.op));
  out.string(v.collection);
  out.string(v.id);
  out.u32(v.schema_version);
  out.u64(v.prev_commit.value());
  out.blob(v.document);
}
template <class Writer>
void put(const Commit& v, Writer& out) {
  out.u32(static_cast<uint32_t>(v.operations.size()));
  for (const auto& operation : v.operations) put(operation, out);
}
uint64_t commit_payload_bytes(const Commit& commit) {
  constexpr uint64_t kOperationOverhead = 1 + 4 + 4 + 4 + 8 + 4;
  uint64_t bytes = 4;
  for (const auto& operation : commit.operations)
    bytes += kOperationOverhead + operation.collection.size() + operation.id.size() + operation.document.size();
  return bytes;
}
bool get(ByteReader& in, Commit& v) {
  uint32_t count = in.u32();
  if (count == 0) return false;
  // No memory is reserved from `count`: a short payload ends the loop at once.
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    CommitOperation operation;
    uint8_t op = in.u8();
    operation.op = static_cast<Operation>(op);
    operation.collection = in.string();
    operation.id = in.string();
    operation.schema_version = in.u32();
    operation.prev_commit = CommitId(in.u64());
    operation.document = in.blob();
    if (op < 1 || op > 3) return false;
    if ((operation.op == Operation::kDelete) != operation.document.empty()) return false;
    v.operations.push_back(operation);
  }
  return true;
}

void put(const Floor& v, ByteWriter& out) {
  out.u64(v.floor.value());
  put_who(v.who, out);
}
bool get(ByteReader& in, Floor& v) {
  v.floor = CommitId(in.u64());
  return get_who(in, v.who) && v.floor.value() <= kMaxNumber;
}

template <class T>
Result<Payload> parse(ByteSpan payload, std::string_view name) {
  ByteReader in(payload);
  T value;
  if (!get(in, value) || !in.at_end()) return bad_record(fmt::format("payload of {} does not parse", name));
  return Payload(std::move(value));
}

}  // namespace

std::string_view record_type_name(RecordType type) {
  switch (type) {
    case RecordType::kLineageStart:
      return "lineage_start";
    case RecordType::kEpochStart:
      return "epoch_start";
    case RecordType::kSeal:
      return "seal";
    case RecordType::kSchema:
      return "schema";
    case RecordType::kCommit:
      return "commit";
    case RecordType::kFloor:
      return "floor";
  }
  return "";
}

RecordType type_of(const Payload& payload) {
  static constexpr RecordType kTypes[] = {RecordType::kLineageStart, RecordType::kEpochStart, RecordType::kSeal,
                                          RecordType::kSchema,       RecordType::kCommit,     RecordType::kFloor};
  return kTypes[payload.index()];
}

void encode_record(RecordHeader header, const Payload& payload, Bytes& out) {
  const size_t start = out.size();
  out.resize(start + kRecordHeaderBytes);
  ByteWriter writer(out);
  std::visit([&](const auto& value) { put(value, writer); }, payload);
  header.type = type_of(payload);
  header.payload_bytes = static_cast<uint32_t>(out.size() - start - kRecordHeaderBytes);
  put_header(header, std::span(out).subspan(start, kRecordHeaderBytes));
  out.resize(start + round_up(out.size() - start, 8), 0);
}

uint64_t commit_record_bytes(const Commit& commit) {
  return round_up(kRecordHeaderBytes + commit_payload_bytes(commit), 8);
}

void encode_commit(RecordHeader header, const Commit& commit, Bytes& out) {
  const size_t start = out.size();
  const uint64_t payload_bytes = commit_payload_bytes(commit);
  out.resize(start + round_up(kRecordHeaderBytes + payload_bytes, 8), 0);
  const auto record = std::span(out).subspan(start);
  PlacedWriter writer(record.subspan(kRecordHeaderBytes, payload_bytes));
  put(commit, writer);
  AERODB_ASSERT(writer.at_end());
  header.type = RecordType::kCommit;
  header.payload_bytes = static_cast<uint32_t>(payload_bytes);
  put_header(header, record.first(kRecordHeaderBytes));
}

Result<RecordView> read_record(ByteSpan in) {
  ByteReader reader(in);
  RecordView view;
  view.header.payload_bytes = reader.u32();
  uint8_t type = reader.u8();
  uint8_t flags = reader.u8();
  uint16_t format = reader.u16();
  view.header.epoch = Epoch(reader.u64());
  view.header.lsn = Lsn(reader.u64());
  view.header.commit = CommitId(reader.u64());
  view.header.chain_before = reader.id<Chain>();
  view.header.digest_after = reader.id<Digest>();
  if (!reader.ok()) return bad_record("truncated header");
  if (format != kRecordFormat) return bad_record(fmt::format("format {}, this binary reads {}", format, kRecordFormat));
  if (flags != 0 || type < 1 || type > 6) return bad_record(fmt::format("type {} flags {}", type, flags));
  view.header.type = static_cast<RecordType>(type);
  const uint64_t total = kRecordHeaderBytes + round_up(view.header.payload_bytes, 8);
  if (total > kMaxRecordBytes) return bad_record(fmt::format("{} bytes, at most {}", total, kMaxRecordBytes));
  if (total > in.size()) return bad_record("truncated payload");
  if (view.header.lsn.value() == 0 || view.header.lsn.value() > kMaxNumber || view.header.commit.value() > kMaxNumber) {
    return bad_record("lsn or commit id out of range");
  }
  view.bytes = in.first(total);
  view.payload = view.bytes.subspan(kRecordHeaderBytes, view.header.payload_bytes);
  for (uint8_t byte : view.bytes.subspan(kRecordHeaderBytes + view.header.payload_bytes)) {
    if (byte != 0) return bad_record("padding is not zero");
  }
  return view;
}

Result<Payload> parse_payload(const RecordView& record) {
  switch (record.header.type) {
    case RecordType::kLineageStart:
      return parse<LineageStart>(record.payload, "lineage_start");
    case RecordType::kEpochStart:
      return parse<EpochStart>(record.payload, "epoch_start");
    case RecordType::kSeal:
      return parse<Seal>(record.payload, "seal");
    case RecordType::kSchema:
      return parse<SchemaRecord>(record.payload, "schema");
    case RecordType::kCommit:
      return parse<Commit>(record.payload, "commit");
    case RecordType::kFloor:
      return parse<Floor>(record.payload, "floor");
  }
  return bad_record("unknown type");
}

Chain RecordView::chain_after() const { return noted_chain_after ? *noted_chain_after : chain_over(bytes); }

Chain chain_over(ByteSpan record_bytes) { return Chain{xxh3_128(record_bytes)}; }

Chain genesis_chain(const ClusterId& cluster, const LineageId& lineage) {
  Bytes input;
  ByteWriter writer(input);
  writer.raw(as_bytes("aerodb genesis"));
  writer.id(cluster);
  writer.id(lineage);
  return chain_over(input);
}

}  // namespace aerodb::wal
