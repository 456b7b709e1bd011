// What a replica takes and what it refuses, over its replication listener.
#include <gmock/gmock.h>

#include "common/base/build.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using ::testing::HasSubstr;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

struct IntakeTest : NodeTest {
  IntakeTest() {
    p.start();
    r.start();
    fill(p, 3);
    from = connect(p, Port::kReplication);
    to = connect(r, Port::kReplication);
    position = *call(*from, wire::kWalPosition, {});
  }
  Result<wire::ReplicaOpenResponse> open() {
    return call(*to, wire::kReplicaOpen,
                {"s", InstanceId{{9}}, position.node, position.instance, position.cluster, position.durable,
                 position.ancestry});
  }
  Result<wire::ReplicaAppendResponse> append(uint64_t session, const Chain& chain_before, Lsn first, uint32_t number,
                                             ByteSpan bytes) {
    return call(*to, wire::kReplicaAppend, {session, chain_before, first, number, position.durable, bytes});
  }
  void fetch(Lsn first) {
    ASSERT_TRUE(ask(*from, wire::kWalFetch, {first, 1 << 20, 0}, [&](const wire::WalFetchResponse& answer) {
      records.assign(answer.records.begin(), answer.records.end());
      count = answer.count;
      before = answer.chain_before;
    }));
  }
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
  std::unique_ptr<wire::Client> from, to;
  wire::WalPositionResponse position;
  Bytes records;
  uint32_t count = 0;
  Chain before;
};

TEST_F(IntakeTest, RecordsNeedAProvenSession) {
  const auto opened = open();
  ASSERT_TRUE(opened);
  fetch(Lsn(1));
  EXPECT_EQ(code_of(append(opened->session, before, Lsn(1), count, records)), "BAD_REQUEST");
  EXPECT_TRUE(append(opened->session, before, Lsn(1), 0, {}));
  EXPECT_TRUE(append(opened->session, before, Lsn(1), count, records));
}

TEST_F(IntakeTest, EachAnswerSaysHowFarReadsSee) {
  const auto opened = open();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->applied_commit, CommitId(0));
  fetch(Lsn(1));
  ASSERT_TRUE(append(opened->session, before, Lsn(1), 0, {}));
  const auto appended = append(opened->session, before, Lsn(1), count, records);
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->applied_lsn, p.engine().visible().lsn);
  EXPECT_EQ(appended->applied_commit, CommitId(3));
  EXPECT_EQ(open()->applied_commit, CommitId(3));
}

TEST_F(IntakeTest, AnAppendToAnEmptyLogNeedsASession) {
  EXPECT_EQ(code_of(append(0, Chain{}, Lsn(1), 0, {})), "STALE_SESSION");
  EXPECT_EQ(code_of(append(1, Chain{}, Lsn(1), 0, {})), "STALE_SESSION");
}

TEST_F(IntakeTest, ASourceThatGoesOnInAnotherLineageUnderASessionIsRefusedFromThereOn) {
  ship(p, r);
  const auto opened = open();
  ASSERT_TRUE(opened);
  const Lsn next = opened->durable_lsn.next();
  ASSERT_TRUE(append(opened->session, opened->chain, next, 0, {}));
  const auto& end = r.engine().visible();
  wal::LineageStart start;
  start.lineage = LineageId{{0x2e}};
  start.parent = end.lineage;
  start.parent_lsn = end.lsn;
  start.parent_commit = end.commit;
  start.parent_chain = end.chain;
  start.reason = wal::LineageReason::kEnd;
  start.node = "x";
  start.instance = InstanceId{{5}};
  Bytes record;
  wal::encode_record({0, wal::RecordType::kLineageStart, end.epoch.next(), next, end.commit, end.chain, end.digest},
                     start, record);
  EXPECT_EQ(code_of(append(opened->session, end.chain, next, 1, record)), "LINEAGE_CHANGED");
  EXPECT_EQ(r.engine().newest().lsn, opened->durable_lsn);
  EXPECT_EQ(r.engine().state(), rules::NodeState::kReady);
}

TEST_F(IntakeTest, SessionsEndWithTheEngine) {
  ship(p, r);
  const auto opened = open();
  ASSERT_TRUE(opened);
  ASSERT_TRUE(append(opened->session, opened->chain, opened->durable_lsn.next(), 0, {}));
  bool again = false;
  r.node->with_closed_directory("a test", [](runtime::Disk&) { return Result<void>(); }, [&](auto) { again = true; });
  while (!again && world.step()) {
  }
  const auto late = append(opened->session, opened->chain, opened->durable_lsn.next(), 0, {});
  EXPECT_EQ(code_of(late), "STALE_SESSION");
}

TEST_F(IntakeTest, AnUnprovenPeerHaltsNobody) {
  ship(p, r);
  const auto opened = open();
  ASSERT_TRUE(opened);
  const Lsn next = opened->durable_lsn.next();
  EXPECT_EQ(code_of(append(opened->session, Chain{{1}}, next, 0, {})), "REPLICA_DIVERGED");
  EXPECT_EQ(r.engine().state(), rules::NodeState::kReady);
}

#if AERODB_FAULTS
TEST_F(IntakeTest, PlantedRecordsAreTakenWithoutProof) {
  const auto opened = open();
  ASSERT_TRUE(opened);
  fetch(Lsn(1));
  plant(Fault::kAppendWithoutProof);
  const auto taken = append(opened->session, before, Lsn(1), count, records);
  plant(Fault::kNone);
  EXPECT_TRUE(taken);
}
TEST_F(IntakeTest, PlantedUnprovenPeerHaltsTheNode) {
  ship(p, r);
  const auto opened = open();
  ASSERT_TRUE(opened);
  plant(Fault::kUnprovenPeerHalts);
  EXPECT_EQ(code_of(append(opened->session, Chain{{1}}, opened->durable_lsn.next(), 0, {})), "REPLICA_DIVERGED");
  plant(Fault::kNone);
  EXPECT_EQ(r.engine().state(), rules::NodeState::kHalted);
}
TEST_F(IntakeTest, PlantedSupersededSessionIsAccepted) {
  const auto old = open();
  ASSERT_TRUE(old && open());
  fetch(Lsn(1));
  EXPECT_EQ(code_of(append(old->session, before, Lsn(1), 0, {})), "STALE_SESSION");
  plant(Fault::kStaleSessionAccepted);
  EXPECT_TRUE(append(old->session, before, Lsn(1), 0, {}));
  plant(Fault::kNone);
}
#endif

}  // namespace
}  // namespace aerodb::node
