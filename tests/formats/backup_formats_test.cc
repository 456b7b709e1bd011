// A backup once written is written the same today, verifies, and restores to the state that it held.
#include <gtest/gtest.h>

#include "tests/formats/kept.h"
#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

TEST(Formats, BackupIsAsKeptAndRestores) {
  Origin origin;
  origin.fill();
  ASSERT_TRUE(origin.backup());
  const Bytes today = origin.content(kBackup);
  const Bytes old = formats::kept("backup-1", today);
  EXPECT_EQ(formats::as_lines(today), formats::as_lines(old));
  origin.put(kBackup, old);
  auto report = origin.restore();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(to_hex(report->restored.digest), "8ed43e6c13bdd494e67b3f3736aa94ce");
  EXPECT_EQ(report->restored.commit, CommitId(9));
  EXPECT_EQ(report->live_documents, 5u);
}

}  // namespace
}  // namespace aerodb::engine
