// A primary's disk is lost: a replica ends the lineage, the others follow once told to, and the old primary, should it
// come back, is fenced.
#include <gmock/gmock.h>

#include <functional>

#include "common/node/ask_source.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using ::testing::AllOf;
using testing::code_of;
using testing::document_bytes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

std::string detail_of(const Error& error, std::string_view key) {
  for (const auto& detail : error.details) {
    if (detail.key == key) return detail.value;
  }
  return "";
}

struct LineageTest : NodeTest {
  // `p` went further than `r1`, which went further than `r2`; then its machine died.
  LineageTest() {
    for (auto* node : {&p, &r1, &r2}) node->start();
    fill(p, 3);
    ship(p, r2);
    insert(p, "r2 lacks it");
    ship(p, r1);
    insert(p, "both lack it");
    p.crash();
  }
  void insert(TestNode& node, const std::string& id) {
    auto client = connect(node);
    const auto document = document_bytes(id, 1);
    ASSERT_TRUE(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  wire::EndLineageRequest ending(TestNode& node, std::vector<TestNode*> peers) {
    wire::EndLineageRequest request;
    request.request = asked_by();
    request.lost = "p";
    for (auto* peer : peers) request.peers.push_back({peer->machine.name(), peer->endpoint(Port::kReplication).text()});
    request.phrase = "end the lineage of p";
    request.loss_phrase = "give up what p acknowledged after LSN " + std::to_string(node.engine().newest().lsn.value());
    return request;
  }
  Result<wire::EndLineageResponse> end(TestNode& node, const wire::EndLineageRequest& request) {
    auto client = connect(node, Port::kMaintenance);
    return call(*client, wire::kEndLineage, request);
  }
  // What a shipper that reads from `source` is told by `target`.
  Result<wire::ReplicaOpenResponse> open(TestNode& source, TestNode& target) {
    auto from = connect(source, Port::kReplication);
    auto to = connect(target, Port::kReplication);
    auto position = call(*from, wire::kWalPosition, {});
    EXPECT_TRUE(position);
    return call(*to, wire::kReplicaOpen, open_request(*position));
  }
  static wire::ReplicaOpenRequest open_request(const wire::WalPositionResponse& position) {
    return {
        "s", InstanceId{{9}}, position.node, position.instance, position.cluster, position.durable, position.ancestry};
  }
  std::string insert_code(TestNode& node) {
    auto client = connect(node);
    const auto document = document_bytes("late", 1);
    return code_of(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  std::string get_code(TestNode& node) {
    auto client = connect(node);
    return code_of(ask(*client, wire::kDocGet, {"c", "d1", 1, std::nullopt, std::nullopt}, [](const auto&) {}));
  }

  TestNode p{world, "p", true};
  TestNode r1{world, "r1", false};
  TestNode r2{world, "r2", false};
};

TEST_F(LineageTest, TheFurthestReplicaGoesOnAndTheOtherFollowsOnceToldTo) {
  const auto fork = r1.engine().visible();
  const auto ended = end(r1, ending(r1, {&r2}));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->fork_lsn, fork.lsn);
  EXPECT_EQ(ended->fork_commit, fork.commit);
  EXPECT_EQ(ended->parent, fork.lineage);
  EXPECT_EQ(ended->epoch, fork.epoch.next());
  EXPECT_FALSE(ended->repeated);
  ASSERT_EQ(ended->peers.size(), 1u);
  EXPECT_TRUE(ended->peers[0].answered);
  EXPECT_EQ(ended->peers[0].durable_lsn, r2.engine().visible().lsn);
  EXPECT_EQ(ended->receipt.lsn, fork.lsn.next());
  settle();
  EXPECT_THAT(r1.last_event("lineage_ended"), AllOf(HasSubstr("lost=p"), HasSubstr("request_id=r1")));
  insert(r1, "in the new lineage");

  const auto refused = open(r1, r2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(code_of(refused), "LINEAGE_CHANGED");
  EXPECT_EQ(detail_of(refused.error(), "lineage"), to_hex(ended->lineage));
  EXPECT_EQ(detail_of(refused.error(), "fork_lsn"), std::to_string(r2.engine().newest().lsn.value()));
  r2.engine().accept_lineage(ended->lineage);
  ship(r1, r2);
  EXPECT_EQ(r2.engine().visible().chain, r1.engine().visible().chain);
  EXPECT_EQ(r2.engine().role(), rules::Role::kReplica);
  insert(r1, "and more");
  ship(r1, r2);
  EXPECT_EQ(r2.engine().visible().chain, r1.engine().visible().chain);
}

TEST_F(LineageTest, RepeatedRequestAnswersTheSameRecord) {
  const auto request = ending(r1, {&r2});
  const auto first = end(r1, request);
  ASSERT_TRUE(first);
  insert(r1, "more");
  r2.crash();
  const auto again = end(r1, request);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->lineage, first->lineage);
  EXPECT_EQ(again->fork_lsn, first->fork_lsn);
}

TEST_F(LineageTest, PhrasesMustBeTheOnesAskedFor) {
  for (int wrong = 0; wrong < 2; ++wrong) {
    auto request = ending(r1, {&r2});
    (wrong == 0 ? request.phrase : request.loss_phrase) += ".";
    const auto refused = end(r1, request);
    EXPECT_EQ(code_of(refused), "CONFIRMATION_MISMATCH");
    EXPECT_EQ(detail_of(refused.error(), "phrase"), "end the lineage of p");
    EXPECT_EQ(detail_of(refused.error(), "loss_phrase"), ending(r1, {}).loss_phrase);
  }
  auto request = ending(r1, {&r2});
  request.request.reason.clear();
  EXPECT_EQ(code_of(end(r1, request)), "REASON_REQUIRED");
  settle();
  EXPECT_THAT(r1.last_event("command_denied"), HasSubstr("code=REASON_REQUIRED"));
  EXPECT_EQ(r1.engine().role(), rules::Role::kReplica);
}

TEST_F(LineageTest, NamesAreBoundedAndDistinct) {
  auto refused = [&](auto&& spoil) {
    auto request = ending(r1, {&r2});
    spoil(request);
    return code_of(end(r1, request));
  };
  EXPECT_EQ(refused([](auto& r) { r.lost = "r1"; }), "BAD_REQUEST");
  EXPECT_EQ(refused([](auto& r) { r.lost.clear(); }), "BAD_REQUEST");
  EXPECT_EQ(refused([](auto& r) { r.peers.push_back(r.peers[0]); }), "BAD_REQUEST");
  EXPECT_EQ(refused([](auto& r) { r.peers[0].name = "r1"; }), "BAD_REQUEST");
  EXPECT_EQ(refused([](auto& r) { r.absent = {"r7"}; }), "BAD_REQUEST");
  EXPECT_EQ(refused([](auto& r) {
              for (int i = 0; i < 64; ++i) r.peers.push_back({"n" + std::to_string(i), "10.0.0.9:1"});
            }),
            "BAD_REQUEST");
}

TEST_F(LineageTest, ASilentPeerLeavesItUndeterminedUnlessNamedAbsent) {
  r2.crash();
  auto request = ending(r1, {&r2});
  const auto undetermined = end(r1, request);
  EXPECT_EQ(code_of(undetermined), "END_LINEAGE_UNDETERMINED");
  EXPECT_EQ(detail_of(undetermined.error(), "not_answered"), "r2");
  request.peers[0].address = "no address";
  EXPECT_EQ(code_of(end(r1, request)), "END_LINEAGE_UNDETERMINED");
  request.absent = {"r2"};
  const auto ended = end(r1, request);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_FALSE(ended->peers[0].answered);
  EXPECT_EQ(ended->peers[0].error_code, "BAD_REQUEST");
  settle();
  EXPECT_THAT(r1.last_event("lineage_ended"), HasSubstr("absent=r2"));
}

// Its answer would come when the log is at rest already.
TEST_F(LineageTest, AStopWhilePeersAreAskedEndsNoLineage) {
  const Lsn before = r1.engine().newest().lsn;
  auto client = connect(r1, Port::kMaintenance);
  std::string code;
  client->call(wire::kEndLineage, ending(r1, {&r2}), 60'000,
               [&](const Result<wire::EndLineageResponse>& answer) { code = code_of(answer); });
  while (r1.node->maintenance().counters().requests == 0) ASSERT_TRUE(world.step());
  bool stopped = false;
  r1.node->stop("test", [&] { stopped = true; });
  settle();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(code, "NOT_READY");
  EXPECT_EQ(r1.engine().newest().lsn, before);
}

TEST_F(LineageTest, AnotherNodeAtTheAddressIsNoAnswer) {
  auto request = ending(r1, {&r2});
  request.peers[0].address = r1.endpoint(Port::kReplication).text();
  const auto undetermined = end(r1, request);
  EXPECT_EQ(code_of(undetermined), "END_LINEAGE_UNDETERMINED");
}

TEST_F(LineageTest, AFurtherPeerIsNamed) {
  const auto denied = end(r2, ending(r2, {&r1}));
  EXPECT_EQ(code_of(denied), "END_LINEAGE_DENIED");
  EXPECT_THAT(denied.error().message, HasSubstr("r1 is further"));
  EXPECT_EQ(detail_of(denied.error(), "rules_not_holding"), "AUTH-14");
  settle();
  EXPECT_THAT(r2.last_event("command_denied"), AllOf(HasSubstr("command=end-lineage"), HasSubstr("rule=AUTH-14")));
  // Naming it absent does not make its answer go away.
  auto request = ending(r2, {&r1});
  request.absent = {"r1"};
  EXPECT_EQ(code_of(end(r2, request)), "END_LINEAGE_DENIED");
}

TEST_F(LineageTest, ALostNodeThatAnswersIsNotLost) {
  p.start();
  const auto denied = end(r1, ending(r1, {&p, &r2}));
  EXPECT_EQ(code_of(denied), "END_LINEAGE_DENIED");
  EXPECT_THAT(denied.error().message, HasSubstr("p answers"));
  auto other = ending(r1, {&r2});
  other.lost = "q";
  other.phrase = "end the lineage of q";
  other.loss_phrase = "give up what q acknowledged after LSN " + std::to_string(r1.engine().newest().lsn.value());
  EXPECT_EQ(code_of(end(r1, other)), "END_LINEAGE_DENIED");
}

TEST_F(LineageTest, ALogThatMovedWhilePeersWereAskedNeedsAnotherPhrase) {
  p.start();
  auto request = ending(r1, {&r2});
  r2.crash();
  request.absent = {"r2"};
  std::optional<std::string> answer;
  auto client = connect(r1, Port::kMaintenance);
  world.network().block(r1.machine, r2.machine);  // the question hangs
  client->call(wire::kEndLineage, request, 0,
               [&](Result<wire::EndLineageResponse> response) { answer = code_of(response); });
  ship(p, r1);
  ASSERT_FALSE(answer);
  settle();
  EXPECT_EQ(answer, "CONFIRMATION_MISMATCH");
}

// --- fencing

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
  EXPECT_EQ(detail_of(fenced.error(), "node"), "r1");
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

// --- questions

struct AskTest : LineageTest {
  template <class T>
  std::string wait(std::optional<Result<T>>& answer) {
    while (!answer && world.step()) {
    }
    return answer ? code_of(*answer) : "no answer";
  }
};

TEST_F(AskTest, ChainOfASourceBeforeAnLsn) {
  const auto address = r1.endpoint(Port::kReplication).text();
  const auto end = r1.engine().visible();
  auto alive = std::make_shared<const bool>(true);
  auto ask_before = [&](Lsn before, std::optional<Chain>& chain) {
    std::optional<Result<std::optional<Chain>>> answer;
    ask_chain(clients, address, 1000, alive, before, [&](auto result) { answer = std::move(result); });
    const auto code = wait(answer);
    if (answer && *answer) chain = **answer;
    return code;
  };
  std::optional<Chain> chain;
  EXPECT_EQ(ask_before(end.lsn.next(), chain), "OK");
  EXPECT_EQ(chain, end.chain);
  EXPECT_EQ(ask_before(Lsn(1), chain), "OK");
  EXPECT_EQ(chain, r1.engine().visible_authority().ancestry()[0].chain);
  EXPECT_EQ(ask_before(Lsn(end.lsn.value() + 2), chain), "SOURCE_BEHIND");
}

TEST_F(AskTest, EveryQuestionEndsInTime) {
  auto alive = std::make_shared<const bool>(true);
  auto ask = [&](const std::string& address) {
    std::optional<Result<wire::WalPositionResponse>> answer;
    ask_position(clients, address, 1000, alive, [&](auto result) { answer = std::move(result); });
    return wait(answer);
  };
  EXPECT_EQ(ask(r1.endpoint(Port::kReplication).text()), "OK");
  EXPECT_EQ(ask("no address"), "BAD_REQUEST");
  EXPECT_EQ(ask(p.endpoint(Port::kReplication).text()), "UNREACHABLE");
  world.network().block(r1.machine, clients.machine());
  EXPECT_THAT(ask(r1.endpoint(Port::kReplication).text()), ::testing::AnyOf("UNREACHABLE", "TIMED_OUT"));
}

TEST_F(AskTest, NobodyIsAnsweredWhoIsGone) {
  auto alive = std::make_shared<const bool>(true);
  ask_position(clients, r1.endpoint(Port::kReplication).text(), 1000, alive, [](auto) { ADD_FAILURE(); });
  ask_position(clients, "no address", 1000, alive, [](auto) { ADD_FAILURE(); });
  alive.reset();
  settle();
}

}  // namespace
}  // namespace aerodb::node
