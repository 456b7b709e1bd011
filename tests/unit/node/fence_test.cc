// A primary that comes back after its lineage was ended is fenced, by its own log and by nothing less.
#include <gmock/gmock.h>

#include "tests/unit/node/lineage_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::document_bytes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LineageTest;
using testing::Port;
using testing::TestNode;

struct FenceTest : LineageTest {
  // What `r1` would tell after it ended the lineage.
  wire::ReplicaOpenRequest claim() {
    EXPECT_TRUE(end(r1, ending(r1, {&r2})));
    auto from = connect(r1, Port::kReplication);
    return open_request(*call(*from, wire::kWalPosition, {}));
  }
  std::string tell(TestNode& node, const wire::ReplicaOpenRequest& request) {
    auto to = connect(node, Port::kReplication);
    return code_of(call(*to, wire::kReplicaOpen, request));
  }
};

TEST_F(FenceTest, TheOldPrimaryIsFencedByItsOwnLogAndStaysSo) {
  ASSERT_TRUE(end(r1, ending(r1, {&r2})));
  p.start();
  EXPECT_EQ(insert_code(p), "OK") << "nobody told it yet";
  const auto fenced = open(r1, p);
  EXPECT_EQ(code_of(fenced), "FENCED");
  EXPECT_EQ(fenced.error().detail("node"), "r1");
  for (bool restarted : {false, true}) {
    if (restarted) p.restart();
    EXPECT_EQ(insert_code(p), "FENCED");
    EXPECT_EQ(get_code(p), "LINEAGE_ENDED");
    EXPECT_EQ(code_of(open(r1, p)), "FENCED");
    ASSERT_TRUE(p.engine().fence_reason());
    EXPECT_EQ(p.engine().fence_reason()->fork_lsn.next(), r1.engine().visible_authority().current()->first_lsn);
  }
}

TEST_F(FenceTest, AClaimThatItsLogDoesNotProveChangesNothing) {
  const auto proven = claim();
  p.start();
  const std::pair<std::string_view, std::function<void(wire::ReplicaOpenRequest&)>> cases[] = {
      {"another chain at the fork", [](auto& r) { r.ancestry.back().chain.bytes[0] ^= 1; }},
      {"another fork", [](auto& r) { r.ancestry.back().first_lsn = Lsn(r.ancestry.back().first_lsn.value() - 1); }},
      {"a fork beyond its log", [](auto& r) { r.ancestry.back().first_lsn = Lsn(1000); }},
      {"no LSN at all", [](auto& r) { r.ancestry.back().first_lsn = Lsn(); }},
      {"a restored lineage", [](auto& r) { r.ancestry.back().reason = "restore"; }},
      {"this very node", [&](auto& r) { r.ancestry.back().instance = p.engine().node().instance; }},
  };
  for (const auto& [what, spoil] : cases) {
    auto request = proven;
    spoil(request);
    const auto before = p.node->events().durable_number();
    EXPECT_EQ(tell(p, request), "NOT_A_REPLICA") << what;
    settle();
    EXPECT_GT(p.node->events().durable_number(), before) << what;
    EXPECT_THAT(p.last_event("fence_unproven"), HasSubstr("peer=r1"));
  }
  const auto before = p.node->events().durable_number();
  auto other_cluster = proven;
  other_cluster.cluster.bytes[0] ^= 1;
  EXPECT_EQ(tell(p, other_cluster), "NOT_A_REPLICA");
  auto own_history = proven;
  own_history.ancestry.pop_back();
  EXPECT_EQ(tell(p, own_history), "NOT_A_REPLICA");
  settle();
  EXPECT_EQ(p.node->events().durable_number(), before) << "neither claims anything";
  EXPECT_THAT(p.last_event("fenced"), IsEmpty());
  EXPECT_EQ(insert_code(p), "OK");
}

TEST_F(FenceTest, WhereTheLogHoldsTheForkNoLongerItIsNotProven) {
  const auto request = claim();
  p.start();
  for (int round = 0; round < 4; ++round) {
    auto client = connect(p);
    for (int i = 0; i < 1000; ++i) {
      const auto document = document_bytes("x" + std::to_string(1000 * round + i), i);
      client->call(wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}, 0, [](auto) {});
    }
    settle();
    ASSERT_EQ(checkpoint(p).stage, "done");
  }
  p.restart();  // what memory still knew of chains is gone
  ASSERT_GT(p.engine().reader().first_lsn(), request.ancestry.back().first_lsn);
  EXPECT_EQ(tell(p, request), "NOT_A_REPLICA");
  settle();
  EXPECT_THAT(p.last_event("fence_unproven"), HasSubstr("does not hold the chain"));
  EXPECT_EQ(insert_code(p), "OK");
}

TEST_F(FenceTest, ASealedNodeIsFencedToo) {
  const auto request = claim();
  p.start();
  auto control = connect(p, Port::kControl);
  ASSERT_TRUE(call(*control, wire::kControlDemote, {asked_by(), "r2", r2.engine().node().instance, std::nullopt}));
  EXPECT_EQ(tell(p, request), "FENCED");
  EXPECT_EQ(get_code(p), "LINEAGE_ENDED");
}

// Two replicas that each were told the other is gone.
struct HeirsTest : FenceTest {
  void end_both() {
    world.network().block_both(r1.machine, r2.machine);
    for (auto [heir, other] : {std::pair(&r1, &r2), std::pair(&r2, &r1)}) {
      auto request = ending(*heir, {other});
      request.absent = {other->machine.name()};
      ASSERT_TRUE(end(*heir, request));
    }
    world.network().heal();
  }
};

TEST_F(HeirsTest, AtOneForkFenceEachOther) {
  ship(r1, r2);
  end_both();
  EXPECT_EQ(code_of(open(r2, r1)), "FENCED");
  EXPECT_EQ(code_of(open(r1, r2)), "FENCED");
  EXPECT_EQ(insert_code(r1), "FENCED");
  EXPECT_EQ(insert_code(r2), "FENCED");
}

TEST_F(HeirsTest, TheEarlierForkFencesTheLaterOne) {
  end_both();
  EXPECT_EQ(code_of(open(r1, r2)), "NOT_A_REPLICA") << "the later fork is not in the log of the earlier one";
  EXPECT_EQ(code_of(open(r2, r1)), "FENCED");
  EXPECT_EQ(insert_code(r1), "FENCED");
  EXPECT_EQ(insert_code(r2), "OK");
}

TEST_F(FenceTest, AReplicaIsNeverFenced) {
  const auto request = claim();
  EXPECT_EQ(tell(r2, request), "LINEAGE_CHANGED");
  EXPECT_FALSE(r2.engine().fence_reason());
}

TEST_F(FenceTest, PositionTellsOfTheSealThatALogEndsWith) {
  p.start();
  auto control = connect(p, Port::kControl);
  ASSERT_TRUE(call(*control, wire::kControlDemote, {asked_by(), "r2", r2.engine().node().instance, std::nullopt}));
  auto from = connect(p, Port::kReplication);
  const auto sealed = call(*from, wire::kWalPosition, {});
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->seal_lsn, p.engine().visible().lsn);
  EXPECT_EQ(sealed->seal_successor, "r2");
  EXPECT_EQ(sealed->seal_successor_instance, r2.engine().node().instance);
  auto open_end = connect(r1, Port::kReplication);
  EXPECT_FALSE(call(*open_end, wire::kWalPosition, {})->seal_lsn);
}

}  // namespace
}  // namespace aerodb::node
