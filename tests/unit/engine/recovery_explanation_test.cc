// recovery.process: the rules that a start applied, on evidence that is what the directory holds.
#include <gtest/gtest.h>

#include "common/store/digest.h"
#include "common/wal/append_at_rest.h"
#include "common/wal/dump.h"
#include "tests/unit/engine/explanation_kit.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

const std::string kRules = "REC-8 REC-7 CKPT-5 CKPT-3 REC-4 REC-2 REC-3 REC-1 REC-6 REC-9 REC-5 ";

struct RestartedNode {
  explicit RestartedNode(uint64_t seed = 1) : world(seed, {}), node(world, {}) {}
  // 12 documents below a checkpoint, 5 behind it.
  void fill() {
    ASSERT_FALSE(node.start());
    ASSERT_TRUE(node.register_schema(kSchema1));
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(node.write({insert("x" + std::to_string(i))}));
    ASSERT_FALSE(node.checkpoint());
    for (int i = 12; i < 17; ++i) ASSERT_TRUE(node.write({insert("x" + std::to_string(i))}));
  }
  [[nodiscard]] rules::Explanation explained() const {
    const auto& report = node.engine->recovery();
    return rules::explain_recovery(report.evidence, report.lineage);
  }
  // What a start that fails, or somebody who only looks, has to say. `look`: without the steps.
  rules::Explanation opened(bool look) {
    sim::SimProcess process(node.machine, world, {.name = "hand"});
    auto& disk = process.blocking_disk();
    const OpenOptions options{"/d", node.settings.geometry, look ? std::nullopt : std::optional(node.settings.name)};
    auto found = look ? read_directory(disk, options) : claim_directory(disk, options);
    EXPECT_TRUE(found) << found.error().message;
    auto& report = (*found)->report;
    if (!look) {
      (void)recover_log(disk, options, **found);
    } else {
      report.evidence.held_by_another = false;
      if (inspect_log(disk, options, {Trust::kOwnLog, nullptr}, **found)) plan_steps(**found);
    }
    return rules::explain_recovery(report.evidence, report.lineage);
  }
  void flip(const std::string& path, uint64_t offset) { ASSERT_TRUE(node.machine.disk().damage(path, offset, 0x20)); }
  sim::SimWorld world;
  TestNode node;
};

// Where the last frame of the ring begins.
uint64_t last_frame(const rules::RecoveryEvidence& evidence) { return *evidence.last_frame_offset; }

TEST(RecoveryExplanation, HasEveryRuleInOrderWhateverWasFound) {
  RestartedNode one;
  one.fill();
  one.node.restart(CrashKind::kProcess);
  const Shown good(one.explained());
  EXPECT_EQ(good.rules, kRules);
  EXPECT_EQ(good.broken + good.open, "");
  EXPECT_EQ(good.said("status"), R"("recovered")");
  EXPECT_EQ(good.said("state_valid"), "true");
  const auto last = last_frame(one.node.engine->recovery().evidence);

  struct Case {
    std::string path;
    uint64_t offset;
    std::string code, broken;
  };
  one.node.crash(CrashKind::kProcess);
  const Case cases[] = {{"/d/wal/0000.seg", last - 2 * 512 + 70, R"("WAL_HOLE")", "REC-2 REC-1 "},
                        {"/d/MANIFEST", 20, R"("MANIFEST_DAMAGED")", "CKPT-5 "},
                        {"/d/runs/00000001.run", 4, R"("RUN_DAMAGED")", "CKPT-5 "}};
  for (const auto& c : cases) {
    one.flip(c.path, c.offset);
    const Shown shown(one.opened(false));
    EXPECT_EQ(shown.rules, kRules) << c.path;
    EXPECT_EQ(shown.said("status"), R"("refused")") << c.path;
    EXPECT_EQ(shown.said("code"), c.code);
    EXPECT_EQ(shown.broken, c.broken) << c.path;
    EXPECT_NE(shown.open.find("REC-9 REC-5 "), std::string::npos) << "no step was taken: " << shown.open;
    EXPECT_EQ(shown.said("state_valid"), "false");
    one.flip(c.path, c.offset);
  }
}

struct Totals final : wal::RingVisitor {
  void on_segment(const wal::DumpedSegment&) override {}
  void on_frame(const wal::DumpedFrame&) override {}
  void on_record(const wal::DumpedRecord& record) override {
    const auto& header = record.record.header;
    by_lsn[header.lsn.value()] = header;
    chain_after[header.lsn.value()] = record.record.chain_after();
  }
  void on_trouble(const std::string& path, uint64_t, const Error&) override { ADD_FAILURE() << path; }
  std::map<uint64_t, wal::RecordHeader> by_lsn;
  std::map<uint64_t, Chain> chain_after;
};

TEST(RecoveryExplanation, EvidenceIsWhatTheDumpAndTheFilesSay) {
  RestartedNode one;
  one.fill();
  one.node.restart(CrashKind::kProcess);
  const auto& e = one.node.engine->recovery().evidence;
  Totals log;
  const auto dump = wal::dump_ring(one.node.process->blocking_disk(), "/d", log);
  const auto manifest = store::read_manifest(one.node.process->blocking_disk(), "/d");
  ASSERT_TRUE(dump && manifest && *manifest);

  EXPECT_EQ(e.manifest_number, (*manifest)->number);
  EXPECT_EQ(e.tail.manifest_lsn, (*manifest)->lsn);
  EXPECT_EQ(e.manifest_commit, (*manifest)->commit);
  EXPECT_EQ(e.tail.manifest_chain, (*manifest)->chain);
  EXPECT_EQ(e.tail.manifest_chain, log.chain_after.at((*manifest)->lsn.value()));
  EXPECT_EQ(e.manifest_digest, (*manifest)->digest);
  ASSERT_EQ(e.runs.size(), (*manifest)->runs.size());
  EXPECT_EQ(e.runs[0].sha256, (*manifest)->runs[0].sha256);
  EXPECT_EQ(e.runs[0].verified, true);

  const auto& first = log.by_lsn.at((*manifest)->lsn.value() + 1);
  EXPECT_EQ(e.tail.first_replayed_lsn, first.lsn);
  EXPECT_EQ(e.tail.first_replayed_chain_before, first.chain_before);
  const auto& last = log.by_lsn.rbegin()->second;
  EXPECT_EQ(e.final_lsn, last.lsn);
  EXPECT_EQ(e.final_commit, last.commit);
  EXPECT_EQ(e.stated_digest, last.digest_after);
  EXPECT_EQ(e.replayed_digest, last.digest_after);
  ASSERT_EQ(e.records.size(), 1u);
  EXPECT_EQ(e.records[0].type, "commit");
  EXPECT_EQ(e.records[0].count, 5u);
  ASSERT_EQ(e.log_segments.size(), 1u);
  EXPECT_EQ(e.log_segments[0].frames, dump->frames);
  EXPECT_EQ(e.log_segments[0].first_lsn, Lsn(1));
  EXPECT_EQ(e.log_segments[0].last_lsn, last.lsn);
  EXPECT_EQ(e.live_documents, 17u);
  EXPECT_EQ(e.index_entries, 5u);  // of n; s was given to none
  EXPECT_EQ(e.tail.bound_name, "the manifest");
  EXPECT_EQ(e.initial_lsn, Lsn(1));
}

TEST(RecoveryExplanation, EqualDirectoriesGiveEqualBytesAndAReaderSaysWhatAStartWillDo) {
  RestartedNode one(7);
  RestartedNode twin(7);
  for (auto* node : {&one, &twin}) {
    node->fill();
    node->node.crash(CrashKind::kProcess);
  }
  const auto before = one.opened(true);
  EXPECT_EQ(one.opened(true).json, before.json);
  EXPECT_EQ(twin.opened(true).json, before.json);
  ASSERT_FALSE(one.node.start());
  EXPECT_EQ(Shown(before).said("status"), R"("would recover")");

  // But for who looks, the start found the very same and did what was foretold.
  auto started = one.node.engine->recovery();
  EXPECT_EQ(started.evidence.configured_node, "a");
  started.evidence.configured_node.reset();
  started.evidence.carried_out = false;
  EXPECT_EQ(rules::explain_recovery(started.evidence, started.lineage).json, before.json);
  ASSERT_FALSE(twin.node.start());
  EXPECT_EQ(twin.explained().json, one.explained().json);
  // Nothing was torn, so a second start finds what the first one did.
  const auto first = one.explained().json;
  one.node.restart(CrashKind::kProcess);
  EXPECT_EQ(one.explained().json, first);
}

TEST(RecoveryExplanation, TornFrameIsSetAsideOnceAndGoneAtTheNextStart) {
  RestartedNode one;
  one.fill();
  one.node.restart(CrashKind::kProcess);
  const auto last = last_frame(one.node.engine->recovery().evidence);
  one.node.crash(CrashKind::kProcess);
  one.flip("/d/wal/0000.seg", last + 70);
  ASSERT_FALSE(one.node.start());
  const auto& torn = one.node.engine->recovery().evidence.tail;
  EXPECT_EQ(torn.torn_segment, 1u);
  EXPECT_EQ(torn.torn_offset, last);
  EXPECT_EQ(torn.torn_bytes, 512u);
  one.node.restart(CrashKind::kProcess);
  EXPECT_EQ(one.node.engine->recovery().evidence.tail.torn_bytes, std::nullopt);
}

// A frame whose bytes hold, with one more record behind a good log: what `spoil` makes of it.
rules::Explanation with_record(RestartedNode& one, const std::function<void(wal::RecordHeader&)>& spoil) {
  one.fill();
  one.node.crash(CrashKind::kProcess);
  sim::SimProcess process(one.node.machine, one.world, {.name = "hand"});
  auto& disk = process.blocking_disk();
  const OpenOptions options{"/d", one.node.settings.geometry, std::nullopt};
  auto opened = std::move(*read_directory(disk, options));
  EXPECT_TRUE(inspect_log(disk, options, {Trust::kOwnLog, nullptr}, *opened));
  const auto& end = opened->state.position();
  const Packed document(insert("y").json());
  const wal::Commit commit{{{wal::Operation::kInsert, "c", "y", 1, CommitId(), document.bytes()}}};
  wal::RecordHeader header;
  header.epoch = end.epoch;
  header.lsn = end.lsn.next();
  header.commit = end.commit.next();
  header.chain_before = end.chain;
  header.digest_after = digest_add(end.digest, store::document_term("c", "y", header.commit, 1, document.bytes()));
  spoil(header);
  Bytes record;
  wal::encode_record(header, commit, record);
  const auto appended =
      wal::append_at_rest(disk, process.random(), "/d", opened->node.cluster, opened->node.instance,
                          wal::Ring(options.geometry, opened->scan.end.cursor, 0), opened->scan.end, record);
  EXPECT_TRUE(appended);
  opened = nullptr;
  process.crash(CrashKind::kProcess);
  return one.opened(false);
}

TEST(RecoveryExplanation, RecordThatDoesNotFollowShowsBothSides) {
  RestartedNode good;
  EXPECT_EQ(Shown(with_record(good, [](auto&) {})).said("status"), R"("recovered")");

  RestartedNode digest;
  Digest stated;
  const Shown differs(with_record(digest, [&](wal::RecordHeader& header) {
    header.digest_after.bytes[0] ^= 1;
    stated = header.digest_after;
  }));
  EXPECT_EQ(differs.rules, kRules);
  EXPECT_EQ(differs.said("code"), R"("DIGEST_MISMATCH")");
  EXPECT_EQ(differs.said("tail_label"), "null") << "the walk did not come to the end";
  EXPECT_EQ(differs.said("final_lsn"), "19");
  EXPECT_EQ(differs.broken, "REC-6 ");
  EXPECT_EQ(differs.open, "REC-4 REC-2 REC-3 REC-1 REC-9 REC-5 ");
  EXPECT_NE(differs.json.find("\"stated_digest\":\"" + to_hex(stated)), std::string::npos);

  RestartedNode chain;
  const Shown broken(with_record(chain, [](wal::RecordHeader& header) { header.chain_before.bytes[0] ^= 1; }));
  EXPECT_EQ(broken.said("code"), R"("WAL_DISCONTINUITY")");
  EXPECT_EQ(broken.said("tail_label"), R"("T4")");
  EXPECT_EQ(broken.broken, "REC-4 REC-1 ");
  RestartedNode commit;
  const Shown gap(with_record(commit, [](wal::RecordHeader& header) { header.commit = header.commit.next(); }));
  EXPECT_EQ(gap.broken, "REC-4 REC-1 ");
  EXPECT_NE(gap.json.find("expected commit id 18, found 19"), std::string::npos) << gap.json;
}

TEST(RecoveryExplanation, ShowsWhereItBrokeOffAndWhatIsMissing) {
  // The disk fails at each call of a start in turn: incomplete with the error, and never a verdict.
  RestartedNode one;
  one.fill();
  one.node.crash(CrashKind::kProcess);
  size_t incomplete = 0;
  for (uint64_t call = 1; call < 200; ++call) {
    sim::SimProcess process(one.node.machine, one.world, {.name = "hand"});
    auto& disk = process.blocking_disk();
    const OpenOptions options{"/d", one.node.settings.geometry, "a"};
    auto found = claim_directory(disk, options);
    ASSERT_TRUE(found);
    process.fail_at_call(call);
    const auto recovered = recover_log(disk, options, **found);
    const Shown shown(rules::explain_recovery((*found)->report.evidence, (*found)->report.lineage));
    EXPECT_EQ(shown.rules, kRules);
    if (recovered) {
      EXPECT_EQ(shown.said("status"), R"("recovered")");
      break;
    }
    ++incomplete;
    EXPECT_EQ(shown.said("status"), R"("incomplete")") << shown.json;
    EXPECT_EQ(shown.said("code"), R"("IO")");
    EXPECT_NE(shown.said("error"), "");
    EXPECT_EQ(shown.said("error").find("/d/"), std::string::npos) << shown.said("error");
    EXPECT_EQ(shown.said("state_valid"), "null");
    EXPECT_NE(shown.open, "");
    EXPECT_TRUE(shown.broken.empty() || shown.broken == "REC-9 ") << shown.broken;  // some synced, not all
  }
  EXPECT_GT(incomplete, 15u);
}

TEST(RecoveryExplanation, NameOfARunIsThatOfItsFile) {
  rules::RecoveryEvidence evidence;
  evidence.manifest_number = 1;
  evidence.runs = {{12345678901, CommitId(1), CommitId(1), 1, 1, {}, true}};
  EXPECT_EQ(rules::syncs_needed(evidence)[0].name, "runs/" + store::run_name(12345678901));
}

}  // namespace
}  // namespace aerodb::engine
