// Requests that need blocks of runs which are not in memory: right answers, in the order of each connection.
#include <gmock/gmock.h>

#include <set>

#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using observe::MetricId;
using testing::code_of;
using testing::document_bytes;
using ::testing::ElementsAre;
using testing::NodeTest;
using testing::Port;
using testing::schema_bytes;
using testing::TestNode;

constexpr int kManyDocuments = 200;

struct RestartTest : NodeTest {
  // All documents are in a run and none of its blocks in memory.
  void make_cold(TestNode& node) {
    node.start();
    fill(node, kManyDocuments);
    ASSERT_EQ(checkpoint(node).stage, "done");
    node.restart();
    ASSERT_EQ(node.metric(MetricId::kColdRequestsCount), 0u);
  }
  Result<int64_t> n_of(wire::Client& client, const std::string& id) {
    int64_t n = -1;
    auto got = ask(client, wire::kDocGet, {"c", id, 1, std::nullopt, std::nullopt}, [&](const auto& answer) {
      if (answer.data.version) n = number_in(answer.data.version->document.bytes);
    });
    if (!got) return fail(std::move(got.error()));
    return n;
  }
  static int64_t number_in(ByteSpan document) {
    document::Tape tape;
    EXPECT_TRUE(tape.parse(document));
    return *tape.root().find("n")->integer();
  }
  // One write of the pipeline below; its LSN goes to `order` when answered.
  void update(wire::Client& client, const std::string& id, int64_t n, std::vector<Lsn>& order) {
    const auto document = document_bytes(id, n);
    client.call(wire::kDocUpdate, {"c", 1, std::nullopt, wire::Packed{document}}, 0,
                [&order](Result<wire::ReceiptResponse> answer) {
                  ASSERT_TRUE(answer) << answer.error().message;
                  order.push_back(answer->receipt.lsn);
                });
  }
  TestNode p{world, "p", true};
};

TEST_F(RestartTest, ReadsWhatIsNotInMemoryOnce) {
  make_cold(p);
  auto client = connect(p);
  EXPECT_EQ(n_of(*client, "d17").value(), 17);
  const auto cold = p.metric(MetricId::kColdRequestsCount);
  EXPECT_GE(cold, 1u);
  EXPECT_LE(cold, 4u) << "partition, filter and block, at most one after another";
  EXPECT_EQ(n_of(*client, "d17").value(), 17);
  EXPECT_EQ(p.metric(MetricId::kColdRequestsCount), cold) << "the cache holds it now";
  EXPECT_EQ(n_of(*client, "nobody").value(), -1);
}

TEST_F(RestartTest, WritesOfOneConnectionKeepTheirOrder) {
  p.config.storage_cache_bytes = 1;  // nothing stays: each of them waits
  make_cold(p);
  auto client = connect(p);
  std::vector<Lsn> order;
  const auto schema = schema_bytes(2);
  for (int i = 0; i < 20; ++i) update(*client, "d" + std::to_string(i * 9), 1000 + i, order);
  client->call(wire::kSchemaRegister, {wire::Packed{schema}}, 0, [&order](Result<wire::ReceiptResponse> answer) {
    ASSERT_TRUE(answer);
    order.push_back(answer->receipt.lsn);  // needs no block, and must not overtake those that do
  });
  update(*client, "d3", 7, order);
  settle();
  ASSERT_EQ(order.size(), 22u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(std::set(order.begin(), order.end()).size(), order.size());
  EXPECT_GE(p.metric(MetricId::kColdRequestsCount), 20u);
  EXPECT_EQ(n_of(*client, "d9").value(), 1001);
  EXPECT_EQ(n_of(*client, "d3").value(), 7);
}

TEST_F(RestartTest, AReadSeesTheWritesSentBeforeItOnItsConnection) {
  p.config.storage_cache_bytes = 1;
  make_cold(p);
  auto client = connect(p);
  std::vector<Lsn> order;
  update(*client, "d5", 500, order);
  settle();
  update(*client, "d6", 600, order);
  EXPECT_EQ(n_of(*client, "d5").value(), 500);
}

TEST_F(RestartTest, OtherConnectionsAreServedMeanwhile) {
  make_cold(p);
  auto waiting = connect(p);
  auto other = connect(p);
  world.options().disk_delay_us = {50'000, 50'000};
  std::vector<int> answered;
  waiting->call(wire::kDocGet, {"c", "d1", 1, std::nullopt, std::nullopt}, 0, [&](auto) { answered.push_back(1); });
  waiting->call(wire::kPing, {1}, 0, [&](auto) { answered.push_back(2); });
  other->call(wire::kPing, {2}, 0, [&](auto) { answered.push_back(3); });
  settle();
  EXPECT_THAT(answered, ElementsAre(3, 1, 2));
}

TEST_F(RestartTest, AQueryGoesOnWhereItStoodAndAnswersTheSame) {
  p.config.storage_cache_bytes = 1;
  make_cold(p);
  auto client = connect(p);
  wire::DocQueryRequest query;
  Bytes low;
  document::PackWriter(low).unsigned_integer(20);
  query.collection = "c";
  query.schema_version = 1;
  query.where.push_back({"n", "ge", wire::Packed{low}});
  query.sort = "n";
  query.limit = 60;
  query.at_commit = p.engine().visible().commit;
  std::vector<int64_t> numbers;
  Sha256 plan{};
  const auto look = [&](const wire::DocQueryResponse& answer) {
    for (const auto& version : answer.data.versions) numbers.push_back(number_in(version.document.bytes));
    plan = answer.data.plan_hash;
  };
  ASSERT_TRUE(ask(*client, wire::kDocQuery, query, look));
  EXPECT_GE(p.metric(MetricId::kColdRequestsCount), 8u);
  ASSERT_EQ(numbers.size(), 60u);
  EXPECT_NE(plan, Sha256{});
  // The next page begins behind the last one's end.
  Bytes last;
  document::PackWriter(last).unsigned_integer(79);
  query.after = wire::QueryPageEnd{wire::Packed{last}, "d79"};
  ASSERT_TRUE(ask(*client, wire::kDocQuery, query, look));
  ASSERT_EQ(numbers.size(), 120u);
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], 20 + static_cast<int64_t>(i));
}

TEST_F(RestartTest, HistoryAndEvidenceComeFromRunsToo) {
  p.start();
  fill(p, 10);
  auto writer = connect(p);
  std::vector<Lsn> order;
  update(*writer, "d1", 100, order);
  ASSERT_TRUE(call(*writer, wire::kDocDelete, {"c", "d1", std::nullopt}));
  writer.reset();
  ASSERT_EQ(checkpoint(p).stage, "done");
  p.config.storage_cache_bytes = 1;
  p.restart();
  auto client = connect(p);
  std::vector<std::string> shown;
  bool complete = false;
  ASSERT_TRUE(ask(*client, wire::kDocHistory, {"c", "d1", 1, std::nullopt, 10, std::nullopt}, [&](const auto& answer) {
    for (const auto& v : answer.data.versions)
      shown.push_back(v.document ? std::to_string(number_in(v.document->bytes)) : "deleted");
    complete = answer.data.complete;
  }));
  EXPECT_THAT(shown, ElementsAre("deleted", "100", "1"));
  EXPECT_TRUE(complete);
  ASSERT_TRUE(ask(*client, wire::kDocHistory, {"c", "d1", 1, std::nullopt, 1, std::nullopt}, [&](const auto& answer) {
    EXPECT_EQ(answer.data.versions.size(), 1u);
    EXPECT_FALSE(answer.data.complete);
  }));
  size_t versions = 0;
  ASSERT_TRUE(ask(*client, wire::kEvidenceVersions, {"c", "d1", std::nullopt},
                  [&](const auto& answer) { versions = answer.versions.size(); }));
  EXPECT_EQ(versions, 3u);
  EXPECT_TRUE(ask(*client, wire::kExplainRead, {"c", "d1", std::nullopt}, [](const auto&) {}));
}

TEST_F(RestartTest, AClientMayLeaveWhileItWaits) {
  make_cold(p);
  auto leaving = connect(p);
  leaving->call(wire::kDocGet, {"c", "d1", 1, std::nullopt, std::nullopt}, 0, [](auto) {});
  while (p.metric(MetricId::kColdRequestsCount) == 0) ASSERT_TRUE(world.step());
  leaving.reset();
  settle();
  auto client = connect(p);
  EXPECT_EQ(n_of(*client, "d1").value(), 1);
}

TEST_F(RestartTest, StopDoesNotWaitForWhatWasPutBack) {
  make_cold(p);
  auto client = connect(p);
  std::vector<std::string> outcomes;
  client->call(wire::kDocDelete, {"c", "d1", std::nullopt}, 0,
               [&](Result<wire::ReceiptResponse> answer) { outcomes.push_back(code_of(answer)); });
  while (p.metric(MetricId::kColdRequestsCount) == 0) ASSERT_TRUE(world.step());
  bool stopped = false;
  p.node->stop("test", [&] { stopped = true; });
  const Lsn newest = p.engine().newest().lsn;
  settle();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(p.engine().newest().lsn, newest);
  p.crash();
  settle();
  EXPECT_THAT(outcomes, ElementsAre("CONNECTION_LOST"));
}

TEST_F(RestartTest, AFailedReadIsAnsweredAndHarmsNothingElse) {
  make_cold(p);
  auto client = connect(p);
  world.options().rate(sim::FaultKind::kReadError) = 1;
  EXPECT_EQ(code_of(n_of(*client, "d1")), "IO");
  EXPECT_EQ(code_of(call(*client, wire::kDocDelete, {"c", "d2", std::nullopt})), "IO");
  world.options().rate(sim::FaultKind::kReadError) = 0;
  EXPECT_EQ(n_of(*client, "d1").value(), 1);
  EXPECT_EQ(n_of(*client, "d2").value(), 2);
  EXPECT_EQ(p.node->state(), rules::NodeState::kReady);
}

TEST_F(RestartTest, AReplicaTakesBatchesThatNeedItsRuns) {
  TestNode r(world, "r", false);
  r.config.storage_cache_bytes = 1;
  p.start();
  r.start();
  fill(p, kManyDocuments);
  ship(p, r);
  ASSERT_EQ(checkpoint(r).stage, "done");
  r.restart();
  auto client = connect(p);
  std::vector<Lsn> order;
  for (int i = 0; i < 50; ++i) update(*client, "d" + std::to_string(i * 3), 5000 + i, order);
  settle();
  ship(p, r);
  EXPECT_GE(r.metric(MetricId::kColdRequestsCount), 1u);
  EXPECT_EQ(r.engine().visible().lsn, p.engine().visible().lsn);
  EXPECT_EQ(r.engine().visible().digest, p.engine().visible().digest);
  const auto& batches = r.node->metrics();
  EXPECT_EQ(batches.get(MetricId::kReplicaBatchesAppliedCount), batches.get(MetricId::kReplicaBatchesValidatedCount));
  // Proofs are received and hold no records.
  EXPECT_EQ(batches.get(MetricId::kReplicaBatchesReceivedCount),
            batches.get(MetricId::kReplicaBatchesValidatedCount) + 1);
}

TEST_F(RestartTest, AReplicaThatCantReadItsRunsRefusesAndDoesNotHalt) {
  TestNode r(world, "r", false);
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  ASSERT_EQ(checkpoint(r).stage, "done");
  r.restart();
  auto client = connect(p);
  ASSERT_TRUE(call(*client, wire::kDocDelete, {"c", "d1", std::nullopt}));
  auto to = connect(r, Port::kReplication);
  auto from = connect(p, Port::kReplication);
  auto position = call(*from, wire::kWalPosition, {});
  auto opened = call(*to, wire::kReplicaOpen,
                     {"s", InstanceId{{9}}, position->node, position->instance, position->cluster, position->durable,
                      position->ancestry});
  ASSERT_TRUE(opened);
  Bytes records;
  ASSERT_TRUE(ask(*from, wire::kWalFetch, {opened->durable_lsn.next(), 1 << 20, 0},
                  [&](const auto& answer) { records.assign(answer.records.begin(), answer.records.end()); }));
  const Lsn first = opened->durable_lsn.next();
  ASSERT_TRUE(call(*to, wire::kReplicaAppend, {opened->session, opened->chain, first, 0, position->durable, {}}));
  world.options().rate(sim::FaultKind::kReadError) = 1;
  const wire::ReplicaAppendRequest append{opened->session, opened->chain, first, 1, position->durable, records};
  EXPECT_EQ(code_of(call(*to, wire::kReplicaAppend, append)), "IO");
  EXPECT_EQ(r.node->state(), rules::NodeState::kReady);
  world.options().rate(sim::FaultKind::kReadError) = 0;
  EXPECT_TRUE(call(*to, wire::kReplicaAppend, append));
  EXPECT_EQ(r.engine().visible().digest, p.engine().visible().digest);
}

}  // namespace
}  // namespace aerodb::node
