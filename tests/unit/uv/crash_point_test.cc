// Every call that reaches a disk has its points, by the names that tests and documents use, and ends there.
#include <signal.h>

#include <cstdlib>
#include <sstream>

#include "common/base/build.h"
#include "common/uv/posix_disk.h"
#include "tests/unit/uv/fixture.h"

#if AERODB_FAULTS

namespace aerodb::uv {
namespace {

using runtime::OpenMode;
using testing::KilledBySignal;
using Lines = std::vector<std::string>;

TEST(CrashClass, PathsHaveOne) {
  struct Row {
    std::string_view path;
    std::string_view of_file;
    std::string_view of_directory;
  };
  constexpr Row kRows[] = {
      {"/d/p1/NODE", "node", "directory"},
      {"/d/p1/NODE.tmp", "node", "directory"},
      {"p1/wal/0003.seg", "segment", "directory"},
      {"/d/p1/runs/00000001.run", "run", "directory"},
      {"/d/p1/MANIFEST.tmp", "manifest", "directory"},
      {"/d/p1/snapshots/s/MANIFEST", "snapshot_manifest", "directory"},
      {"/d/p1/snapshots/s/runs/00000001.run", "snapshot_run", "directory"},
      {"/d/p1/authority/decline-7", "decline", "directory"},
      {"/d/p1/authority/decision-7.tmp", "decision", "directory"},
      {"/d/p1/authority/accepted", "accepted", "directory"},
      {"/d/p1/authority/orphans.tmp", "orphans", "directory"},
      {"/d/p1/FENCED", "fenced", "directory"},
      {"/d/p1/INSTALL.tmp", "install", "directory"},
      {"/d/p1/bootstrap.partial", "partial", "partial"},
      {"/d/p1/bootstrap.partial/SOURCE", "source", "directory"},
      {"/d/p1/bootstrap.partial/runs", "other", "runs_directory"},
      {"/d/orphans.jsonl", "export", "directory"},
      {"/d/p1/quarantine/segment-1-offset-512.bin", "quarantine", "directory"},
      {"/d/p1/events.1.jsonl", "events", "directory"},
      {"/d/backup.tar", "backup", "directory"},
      {"/d/backup.tar.partial", "partial", "partial"},
      {"/d/p1", "other", "directory"},
      {"/d/p1/wal/", "other", "wal_directory"},
      {"/d/p1/snapshots", "other", "snapshots_directory"},
      {"/d/p1/snapshots/s", "other", "snapshot_directory"},
      {"/d/p1/snapshots/s/runs", "other", "snapshot_runs_directory"},
      {"plain", "other", "directory"},
      {"", "other", "directory"},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.path);
    EXPECT_EQ(crash_class_of_file(row.path), row.of_file);
    EXPECT_EQ(crash_class_of_directory(row.path), row.of_directory);
  }
  EXPECT_EQ(crash_class_of_path("/d/p1/NODE"), "node");
  EXPECT_EQ(crash_class_of_path("/d/p1/runs"), "runs_directory");
  EXPECT_EQ(crash_class_of_path("/d/p1"), "other");
}

class CrashPointTest : public UvTest {
 protected:
  // A disk whose points are those of `wanted`, as AERODB_CRASH_POINT says them, written down in the file `log`.
  runtime::Disk& disk(std::string_view wanted = "") {
    points_ = std::make_unique<CrashPoints>(wanted, path("log"));
    disk_ = std::make_unique<CrashPointDisk>(std::make_unique<PlainPosixDisk>(), *points_);
    return *disk_;
  }
  // The points passed since the last call.
  Lines passed() {
    const auto text = runtime::read_file(plain_, path("log"), 1 << 20).value();
    std::istringstream in{std::string(as_text(text))};
    Lines lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    lines.erase(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(seen_));
    seen_ += lines.size();
    return lines;
  }
  std::string content(const std::string& name) {
    auto bytes = runtime::read_file(plain_, path(name), 1 << 20);
    return bytes ? std::string(as_text(*bytes)) : bytes.error().message;
  }

  PlainPosixDisk plain_;
  std::unique_ptr<CrashPoints> points_;
  std::unique_ptr<CrashPointDisk> disk_;
  size_t seen_ = 0;
};

TEST_F(CrashPointTest, EveryCallOfAFileHasItsPoints) {
  auto created = disk().open(path("1.run"), OpenMode::kCreate);
  EXPECT_EQ(passed(), (Lines{"run.create.before", "run.create.after"}));
  EXPECT_TRUE((*created)->write(0, as_bytes("0123456789")));
  EXPECT_EQ(passed(), (Lines{"run.write.before", "run.write.half", "run.write.after"}));
  EXPECT_TRUE((*created)->sync());
  EXPECT_EQ(passed(), (Lines{"run.sync.before", "run.sync.after"}));
  EXPECT_EQ((*created)->size().value(), 10u);
  EXPECT_EQ(passed(), Lines{"run.size.before"});
  Bytes out(10);
  EXPECT_EQ((*created)->read(0, out).value(), 10u);
  EXPECT_EQ(as_text(out), "0123456789");
  EXPECT_EQ(passed(), Lines{"run.read.before"});
  EXPECT_TRUE((*created)->fill_zero(4));
  EXPECT_EQ(passed(), (Lines{"run.fill_zero.before", "run.fill_zero.half", "run.fill_zero.after"}));
  EXPECT_TRUE(disk_->open(path("1.run"), OpenMode::kRead));
  EXPECT_EQ(passed(), Lines{"run.open.before"});
  EXPECT_TRUE(disk_->open(path("HALT"), OpenMode::kAppend));
  EXPECT_EQ(passed(), (Lines{"halt.create.before", "halt.create.after"}));
}

TEST_F(CrashPointTest, EveryCallOfADirectoryHasItsPoints) {
  EXPECT_TRUE(disk().make_directory(path("runs")));
  EXPECT_EQ(passed(), (Lines{"runs_directory.make_directory.before", "runs_directory.make_directory.after"}));
  EXPECT_TRUE(disk_->sync_directory(directory_));
  EXPECT_EQ(passed(), (Lines{"directory.sync_directory.before", "directory.sync_directory.after"}));
  ASSERT_TRUE(plain_.open(path("MANIFEST.tmp"), OpenMode::kCreate));
  EXPECT_TRUE(disk_->rename(path("MANIFEST.tmp"), path("MANIFEST")));
  EXPECT_EQ(passed(), (Lines{"manifest.rename.before", "manifest.rename.after"}));
  EXPECT_TRUE(disk_->link(path("MANIFEST"), path("1.run")));
  EXPECT_EQ(passed(), (Lines{"run.link.before", "run.link.after"}));
  EXPECT_TRUE(disk_->exists(path("1.run")).value());
  EXPECT_EQ(passed(), Lines{"run.exists.before"});
  EXPECT_TRUE(disk_->remove(path("1.run")));
  EXPECT_EQ(passed(), (Lines{"run.remove.before", "run.remove.after"}));
  EXPECT_EQ(disk_->list(directory_).value(), (Lines{"MANIFEST", "log", "runs"}));
  EXPECT_EQ(passed(), Lines{"directory.list.before"});
  EXPECT_TRUE(disk_->lock(directory_));
  EXPECT_EQ(passed(), (Lines{"lock.lock.before", "lock.lock.after"}));
  ASSERT_TRUE(plain_.make_directory(path("p1.partial")));
  EXPECT_TRUE(disk_->rename(path("p1.partial"), path("p1")));
  EXPECT_EQ(passed(), (Lines{"partial.rename.before", "partial.rename.after"}));
}

TEST_F(CrashPointTest, FailedCallsAreAnsweredAsTheyWere) {
  auto missing = disk().open(path("HALT"), OpenMode::kRead);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "open " + path("HALT") + ": No such file or directory");
  EXPECT_FALSE(disk_->remove(path("HALT")));
  EXPECT_EQ(passed(), (Lines{"halt.open.before", "halt.remove.before", "halt.remove.after"}));
}

TEST_F(CrashPointTest, SegmentOfTheLogDeviceHasPointsOfItsOwn) {
  ASSERT_TRUE(plain_.open(path("0000.seg"), OpenMode::kCreate));
  disk();
  auto segment = open_with_submit_points(plain_, path("0000.seg"), *points_);
  ASSERT_TRUE(segment);
  EXPECT_TRUE((*segment)->write(0, as_bytes("frame")));
  EXPECT_TRUE((*segment)->sync());
  EXPECT_EQ(passed(), (Lines{"segment.open.before", "segment.submit_write.before", "segment.submit_write.half",
                             "segment.submit_write.after", "segment.submit_sync.before", "segment.submit_sync.after"}));
}

TEST_F(CrashPointTest, FrequentPassagesAreLoggedAtPowersOfTwo) {
  Lines expected;
  for (int i = 1; i <= 70; ++i) {
    EXPECT_FALSE((i == 1 ? disk() : *disk_).exists(path("HALT")).value());
    if (i <= 16 || i == 32 || i == 64)
      expected.push_back("halt.exists.before" + (i == 1 ? "" : "@" + std::to_string(i)));
  }
  EXPECT_EQ(passed(), expected);
}

TEST_F(CrashPointTest, ProcessEndsBeforeOrAfterTheCall) {
  EXPECT_EXIT(std::ignore = disk("halt.create.before").open(path("HALT"), OpenMode::kCreate), KilledBySignal(SIGKILL),
              "");
  EXPECT_FALSE(std::filesystem::exists(path("HALT")));
  EXPECT_EXIT(std::ignore = disk("halt.create.after").open(path("HALT"), OpenMode::kCreate), KilledBySignal(SIGKILL),
              "");
  EXPECT_TRUE(std::filesystem::exists(path("HALT")));
}

TEST_F(CrashPointTest, ProcessEndsWithHalfOfTheBytesWritten) {
  EXPECT_EXIT(
      {
        auto file = disk("halt.write.half@2").open(path("HALT"), OpenMode::kCreate);
        std::ignore = (*file)->write(0, as_bytes("whole "));
        std::ignore = (*file)->write(6, as_bytes("half"));
      },
      KilledBySignal(SIGKILL), "");
  EXPECT_EQ(content("HALT"), "whole ha");
}

TEST_F(CrashPointTest, ProcessLivesThroughEveryOtherPoint) {
  EXPECT_EXIT(
      {
        auto file = disk("halt.write.after@3").open(path("HALT"), OpenMode::kCreate);
        std::ignore = (*file)->write(0, as_bytes("one"));
        std::ignore = (*file)->write(3, as_bytes("two"));
        std::exit((*file)->sync() ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EQ(content("HALT"), "onetwo");
}

TEST_F(CrashPointTest, NameThatNoPointHasIsAnAssertion) {
  for (const char* name : {"manifest", "manifest.rename", "manifest.rename.half", "manifest.sneeze.before",
                           "nothing.rename.before", "snapshot_nothing.link.after", "node.read.after",
                           "manifest.rename.before@", "manifest.rename.before@0", "manifest.rename.before@2x"}) {
    EXPECT_DEATH(CrashPoints(name, ""), "") << name;
  }
}

// The real runtime, by the environment. The process of the death test begins with it.
class CrashPointEnvironment : public UvTest {
 protected:
  CrashPointEnvironment() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~CrashPointEnvironment() override { ::unsetenv("AERODB_CRASH_POINT"); }
  static void want(const char* point) { ::setenv("AERODB_CRASH_POINT", point, 1); }
};

TEST_F(CrashPointEnvironment, ReachesAnyPosixDisk) {
  want("halt.create.after");
  EXPECT_EXIT(std::ignore = PosixDisk().open(path("HALT"), OpenMode::kCreate), KilledBySignal(SIGKILL), "");
}

TEST_F(CrashPointEnvironment, ReachesTheDiskOfJobs) {
  want("runs_directory.make_directory.before");
  EXPECT_EXIT(
      {
        runtime_->jobs().run([this](runtime::Disk& disk) { std::ignore = disk.make_directory(path("runs")); },
                             [this] { runtime_->stop(); });
        runtime_->run();
      },
      KilledBySignal(SIGKILL), "");
}

TEST_F(CrashPointEnvironment, ReachesTheLogDeviceBetweenWriteAndSync) {
  for (const bool inline_allowed : {true, false}) {
    const auto completion = inline_allowed ? runtime::Completion::kInline : runtime::Completion::kLater;
    want("segment.submit_sync.before");
    EXPECT_EXIT(
        {
          std::ignore = PosixDisk().open(path("0000.seg"), OpenMode::kCreate);
          std::ignore = runtime_->log_device().open({path("0000.seg")});
          runtime_->log_device().submit(0, 0, as_bytes("frame"), completion,
                                        [this](Result<void>) { runtime_->stop(); });
          runtime_->run();
        },
        KilledBySignal(SIGKILL), "");
  }
}

}  // namespace
}  // namespace aerodb::uv

#endif
