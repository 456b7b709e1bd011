#include "common/wal/record.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using testing::id_of;
using testing::kCluster;
using testing::kLineage;

WhoAndWhy who(bool with_head) {
  WhoAndWhy value{"request-1", "ada", "because", std::nullopt};
  if (with_head) value.audit_head.emplace().fill(0xaa);
  return value;
}

// One payload of each type, and of each shape where there are several. Views point into static text.
std::vector<Payload> every_payload() {
  static const Bytes document = {0x81, 0xa3, '_', 'i', 'd', 0xa1, 'x'};
  LineageStart lineage{kLineage, id_of<LineageId>(2),  Lsn(7),   CommitId(5), id_of<Chain>(3), LineageReason::kRestore,
                       "p1",     id_of<InstanceId>(4), who(true)};
  EpochStart epoch{Epoch(3), "r1", id_of<InstanceId>(5), Lsn(9), Bytes{1, 2, 3}, who(false)};
  Seal seal{"r1", id_of<InstanceId>(5), 2, {}, who(true)};
  Commit commit;
  commit.operations = {{Operation::kInsert, "c", "x", 1, CommitId(), document},
                       {Operation::kUpdate, "c", "y", 2, CommitId(3), document},
                       {Operation::kDelete, "other", "z", 0, CommitId(4), {}}};
  return {lineage, epoch, seal, SchemaRecord{document}, commit, Floor{CommitId(5), who(true)}};
}

RecordHeader some_header() {
  RecordHeader header;
  header.epoch = Epoch(3);
  header.lsn = Lsn(10);
  header.commit = CommitId(6);
  header.chain_before = id_of<Chain>(7);
  header.digest_after = id_of<Digest>(8);
  return header;
}

Bytes encoded(const Payload& payload) {
  Bytes out;
  encode_record(some_header(), payload, out);
  return out;
}

void expect_refused(ByteSpan bytes, std::string_view why) {
  auto record = read_record(bytes);
  ASSERT_FALSE(record) << why;
  EXPECT_EQ(record.error().code, ErrorCode::kBadRecord);
  EXPECT_NE(record.error().message.find(why), std::string::npos) << record.error().message;
}

TEST(Record, RoundTripsEveryType) {
  for (const auto& payload : every_payload()) {
    const Bytes bytes = encoded(payload);
    EXPECT_EQ(bytes.size() % 8, 0u);
    auto record = read_record(bytes);
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->header.type, type_of(payload));
    EXPECT_EQ(record->header.epoch, Epoch(3));
    EXPECT_EQ(record->header.lsn, Lsn(10));
    EXPECT_EQ(record->header.commit, CommitId(6));
    EXPECT_EQ(record->header.chain_before, id_of<Chain>(7));
    EXPECT_EQ(record->header.digest_after, id_of<Digest>(8));
    EXPECT_EQ(record->chain_after(), chain_over(bytes));
    auto parsed = parse_payload(*record);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(encoded(*parsed), bytes);
  }
}

TEST(Record, ReadsOnlyItselfFromALongerBuffer) {
  Bytes bytes = encoded(every_payload()[2]);
  const size_t size = bytes.size();
  bytes.resize(size + 100, 0xff);
  auto record = read_record(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->bytes.size(), size);
}

TEST(Record, EncodeCommitWritesTheSameBytes) {
  const auto payload = every_payload()[4];
  const auto& commit = std::get<Commit>(payload);
  Bytes out = {9, 9, 9, 9, 9, 9, 9, 9};  // what stands before stays
  encode_commit(some_header(), commit, out);
  EXPECT_EQ(out.size(), 8 + commit_record_bytes(commit));
  EXPECT_EQ(Bytes(out.begin() + 8, out.end()), encoded(payload));
}

TEST(Record, RefusesTruncationAtEachByte) {
  for (const auto& payload : every_payload()) {
    const Bytes bytes = encoded(payload);
    for (size_t size = 0; size < bytes.size(); ++size) {
      expect_refused(ByteSpan(bytes).first(size), size < kRecordHeaderBytes ? "truncated header" : "truncated payload");
    }
  }
}

TEST(Record, RefusesPayloadTruncatedOrExtendedByAnyByte) {
  for (const auto& payload : every_payload()) {
    Bytes bytes = encoded(payload);
    auto record = read_record(bytes);
    ASSERT_TRUE(record);
    const Bytes whole(record->payload.begin(), record->payload.end());
    for (size_t size = 0; size < whole.size(); ++size) {
      record->payload = ByteSpan(whole).first(size);
      auto parsed = parse_payload(*record);
      ASSERT_FALSE(parsed) << "type " << payload.index() << " at " << size;
      EXPECT_EQ(parsed.error().code, ErrorCode::kBadRecord);
    }
    Bytes longer = whole;
    longer.push_back(0);
    record->payload = longer;
    EXPECT_FALSE(parse_payload(*record)) << payload.index();
  }
}

TEST(Record, RefusesUnknownTypeFlagsAndFormat) {
  const Bytes bytes = encoded(every_payload()[4]);
  for (int type : {0, 7, 255}) {
    Bytes bad = bytes;
    bad[4] = static_cast<uint8_t>(type);
    expect_refused(bad, "type");
  }
  Bytes flags = bytes;
  flags[5] = 1;
  expect_refused(flags, "flags");
  for (int format : {0, 2}) {
    Bytes bad = bytes;
    bad[6] = static_cast<uint8_t>(format);
    expect_refused(bad, "format");
  }
}

TEST(Record, RefusesPaddingThatIsNotZero) {
  size_t padded = 0;
  for (const auto& payload : every_payload()) {
    const Bytes bytes = encoded(payload);
    auto record = read_record(bytes);
    ASSERT_TRUE(record);
    for (size_t at = kRecordHeaderBytes + record->header.payload_bytes; at < bytes.size(); ++at, ++padded) {
      Bytes bad = bytes;
      bad[at] = 1;
      expect_refused(bad, "padding");
    }
  }
  EXPECT_GT(padded, 0u);
}

TEST(Record, TakesTwelveMebibytesAndNotAByteMore) {
  Bytes bytes = encoded(SchemaRecord{});
  bytes.resize(kMaxRecordBytes + 8);
  auto set_length = [&](uint32_t length) {
    for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(length >> (8 * i));
  };
  set_length(kMaxRecordBytes - kRecordHeaderBytes);
  auto record = read_record(bytes);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->bytes.size(), kMaxRecordBytes);
  set_length(kMaxRecordBytes - kRecordHeaderBytes + 1);
  expect_refused(bytes, "at most");
  set_length(0xffffffff);  // the sum must not wrap
  expect_refused(bytes, "at most");
}

TEST(Record, RefusesNumbersOutOfRange) {
  auto with = [](uint64_t lsn, uint64_t commit) {
    RecordHeader header = some_header();
    header.lsn = Lsn(lsn);
    header.commit = CommitId(commit);
    Bytes out;
    encode_record(header, SchemaRecord{}, out);
    return out;
  };
  EXPECT_TRUE(read_record(with(kMaxNumber, kMaxNumber)));
  EXPECT_TRUE(read_record(with(1, 0)));
  expect_refused(with(0, 0), "out of range");
  expect_refused(with(kMaxNumber + 1, 1), "out of range");
  expect_refused(with(1, kMaxNumber + 1), "out of range");
}

TEST(Record, FloorIsBoundedAsCommitIdsAre) {
  for (const auto& [floor, parses] : {std::pair{uint64_t{0}, true}, {kMaxNumber, true}, {kMaxNumber + 1, false}}) {
    const Bytes bytes = encoded(Floor{CommitId(floor), who(false)});
    const auto record = read_record(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->header.type, RecordType::kFloor);
    const auto payload = parse_payload(*record);
    ASSERT_EQ(payload.has_value(), parses) << floor;
    if (!parses) continue;
    EXPECT_EQ(std::get<Floor>(*payload).floor, CommitId(floor));
    EXPECT_EQ(std::get<Floor>(*payload).who.operator_name, "ada");
  }
}

TEST(Record, RefusesOperationsThatContradictThemselves) {
  auto refused = [](std::vector<CommitOperation> operations) {
    Commit commit;
    commit.operations = std::move(operations);
    const Bytes bytes = encoded(commit);
    auto record = read_record(bytes);
    return record.has_value() && !parse_payload(*record).has_value();
  };
  const Bytes document = {0x80};
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({{Operation::kDelete, "c", "x", 0, CommitId(1), document}}));
  EXPECT_TRUE(refused({{Operation::kInsert, "c", "x", 1, CommitId(), {}}}));
  EXPECT_TRUE(refused({{static_cast<Operation>(0), "c", "x", 1, CommitId(), document}}));
  EXPECT_TRUE(refused({{static_cast<Operation>(4), "c", "x", 1, CommitId(), document}}));
  EXPECT_FALSE(refused({{Operation::kUpdate, "c", "x", 1, CommitId(1), document}}));
}

TEST(Record, RefusesAuditHeadOfAnotherLengthAndUnknownReason) {
  Bytes payload;
  auto parses = [&](uint8_t reason, size_t head_bytes) {
    payload.clear();
    ByteWriter out(payload);
    out.zeros(16 + 16 + 8 + 8 + 16);
    out.u8(reason);
    out.string("p1");
    out.zeros(16);
    out.string("r");
    out.string("o");
    out.string("w");
    out.blob(Bytes(head_bytes, 1));
    RecordView view;
    view.header.type = RecordType::kLineageStart;
    view.payload = payload;
    return parse_payload(view).has_value();
  };
  EXPECT_TRUE(parses(1, 0));
  EXPECT_TRUE(parses(3, 32));
  EXPECT_FALSE(parses(0, 0));
  EXPECT_FALSE(parses(4, 0));
  EXPECT_FALSE(parses(1, 31));
  EXPECT_FALSE(parses(1, 33));
}

TEST(Record, ChainDependsOnEveryByte) {
  const Bytes bytes = encoded(every_payload()[4]);
  const Chain chain = chain_over(bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    Bytes other = bytes;
    other[at] ^= 1;
    EXPECT_NE(chain_over(other), chain) << at;
  }
}

TEST(Record, GenesisChainTellsClustersAndLineagesApart) {
  const Chain chain = genesis_chain(kCluster, kLineage);
  EXPECT_NE(genesis_chain(id_of<ClusterId>(1), kLineage), chain);
  EXPECT_NE(genesis_chain(kCluster, id_of<LineageId>(1)), chain);
  EXPECT_EQ(genesis_chain(kCluster, kLineage), chain);
}

TEST(Record, AnyBytesAreReadOrRefusedWithoutHarm) {
  SeededRandom random(3);
  const auto payloads = every_payload();
  int parsed = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes = encoded(payloads[random.below(payloads.size())]);
    for (uint64_t i = 0; i <= random.below(3); ++i)
      bytes[random.below(bytes.size())] = static_cast<uint8_t>(random.next());
    auto record = read_record(bytes);
    if (!record) continue;
    ASSERT_LE(record->bytes.size(), bytes.size());
    auto payload = parse_payload(*record);
    if (!payload) continue;
    ++parsed;
    // What parses is written back as the same payload.
    Bytes again;
    encode_record(record->header, *payload, again);
    EXPECT_EQ(Bytes(again.begin() + kRecordHeaderBytes, again.end()),
              Bytes(record->bytes.begin() + kRecordHeaderBytes, record->bytes.end()));
  }
  EXPECT_GT(parsed, 1'000);
}

}  // namespace
}  // namespace aerodb::wal
