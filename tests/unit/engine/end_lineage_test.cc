// A replica goes on in a lineage of its own where the primary's disk is lost, and what that leaves possible.
#include <gtest/gtest.h>

#include "common/base/build.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using rules::Role;
using sim::CrashKind;

const LineageId kNew = id_of<LineageId>(0x2e);
const wal::WhoAndWhy kWho = {"e1", "ada", "the disk is gone", std::nullopt};

// A primary `a` and two replicas; `a` is two commits further than both.
struct Lost {
  explicit Lost(uint64_t seed = 1)
      : world(seed, {}),
        a(world, {.name = "a", .instance = 1}),
        b(world, {.name = "b", .instance = 2, .primary = false}),
        c(world, {.name = "c", .instance = 3, .primary = false}) {
    for (auto* node : {&a, &b, &c}) EXPECT_FALSE(node->start());
    EXPECT_TRUE(a.register_schema(kSchema1));
    EXPECT_TRUE(a.write({insert("x")}));
    for (auto* to : {&b, &c}) EXPECT_FALSE(ship(a, *to));
    EXPECT_TRUE(a.write({insert("lost")}));
    EXPECT_TRUE(a.write({insert("lost, too")}));
  }
  Decided<LineageEnd> decide(TestNode& node, std::vector<rules::PeerEvidence> peers = {}, std::string request = "e1") {
    auto who = kWho;
    who.request_id = std::move(request);
    return node.engine->end_lineage(node.engine->end_lineage_evidence(lost, std::move(peers)), who, kNew);
  }
  Result<LineageEnd> end(TestNode& node, std::vector<rules::PeerEvidence> peers = {}, std::string request = "e1") {
    std::optional<Result<LineageEnd>> answer;
    node.engine->hold<LineageEnd>(decide(node, std::move(peers), std::move(request)),
                                  [&](Result<LineageEnd> outcome) { answer = std::move(outcome); });
    node.run();
    return answer ? std::move(*answer) : fail(ErrorCode::kInternal, "no answer");
  }
  sim::SimWorld world;
  TestNode a, b, c;
  std::string lost = "a";
};

rules::PeerEvidence silent(std::string name) {
  rules::PeerEvidence peer;
  peer.name = std::move(name);
  return peer;
}

TEST(EndLineage, GoesOnFromTheEndOfItsLogAsPrimaryOfTheNextEpoch) {
  Lost n;
  const Position fork = n.b.engine->visible();
  const auto ended = n.end(n.b);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_FALSE(ended->repeated);
  EXPECT_EQ(ended->lineage, kNew);
  EXPECT_EQ(ended->parent, kLineage);
  EXPECT_EQ(ended->fork_lsn, fork.lsn);
  EXPECT_EQ(ended->fork_commit, fork.commit);
  EXPECT_EQ(ended->after.lsn, fork.lsn.next());
  EXPECT_EQ(ended->after.commit, fork.commit);
  EXPECT_EQ(ended->after.epoch, fork.epoch.next());
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
  EXPECT_EQ(n.b.engine->visible().lineage, kNew);
  const auto written = n.b.write({insert("y")});
  ASSERT_TRUE(written);
  EXPECT_EQ(written->commit, fork.commit.next()) << "commit ids go on";
  EXPECT_EQ(n.b.engine->visible_authority().outcome("e1")->type, wal::RecordType::kLineageStart);
}

TEST(EndLineage, IsTakenByRecoveryReplicasAndManifests) {
  Lost n;
  ASSERT_TRUE(n.end(n.b));
  ASSERT_TRUE(n.b.write({insert("y")}));
  EXPECT_FALSE(ship(n.b, n.c));
  expect_same_state(n.b, n.c, {"x", "y"});
  for (auto* node : {&n.b, &n.c}) {
    EXPECT_FALSE(node->checkpoint());
    node->restart(CrashKind::kPower);
    EXPECT_EQ(node->engine->visible().lineage, kNew);
    const auto& ancestry = node->engine->visible_authority().ancestry();
    ASSERT_EQ(ancestry.size(), 2u);
    EXPECT_EQ(ancestry[1].parent, kLineage);
    EXPECT_EQ(ancestry[1].reason, "end");
    EXPECT_EQ(ancestry[1].node, "b");
  }
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
  EXPECT_EQ(n.c.engine->role(), Role::kReplica);
  EXPECT_TRUE(n.b.write({insert("z")}));
}

TEST(EndLineage, ReceiptsOfWhatIsLostAreNotAnsweredFromTheNewLineage) {
  Lost n;
  const auto lost = n.a.receipt();
  const auto kept = n.b.receipt();
  ASSERT_TRUE(n.end(n.b));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(n.b.write({insert("y" + std::to_string(i))}));
  EXPECT_EQ(code_of(n.b.get_raw({"c", "x", 1, std::nullopt, lost})), "LINEAGE_ENDED");
  EXPECT_EQ(code_of(n.b.get_raw({"c", "x", 1, std::nullopt, kept})), "");
  EXPECT_EQ(code_of(n.a.get_raw({"c", "x", 1, std::nullopt, n.b.receipt()})), "LINEAGE_UNKNOWN");
}

TEST(EndLineage, RepeatedRequestAnswersItsRecordAndAnotherOneIsDenied) {
  Lost n;
  const auto first = n.end(n.b);
  ASSERT_TRUE(first);
  ASSERT_TRUE(n.b.write({insert("y")}));
  for (bool restarted : {false, true}) {
    if (restarted) n.b.restart(CrashKind::kPower);
    const auto again = n.end(n.b, {silent("c")});
    ASSERT_TRUE(again) << "whatever the evidence";
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(again->lineage, first->lineage);
    EXPECT_EQ(again->parent, first->parent);
    EXPECT_EQ(again->fork_lsn, first->fork_lsn);
    EXPECT_EQ(again->fork_commit, first->fork_commit);
  }
  const auto other = n.end(n.b, {}, "e2");
  EXPECT_EQ(code_of(other), "END_LINEAGE_DENIED");
  EXPECT_EQ(other.error().detail("rules_not_holding"), "AUTH-15");
  EXPECT_EQ(n.b.engine->visible_authority().ancestry().size(), 2u);
}

TEST(EndLineage, RepeatIsOfTheNodeThatDidItAndOfThatCommand) {
  Lost n;
  ASSERT_TRUE(n.end(n.b));
  EXPECT_FALSE(ship(n.b, n.c));
  EXPECT_FALSE(n.c.engine->lineage_ended_by("e1")) << "another node did";
  EXPECT_FALSE(n.b.engine->lineage_ended_by("e2"));
  EXPECT_FALSE(n.a.engine->lineage_ended_by("e1"));
}

TEST(EndLineage, RefusalsNameTheirRulesAndWriteNothing) {
  Lost n;
  const Lsn before = n.b.engine->newest().lsn;
  const auto undetermined = n.end(n.b, {silent("c")});
  EXPECT_EQ(code_of(undetermined), "END_LINEAGE_UNDETERMINED");
  EXPECT_EQ(undetermined.error().detail("not_answered"), "c");
  rules::PeerEvidence further = silent("c");
  further.answered = true;
  further.durable_lsn = before.next();
  const auto denied = n.end(n.b, {further});
  EXPECT_EQ(code_of(denied), "END_LINEAGE_DENIED");
  EXPECT_EQ(denied.error().detail("rules_not_holding"), "AUTH-14");
  EXPECT_EQ(code_of(n.end(n.a)), "END_LINEAGE_DENIED") << "it is the primary";
  EXPECT_EQ(n.b.engine->newest().lsn, before);
  EXPECT_EQ(n.b.engine->role(), Role::kReplica);
}

TEST(EndLineage, ALogThatEndsWithASealIsTheSuccessorsToContinue) {
  Lost n;
  ASSERT_TRUE(n.a.demote(demotion(n.c)));
  EXPECT_FALSE(ship(n.a, n.b));
  const auto denied = n.end(n.b);
  EXPECT_EQ(code_of(denied), "END_LINEAGE_DENIED");
  EXPECT_EQ(denied.error().detail("seal_lsn"), std::to_string(n.b.engine->newest().lsn.value()));
}

TEST(EndLineage, WhereTheSuccessorOfASealIsLostItGoesOnBehindTheSeal) {
  Lost n;
  TestNode d(n.world, {.name = "d", .instance = 4, .primary = false});
  ASSERT_FALSE(d.start());
  ASSERT_TRUE(n.a.demote(demotion(n.c)));
  for (auto* to : {&n.b, &d}) ASSERT_FALSE(ship(n.a, *to));
  const Lsn seal = n.b.engine->newest().lsn;
  n.lost = "c";
  const auto ended = n.end(n.b);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->fork_lsn, seal);
  ASSERT_TRUE(n.b.write({insert("y")}));
  n.b.restart(CrashKind::kPower);
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
  // Whoever holds that seal follows: the others, and the node that sealed itself.
  for (auto* to : {&n.a, &d}) {
    ASSERT_FALSE(ship(n.b, *to));
    EXPECT_EQ(to->engine->role(), Role::kReplica);
    expect_same_state(n.b, *to, {"x", "y"});
  }
}

TEST(EndLineage, HasRoomInAFullRing) {
  sim::SimWorld world(1, {});
  TestNode a(world, {.name = "a", .instance = 1, .geometry = {4, 16 << 10}});
  TestNode b(world, {.name = "b", .instance = 2, .primary = false, .geometry = {4, 16 << 10}});
  ASSERT_FALSE(a.start());
  ASSERT_FALSE(b.start());
  ASSERT_TRUE(a.register_schema(kSchema1));
  std::string code;
  for (int i = 0; code.empty(); ++i) code = code_of(a.write({insert("x" + std::to_string(i))}));
  ASSERT_EQ(code, "WAL_FULL");
  ASSERT_FALSE(ship(a, b));
  auto who = kWho;
  who.reason = std::string(1024, 'r');
  const auto ended = b.engine->end_lineage(b.engine->end_lineage_evidence("a", {}), who, kNew);
  EXPECT_TRUE(ended.outcome) << ended.outcome.error().message;
  b.run();
  EXPECT_EQ(b.engine->role(), Role::kPrimary);
}

// Whatever is found after a crash is one of two, and what was answered stands.
TEST(EndLineage, CrashAroundItLeavesTheOldLineageOrTheNewOne) {
  int ended = 0, open = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Lost n(seed);
    bool answered = false;
    n.b.engine->hold<LineageEnd>(n.decide(n.b), [&](Result<LineageEnd> outcome) { answered = outcome.has_value(); });
    for (uint64_t step = seed % 6; step > 0; --step) n.world.step();
    n.b.restart(seed % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
    const bool is_primary = n.b.engine->role() == Role::kPrimary;
    EXPECT_TRUE(is_primary || !answered);
    EXPECT_EQ(n.b.engine->visible().lineage, is_primary ? kNew : kLineage);
    (is_primary ? ended : open) += 1;
    ASSERT_TRUE(n.end(n.b));
    ASSERT_TRUE(n.b.write({insert("y")}));
  }
  EXPECT_GT(ended, 5);
  EXPECT_GT(open, 5);
}

// What a node took of the old lineage behind the fork is no part of the new one.
TEST(EndLineage, RecordsBehindTheForkDoNotFollow) {
  Lost n;
  ASSERT_TRUE(n.end(n.b));
  ASSERT_FALSE(ship(n.b, n.c));
  const auto orphan = read_records(n.a, n.b.engine->newest().lsn.next(), 1);
  ASSERT_TRUE(orphan);
  EXPECT_EQ(code_of(n.c.append(orphan->bytes, orphan->count)), "REPLICA_DIVERGED");
}

#if AERODB_FAULTS
TEST(EndLineage, PlantedSealedLineageIsEnded) {
  Lost n;
  ASSERT_TRUE(n.a.demote(demotion(n.c)));
  EXPECT_FALSE(ship(n.a, n.b));
  plant(Fault::kSealedLineageEnded);
  const auto ended = n.end(n.b);
  plant(Fault::kNone);
  EXPECT_TRUE(ended);
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
}
#endif

}  // namespace
}  // namespace aerodb::engine
