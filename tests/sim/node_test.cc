// Single nodes on the simulated runtime: what seeds of the cluster simulation found, each as a test of its own.
#include <gtest/gtest.h>

#include "tests/sim/node_kit.h"
#include "tests/sim/workload.h"

namespace aerodb::sim {
namespace {

using namespace testing;

struct NodeTest : ::testing::Test {
  template <class Request, class Response>
  Result<Response> call(wire::Client& client, const wire::Method<Request, Response>& method,
                        const std::type_identity_t<Request>& request) {
    return testing::call(world, client, method, request);
  }
  std::unique_ptr<wire::Client> connect(TestNode& node, Port port) {
    return testing::connect(world, clients, node.endpoint(port));
  }
  // The source's log from LSN 1 on, its bytes kept here.
  wire::WalFetchResponse fetch(wire::Client& source) {
    std::optional<wire::WalFetchResponse> kept;
    source.call(wire::kWalFetch, {Lsn(1), 1 << 20, 0}, 0, [&](Result<wire::WalFetchResponse> answer) {
      records.assign(answer->records.begin(), answer->records.end());
      kept = *answer;
      kept->records = records;
    });
    while (!kept && world.step()) {
    }
    return *kept;
  }
  wire::ReplicaOpenRequest open_request(wire::Client& source) {
    auto position = *call(source, wire::kWalPosition, {});
    return {"test",           InstanceId{{9}},  position.node,    position.instance,
            position.cluster, position.durable, position.ancestry};
  }
  Result<wire::ReplicaAppendResponse> append(wire::Client& target, uint64_t session, const Chain& chain_before,
                                             Lsn first, uint32_t count, ByteSpan bytes) {
    return call(target, wire::kReplicaAppend, {session, chain_before, first, count, wire::Receipt{}, bytes});
  }
  // Opens a session, proves it and hands over the whole log of the source.
  uint64_t ship_all(wire::Client& source, wire::Client& target) {
    const auto opened = call(target, wire::kReplicaOpen, open_request(source));
    const auto log = fetch(source);
    EXPECT_TRUE(append(target, opened->session, log.chain_before, Lsn(1), 0, {}));
    EXPECT_TRUE(append(target, opened->session, log.chain_before, Lsn(1), log.count, log.records));
    return opened->session;
  }

  SimWorld world{1, SimOptions{}};
  SimProcess clients{world.add_machine("c"), world, {.name = "c"}};
  Bytes records;
};

TEST(Init, SurvivesThePowerGoingAtOnce) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimWorld world(seed, {});
    SimMachine& machine = world.add_machine("p");
    {
      SimProcess init(machine, world, {.name = "init"});
      ASSERT_TRUE(
          engine::init_directory(init.blocking_disk(), init.random(), init_options(machine, true, ClusterId{})));
    }
    machine.power_loss();
    SimProcess later(machine, world, {.name = "later"});
    EXPECT_TRUE(engine::read_node_file(later.blocking_disk(), "/var/lib/aerodb")) << "seed " << seed;
  }
}

TEST_F(NodeTest, StopTakesNoMoreAndEndsUnderLoad) {
  TestNode p(world, "p", true);
  p.start();
  auto client = connect(p, Port::kClient);
  ASSERT_TRUE(call(*client, wire::kSchemaRegister, {wire::Packed{schema_bytes(0, 1)}}));
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  // Each answer is followed by the next write, and several are always on their way.
  std::function<void()> write = [&] {
    Bytes document;
    document::PackWriter out(document);
    const std::string id = std::to_string(++sent);
    out.map(2);
    out.field("_id", id);
    out.field("n", sent);
    client->call(wire::kDocInsert, {collection_name(0), 1, std::nullopt, wire::Packed{document}}, 0,
                 [&](Result<wire::ReceiptResponse> answer) {
                   if (!answer) return;
                   ++acknowledged;
                   write();
                 });
  };
  for (int i = 0; i < 20; ++i) write();
  world.run_for(20'000);
  ASSERT_GT(acknowledged, 20u);
  bool stopped = false;
  p.node->stop("test", [&] { stopped = true; });
  const Lsn newest = p.engine().newest().lsn;
  world.run_for(200'000);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(p.engine().newest().lsn, newest);
  EXPECT_EQ(p.engine().visible().lsn, newest);
  EXPECT_EQ(acknowledged, p.engine().visible().commit.value());  // what was taken in was answered
}

TEST_F(NodeTest, FailedStartIsReported) {
  TestNode p(world, "p", true);
  p.start();
  p.crash();
  world.options().rate(FaultKind::kSyncFailed) = 1;
  p.begin_start();
  world.run_for(kLongUs);
  ASSERT_TRUE(p.started);
  EXPECT_FALSE(*p.started);
}

TEST_F(NodeTest, RecordsWithoutASessionAreRefused) {
  TestNode p(world, "p", true);
  TestNode r(world, "r", false);
  p.start();
  r.start();
  auto source = connect(p, Port::kReplication);
  auto target = connect(r, Port::kReplication);
  const auto log = fetch(*source);
  const auto refused = append(*target, 0, log.chain_before, Lsn(1), 0, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStaleSession);
}

TEST_F(NodeTest, StrangerWhoGuessesASessionCantHaltAReplica) {
  TestNode p(world, "p", true);
  TestNode r(world, "r", false);
  p.start();
  r.start();
  auto source = connect(p, Port::kReplication);
  auto target = connect(r, Port::kReplication);
  const uint64_t session = ship_all(*source, *target);
  auto stranger = connect(r, Port::kReplication);
  const auto refused = append(*stranger, session, Chain{{1, 2, 3}}, r.engine().newest().lsn.next(), 0, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStaleSession);
  EXPECT_EQ(r.node->state(), rules::NodeState::kReady);
}

TEST_F(NodeTest, RecordsWithoutASessionAreRefusedByAnEmptyReplica) {
  TestNode r(world, "r", false);
  r.start();
  auto stranger = connect(r, Port::kReplication);
  const auto refused = append(*stranger, 1, Chain{{1, 2, 3}}, Lsn(1), 0, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStaleSession);
  EXPECT_EQ(r.node->state(), rules::NodeState::kReady);
}

TEST_F(NodeTest, FirstRecordSentAgainIsNoDivergence) {
  TestNode p(world, "p", true);
  TestNode r(world, "r", false);
  p.start();
  r.start();
  auto source = connect(p, Port::kReplication);
  auto target = connect(r, Port::kReplication);
  const uint64_t session = ship_all(*source, *target);
  const auto log = fetch(*source);
  const auto refused = append(*target, session, log.chain_before, Lsn(1), log.count, log.records);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotNext);
  EXPECT_EQ(r.node->state(), rules::NodeState::kReady);
}

struct DeclineTest : NodeTest {
  // The primary sealed for the replica, the replica fed with everything.
  void seal_for_replica() {
    auto control = connect(p, Port::kControl);
    ASSERT_TRUE(call(*control, wire::kControlDemote,
                     {{"a", "test", "test", std::nullopt}, "r", r.identity.instance, std::nullopt}));
  }
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
};

// A statement that was answered stands after the power went, whenever a process died on the way to it.
TEST_F(DeclineTest, StatementHandedOutOutlivesThePower) {
  p.start();
  r.start();
  seal_for_replica();
  {
    auto source = connect(p, Port::kReplication);
    auto target = connect(r, Port::kReplication);
    ship_all(*source, *target);
  }
  const std::string path = "/var/lib/aerodb/authority/decline-2";
  world.options().power_weights = {0, 1, 0, 0};
  int answered_again = 0;
  for (uint64_t calls = 1; calls < 12; ++calls) {
    {
      auto control = connect(r, Port::kControl);
      r.process->crash_at_call(calls, CrashKind::kProcess);
      const auto first = call(*control, wire::kControlDecline, {{"b", "test", "test", std::nullopt}});
      if (!first) ++answered_again;
    }
    r.crash();
    r.start();
    {
      auto control = connect(r, Port::kControl);
      ASSERT_TRUE(call(*control, wire::kControlDecline, {{"c", "test", "test", std::nullopt}}));
    }
    r.crash(CrashKind::kPower);
    EXPECT_TRUE(r.machine.disk().exists(path)) << "died at call " << calls;
    ASSERT_TRUE(!r.machine.disk().exists(path) || r.machine.disk().remove(path));
    ASSERT_TRUE(r.machine.disk().sync_directory("/var/lib/aerodb/authority"));
    r.start();
  }
  EXPECT_GT(answered_again, 3);
}

// Else a seal lost with the power would come again, and the decline of it be forgotten.
TEST_F(DeclineTest, StatementWaitsUntilTheSealIsDurable) {
  p.start();
  r.start();
  seal_for_replica();
  auto source = connect(p, Port::kReplication);
  auto target = connect(r, Port::kReplication);
  auto control = connect(r, Port::kControl);
  const auto opened = call(*target, wire::kReplicaOpen, open_request(*source));
  const auto log = fetch(*source);
  ASSERT_TRUE(append(*target, opened->session, log.chain_before, Lsn(1), 0, {}));
  world.options().inline_percent = 0;
  world.options().sync_delay_us = {100'000, 100'000};
  target->call(wire::kReplicaAppend,
               {opened->session, log.chain_before, Lsn(1), log.count, wire::Receipt{}, log.records}, 0,
               [](Result<wire::ReplicaAppendResponse>) {});
  while (r.engine().newest().lsn < Lsn(2)) ASSERT_TRUE(world.step());
  world.run_for(2'000);  // its write is done, its sync under way
  world.options().sync_delay_us = {1, 1};
  ASSERT_LT(r.engine().visible().lsn, Lsn(2));
  ASSERT_TRUE(call(*control, wire::kControlDecline, {{"b", "test", "test", std::nullopt}}));
  EXPECT_EQ(r.engine().visible().lsn, Lsn(2));
}

TEST_F(DeclineTest, TwoDeclinesAtOnceGetOneStatement) {
  p.start();
  r.start();
  seal_for_replica();
  auto source = connect(p, Port::kReplication);
  auto target = connect(r, Port::kReplication);
  ship_all(*source, *target);
  auto control = connect(r, Port::kControl);
  std::vector<Bytes> statements;
  for (int i = 0; i < 3; ++i) {
    control->call(wire::kControlDecline, {{std::to_string(i), "test", "test", std::nullopt}}, 0,
                  [&](Result<wire::ControlDeclineResponse> answer) {
                    ASSERT_TRUE(answer);
                    statements.emplace_back(answer->statement.begin(), answer->statement.end());
                  });
  }
  world.run_for(1'000'000);
  ASSERT_EQ(statements.size(), 3u);
  EXPECT_EQ(statements[0], statements[1]);
  EXPECT_EQ(statements[0], statements[2]);
  r.crash(CrashKind::kPower);
  r.start();
}

}  // namespace
}  // namespace aerodb::sim
