// promotion.decision: why an epoch could begin, from the log of any node and from what the deciding one kept.
#include <gtest/gtest.h>

#include "common/engine/promotion_evidence.h"
#include "tests/unit/engine/explanation_kit.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;
using sim::FaultKind;

const std::string kPromotionRules = "AUTH-7 AUTH-8 AUTH-4 AUTH-5 AUTH-6 AUTH-11 AUTH-2 ";
const std::string kEndRules = "AUTH-15 AUTH-13 AUTH-14 ";
const LineageId kNew = id_of<LineageId>(0x2e);

rules::PromotionEvidence evidence_of(TestNode& node, std::optional<Epoch> epoch = std::nullopt) {
  auto found = find_epoch_start(node.engine->state_data().authority_records(), node.engine->visible().lsn, epoch);
  EXPECT_TRUE(found) << found.error().message;
  add_decision(node.process->blocking_disk(), "/d", *found);
  return found->evidence;
}
Shown shown_by(TestNode& node, std::optional<Epoch> epoch = std::nullopt) {
  return Shown(rules::explain_promotion(evidence_of(node, epoch)));
}
// As the answer of a promotion waits for it.
void keep(TestNode& node, Lsn lsn) {
  bool kept = false;
  node.engine->keep_decision(lsn, [&] { kept = true; });
  node.run();
  EXPECT_TRUE(kept);
}

// `a` seals for `b`, which is promoted; `c` follows.
struct Promoted {
  Promoted()
      : world(1, {}),
        a(world, {.name = "a", .instance = 1}),
        b(world, {.name = "b", .instance = 2, .primary = false}),
        c(world, {.name = "c", .instance = 3, .primary = false}) {
    for (auto* node : {&a, &b, &c}) EXPECT_FALSE(node->start());
    EXPECT_TRUE(a.register_schema(kSchema1));
    EXPECT_TRUE(a.write({insert("x")}));
    EXPECT_TRUE(a.demote(demotion(b, "seal-1")));
    EXPECT_FALSE(ship(a, b));
    outcome = *b.promote(promotion("start-1"));
  }
  void follow() {
    for (auto* to : {&a, &c}) EXPECT_FALSE(ship(b, *to));
  }
  sim::SimWorld world;
  TestNode a, b, c;
  AuthorityOutcome outcome;
};

TEST(PromotionExplanation, HasEveryRuleInOrder) {
  Promoted n;
  keep(n.b, n.outcome.record_lsn);
  const auto granted = shown_by(n.b);
  EXPECT_EQ(granted.rules, kPromotionRules);
  EXPECT_EQ(granted.broken, "AUTH-11 ") << "nobody declined, and nobody had to";
  EXPECT_EQ(granted.open, "");
  EXPECT_EQ(granted.said("status"), "\"granted\"");
  EXPECT_EQ(granted.said("epoch"), "2");
  const auto first = shown_by(n.b, Epoch(1));
  EXPECT_EQ(first.rules, "AUTH-1 ");
  EXPECT_EQ(first.said("status"), "\"no promotion decided it\"");
  EXPECT_EQ(first.said("started_by"), "\"init\"");
}

TEST(PromotionExplanation, EvidenceIsWhatTheLogRecordsAndWhatWasKept) {
  Promoted n;
  keep(n.b, n.outcome.record_lsn);
  ASSERT_TRUE(n.b.write({insert("y")}));
  const auto e = evidence_of(n.b);
  const auto& epoch = n.b.engine->visible_authority().ancestry().back();
  EXPECT_EQ(e.start_lsn, epoch.first_lsn);
  EXPECT_EQ(e.start_commit, epoch.first_commit);
  EXPECT_EQ(e.start_chain, epoch.chain);
  EXPECT_EQ(e.node, "b");
  EXPECT_EQ(e.request_id, "start-1");
  EXPECT_EQ(e.operator_name, "ada");
  EXPECT_EQ(e.reason, "planned");
  EXPECT_EQ(e.answers_seal_lsn, n.outcome.seal_lsn);
  EXPECT_EQ(e.seal_lsn, n.outcome.seal_lsn);
  EXPECT_EQ(e.seal_chain, epoch.chain) << "the seal is the record before";
  EXPECT_EQ(e.previous_node, "a");
  EXPECT_EQ(e.state, rules::NodeState::kReady);
  EXPECT_EQ(e.declined_here, false);
  EXPECT_EQ(e.durable_lsn, n.outcome.seal_lsn) << "as it was then, not as it is now";
  EXPECT_EQ(e.digest, n.a.engine->visible().digest);
  auto& disk = n.b.process->blocking_disk();
  const auto kept = **read_decision(disk, "/d", n.outcome.record_lsn);
  EXPECT_EQ(kept.chain_after, n.outcome.position.chain);
  EXPECT_EQ(encode_decision(kept), *runtime::read_file(disk, "/d/authority/decision-5", 1 << 20));
}

TEST(PromotionExplanation, SaysTheSameTwiceAfterAStartAndBelowACheckpoint) {
  Promoted n;
  keep(n.b, n.outcome.record_lsn);
  const auto before = shown_by(n.b);
  EXPECT_EQ(shown_by(n.b).json, before.json);
  n.b.restart(CrashKind::kPower);
  EXPECT_EQ(shown_by(n.b).json, before.json);
  ASSERT_FALSE(n.b.checkpoint());
  n.b.restart(CrashKind::kProcess);
  EXPECT_EQ(n.b.engine->recovery().records_replayed, 0u);
  EXPECT_EQ(shown_by(n.b, Epoch(2)).json, before.json);
  n.follow();
  EXPECT_EQ(shown_by(n.a).json, shown_by(n.c).json) << "the log says the same of it everywhere";
}

TEST(PromotionExplanation, WhatAnotherNodeDidNotKeepIsMissing) {
  Promoted n;
  keep(n.b, n.outcome.record_lsn);
  n.follow();
  const auto elsewhere = shown_by(n.c);
  EXPECT_EQ(elsewhere.rules, kPromotionRules);
  EXPECT_EQ(elsewhere.open, "AUTH-7 AUTH-8 AUTH-6 ");
  EXPECT_EQ(elsewhere.missing("AUTH-7"), R"(["state"])");
  EXPECT_EQ(elsewhere.missing("AUTH-6"), R"(["declined_here"])");
  EXPECT_EQ(elsewhere.said("status"), "\"undetermined\"");
  EXPECT_EQ(elsewhere.said("reason"), "\"AUTH-7: state was not kept on this node\"");
}

TEST(PromotionExplanation, ACrashBetweenRecordAndFileLeavesItUndetermined) {
  Promoted n;
  n.b.restart(CrashKind::kProcess);
  EXPECT_EQ(shown_by(n.b).said("status"), "\"undetermined\"");
  keep(n.b, n.outcome.record_lsn);  // nothing to keep any more, and nobody waits for ever
  EXPECT_EQ(shown_by(n.b).said("status"), "\"undetermined\"");
}

TEST(PromotionExplanation, ADamagedFileLeavesItIncomplete) {
  Promoted n;
  keep(n.b, n.outcome.record_lsn);
  ASSERT_TRUE(n.b.machine.disk().damage("/d/authority/decision-5", 30, 1));
  const auto shown = shown_by(n.b);
  EXPECT_EQ(shown.said("status"), "\"incomplete\"");
  EXPECT_EQ(shown.said("error"), "\"BAD_NODE_FILE\"");
  EXPECT_EQ(shown.said("file"), "\"authority/decision-5\"");
  EXPECT_EQ(shown.open, "AUTH-7 AUTH-8 AUTH-6 ");
}

TEST(PromotionExplanation, AnEpochThatTheLogDoesNotHaveIsRefused) {
  Promoted n;
  const auto& records = n.b.engine->state_data().authority_records();
  EXPECT_EQ(code_of(find_epoch_start(records, n.b.engine->visible().lsn, Epoch(3))), "BAD_REQUEST");
  EXPECT_EQ(code_of(find_epoch_start(records, Lsn(4), Epoch(2))), "BAD_REQUEST") << "not durable yet";
  EXPECT_EQ(code_of(find_epoch_start({}, Lsn(), std::nullopt)), "BAD_REQUEST");
}

TEST(PromotionExplanation, TheSealedNodeItselfIsPromotedByADecline) {
  Promoted n;
  TestNode d(n.world, {.name = "d", .instance = 4, .primary = false});
  ASSERT_FALSE(d.start());
  ASSERT_TRUE(n.b.demote(demotion(d, "seal-2")));
  ASSERT_FALSE(ship(n.b, d));
  const auto statement = d.decline(declining());
  ASSERT_TRUE(statement);
  auto request = promotion("start-2");
  request.decline = *decode_decline(*statement);
  const auto promoted = n.b.promote(request);
  ASSERT_TRUE(promoted);
  keep(n.b, promoted->record_lsn);
  const auto shown = shown_by(n.b);
  EXPECT_EQ(shown.broken, "AUTH-5 ") << "the seal names the other one";
  EXPECT_EQ(shown.said("status"), "\"granted\"");
  EXPECT_EQ(shown.said("epoch"), "3");
}

TEST(PromotionExplanation, TheEndOfALineageShowsWhoWasAsked) {
  Promoted n;
  n.follow();
  rules::PeerEvidence absent{"b", true, false, {}, {}, {}, {}, {}, {}};
  rules::PeerEvidence asked{"a", false, true, n.a.file.instance, n.a.engine->visible().lsn, {}, {}, {}, {}};
  const auto decided = n.c.engine->end_lineage(n.c.engine->end_lineage_evidence("b", {absent, asked}),
                                               {"end-1", "ada", "its disk is gone", std::nullopt}, kNew);
  ASSERT_TRUE(decided.outcome) << decided.outcome.error().message;
  n.c.run();
  const Lsn lsn = decided.outcome->after.lsn;
  const auto before = shown_by(n.c);
  EXPECT_EQ(before.open, kEndRules);
  EXPECT_EQ(before.said("status"), "\"undetermined\"");
  keep(n.c, lsn);
  const auto shown = shown_by(n.c);
  EXPECT_EQ(shown.rules, kEndRules);
  EXPECT_EQ(shown.broken + shown.open, "");
  EXPECT_EQ(shown.said("status"), "\"granted\"");
  const auto e = evidence_of(n.c);
  EXPECT_EQ(e.lost, "b");
  EXPECT_EQ(e.parent, kLineage);
  ASSERT_EQ(e.peers->size(), 2u);
  EXPECT_TRUE((*e.peers)[0].absent);
  EXPECT_EQ((*e.peers)[1].durable_lsn, asked.durable_lsn);
}

TEST(DecisionFile, IsWrittenOnceAndOneOfAnotherLogIsReplacedAndNeverShown) {
  Promoted n;
  auto& disk = n.b.process->blocking_disk();
  Decision foreign{n.outcome.record_lsn, id_of<Chain>(0x77), rules::EndLineageEvidence{}};
  ASSERT_TRUE(keep_decision(disk, "/d", foreign));
  EXPECT_EQ(shown_by(n.b).said("status"), "\"undetermined\"") << "it is of a record with another chain";
  keep(n.b, n.outcome.record_lsn);
  EXPECT_EQ(shown_by(n.b).said("status"), "\"granted\"");
  Decision other{n.outcome.record_lsn, n.outcome.position.chain, rules::AuthorityEvidence{}};
  ASSERT_TRUE(keep_decision(disk, "/d", other));
  EXPECT_EQ(shown_by(n.b).said("status"), "\"granted\"") << "the first one stands";
}

TEST(DecisionFile, IsDurableBeforeAnybodyIsTold) {
  Promoted n;
  bool told = false;
  n.b.engine->keep_decision(n.outcome.record_lsn, [&] { told = true; });
  n.b.engine->keep_decision(n.outcome.record_lsn, [&] { EXPECT_TRUE(told) << "both wait for one file"; });
  while (!told && n.world.step()) {
  }
  ASSERT_TRUE(told);
  n.b.restart(CrashKind::kPower);
  EXPECT_EQ(shown_by(n.b).said("status"), "\"granted\"");
}

TEST(DecisionFile, ADiskThatRefusesIsNamedAndTheEpochStands) {
  Promoted n;
  n.world.options().rate(FaultKind::kCallError) = 1;
  keep(n.b, n.outcome.record_lsn);
  n.world.options().rate(FaultKind::kCallError) = 0;
  EXPECT_EQ(n.b.engine->role(), rules::Role::kPrimary);
  EXPECT_EQ(shown_by(n.b).said("status"), "\"undetermined\"");
}

}  // namespace
}  // namespace aerodb::engine
