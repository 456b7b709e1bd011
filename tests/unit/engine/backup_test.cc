// Writing backups: what is in them, what refuses one, and what a crash leaves.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <functional>

#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

std::vector<std::string> names_of(Origin& origin) {
  std::vector<std::string> names;
  for (const auto& member : members_of(origin, kBackup)) names.push_back(member.name);
  return names;
}

TEST(Backup, HoldsManifestLogAndRunsUpToTheEnd) {
  Origin origin;
  origin.fill();
  auto report = origin.backup();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(names_of(origin), (std::vector<std::string>{"BACKUP", "MANIFEST", "log/00000001", "runs/00000001.run",
                                                        "runs/00000002.run", "LIST"}));
  EXPECT_EQ(report->info.end_lsn, origin.end.lsn);
  EXPECT_EQ(report->info.end_chain, origin.end.chain);
  EXPECT_EQ(report->digest, origin.end.digest);
  EXPECT_EQ(report->records, 4u);
  EXPECT_EQ(report->runs, 2u);
  EXPECT_EQ(report->bytes, origin.content(kBackup).size());
}

TEST(Backup, IsTheSameBytesOfTheSameDirectoryAndChangesNothingThere) {
  Origin origin;
  origin.fill();
  const auto before = origin.picture("/d/");
  ASSERT_TRUE(origin.backup());
  ASSERT_TRUE(origin.backup("/again.tar"));
  EXPECT_EQ(origin.content(kBackup), origin.content("/again.tar"));
  EXPECT_EQ(origin.picture("/d/"), before);
  EXPECT_TRUE(origin.content("/backup.tar.partial").empty());
}

TEST(Backup, OfADirectoryThatNeverSawACheckpointIsLogAlone) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x0")}));
  origin.stop();
  ASSERT_TRUE(origin.backup());
  EXPECT_EQ(names_of(origin), (std::vector<std::string>{"BACKUP", "MANIFEST", "log/00000001", "LIST"}));
}

TEST(Backup, WithNothingBehindTheCheckpointHasNoLog) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x0")}));
  ASSERT_FALSE(origin.node.checkpoint());
  origin.stop();
  auto report = origin.backup();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(names_of(origin), (std::vector<std::string>{"BACKUP", "MANIFEST", "runs/00000001.run", "LIST"}));
  EXPECT_EQ(report->digest, origin.end.digest);
}

TEST(Backup, RefusesAnOutputThatExistsAndALeftover) {
  Origin origin;
  origin.fill();
  origin.put(kBackup, as_bytes("mine"));
  EXPECT_EQ(code_of(origin.backup()), "BACKUP_EXISTS");
  EXPECT_EQ(as_text(origin.content(kBackup)), "mine");
  origin.put("/other.tar.partial", as_bytes("half"));
  EXPECT_EQ(code_of(origin.backup("/other.tar")), "BACKUP_EXISTS");
  EXPECT_EQ(as_text(origin.content("/other.tar.partial")), "half");
}

TEST(Backup, OfAReplicaThatGotNothingYetIsNothingToDo) {
  Origin origin(1, {.primary = false});
  origin.stop();
  EXPECT_EQ(code_of(origin.backup()), "NOTHING_TO_DO");
}

TEST(Backup, OfADirectoryInUseIsLocked) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  EXPECT_EQ(code_of(origin.backup()), "LOCKED");
}

TEST(Backup, OfADirectoryThatAStartWouldRefuseIsRefusedAlike) {
  struct Case {
    const char* file;
    uint64_t offset;
    const char* code;
  };
  for (const auto& c : {Case{"/d/NODE", 20, "BAD_NODE_FILE"}, Case{"/d/MANIFEST", 60, "MANIFEST_DAMAGED"},
                        Case{"/d/runs/00000001.run", 8, "RUN_DAMAGED"}}) {
    Origin origin;
    origin.fill();
    ASSERT_TRUE(origin.node.machine.disk().damage(c.file, c.offset, 1));
    EXPECT_EQ(code_of(origin.backup()), c.code) << c.file;
    EXPECT_EQ(origin.content(kBackup).size() + origin.content("/backup.tar.partial").size(), 0u);
  }
}

TEST(Backup, RunThatRottedSinceTheStartIsNamed) {
  Origin origin;
  origin.fill();
  ASSERT_TRUE(origin.node.machine.disk().damage("/d/runs/00000001.run", 100, 1));  // no header, no footer
  auto report = origin.backup();
  EXPECT_EQ(code_of(report), "RUN_DAMAGED");
  EXPECT_NE(report.error().message.find("runs/00000001.run"), std::string::npos) << report.error().message;
  EXPECT_EQ(origin.content(kBackup).size() + origin.content("/backup.tar.partial").size(), 0u);
}

// A source that changes what passes through it.
class Falsified final : public BackupSource {
 public:
  using Change = std::function<Result<Bytes>(ByteSpan)>;
  Falsified(BackupSource& source, Change log, Change run)
      : source_(source), log_(std::move(log)), run_(std::move(run)) {}
  [[nodiscard]] const BackupContents& contents() const override { return source_.contents(); }
  Result<void> read_log(const Take& take) override { return source_.read_log(through(log_, take)); }
  Result<void> read_run(const store::RunInfo& run, const Take& take) override {
    return source_.read_run(run, through(run_, take));
  }

 private:
  static Take through(const Change& change, const Take& take) {
    return [change, take](ByteSpan piece) -> Result<void> {
      auto changed = change ? change(piece) : Result<Bytes>(Bytes(piece.begin(), piece.end()));
      if (!changed) return fail(std::move(changed.error()));
      return take(*changed);
    };
  }
  BackupSource& source_;
  Change log_;
  Change run_;
};

TEST(Backup, SourceThatHandsOverSomethingElseIsRefusedAndNothingIsLeft) {
  struct Case {
    const char* what;
    Falsified::Change log;
    Falsified::Change run;
    const char* code;
  };
  auto cut = [](ByteSpan piece) { return Result<Bytes>(Bytes(piece.begin(), piece.end() - 1)); };
  auto longer = [](ByteSpan piece) {
    Bytes bytes(piece.begin(), piece.end());
    bytes.push_back(0);
    return Result<Bytes>(std::move(bytes));
  };
  auto flipped = [](ByteSpan piece) {
    Bytes bytes(piece.begin(), piece.end());
    bytes[bytes.size() / 2] ^= 4;
    return Result<Bytes>(std::move(bytes));
  };
  auto nothing = [](ByteSpan) { return Result<Bytes>(Bytes()); };
  auto released = [](ByteSpan) -> Result<Bytes> { return fail(ErrorCode::kLogReleased, "read log: gone"); };
  const Case cases[] = {{"run cut", nullptr, cut, "RUN_DAMAGED"},
                        {"run too long", nullptr, longer, "RUN_DAMAGED"},
                        {"run flipped", nullptr, flipped, "RUN_DAMAGED"},
                        {"run gone", nullptr, nothing, "RUN_DAMAGED"},
                        {"log cut", cut, nullptr, "BAD_RECORD"},
                        {"log flipped", flipped, nullptr, "WAL_DISCONTINUITY"},
                        {"log gone", nothing, nullptr, "WAL_DISCONTINUITY"},
                        {"log released", released, nullptr, "LOG_RELEASED"}};
  for (const auto& c : cases) {
    Origin origin;
    origin.fill();
    auto source = DirectorySource::open(origin.disk(), "/d");
    ASSERT_TRUE(source);
    Falsified falsified(**source, c.log, c.run);
    EXPECT_EQ(code_of(write_backup(origin.disk(), kBackup, falsified, nullptr)), c.code) << c.what;
    EXPECT_EQ(origin.content(kBackup).size() + origin.content("/backup.tar.partial").size(), 0u) << c.what;
  }
}

TEST(Backup, FullDiskLeavesNoPartialFile) {
  Origin origin;
  origin.fill();
  auto source = DirectorySource::open(origin.disk(), "/d");
  ASSERT_TRUE(source);
  bool full = false;
  Falsified filling(**source, nullptr, [&](ByteSpan piece) {
    origin.node.machine.disk().set_full(full = true);
    return Result<Bytes>(Bytes(piece.begin(), piece.end()));
  });
  EXPECT_EQ(code_of(write_backup(origin.disk(), kBackup, filling, nullptr)), "IO");
  EXPECT_TRUE(full);
  EXPECT_FALSE(*origin.disk().exists("/backup.tar.partial"));
}

TEST(Backup, ReportsItsProgressUpToTheLastByteOfTheRuns) {
  Origin origin;
  origin.fill();
  auto source = DirectorySource::open(origin.disk(), "/d");
  ASSERT_TRUE(source);
  uint64_t last = 0;
  uint64_t all = 0;
  ASSERT_TRUE(write_backup(origin.disk(), kBackup, **source, [&](uint64_t done, uint64_t total) {
    EXPECT_GT(done, last);
    last = done;
    all = total;
  }));
  EXPECT_GT(all, 0u);
  EXPECT_EQ(last, all);
}

// True where the backup came to its end.
bool backup_killed_at(uint64_t call, CrashKind kind, uint64_t seed) {
  Origin origin(seed);
  origin.fill();
  const auto before = origin.picture("/d/");
  origin.process().crash_at_call(call, kind);
  const bool ended = origin.backup().has_value();
  EXPECT_TRUE(ended || !origin.process().alive());
  origin.end_process();
  EXPECT_EQ(origin.picture("/d/"), before);
  if (*origin.disk().exists(kBackup)) {
    auto verified = verify_backup(origin.disk(), kBackup, {});
    EXPECT_TRUE(verified) << verified.error().message;
    EXPECT_TRUE(verified && verified->end.chain == origin.end.chain);
    return ended;
  }
  EXPECT_FALSE(ended);
  // The leftover is named; once it is gone the same command succeeds.
  if (*origin.disk().exists("/backup.tar.partial")) {
    EXPECT_EQ(code_of(origin.backup()), "BACKUP_EXISTS");
    EXPECT_TRUE(origin.disk().remove("/backup.tar.partial"));
  }
  auto again = origin.backup();
  EXPECT_TRUE(again) << again.error().message;
  return ended;
}

TEST(Backup, KilledAtAnyCallLeavesAWholeBackupOrNone) {
  for (uint64_t round = 0; round < kill_rounds(); ++round) {
    for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
      uint64_t call = 1;
      while (!backup_killed_at(call, kind, round * 10'000 + call)) {
        ASSERT_FALSE(HasFailure()) << "call " << call << " round " << round;
        ++call;
      }
      EXPECT_GT(call, 50u);
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
