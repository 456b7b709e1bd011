// A node whose authority another lineage ended (AUTH-3); the small files that say so, whole and damaged; an engine that
// ends before its process does.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/fault.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;
using sim::FaultKind;

const LineageId kOther = id_of<LineageId>(0x0f);

struct Fenced {
  Fenced() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    EXPECT_TRUE(node.write({insert("x")}));
  }
  [[nodiscard]] Fence reason() const {
    return {kOther, Lsn(2), *node.engine->chain_at(Lsn(2)), "b", id_of<InstanceId>(9)};
  }
  std::string fence(const Fence& fence) {
    std::optional<std::string> answer;
    node.engine->fence(fence, [&](Result<void> done) { answer = code_of(done); });
    node.run();
    return answer.value_or("no answer");
  }
  sim::SimWorld world;
  TestNode node;
};

TEST(Fence, EndsWritesAndReadsAcrossRestarts) {
  Fenced f;
  const auto reason = f.reason();
  EXPECT_EQ(f.fence(reason), "");
  for (auto kind : {CrashKind::kPower, CrashKind::kProcess}) {
    ASSERT_TRUE(f.node.engine->fence_reason());
    EXPECT_EQ(f.node.engine->fence_reason()->lineage, kOther);
    EXPECT_EQ(f.node.engine->fence_reason()->fork_lsn, Lsn(2));
    EXPECT_EQ(f.node.engine->fence_reason()->fork_chain, reason.fork_chain);
    EXPECT_EQ(f.node.engine->fence_reason()->node, "b");
    EXPECT_EQ(f.node.engine->fence_reason()->instance, id_of<InstanceId>(9));
    EXPECT_EQ(f.node.engine->state(), rules::NodeState::kReady);
    EXPECT_EQ(f.node.engine->role(), rules::Role::kPrimary);
    EXPECT_EQ(code_of(f.node.write({insert("a")})), "FENCED");
    EXPECT_EQ(code_of(f.node.register_schema(kSchema2)), "FENCED");
    EXPECT_EQ(code_of(f.node.raise_floor(CommitId(1))), "FENCED");
    const auto read = f.node.get("x");
    ASSERT_EQ(code_of(read), "LINEAGE_ENDED");
    const auto& details = read.error().details;
    EXPECT_TRUE(std::ranges::any_of(details, [](const auto& d) { return d.key == "at" && d.value == "2"; }));
    TestNode other(f.world, {.name = "b", .instance = 2, .primary = false});
    EXPECT_EQ(code_of(f.node.demote(demotion(other))), "DEMOTION_DENIED");
    f.node.restart(kind);
  }
}

TEST(Fence, WhatOnlyShowsTheNodeGoesOn) {
  Fenced f;
  EXPECT_EQ(f.fence(f.reason()), "");
  EXPECT_FALSE(f.node.checkpoint());
  EXPECT_FALSE(f.node.snapshot("s"));
  EXPECT_TRUE(read_records(f.node, Lsn(1), 1 << 20));
  EXPECT_EQ(f.node.chain("x", CommitId(1)).size(), 1u);
  EXPECT_TRUE(f.node.engine->clean_stop(f.node.process->blocking_disk()));
}

TEST(Fence, WhatWasAdmittedBeforeIsStillAnsweredWhenDurable) {
  Fenced f;
  std::optional<std::string> answer;
  auto decided = f.node.submit({insert("a")});
  const Lsn lsn = decided.decided_on;
  f.node.engine->hold<Position>(std::move(decided), [&](Result<Position> outcome) { answer = code_of(outcome); });
  EXPECT_EQ(f.fence(f.reason()), "");
  EXPECT_EQ(answer, "");
  EXPECT_EQ(f.node.engine->visible().lsn, lsn);
}

TEST(Fence, IsInForceOnlyOnceItIsWritten) {
  Fenced f;
  f.world.options().rate(FaultKind::kSyncFailed) = 1;
  EXPECT_EQ(f.fence(f.reason()), "IO");
  f.world.options().rate(FaultKind::kSyncFailed) = 0;
  EXPECT_FALSE(f.node.engine->fence_reason());
  EXPECT_EQ(code_of(f.node.write({insert("a")})), "");
  EXPECT_EQ(f.fence(f.reason()), "") << "the next statement is written again";
  EXPECT_TRUE(f.node.engine->fence_reason());
}

TEST(Fence, TheFirstOneStands) {
  Fenced f;
  auto second = f.reason();
  second.node = "c";
  std::vector<std::string> answers;
  f.node.engine->fence(f.reason(), [&](Result<void> done) { answers.emplace_back(code_of(done)); });
  f.node.engine->fence(second, [&](Result<void> done) { answers.emplace_back(code_of(done)); });
  EXPECT_TRUE(answers.empty());
  f.node.run();
  EXPECT_EQ(f.fence(second), "");
  EXPECT_EQ(answers, (std::vector<std::string>{"", ""}));
  EXPECT_EQ(f.node.engine->fence_reason()->node, "b");
  f.node.restart(CrashKind::kPower);
  EXPECT_EQ(f.node.engine->fence_reason()->node, "b");
}

TEST(Fence, AcceptedLineageIsReadAtTheStart) {
  Fenced f;
  EXPECT_FALSE(f.node.engine->accepted_lineage());
  ASSERT_TRUE(write_accepted(f.node.process->blocking_disk(), "/d", kOther));
  f.node.restart(CrashKind::kPower);
  EXPECT_EQ(f.node.engine->accepted_lineage(), kOther);
  f.node.engine->accept_lineage(kLineage);
  EXPECT_EQ(f.node.engine->accepted_lineage(), kLineage);
}

TEST(Fence, DamagedFilesAreNamedAndNothingStarts) {
  Fenced f;
  EXPECT_EQ(f.fence(f.reason()), "");
  ASSERT_TRUE(write_accepted(f.node.process->blocking_disk(), "/d", kOther));
  f.node.crash(CrashKind::kProcess);
  for (const std::string path : {"/d/FENCED", "/d/authority/accepted"}) {
    sim::SimProcess vandal(f.node.machine, f.world, {.name = "vandal"});
    auto& disk = vandal.blocking_disk();
    const auto whole = runtime::read_file(disk, path, 1 << 20);
    ASSERT_TRUE(whole);
    const size_t slash = path.rfind('/');
    auto start_with = [&](Bytes bytes) {
      EXPECT_TRUE(runtime::replace_file(disk, path.substr(0, slash), path.substr(slash + 1), bytes));
      auto refused = f.node.start();
      f.node.crash(CrashKind::kProcess);
      return refused ? std::string(code_of(refused)) + (refused->message.contains(path) ? " named" : "") : "";
    };
    for (size_t i = 0; i < whole->size(); ++i) {
      Bytes bytes = *whole;
      bytes[i] ^= 0x40;
      EXPECT_EQ(start_with(std::move(bytes)), "BAD_NODE_FILE named") << path << " byte " << i;
    }
    for (size_t size : {size_t{0}, size_t{1}, size_t{20}, whole->size() - 1})
      EXPECT_EQ(start_with(Bytes(whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(size))),
                "BAD_NODE_FILE named");
    Bytes longer = *whole;
    longer.resize(longer.size() + 1);
    EXPECT_EQ(start_with(longer), "BAD_NODE_FILE named");
    EXPECT_EQ(start_with(*whole), "");
  }
}

TEST(Fence, AForkBeforeTheFirstRecordIsNoFence) {
  Fenced f;
  auto reason = f.reason();
  reason.fork_lsn = Lsn();
  ASSERT_TRUE(write_fence(f.node.process->blocking_disk(), "/d", reason));
  f.node.crash(CrashKind::kProcess);
  EXPECT_EQ(code_of(f.node.start()), "BAD_NODE_FILE");
}

#if AERODB_FAULTS
TEST(Fence, APlantedFaultForgetsAHalt) {
  Fenced f;
  plant(Fault::kHaltForgotten);
  f.node.engine->halt({"REPL-3", "REPLICA_DIVERGED", "for the test", Lsn(3)});
  f.node.run();
  plant(Fault::kNone);
  f.node.restart(CrashKind::kProcess);
  EXPECT_EQ(f.node.engine->state(), rules::NodeState::kReady);
}
#endif

// --- the end of an engine

TEST(EngineEnd, ComesToRestOnceEverythingAdmittedIsInTheLog) {
  Fenced f;
  std::optional<std::string> answer;
  auto decided = f.node.submit({insert("a")});
  const Lsn lsn = decided.decided_on;
  f.node.engine->hold<Position>(std::move(decided), [&](Result<Position> outcome) { answer = code_of(outcome); });
  bool rests = false;
  f.node.engine->end("a test", [&] { rests = true; });
  EXPECT_EQ(answer, "OUTCOME_UNKNOWN");
  EXPECT_FALSE(rests);
  f.node.run();
  EXPECT_TRUE(rests);
  EXPECT_EQ(f.node.engine->visible().lsn, lsn);
}

TEST(EngineEnd, TakesATurnWhereNothingIsUnderWay) {
  Fenced f;
  bool rests = false;
  f.node.engine->end("a test", [&] { rests = true; });
  EXPECT_FALSE(rests);
  f.node.run();
  EXPECT_TRUE(rests);
}

// The lock goes from the old engine to the new one, over the same device.
TEST(EngineEnd, LeavesTheLockForTheNextEngine) {
  Fenced f;
  f.node.engine->end("a test", [] {});
  f.node.run();
  auto left = f.node.engine->leave();
  f.node.engine.reset();
  auto& disk = f.node.process->blocking_disk();
  EXPECT_EQ(code_of(disk.lock("/d")), "LOCKED");
  OpenOptions options{"/d", f.node.settings.geometry, std::string("other")};
  EXPECT_EQ(code_of(claim_directory(disk, options, left->lock)), "WRONG_NODE");
  ASSERT_TRUE(left->lock) << "kept where the claim fails";
  options.name = "a";
  auto opened = claim_directory(disk, options, left->lock);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(left->lock);
  EXPECT_EQ(code_of(disk.lock("/d")), "LOCKED");
  EXPECT_TRUE(recover_log(disk, options, **opened));
  EXPECT_EQ((*opened)->state.position().lsn, Lsn(3));
}

}  // namespace
}  // namespace aerodb::engine
