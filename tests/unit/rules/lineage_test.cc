// Histories that fork: where they part, who is fenced, whose records are taken, when a lineage may be ended.
#include "common/rules/lineage_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/base/build.h"
#include "tests/unit/rules/rules_kit.h"

namespace aerodb::rules {
namespace {

using testing::id_of;
using testing::Names;
using testing::not_holding;
#if AERODB_FAULTS
using testing::Planted;
#endif
using History = std::vector<HistoryEpoch>;

const LineageId kFirst = id_of<LineageId>(1);
const LineageId kSecond = id_of<LineageId>(2);
const LineageId kThird = id_of<LineageId>(3);

// The chain before an epoch is a function of its LSN: equal histories, equal chains.
HistoryEpoch epoch(LineageId lineage, uint64_t number, uint64_t first_lsn) {
  return {lineage, Epoch(number), Lsn(first_lsn), CommitId(first_lsn / 2),
          id_of<Chain>(static_cast<uint8_t>(first_lsn))};
}
const History kOne = {epoch(kFirst, 1, 1)};
const History kPromoted = {epoch(kFirst, 1, 1), epoch(kFirst, 2, 50)};
const History kEnded = {epoch(kFirst, 1, 1), epoch(kSecond, 2, 80)};

TEST(CommonEnd, OfOneHistoryIsTheShorterLog) {
  const auto end = common_end(kOne, Lsn(20), kOne, Lsn(30));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->lsn, Lsn(20));
  EXPECT_FALSE(end->chain);
}

TEST(CommonEnd, LiesBeforeTheEpochThatOneOfThemLacks) {
  for (const auto& end : {common_end(kOne, Lsn(100), kEnded, Lsn(90)), common_end(kEnded, Lsn(90), kOne, Lsn(100))}) {
    ASSERT_TRUE(end);
    EXPECT_EQ(end->lsn, Lsn(79));
    EXPECT_EQ(end->chain, id_of<Chain>(80));
  }
  // A log that ends before the fork has all of it in common.
  const auto short_of_it = common_end(kOne, Lsn(60), kEnded, Lsn(90));
  EXPECT_EQ(short_of_it->lsn, Lsn(60));
  EXPECT_FALSE(short_of_it->chain);
  // The end is the fork: the ancestry states the chain there.
  EXPECT_EQ(common_end(kOne, Lsn(79), kEnded, Lsn(90))->chain, id_of<Chain>(80));
}

TEST(CommonEnd, OfTwoForksIsTheEarlierOne) {
  const auto end = common_end(kPromoted, Lsn(100), kEnded, Lsn(100));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->lsn, Lsn(49));
}

TEST(CommonEnd, OfForksAtOneLsnAfterOtherBytesLiesBeforeTheEpoch) {
  History other = {kPromoted[0], epoch(kFirst, 2, 50), epoch(kSecond, 3, 80)};
  History own = {kPromoted[0], epoch(kFirst, 2, 50), epoch(kThird, 3, 80)};
  EXPECT_EQ(common_end(own, Lsn(90), other, Lsn(90))->lsn, Lsn(79));
  other[2].chain = id_of<Chain>(99);
  EXPECT_EQ(common_end(own, Lsn(90), other, Lsn(90))->lsn, Lsn(49));
}

TEST(CommonEnd, OfStrangersIsNone) {
  EXPECT_FALSE(common_end(kOne, Lsn(10), History{epoch(kSecond, 1, 1)}, Lsn(10)));
  EXPECT_FALSE(common_end({}, Lsn(), kOne, Lsn(10)));
  EXPECT_FALSE(common_end(kOne, Lsn(10), {}, Lsn()));
}

TEST(FirstForeign, IsWhereAnotherLineageBegins) {
  EXPECT_EQ(first_foreign(kOne, kEnded), 1u);
  EXPECT_EQ(first_foreign(kPromoted, kEnded), 1u);
  EXPECT_EQ(first_foreign(kOne, kPromoted), std::nullopt) << "an epoch of a known lineage is no other lineage";
  EXPECT_EQ(first_foreign(kEnded, kOne), std::nullopt);
}

// --- fencing

FenceEvidence fencing() {
  FenceEvidence e;
  e.instance = id_of<InstanceId>(1);
  e.own_lsn = Lsn(100);
  e.other_lineage = kSecond;
  e.other_reason = "end";
  e.other_instance = id_of<InstanceId>(2);
  e.fork_lsn = Lsn(79);
  e.fork_chain = id_of<Chain>(80);
  e.own_chain_at_fork = id_of<Chain>(80);
  return e;
}
FenceVerdict decide(const FenceEvidence& e) {
  RecordingTrace recording;
  NoTrace silent;
  const auto verdict = decide_fence(e, recording);
  EXPECT_EQ(decide_fence(e, silent), verdict);
  EXPECT_EQ(not_holding(recording), verdict == FenceVerdict::kProven ? Names{} : Names{"AUTH-3"});
  return verdict;
}

TEST(Fence, IsProvenByTheNodesOwnChainAtTheFork) {
  EXPECT_EQ(decide(fencing()), FenceVerdict::kProven);
  auto e = fencing();
  e.own_lsn = e.fork_lsn;
  EXPECT_EQ(decide(e), FenceVerdict::kProven) << "it gave up nothing, and still holds no authority any more";
}

TEST(Fence, NeedsEveryPartOfTheProof) {
  const std::pair<std::string_view, std::function<void(FenceEvidence&)>> cases[] = {
      {"another chain", [](auto& e) { e.own_chain_at_fork = id_of<Chain>(81); }},
      {"a fork beyond this log", [](auto& e) { e.own_lsn = Lsn(78); }},
      {"a lineage of this very node", [](auto& e) { e.other_instance = e.instance; }},
      {"a restore, which gives nobody up", [](auto& e) { e.other_reason = "restore"; }},
  };
  for (const auto& [what, spoil] : cases) {
    auto e = fencing();
    spoil(e);
    EXPECT_EQ(decide(e), FenceVerdict::kUnproven) << what;
  }
}

TEST(Fence, IsUndeterminedWhereTheChainIsNotHeldAnyMore) {
  auto e = fencing();
  e.own_chain_at_fork.reset();
  EXPECT_EQ(decide(e), FenceVerdict::kUndetermined);
  RecordingTrace trace;
  (void)decide_fence(e, trace);
  EXPECT_EQ(trace.entries()[0].missing, std::vector<std::string>{"own_chain_at_fork"});
}

// --- following

FollowEvidence following(const History& own, uint64_t own_end, const History& theirs, uint64_t their_end) {
  auto e = compare_histories(own, Lsn(own_end), theirs, Lsn(their_end));
  e.cluster = e.source_cluster = id_of<ClusterId>(7);
  e.own_chain = id_of<Chain>(static_cast<uint8_t>(own_end + 1));
  return e;
}
struct Followed {
  FollowVerdict verdict;
  Names failing;
  friend bool operator==(const Followed&, const Followed&) = default;
};
Followed decide(const FollowEvidence& e) {
  RecordingTrace recording;
  NoTrace silent;
  const auto verdict = decide_follow(e, recording);
  EXPECT_EQ(decide_follow(e, silent), verdict);
  EXPECT_EQ(recording.entries().size(), 2u);
  return {verdict, not_holding(recording)};
}
constexpr auto kFollows = FollowVerdict::kFollows;
constexpr auto kBehind = FollowVerdict::kSourceBehind;
constexpr auto kChanged = FollowVerdict::kLineageChanged;

TEST(Follow, OneHistory) {
  EXPECT_EQ(decide(following(kOne, 10, kOne, 20)), (Followed{kFollows, {}}));
  EXPECT_EQ(decide(following(kOne, 49, kPromoted, 60)), (Followed{kFollows, {}}));
  EXPECT_EQ(decide(following({}, 0, kEnded, 90)), (Followed{kFollows, {}})) << "an empty log adopts";
  EXPECT_EQ(decide(following(kEnded, 85, kEnded, 90)), (Followed{kFollows, {}}));
}

TEST(Follow, SourceThatHasNotReachedThisEpochIsBehind) {
  EXPECT_EQ(decide(following(kPromoted, 60, kOne, 49)), (Followed{kBehind, {"REPL-7"}}));
  EXPECT_EQ(decide(following(kOne, 10, {}, 0)).verdict, kBehind);
}

TEST(Follow, SourceThatWentOnElsewhereIsRefused) {
  EXPECT_EQ(decide(following(kPromoted, 60, kOne, 50)).verdict, kChanged) << "it holds another record where epoch 2 is";
  EXPECT_EQ(decide(following(kOne, 50, kPromoted, 60)), (Followed{kChanged, {"REPL-7"}}));
  EXPECT_EQ(decide(following(kPromoted, 60, kEnded, 90)).verdict, kChanged);
  EXPECT_EQ(decide(following(kOne, 10, History{epoch(kSecond, 1, 1)}, 20)).verdict, kChanged);
  auto e = following(kOne, 10, kOne, 20);
  e.source_cluster = id_of<ClusterId>(8);
  EXPECT_EQ(decide(e).verdict, FollowVerdict::kLineageUnknown);
}

TEST(Follow, AnotherLineageNeedsAcceptanceAndAForkThatThisLogHasNotPassed) {
  auto e = following(kOne, 79, kEnded, 90);
  EXPECT_EQ(decide(e), (Followed{kChanged, {"REPL-10"}}));
  e.accepted_lineage = kThird;
  EXPECT_EQ(decide(e), (Followed{kChanged, {"REPL-10"}}));
  e.accepted_lineage = kSecond;
  EXPECT_EQ(decide(e), (Followed{kFollows, {}}));
  e.own_chain = id_of<Chain>(99);
  EXPECT_EQ(decide(e), (Followed{kChanged, {"REPL-10"}})) << "other bytes at the fork";

  auto shorter = following(kOne, 60, kEnded, 90);
  shorter.accepted_lineage = kSecond;
  EXPECT_EQ(decide(shorter), (Followed{kFollows, {}})) << "the chain is compared on the way to the fork";
  auto beyond = following(kOne, 80, kEnded, 90);
  beyond.accepted_lineage = kSecond;
  EXPECT_EQ(decide(beyond), (Followed{kChanged, {"REPL-7"}}));
}

TEST(Follow, AcceptanceIsOfTheLineageThatTheSourceIsOnNow) {
  History further = kEnded;
  further.push_back(epoch(kThird, 3, 90));
  auto e = following(kOne, 79, further, 95);
  e.accepted_lineage = kSecond;
  EXPECT_EQ(decide(e).verdict, kChanged);
  e.accepted_lineage = kThird;
  EXPECT_EQ(decide(e).verdict, kFollows);
}

// --- ending a lineage

PeerEvidence peer(std::string name, uint64_t durable) {
  PeerEvidence e;
  e.name = std::move(name);
  e.answered = true;
  e.instance = id_of<InstanceId>(static_cast<uint8_t>(durable));
  e.durable_lsn = Lsn(durable);
  return e;
}
EndLineageEvidence ending() {
  EndLineageEvidence e;
  e.node = "r1";
  e.state = NodeState::kReady;
  e.log_validated = true;
  e.role = Role::kReplica;
  e.lineage = kFirst;
  e.epoch = Epoch(1);
  e.authority_node = "p";
  e.authority_instance = id_of<InstanceId>(200);
  e.own_lsn = Lsn(79);
  e.lost = "p";
  e.peers = {peer("r2", 70), peer("r3", 79)};
  return e;
}
struct Ended {
  EndLineageDecision decision;
  Names failing;
};
Ended decide(const EndLineageEvidence& e) {
  RecordingTrace recording;
  NoTrace silent;
  const auto decision = decide_end_lineage(e, recording);
  EXPECT_EQ(decide_end_lineage(e, silent), decision);
  EXPECT_EQ(recording.entries().size(), 3u);
  return {decision, not_holding(recording)};
}

void seal(EndLineageEvidence& e, const std::string& successor) {
  e.seal_lsn = Lsn(79);
  e.seal_successor = successor;
}

TEST(EndLineage, IsGrantedOnAllOfTheEvidence) {
  EXPECT_EQ(decide(ending()).decision, EndLineageDecision::kGranted);
  auto alone = ending();
  alone.peers.clear();
  EXPECT_EQ(decide(alone).decision, EndLineageDecision::kGranted);
  auto sibling = ending();
  sibling.peers[0].own_departs_lsn = Lsn(50);  // an epoch behind, whatever it wrote there
  sibling.peers[0].durable_lsn = Lsn(90);
  EXPECT_EQ(decide(sibling).decision, EndLineageDecision::kGranted);
}

TEST(EndLineage, EachPartAloneSpeaksAgainstIt) {
  struct Case {
    std::string_view what;
    std::function<void(EndLineageEvidence&)> spoil;
    Names failing;
    EndLineageDecision decision = EndLineageDecision::kDenied;
  };
  using E = EndLineageEvidence;
  const Case cases[] = {
      {"halted", [](E& e) { e.state = NodeState::kHalted; }, {"AUTH-15"}},
      {"fenced", [](E& e) { e.fenced = true; }, {"AUTH-15"}},
      {"not validated", [](E& e) { e.log_validated = false; }, {"AUTH-15"}},
      {"primary", [](E& e) { e.role = Role::kPrimary; }, {"AUTH-15"}},
      {"sealed itself", [](E& e) { e.role = Role::kSealed; }, {"AUTH-15"}},
      {"an empty log", [](E& e) { e.lineage.reset(); }, {"AUTH-15"}},
      {"a seal at its end", [](E& e) { seal(e, "q"); }, {"AUTH-15"}},
      {"another node lost", [](E& e) { e.lost = "q"; }, {"AUTH-15"}},
      {"a silent peer", [](E& e) { e.peers[0].answered = false; }, {"AUTH-13"}, EndLineageDecision::kUndetermined},
      {"a further peer", [](E& e) { e.peers[1].durable_lsn = Lsn(80); }, {"AUTH-14"}},
      {"a peer in a later epoch", [](E& e) { e.peers[0].departs_lsn = Lsn(71); }, {"AUTH-14"}},
      {"a peer with a seal",
       [](E& e) {
         e.peers[0].seal_lsn = Lsn(70);
         e.peers[0].seal_successor = "q";
       },
       {"AUTH-14"}},
      {"the lost node by name", [](E& e) { e.peers[0].name = "p"; }, {"AUTH-14"}},
      {"the lost node by instance", [](E& e) { e.peers[0].instance = e.authority_instance; }, {"AUTH-14"}},
      {"a silent peer and a further one",
       [](E& e) {
         e.peers[0].answered = false;
         e.peers[1].durable_lsn = Lsn(80);
       },
       {"AUTH-13", "AUTH-14"}},
  };
  for (const auto& row : cases) {
    auto e = ending();
    row.spoil(e);
    const auto outcome = decide(e);
    EXPECT_EQ(outcome.decision, row.decision) << row.what;
    EXPECT_EQ(outcome.failing, row.failing) << row.what;
  }
}

// The successor alone could have answered the seal, so it is its loss that ends the lineage.
TEST(EndLineage, ASealForTheLostNodeDoesNotStandInTheWay) {
  auto e = ending();
  seal(e, e.lost);
  e.authority_node = "sealed";
  e.peers[0].instance = e.authority_instance;  // the node that sealed itself lives
  e.peers[0].seal_lsn = e.seal_lsn;
  e.peers[0].seal_successor = e.lost;
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kGranted);
  e.lost = "sealed";
  EXPECT_EQ(decide(e).failing, (Names{"AUTH-15", "AUTH-14"})) << "who sealed itself has nothing left to lose";
  e = ending();
  seal(e, e.lost);
  e.peers[0].name = e.lost;
  EXPECT_EQ(decide(e).failing, Names{"AUTH-14"}) << "the successor answers";
}

TEST(EndLineage, AbsentIsWhomTheOperatorNamedAndAnAnswerCountsAllTheSame) {
  auto e = ending();
  e.peers[0].answered = false;
  e.peers[0].absent = true;
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kGranted);
  e.peers[1].absent = true;
  e.peers[1].durable_lsn = Lsn(80);
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kDenied);
}

#if AERODB_FAULTS
TEST(Fence, PlantedClaimIsTaken) {
  auto e = fencing();
  e.own_chain_at_fork = id_of<Chain>(81);
  const Planted fault(Fault::kFencedOnClaim);
  EXPECT_EQ(decide(e), FenceVerdict::kProven);
}
TEST(Follow, PlantedForkIsIgnored) {
  const auto e = following(kOne, 85, kEnded, 90);
  const Planted fault(Fault::kForkIgnored);
  EXPECT_EQ(decide(e).verdict, kFollows);
}
TEST(EndLineage, PlantedSilenceCountsAsAbsence) {
  auto e = ending();
  e.peers[0].answered = false;
  const Planted fault(Fault::kAbsentAssumed);
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kGranted);
}
TEST(EndLineage, PlantedFurtherPeerIsIgnored) {
  auto e = ending();
  e.peers[1].durable_lsn = Lsn(80);
  const Planted fault(Fault::kFurtherPeerIgnored);
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kGranted);
}
TEST(EndLineage, PlantedSealIsEnded) {
  auto e = ending();
  seal(e, "q");
  const Planted fault(Fault::kSealedLineageEnded);
  EXPECT_EQ(decide(e).decision, EndLineageDecision::kGranted);
}
#endif

}  // namespace
}  // namespace aerodb::rules
