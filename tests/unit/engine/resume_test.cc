// The end of a halt (FAIL-4): only where everything verifies, without changing a byte; then durably.
#include "common/engine/resume.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

struct Halted : Origin {
  explicit Halted(uint64_t seed = 1) : Origin(seed) {
    fill();
    EXPECT_TRUE(write_halt(disk(), "/d", {"WAL-5", "IO", "a sync failed", Lsn(13)}));
  }
  Result<ResumeReport> check(std::optional<KnownPosition> known = std::nullopt) {
    return check_resume(disk(), {"/d", node.settings.geometry, known});
  }
};

TEST(Resume, ADirectoryThatVerifiesIsReportedAndNotChanged) {
  Halted h;
  const auto before = h.picture("/");
  const auto report = h.check(KnownPosition{h.end.lsn, h.end.chain});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->end.lsn, h.end.lsn);
  EXPECT_EQ(report->end.chain, h.end.chain);
  EXPECT_EQ(report->end.digest, h.end.digest);
  EXPECT_EQ(report->runs, 2u);
  EXPECT_GT(report->run_bytes, 0u);
  EXPECT_EQ(report->records, 4u);
  EXPECT_EQ(report->live_documents, 5u);
  EXPECT_EQ(h.picture("/"), before);
}

TEST(Resume, ALogWithoutACheckpointIsReplayedFromItsBeginning) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x")}));
  origin.stop();
  const auto report = check_resume(origin.disk(), {"/d", origin.node.settings.geometry});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->manifest_number, 0u);
  EXPECT_EQ(report->records, 3u);
}

TEST(Resume, EveryFlippedByteOfARunIsFound) {
  Halted h;
  for (const std::string run : {"/d/runs/00000001.run", "/d/runs/00000002.run"}) {
    for (size_t at = 0; at < h.content(run).size(); ++at) {
      ASSERT_TRUE(h.node.machine.disk().damage(run, at, 0x10));
      ASSERT_FALSE(h.check()) << run << " byte " << at;
      ASSERT_TRUE(h.node.machine.disk().damage(run, at, 0x10));
    }
  }
  EXPECT_TRUE(h.check());
}

TEST(Resume, ALostEndOfTheLogIsFoundByWhatTheProcessKnows) {
  Halted h;
  // The last frame, as a disk that forgot a sync would leave it.
  const auto end = open_directory(h.disk(), {"/d", h.node.settings.geometry, "a"});
  ASSERT_TRUE(end);
  const auto frame = *(*end)->scan.last_frame;
  (*end)->lock.reset();
  const auto path = wal::segment_paths("/d", 4)[(frame.segment_sequence - 1) % 4];
  auto file = h.disk().open(path, runtime::OpenMode::kReadWrite);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(frame.offset, Bytes((*end)->scan.last_frame_bytes, 0)));
  EXPECT_TRUE(h.check()) << "nothing else says that it was there";
  const auto refused = h.check(KnownPosition{h.end.lsn, h.end.chain});
  EXPECT_EQ(code_of(refused), "POSITION_NOT_HELD");
  EXPECT_EQ(code_of(h.check(KnownPosition{Lsn(10), h.end.chain})), "POSITION_NOT_HELD") << "another chain there";
}

TEST(Resume, APositionThatTheManifestCoversIsNotAskedOfTheLog) {
  Halted h;
  EXPECT_TRUE(h.check(KnownPosition{Lsn(3), Chain{}}));
  EXPECT_EQ(code_of(h.check(KnownPosition{Lsn(8), Chain{}})), "POSITION_NOT_HELD") << "the manifest's own";
}

TEST(Resume, WhatAPeerSentIsComparedWithAPeer) {
  EXPECT_FALSE(needs_source({"WAL-5", "IO", "", Lsn()}));
  EXPECT_FALSE(needs_source({"CKPT-5", "RUN_DAMAGED", "", Lsn()}));
  EXPECT_TRUE(needs_source({"REPL-1", "REPLICA_DIVERGED", "", Lsn()}));
  EXPECT_TRUE(needs_source({"REPL-3", "REPLICA_DIVERGED", "", Lsn()}));
  EXPECT_TRUE(needs_source({"REC-6", "DIGEST_MISMATCH", "", Lsn()}));
  EXPECT_TRUE(needs_source({"REC-4", "BAD_RECORD", "", Lsn()}));
  EXPECT_TRUE(needs_source({"NEW-1", "A_CODE_OF_ANOTHER_VERSION", "", Lsn()}));
}

TEST(Resume, TheHaltIsOverOnceItIsTakenAway) {
  Halted h;
  ASSERT_TRUE(end_halt(h.disk(), "/d"));
  EXPECT_TRUE(end_halt(h.disk(), "/d")) << "a second time changes nothing";
  h.node.machine.power_loss();
  h.end_process();
  ASSERT_FALSE(h.node.start());
  EXPECT_EQ(h.node.engine->state(), rules::NodeState::kReady);
}

TEST(Resume, KilledAtAnyCallTheHaltStandsOrIsGoneForGood) {
  for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
    bool ended = false;
    for (uint64_t call = 1; !ended; ++call) {
      Halted h(call);
      h.end_process();
      h.process().crash_at_call(call, kind);
      ended = end_halt(h.disk(), "/d").has_value();
      h.end_process();
      const auto halt = read_halt(h.disk(), "/d");
      ASSERT_TRUE(halt);
      EXPECT_TRUE(!ended || !*halt);
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
