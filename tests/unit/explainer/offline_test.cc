// A directory at rest is explained without a trace; one in use, or changed meanwhile, is not explained.
#include "explainer/offline.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/engine/recovery.h"
#include "common/rules/rederive.h"
#include "explainer/read_only_disk.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::explainer {
namespace {

using namespace engine::testing;
using sim::CrashKind;

// Runs something of its own at one of the calls that are made through it.
class MeddledDisk final : public runtime::Disk {
 public:
  MeddledDisk(runtime::Disk& inside, uint64_t call, std::function<void()> meddle)
      : inside_(inside), left_(call), meddle_(std::move(meddle)) {}
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override {
    count();
    return inside_.open(path, mode);
  }
  Result<bool> exists(const std::string& path) override {
    count();
    return inside_.exists(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    count();
    return inside_.list(path);
  }
  Result<bool> locked(const std::string& directory) override {
    count();
    return inside_.locked(directory);
  }
  Result<void> make_directory(const std::string& path) override { return changes(path); }
  Result<void> sync_directory(const std::string& path) override { return changes(path); }
  Result<void> rename(const std::string& from, const std::string&) override { return changes(from); }
  Result<void> remove(const std::string& path) override { return changes(path); }
  Result<void> link(const std::string& from, const std::string&) override { return changes(from); }
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& path) override {
    ADD_FAILURE() << "locks " << path;
    return fail(ErrorCode::kIo, "");
  }
  [[nodiscard]] bool meddled() const { return left_ == 0; }

 private:
  void count() {
    if (left_ > 0 && --left_ == 0) meddle_();
  }
  static Result<void> changes(const std::string& path) {
    ADD_FAILURE() << "changes " << path;
    return {};
  }
  runtime::Disk& inside_;
  uint64_t left_;
  std::function<void()> meddle_;
};

struct Dead {
  explicit Dead(uint64_t seed = 1) : world(seed, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    for (int i = 0; i < 12; ++i) EXPECT_TRUE(node.write({insert("x" + std::to_string(i))}));
    EXPECT_FALSE(node.checkpoint());
    for (int i = 12; i < 17; ++i) EXPECT_TRUE(node.write({insert("x" + std::to_string(i))}));
    node.crash(CrashKind::kProcess);
    hand = std::make_unique<sim::SimProcess>(node.machine, world, sim::ProcessOptions{.name = "hand"});
  }
  runtime::Disk& disk() { return hand->blocking_disk(); }
  // Every file with its bytes.
  std::map<std::string, std::optional<Bytes>> content() {
    std::map<std::string, std::optional<Bytes>> found;
    for (const auto& path : node.machine.disk().tree()) found[path] = node.machine.disk().peek(path);
    return found;
  }
  sim::SimWorld world;
  TestNode node;
  std::unique_ptr<sim::SimProcess> hand;
};

TEST(Offline, EverySubjectIsExplainedTwiceAlikeAndLeavesNoTrace) {
  Dead dead;
  const auto before = dead.content();
  for (const auto& subject : offline_subjects()) {
    const auto explanation = explain_directory(dead.disk(), "/d", subject);
    ASSERT_TRUE(explanation) << subject << ": " << explanation.error().message;
    EXPECT_EQ(explain_directory(dead.disk(), "/d", subject)->json, explanation->json);
    document::Tape tape;
    ASSERT_TRUE(tape.parse(explanation->packed));
    const auto derived = rules::rederive(tape.root());
    EXPECT_TRUE(derived && derived->follows) << subject << (derived ? derived->why : derived.error().message);
  }
  EXPECT_EQ(dead.content(), before);
  EXPECT_EQ(code_of(explain_directory(dead.disk(), "/d", "weather")), "USAGE");
}

TEST(Offline, WhatIsForetoldIsWhatTheStartFinds) {
  Dead dead;
  const auto foretold = explain_directory(dead.disk(), "/d", "recovery");
  ASSERT_TRUE(foretold);
  ASSERT_FALSE(dead.node.start());
  auto found = dead.node.engine->recovery().evidence;
  found.carried_out = false;
  found.configured_node.reset();
  EXPECT_EQ(rules::explain_recovery(found, kLineage).json, foretold->json);
}

TEST(Offline, DirectoryInUseIsNotExplained) {
  Dead dead;
  ASSERT_FALSE(dead.node.start());
  for (const auto& subject : offline_subjects())
    EXPECT_EQ(code_of(explain_directory(dead.disk(), "/d", subject)), "LOCKED") << subject;
}

TEST(Offline, DirectoryThatSomebodyTakesOrChangesMeanwhileIsNotExplained) {
  const auto undisturbed = explain_directory(Dead().disk(), "/d", "recovery");
  ASSERT_TRUE(undisturbed);
  std::unique_ptr<runtime::DirectoryLock> lock;
  const std::function<void(Dead&)> meddlers[] = {
      [&](Dead& dead) { lock = std::move(*dead.node.process->blocking_disk().lock("/d")); },
      [](Dead& dead) {
        EXPECT_TRUE(engine::write_clean_stop(dead.node.process->blocking_disk(), "/d", {Lsn(9), Chain{}}));
      },
      [](Dead& dead) {
        auto file = dead.node.process->blocking_disk().open("/d/events.jsonl", runtime::OpenMode::kAppend);
        EXPECT_TRUE((*file)->write(0, as_bytes("started\n")));
      },
      [](Dead& dead) { EXPECT_TRUE(dead.node.process->blocking_disk().remove("/d/wal/0003.seg")); },
  };
  for (size_t i = 0; i < std::size(meddlers); ++i) {
    size_t noticed = 0;
    bool over = false;
    for (uint64_t call = 2; !over && call < 400; ++call) {
      Dead dead;
      dead.node.process =
          std::make_unique<sim::SimProcess>(dead.node.machine, dead.world, sim::ProcessOptions{.name = "meddler"});
      MeddledDisk disk(dead.disk(), call, [&] { meddlers[i](dead); });
      const auto explanation = explain_directory(disk, "/d", "recovery");
      over = !disk.meddled();
      if (explanation) {
        // It happened before anything was looked at, or behind the last look: a moment all the same.
        continue;
      }
      ++noticed;
      EXPECT_TRUE(explanation.error().code == ErrorCode::kLocked || explanation.error().code == ErrorCode::kIo)
          << explanation.error().message;
      lock.reset();
    }
    EXPECT_TRUE(over);
    EXPECT_GT(noticed, 20u) << "meddler " << i;
  }
}

TEST(Offline, WhatTheNextStartCompletesFirstIsNotGuessed) {
  Dead install;
  ASSERT_TRUE(install.disk().open("/d/INSTALL", runtime::OpenMode::kCreate));
  EXPECT_EQ(code_of(explain_directory(install.disk(), "/d", "recovery")), "NOT_READY");
  Dead resize;
  ASSERT_TRUE(resize.disk().rename("/d/wal", "/d/wal.old"));
  EXPECT_EQ(code_of(explain_directory(resize.disk(), "/d", "recovery")), "NOT_READY");
  EXPECT_EQ(code_of(explain_directory(resize.disk(), "/absent", "recovery")), "NOT_INITIALIZED");
}

TEST(Offline, DamageIsExplainedAndNotAnError) {
  struct Case {
    std::string path;
    uint64_t offset;
    std::string_view code;
  };
  for (const auto& c : {Case{"/d/NODE", 20, "BAD_NODE_FILE"}, Case{"/d/MANIFEST", 40, "MANIFEST_DAMAGED"},
                        Case{"/d/runs/00000001.run", 3, "RUN_DAMAGED"}, Case{"/d/wal/0000.seg", 600, "WAL_HOLE"}}) {
    Dead dead;
    ASSERT_TRUE(dead.node.machine.disk().damage(c.path, c.offset, 0x11));
    const auto explanation = explain_directory(dead.disk(), "/d", "recovery");
    ASSERT_TRUE(explanation) << c.path << ": " << explanation.error().message;
    EXPECT_NE(explanation->json.find(R"("status":"would be refused")"), std::string::npos) << explanation->json;
    EXPECT_NE(explanation->json.find(std::string(R"("code":")") + std::string(c.code)), std::string::npos)
        << c.path << ": " << explanation->json;
  }
}

TEST(ReadOnlyDisk, RefusesEveryChange) {
  Dead dead;
  const auto before = dead.content();
  ReadOnlyDisk disk(dead.disk());
  using runtime::OpenMode;
  for (const auto mode : {OpenMode::kReadWrite, OpenMode::kCreate, OpenMode::kAppend})
    EXPECT_EQ(code_of(disk.open("/d/NODE", mode)), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.make_directory("/d/x")), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.sync_directory("/d")), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.rename("/d/NODE", "/d/x")), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.remove("/d/NODE")), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.link("/d/NODE", "/d/x")), "NOT_PERMITTED");
  EXPECT_EQ(code_of(disk.lock("/d")), "NOT_PERMITTED");
  EXPECT_TRUE(disk.open("/d/NODE", OpenMode::kRead));
  EXPECT_EQ(disk.locked("/d").value(), false);
  EXPECT_EQ(dead.content(), before);
}

}  // namespace
}  // namespace aerodb::explainer
