// A primary's disk is lost: a replica ends the lineage, and the others follow once told to.
#include <gmock/gmock.h>

#include "tests/unit/node/lineage_kit.h"

namespace aerodb::node {
namespace {

using ::testing::AllOf;
using testing::code_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LineageTest;
using testing::Port;

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
  EXPECT_EQ(refused.error().detail("lineage"), to_hex(ended->lineage));
  EXPECT_EQ(refused.error().detail("fork_lsn"), std::to_string(r2.engine().newest().lsn.value()));
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
    EXPECT_EQ(refused.error().detail("phrase"), "end the lineage of p");
    EXPECT_EQ(refused.error().detail("loss_phrase"), ending(r1, {}).loss_phrase);
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
  EXPECT_EQ(undetermined.error().detail("not_answered"), "r2");
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
  EXPECT_EQ(denied.error().detail("rules_not_holding"), "AUTH-14");
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

}  // namespace
}  // namespace aerodb::node
