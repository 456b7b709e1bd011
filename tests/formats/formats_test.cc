// What is written today is byte for byte what the kept files hold, and they are read as what they meant.
#include <gtest/gtest.h>

#include <set>

#include "common/engine/decision.h"
#include "common/engine/node_directory.h"
#include "common/engine/small_file.h"
#include "common/store/manifest.h"
#include "common/wal/frame.h"
#include "common/wal/record.h"
#include "tests/formats/kept.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::wal {
namespace {

using formats::as_lines;
using formats::kept;
using formats::kFolder;

template <class Id>
Id id_of(uint8_t first) {
  Id id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<uint8_t>(first + i);
  return id;
}

struct Sample {
  std::string name;
  RecordHeader header;
  Payload payload;
};

// {"_id": "AW", "n": 1}
const Bytes kDocument = {0x82, 0xa3, '_', 'i', 'd', 0xa2, 'A', 'W', 0xa1, 'n', 0x01};

WhoAndWhy who() {
  WhoAndWhy value{"request-7", "ada", "planned", std::nullopt};
  value.audit_head.emplace().fill(0x5a);
  return value;
}

std::vector<Sample> samples() {
  auto header = [](uint64_t lsn, uint64_t commit) {
    RecordHeader h;
    h.epoch = Epoch(1);
    h.lsn = Lsn(lsn);
    h.commit = CommitId(commit);
    h.chain_before = id_of<Chain>(0x10);
    h.digest_after = id_of<Digest>(0x80);
    return h;
  };
  LineageStart lineage;
  lineage.lineage = id_of<LineageId>(0x20);
  lineage.node = "p1";
  lineage.instance = id_of<InstanceId>(0x30);
  lineage.who = {"init", "ada", "a new cluster", std::nullopt};
  LineageStart ended = lineage;
  ended.parent = id_of<LineageId>(0x40);
  ended.parent_lsn = Lsn(9);
  ended.parent_commit = CommitId(6);
  ended.parent_chain = id_of<Chain>(0x50);
  ended.reason = LineageReason::kEnd;
  Commit commit;
  commit.operations = {{Operation::kInsert, "countries", "AW", 1, CommitId(0), kDocument},
                       {Operation::kUpdate, "countries", "AW", 2, CommitId(3), kDocument},
                       {Operation::kDelete, "countries", "AX", 0, CommitId(4), {}}};
  return {
      {"record-1-lineage_start", header(1, 0), lineage},
      {"record-1-lineage_start-end", header(10, 6), ended},
      {"record-1-epoch_start", header(12, 8),
       EpochStart{Epoch(2), "r1", id_of<InstanceId>(0x60), Lsn(11), Bytes{1, 2, 3}, who()}},
      {"record-1-seal", header(11, 8), Seal{"r1", id_of<InstanceId>(0x60), 1, {}, who()}},
      {"record-1-schema", header(2, 0), SchemaRecord{kDocument}},
      {"record-1-commit", header(5, 3), commit},
      {"record-1-floor", header(13, 8), Floor{CommitId(6), who()}},
  };
}

TEST(Formats, RecordsAreAsKept) {
  for (const auto& sample : samples()) {
    Bytes today;
    encode_record(sample.header, sample.payload, today);
    const Bytes bytes = kept(sample.name, today);
    EXPECT_EQ(as_lines(today), as_lines(bytes)) << sample.name;
    auto record = read_record(bytes);
    ASSERT_TRUE(record) << sample.name << ": " << record.error().message;
    EXPECT_EQ(record->header.lsn, sample.header.lsn);
    EXPECT_EQ(record->header.chain_before, sample.header.chain_before);
    auto payload = parse_payload(*record);
    ASSERT_TRUE(payload) << sample.name << ": " << payload.error().message;
    EXPECT_EQ(payload->index(), sample.payload.index());
  }
}

TEST(Formats, KeptCommitMeansWhatItMeant) {
  const Bytes bytes = kept("record-1-commit", {});
  const auto record = read_record(bytes);
  ASSERT_TRUE(record);
  const auto payload = parse_payload(*record);
  ASSERT_TRUE(payload);
  const auto& operations = std::get<Commit>(*payload).operations;
  ASSERT_EQ(operations.size(), 3u);
  EXPECT_EQ(operations[1].op, Operation::kUpdate);
  EXPECT_EQ(operations[1].collection, "countries");
  EXPECT_EQ(operations[1].id, "AW");
  EXPECT_EQ(operations[1].schema_version, 2u);
  EXPECT_EQ(operations[1].prev_commit, CommitId(3));
  EXPECT_EQ(Bytes(operations[1].document.begin(), operations[1].document.end()), kDocument);
  EXPECT_TRUE(operations[2].document.empty());
}

TEST(Formats, ChainsAreAsKept) {
  Bytes chains;
  ByteWriter out(chains);
  out.id(genesis_chain(id_of<ClusterId>(0xc0), id_of<LineageId>(0x20)));
  Bytes floor_chain;
  for (const auto& sample : samples()) {
    Bytes record;
    encode_record(sample.header, sample.payload, record);
    // The floor record was given a meaning later, so its chain is kept apart.
    const bool floor = std::holds_alternative<Floor>(sample.payload);
    ByteWriter(floor ? floor_chain : chains).id(chain_over(record));
  }
  EXPECT_EQ(as_lines(floor_chain), as_lines(kept("chain-1-floor", floor_chain)));
  EXPECT_EQ(as_lines(chains), as_lines(kept("chain-1", chains)));
}

// A segment header, and behind it a frame of two records, as one write puts them on disk.
TEST(Formats, SegmentHeaderAndFrameAreAsKept) {
  constexpr uint64_t kSalt = 0x0123'4567'89ab'cdef;
  Bytes today;
  ByteWriter out(today);
  out.zeros(kSegmentHeaderBytes + kFrameHeaderBytes);
  for (size_t i : {size_t{0}, size_t{5}}) encode_record(samples()[i].header, samples()[i].payload, today);
  const FrameHeader header{3, 44, Lsn(1), 2, today.size() - kSegmentHeaderBytes - kFrameHeaderBytes};
  today.resize(kSegmentHeaderBytes + header.bytes_on_disk(), 0);
  auto bytes = std::span(today);
  encode_segment_header({3, kSalt, Lsn(1), id_of<ClusterId>(0xc0), id_of<InstanceId>(0x30)},
                        bytes.first<kSegmentHeaderBytes>());
  seal_frame(header, kSalt, bytes.subspan(kSegmentHeaderBytes));

  const Bytes old = kept("segment-1-frame", today);
  EXPECT_EQ(as_lines(today), as_lines(old));
  SegmentHeader segment;
  ASSERT_EQ(read_segment_header(old, segment), SegmentHeaderState::kValid);
  EXPECT_EQ(segment.sequence, 3u);
  EXPECT_EQ(segment.salt, kSalt);
  EXPECT_EQ(segment.cluster, id_of<ClusterId>(0xc0));
  const auto frame = ByteSpan(old).subspan(kSegmentHeaderBytes);
  const auto read = peek_frame_header(frame, 3);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->frame_sequence, 44u);
  EXPECT_EQ(read->count, 2u);
  EXPECT_TRUE(frame_checksum_holds(frame, *read, segment.salt));
}

TEST(Formats, DeclineIsAsKept) {
  const engine::Decline decline{id_of<ClusterId>(0xc0),  Lsn(11), id_of<Chain>(0x70), "r1",
                                id_of<InstanceId>(0x60), who()};
  const Bytes today = engine::encode_decline(decline);
  const Bytes old = kept("decline-1", today);
  EXPECT_EQ(as_lines(today), as_lines(old));
  const auto read = engine::decode_decline(old);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->seal_lsn, Lsn(11));
  EXPECT_EQ(read->who.reason, "planned");
}

// Format 1 ended behind the LSN; what was expected and found came with format 2.
TEST(Formats, HaltsAreAsKept) {
  engine::Halt halt{"REC-6", "DIGEST_MISMATCH", "the state digest differs", Lsn(21)};
  Bytes content;
  ByteWriter out(content);
  out.string(halt.rule);
  out.string(halt.code);
  out.string(halt.reason);
  out.u64(halt.lsn.value());
  const auto first = engine::decode_halt(kept("halt-1", engine::seal_file("AEROHALT", content)), "halt-1");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->rule, "REC-6");
  EXPECT_EQ(first->lsn, Lsn(21));
  EXPECT_EQ(first->expected, std::nullopt);
  EXPECT_EQ(first->found, std::nullopt);

  halt.expected = "d1d1";
  const Bytes today = engine::encode_halt(halt);
  const Bytes old = kept("halt-2", today);
  EXPECT_EQ(as_lines(today), as_lines(old));
  const auto read = engine::decode_halt(old, "halt-2");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->reason, halt.reason);
  EXPECT_EQ(read->expected, "d1d1");
  EXPECT_EQ(read->found, std::nullopt);
}

TEST(Formats, DecisionsAreAsKept) {
  rules::AuthorityEvidence promotion;
  promotion.command = rules::AuthorityCommand::kPromote;
  promotion.node = "r1";
  promotion.instance = id_of<InstanceId>(0x60);
  promotion.state = rules::NodeState::kReady;
  promotion.log_validated = true;
  promotion.lineage = id_of<LineageId>(0x20);
  promotion.epoch = Epoch(1);
  promotion.authority_node = "p1";
  promotion.durable_lsn = Lsn(11);
  promotion.commit = CommitId(8);
  promotion.seal_lsn = Lsn(11);
  promotion.seal_successor = "r1";
  promotion.seal_successor_instance = id_of<InstanceId>(0x60);
  rules::EndLineageEvidence end;
  end.node = "r1";
  end.state = rules::NodeState::kReady;
  end.log_validated = true;
  end.lineage = id_of<LineageId>(0x20);
  end.epoch = Epoch(1);
  end.authority_node = "p1";
  end.authority_instance = id_of<InstanceId>(0x30);
  end.own_lsn = Lsn(11);
  end.lost = "p1";
  end.peers.push_back({"r2", false, true, id_of<InstanceId>(0x70), Lsn(9), {}, {}, {}, {}});
  for (const bool promoted : {true, false}) {
    engine::Decision decision{Lsn(12), id_of<Chain>(0x50), promotion};
    if (!promoted) decision.evidence = end;
    const std::string name = promoted ? "decision-1-promotion" : "decision-1-end";
    const Bytes today = engine::encode_decision(decision);
    const Bytes old = kept(name, today);
    EXPECT_EQ(as_lines(today), as_lines(old));
    const auto read = engine::decode_decision(old, name);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->lsn, Lsn(12));
    EXPECT_EQ(read->chain_after, id_of<Chain>(0x50));
    ASSERT_EQ(std::holds_alternative<rules::AuthorityEvidence>(read->evidence), promoted);
    if (promoted) {
      EXPECT_EQ(std::get<rules::AuthorityEvidence>(read->evidence).seal_successor, "r1");
    } else {
      EXPECT_EQ(std::get<rules::EndLineageEvidence>(read->evidence).peers[0].durable_lsn, Lsn(9));
    }
    for (size_t i = 0; i < old.size(); ++i) {
      Bytes damaged = old;
      damaged[i] ^= 1;
      EXPECT_FALSE(engine::decode_decision(damaged, name)) << i;
      EXPECT_FALSE(engine::decode_decision(ByteSpan(old).first(i), name)) << i;
    }
  }
}

// A run of two collections, with versions, a tombstone and an index; compressed, one of its ids spans blocks. What a
// compressor makes of a block is its own affair: such a run need only be read.
TEST(Formats, RunsAreAsKept) {
  using namespace store;
  using namespace store::testing;
  for (const bool compressed : {false, true}) {
    RunKit kit;
    std::vector<TestVersion> versions = {
        put("AW", 3, 7), put("AW", 9, 8), removed("AX", 4), {"d", "AW", 5, document_of("AW")}};
    for (uint64_t commit = 11; compressed && commit < 15; ++commit) versions.push_back(put("AZ", commit, 7, 3'000));
    kit.write(versions, RunKit::with(compressed ? Compression::kZstd : Compression::kNone));
    const RunInfo today = kit.info;
    const Bytes old = kept(compressed ? "run-1-zstd" : "run-1", kit.file());
    EXPECT_TRUE(compressed || as_lines(kit.file()) == as_lines(old)) << as_lines(kit.file());
    kit.replace(old);
    const auto described = Run::describe(kit.disk(), kit.path());
    ASSERT_TRUE(described) << described.error().message;
    kit.info = *described;
    EXPECT_EQ(kit.info.versions_digest, today.versions_digest);
    EXPECT_EQ(kit.info.index_entries, today.index_entries);
    const auto verified = kit.verify();
    EXPECT_TRUE(verified) << verified.error().message;
    sort_versions(versions);
    EXPECT_EQ(kit.scan(), versions);
  }
}

TEST(Formats, ManifestIsAsKept) {
  store::Manifest manifest;
  manifest.number = 3;
  manifest.cluster = id_of<ClusterId>(0xc0);
  manifest.lsn = Lsn(40);
  manifest.commit = CommitId(30);
  manifest.epoch = Epoch(2);
  manifest.lineage = id_of<LineageId>(0x20);
  manifest.chain = id_of<Chain>(0x10);
  manifest.digest = id_of<Digest>(0x80);
  manifest.floor = CommitId(12);
  manifest.live_documents = 9;
  for (size_t i : {size_t{0}, size_t{2}}) {
    encode_record(samples()[i].header, samples()[i].payload, manifest.authority_records.emplace_back());
  }
  manifest.schemas = {{Lsn(2), kDocument}};
  manifest.steps = {{CommitId(1), 2}, {CommitId(9), 10}};
  manifest.runs = {{4, CommitId(1), CommitId(20), 4'096, {}, 21, 3, 18, id_of<Digest>(0x90)},
                   {7, CommitId(21), CommitId(30), 1'024, {}, 10, 0, 10, id_of<Digest>(0xa0)}};
  manifest.runs[0].sha256.fill(0x44);
  manifest.runs[1].sha256.fill(0x77);
  manifest.next_run = 8;
  manifest.segment_sequence = 5;
  const Bytes today = store::encode_manifest(manifest);
  const Bytes old = kept("manifest-1", today);
  EXPECT_EQ(as_lines(today), as_lines(old));
  const auto read = store::decode_manifest(old, "manifest-1");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, manifest);
}

TEST(Formats, EveryKeptFileIsTested) {
  std::set<std::string> names = {"chain-1.hex", "chain-1-floor.hex", "segment-1-frame.hex", "decline-1.hex",
                                 "run-1.hex",   "run-1-zstd.hex",    "manifest-1.hex",      "backup-1.hex",
                                 "halt-1.hex",  "halt-2.hex",        "decision-1-end.hex",  "decision-1-promotion.hex"};
  for (const auto& sample : samples()) names.insert(sample.name + ".hex");
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".hex") continue;
    EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path();
  }
}

}  // namespace
}  // namespace aerodb::wal
