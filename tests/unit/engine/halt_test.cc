// A log that fails halts the node for good (WAL-5, FAIL-2).
#include <gtest/gtest.h>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;
using sim::FaultKind;

struct Failing {
  Failing() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    EXPECT_TRUE(node.write({insert("x")}));
  }
  void hold(Decided<Position> decided) {
    node.engine->hold<Position>(std::move(decided),
                                [this](Result<Position> answer) { answers.emplace_back(code_of(answer)); });
  }
  sim::SimWorld world;
  TestNode node;
  std::vector<std::string> answers;
};

TEST(Halt, FailedSyncAnswersUnknownAndNothingIsReadOrWrittenAfterwards) {
  for (auto kind : {FaultKind::kSyncFailed, FaultKind::kWriteError, FaultKind::kShortWrite}) {
    Failing f;
    f.world.options().rate(kind) = 1;
    f.hold(f.node.submit({insert("a")}));
    f.hold(f.node.submit({insert("a")}));  // a refusal rests on the same record
    EXPECT_TRUE(f.answers.empty());
    f.node.run();
    EXPECT_EQ(f.answers, (std::vector<std::string>{"OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"}));
    ASSERT_EQ(f.node.halts.size(), 1u);
    EXPECT_EQ(f.node.halts[0].rule, "WAL-5");
    EXPECT_EQ(f.node.halts[0].lsn, Lsn(4));
    EXPECT_EQ(f.node.engine->state(), rules::NodeState::kHalted);
    f.world.options().rate(kind) = 0;
    EXPECT_EQ(code_of(f.node.get("x")), "HALTED");
    QueryRequest request;
    request.collection = "c";
    request.schema_version = 1;
    request.sort = "n";
    request.limit = 1;
    EXPECT_EQ(code_of(f.node.query(request)), "HALTED");
  }
}

TEST(Halt, WriteThatComesLaterIsRefusedAsHaltedNotAsUnknown) {
  Failing f;
  f.world.options().rate(FaultKind::kSyncFailed) = 1;
  (void)f.node.submit({insert("a")});
  f.node.run();
  f.world.options().rate(FaultKind::kSyncFailed) = 0;
  EXPECT_EQ(code_of(f.node.write({insert("b")})), "HALTED");
  EXPECT_EQ(code_of(f.node.register_schema(kSchema2)), "HALTED");
  TestNode other(f.world, {.name = "b", .instance = 2, .primary = false});
  EXPECT_EQ(code_of(f.node.demote(demotion(other))), "DEMOTION_DENIED");
  EXPECT_EQ(code_of(f.node.promote(promotion())), "PROMOTION_DENIED");
  EXPECT_EQ(code_of(f.node.decline(declining())), "DECLINE_DENIED");
  EXPECT_EQ(code_of(f.node.append({}, 0)), "HALTED");
}

TEST(Halt, SurvivesRestarts) {
  Failing f;
  f.node.engine->halt({"REPL-3", "REPLICA_DIVERGED", "for the test", Lsn(3)});
  f.node.run();
  for (auto kind : {CrashKind::kPower, CrashKind::kProcess}) {
    f.node.restart(kind);
    ASSERT_TRUE(f.node.engine->halt_reason());
    EXPECT_EQ(f.node.engine->halt_reason()->rule, "REPL-3");
    EXPECT_EQ(f.node.engine->halt_reason()->code, "REPLICA_DIVERGED");
    EXPECT_EQ(f.node.engine->halt_reason()->reason, "for the test");
    EXPECT_EQ(f.node.engine->halt_reason()->lsn, Lsn(3));
    EXPECT_EQ(code_of(f.node.get("x")), "HALTED");
    EXPECT_EQ(code_of(f.node.write({insert("b")})), "HALTED");
  }
}

TEST(Halt, WhatWasDurableIsThereOnceTheHaltIsTakenAway) {
  Failing f;
  f.world.options().rate(FaultKind::kSyncFailed) = 1;
  (void)f.node.submit({insert("a")});
  for (int i = 0; i < 50 && f.node.halts.empty(); ++i) f.world.step();
  f.world.options().rate(FaultKind::kSyncFailed) = 0;
  f.node.run();
  ASSERT_TRUE(f.node.process->blocking_disk().remove("/d/HALT"));
  ASSERT_TRUE(f.node.process->blocking_disk().sync_directory("/d"));
  f.node.restart(CrashKind::kProcess);
  EXPECT_EQ(f.node.engine->state(), rules::NodeState::kReady);
  EXPECT_NE(*f.node.get("x"), "");
  // The record of unknown outcome is there or not, and stays so.
  const auto found = *f.node.get("a");
  f.node.restart(CrashKind::kPower);
  EXPECT_EQ(*f.node.get("a"), found);
}

TEST(Halt, FirstReasonStands) {
  Failing f;
  f.node.engine->halt({"A", "X", "first", Lsn(1)});
  f.node.engine->halt({"B", "Y", "second", Lsn(2)});
  f.node.run();
  EXPECT_EQ(f.node.engine->halt_reason()->reason, "first");
  EXPECT_EQ(f.node.halts.size(), 1u);
}

TEST(Halt, AnswersThatAreDurableAlreadyStayWhatTheyAre) {
  Failing f;
  auto decided = f.node.submit({insert("a")});
  f.node.run();
  f.node.engine->halt({"A", "X", "later", Lsn(1)});
  f.hold(std::move(decided));
  EXPECT_EQ(f.answers, std::vector<std::string>{""});
}

}  // namespace
}  // namespace aerodb::engine
