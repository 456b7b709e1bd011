// `seal` and `orphans export` on a directory of a stopped node, as they are typed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/engine/node_directory.h"
#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "controlplane/console/verbs.h"
#include "tests/unit/console/console_kit.h"

namespace aerodb::console {
namespace {

using ::testing::HasSubstr;

constexpr const char* kInstance = "00112233445566778899aabbccddeeff";

struct OfflineRepair : ::testing::Test {
  OfflineRepair() : directory(std::filesystem::path(::testing::TempDir()) / "aerodb_offline_repair") {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    engine::InitOptions options;
    options.data_dir = node();
    options.name = "p1";
    options.geometry = {4, 64 << 10};
    options.primary = true;
    EXPECT_TRUE(engine::init_directory(disk, random, options));
  }
  ~OfflineRepair() override { std::filesystem::remove_all(directory); }

  [[nodiscard]] std::string node() const { return (directory / "p1").string(); }
  [[nodiscard]] std::string file() const { return (directory / "orphans.jsonl").string(); }
  int run(std::vector<std::string> words) {
    Collected collected;
    std::vector<const char*> argv = {"aerodb"};
    for (const auto& word : words) argv.push_back(word.c_str());
    const int code = make_command_line()->run(static_cast<int>(argv.size()), argv.data(), collected.output);
    out = collected.out();
    err = collected.err();
    return code;
  }
  int seal(const std::string& successor) {
    return run(
        {"seal", "--data-dir", node(), "--to", successor, "--instance", kInstance, "--reason", "test", "-o", "jsonl"});
  }

  std::filesystem::path directory;
  uv::PosixDisk disk;
  uv::SystemRandom random;
  std::string out;
  std::string err;
};

TEST_F(OfflineRepair, SealAnswersTheSameSealAgain) {
  EXPECT_EQ(seal("r1"), 0) << err;
  EXPECT_THAT(out,
              HasSubstr(R"("successor":"r1","successor_instance":"00112233445566778899aabbccddeeff","seal_lsn":2)"));
  EXPECT_THAT(out, HasSubstr(R"("repeated":false)"));
  EXPECT_EQ(seal("r1"), 0) << err;
  EXPECT_THAT(out, HasSubstr(R"("repeated":true,"request_id":null)"));
  EXPECT_NE(seal("r2"), 0);
  EXPECT_THAT(err, HasSubstr("DEMOTION_DENIED"));
}

TEST_F(OfflineRepair, SealNeedsANodeAnInstanceAndAReason) {
  EXPECT_EQ(run({"seal", "--data-dir", node(), "--to", "r1", "--instance", "12", "--reason", "test"}), 64);
  EXPECT_EQ(run({"seal", "--data-dir", node(), "--to", "r1", "--instance", kInstance}), 64);
  EXPECT_EQ(run({"seal", "--data-dir", node(), "--to", "", "--instance", kInstance, "--reason", "test"}), 64);
  EXPECT_NE(run({"seal", "--data-dir", node(), "--to", "r1", "--instance", kInstance, "--reason", ""}), 0);
  EXPECT_THAT(err, HasSubstr("REASON_REQUIRED"));
}

TEST_F(OfflineRepair, OrphansAreExportedOnce) {
  ASSERT_EQ(seal("r1"), 0) << err;
  EXPECT_EQ(run({"orphans", "export", "--data-dir", node(), file()}), 64) << "not fenced, and no fork is given";
  EXPECT_EQ(run({"orphans", "export", file()}), 64);
  EXPECT_EQ(run({"orphans", "export", "--data-dir", node(), "--fork", "1", file(), "-o", "jsonl"}), 0) << err;
  EXPECT_THAT(out, HasSubstr(R"("fork_lsn":1)"));
  std::stringstream content;
  content << std::ifstream(file()).rdbuf();
  EXPECT_THAT(content.str(), HasSubstr(R"({"line":"summary","schemas":0,"versions":0,"floor":0})"));
  EXPECT_NE(run({"orphans", "export", "--data-dir", node(), "--fork", "1", file()}), 0);
  EXPECT_THAT(err, HasSubstr("BACKUP_EXISTS"));
}

TEST_F(OfflineRepair, AFencedDirectoryKnowsItsFork) {
  ASSERT_EQ(seal("r1"), 0) << err;
  ASSERT_TRUE(engine::write_fence(disk, node(), {LineageId{{1}}, Lsn(1), Chain{}, "r1", InstanceId{{2}}}));
  EXPECT_EQ(run({"orphans", "export", "--data-dir", node(), file(), "-o", "jsonl"}), 0) << err;
  EXPECT_THAT(out, HasSubstr(R"("fork_lsn":1)"));
}

}  // namespace
}  // namespace aerodb::console
