// How authority moves: seal, promotion, decline, and what each leaves possible.
#include <gtest/gtest.h>

#include "common/base/build.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using rules::Role;
using sim::CrashKind;

// A primary `a` and two replicas of it, all at the same position.
struct Three {
  explicit Three(uint64_t seed = 1)
      : world(seed, {}),
        a(world, {.name = "a", .instance = 1}),
        b(world, {.name = "b", .instance = 2, .primary = false}),
        c(world, {.name = "c", .instance = 3, .primary = false}) {
    for (auto* node : {&a, &b, &c}) EXPECT_FALSE(node->start());
    EXPECT_TRUE(a.register_schema(kSchema1));
    EXPECT_TRUE(a.write({insert("x")}));
    ship_all();
  }
  void ship_all() {
    for (auto* to : {&b, &c}) EXPECT_FALSE(ship(a, *to));
  }
  void expect_roles(Role ra, Role rb, Role rc) {
    EXPECT_EQ(a.engine->role(), ra);
    EXPECT_EQ(b.engine->role(), rb);
    EXPECT_EQ(c.engine->role(), rc);
  }
  sim::SimWorld world;
  TestNode a, b, c;
};

TEST(Authority, SealShipPromoteWriteAndFollow) {
  Three n;
  auto sealed = n.a.demote(demotion(n.b));
  ASSERT_TRUE(sealed);
  EXPECT_FALSE(sealed->repeated);
  EXPECT_EQ(sealed->seal_number, 1u);
  EXPECT_EQ(sealed->seal_lsn, Lsn(4));
  EXPECT_EQ(code_of(n.a.write({insert("y")})), "SEALED");
  EXPECT_EQ(code_of(n.a.register_schema(kSchema2)), "SEALED");
  n.ship_all();
  n.expect_roles(Role::kSealed, Role::kReplica, Role::kReplica);
  auto promoted = n.b.promote(promotion());
  ASSERT_TRUE(promoted) << promoted.error().message;
  EXPECT_EQ(promoted->epoch, Epoch(2));
  EXPECT_EQ(promoted->seal_lsn, Lsn(4));
  ASSERT_TRUE(n.b.write({insert("y")}));
  EXPECT_FALSE(ship(n.b, n.a));
  EXPECT_FALSE(ship(n.b, n.c));
  n.expect_roles(Role::kReplica, Role::kPrimary, Role::kReplica);
  expect_same_state(n.a, n.b, {"x", "y"});
  expect_same_state(n.c, n.b, {"x", "y"});
  for (auto* node : {&n.a, &n.b, &n.c}) node->restart(CrashKind::kPower);
  n.expect_roles(Role::kReplica, Role::kPrimary, Role::kReplica);
  EXPECT_EQ(n.a.engine->visible_authority().ancestry().size(), 2u);
  EXPECT_EQ(n.a.engine->visible_authority().outcome("d1")->lsn, Lsn(4));
  EXPECT_EQ(n.a.engine->visible_authority().outcome("p1")->type, wal::RecordType::kEpochStart);
}

TEST(Authority, DemoteAgainAnswersTheSameSeal) {
  Three n;
  const auto first = n.a.demote(demotion(n.b, "d1"));
  const auto again = n.a.demote(demotion(n.b, "d2"));
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->record_lsn, first->record_lsn);
  n.a.restart(CrashKind::kPower);
  const auto after = n.a.demote(demotion(n.b, "d3"));
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->repeated);
  EXPECT_EQ(n.a.engine->newest().lsn, first->record_lsn);
  // Another successor is another command.
  const auto other = n.a.demote(demotion(n.c));
  EXPECT_EQ(code_of(other), "DEMOTION_DENIED");
  EXPECT_EQ(other.error().detail("rules_not_holding"), "AUTH-9 AUTH-11");
}

TEST(Authority, PromoteAgainAnswersTheRecordedEpochStart) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  const auto first = n.b.promote(promotion("p1"));
  ASSERT_TRUE(n.b.write({insert("y")}));
  const auto again = n.b.promote(promotion("p2"));
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->repeated);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->record_lsn, first->record_lsn);
  EXPECT_EQ(again->seal_lsn, first->seal_lsn);
  EXPECT_EQ(again->epoch, first->epoch);
  // A primary from init was never promoted.
  EXPECT_EQ(code_of(Three().a.promote(promotion())), "PROMOTION_DENIED");
}

TEST(Authority, SealForAnotherNodePromotesNobodyElse) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  const auto c = n.c.promote(promotion());
  EXPECT_EQ(code_of(c), "PROMOTION_DENIED");
  EXPECT_EQ(c.error().detail("rules_not_holding"), "AUTH-5 AUTH-11");
  EXPECT_EQ(code_of(n.a.promote(promotion())), "PROMOTION_DENIED");
  EXPECT_EQ(code_of(n.c.decline(declining())), "DECLINE_DENIED");
  // The name alone is not enough: a new directory is a new node.
  auto request = demotion(n.b);
  Three other;
  request.successor_instance = id_of<InstanceId>(77);
  ASSERT_TRUE(other.a.demote(request));
  other.ship_all();
  EXPECT_EQ(code_of(other.b.promote(promotion())), "PROMOTION_DENIED");
}

TEST(Authority, ReplicaThatHasNotSeenASealCannotKnow) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  EXPECT_EQ(code_of(n.b.promote(promotion())), "PROMOTION_UNDETERMINED");
  EXPECT_EQ(code_of(n.b.decline(declining())), "DECLINE_DENIED");
  n.ship_all();
  EXPECT_TRUE(n.b.promote(promotion()));
}

TEST(Authority, DeclinedSealPromotesNoMore) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  const auto statement = n.b.decline(declining("x1"));
  ASSERT_TRUE(statement);
  auto refused = n.b.promote(promotion());
  EXPECT_EQ(code_of(refused), "PROMOTION_DENIED");
  EXPECT_EQ(refused.error().detail("rules_not_holding"), "AUTH-6 AUTH-11");
  n.b.restart(CrashKind::kPower);
  EXPECT_EQ(code_of(n.b.promote(promotion())), "PROMOTION_DENIED");
  // The same statement again, byte for byte.
  EXPECT_EQ(*n.b.decline(declining("x2")), *statement);
}

TEST(Authority, DeclineCountsFromTheMomentItsWritingBegins) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  bool answered = false;
  n.b.engine->decline(declining(), [&](Result<Bytes>) { answered = true; });
  EXPECT_FALSE(answered);
  EXPECT_EQ(code_of(n.b.engine->promote(promotion()).outcome), "PROMOTION_DENIED");
  n.b.run();
  EXPECT_TRUE(answered);
}

TEST(Authority, PromotionOnItsWayLeavesNothingToDecline) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  ASSERT_TRUE(n.b.engine->promote(promotion()).outcome);
  std::string code = "none";
  n.b.engine->decline(declining(), [&](Result<Bytes> result) { code = code_of(result); });
  EXPECT_EQ(code, "DECLINE_DENIED");
  n.b.run();
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
}

TEST(Authority, SealIsPassedOnWithTheSuccessorsDecline) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  const auto statement = n.b.decline(declining());
  ASSERT_TRUE(statement);
  auto request = demotion(n.c, "d2");
  const auto decline = n.a.engine->check_decline(*statement);
  ASSERT_TRUE(decline);
  request.decline = *decline;
  auto passed = n.a.demote(request);
  ASSERT_TRUE(passed) << passed.error().message;
  EXPECT_EQ(passed->seal_number, 2u);
  EXPECT_TRUE(n.a.engine->visible_authority().seal()->passed_on);
  n.ship_all();
  EXPECT_EQ(code_of(n.b.promote(promotion())), "PROMOTION_DENIED");
  EXPECT_TRUE(n.c.promote(promotion()));
  // The statement answered that seal; it is of no use for the next one.
  EXPECT_EQ(code_of(n.a.engine->check_decline(*statement)), "BAD_REQUEST");
}

TEST(Authority, SealedNodeTakesBackWithTheDeclineAndNotWithout) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  EXPECT_EQ(code_of(n.a.promote(promotion())), "PROMOTION_DENIED");
  const auto statement = n.b.decline(declining());
  ASSERT_TRUE(statement);
  auto request = promotion();
  request.decline = *n.a.engine->check_decline(*statement);
  auto back = n.a.promote(request);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->epoch, Epoch(2));
  ASSERT_TRUE(n.a.write({insert("y")}));
  n.ship_all();
  n.expect_roles(Role::kPrimary, Role::kReplica, Role::kReplica);
  expect_same_state(n.a, n.b, {"x", "y"});
}

TEST(Authority, StatementOfAnotherLogOrDamagedIsRefused) {
  Three n, other(2);
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  ASSERT_TRUE(other.a.write({insert("more")}));
  ASSERT_TRUE(other.a.demote(demotion(other.b)));
  n.ship_all();
  const auto statement = n.b.decline(declining());
  ASSERT_TRUE(statement);
  EXPECT_EQ(code_of(other.a.engine->check_decline(*statement)), "BAD_REQUEST");
  for (size_t at = 0; at < statement->size(); ++at) {
    Bytes bad = *statement;
    bad[at] ^= 1;
    EXPECT_EQ(code_of(n.a.engine->check_decline(bad)), "BAD_REQUEST") << at;
    EXPECT_EQ(code_of(decode_decline(ByteSpan(*statement).first(at))), "BAD_REQUEST") << at;
  }
}

TEST(Authority, CommandsOnAReplicaAndToItselfAreDenied) {
  Three n;
  EXPECT_EQ(n.b.demote(demotion(n.c)).error().detail("rules_not_holding"), "AUTH-9");
  EXPECT_EQ(n.a.demote(demotion(n.a)).error().detail("rules_not_holding"), "AUTH-10");
  auto nobody = demotion(n.b);
  nobody.successor.reset();
  EXPECT_EQ(n.a.demote(nobody).error().detail("rules_not_holding"), "AUTH-10");
  EXPECT_EQ(code_of(n.a.promote(promotion())), "PROMOTION_DENIED");
}

TEST(Authority, CrashAroundASealAnswersOneOfTwoAndNoWriteFollowsAnAnsweredOne) {
  int sealed = 0, open = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Three n(seed);
    bool answered = false;
    n.a.engine->hold<AuthorityOutcome>(n.a.engine->demote(demotion(n.b)),
                                       [&](Result<AuthorityOutcome> outcome) { answered = outcome.has_value(); });
    EXPECT_EQ(code_of(n.a.submit({insert("y")}).outcome), "SEALED");  // from admission on
    for (uint64_t step = seed % 6; step > 0; --step) n.world.step();
    n.a.restart(seed % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
    const bool is_sealed = n.a.engine->role() == Role::kSealed;
    EXPECT_TRUE(is_sealed || !answered);
    (is_sealed ? sealed : open) += 1;
  }
  EXPECT_GT(sealed, 5);
  EXPECT_GT(open, 5);
}

// The role that reads see follows the log at once, under a stream that never pauses too.
TEST(Authority, ReplicaUnderLoadSeesItsNewEpoch) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  n.ship_all();
  ASSERT_TRUE(n.b.promote(promotion()));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(n.b.write({insert("y" + std::to_string(i))}));
  const auto receipt = n.b.receipt();
  // One record each time, the next appended before the one before is durable: something is always pending.
  Lsn next = n.c.engine->newest().lsn.next();
  while (n.c.engine->visible().lsn < receipt.lsn) {
    if (next <= receipt.lsn && n.c.engine->newest().lsn.value() < n.c.engine->visible().lsn.value() + 2) {
      const auto records = read_records(n.b, next, 1);
      ASSERT_TRUE(n.c.append(records->bytes, records->count));
      next = n.c.engine->newest().lsn.next();
    }
    n.world.step();
    ASSERT_EQ(n.c.engine->visible_authority().epoch(), n.c.engine->visible().epoch);
  }
}

#if AERODB_FAULTS
// The record that it writes is one that no healthy node takes.
TEST(Authority, PlantedPromotionWithoutSealStartsAnEpoch) {
  Three n;
  plant(Fault::kPromotedWithoutSeal);
  const auto promoted = n.b.promote(promotion());
  plant(Fault::kNone);
  ASSERT_TRUE(promoted);
  EXPECT_EQ(n.b.engine->role(), Role::kPrimary);
  EXPECT_EQ(code_of(ship(n.b, n.c)), "WAL_DISCONTINUITY");
}
TEST(Authority, PlantedWritesFollowASealThatNobodyElseTakes) {
  Three n;
  ASSERT_TRUE(n.a.demote(demotion(n.b)));
  plant(Fault::kWritesAfterSeal);
  const auto written = n.a.write({insert("y")});
  plant(Fault::kNone);
  EXPECT_TRUE(written);
  EXPECT_EQ(code_of(ship(n.a, n.b)), "WAL_DISCONTINUITY");
}
TEST(Authority, PlantedAnyNodeSealsItsLog) {
  Three n;
  plant(Fault::kDemotedWithoutAuthority);
  const auto sealed = n.b.demote(demotion(n.c));
  plant(Fault::kNone);
  EXPECT_TRUE(sealed);
  EXPECT_NE(n.b.engine->newest().chain, n.a.engine->newest().chain);
}
#endif

}  // namespace
}  // namespace aerodb::engine
