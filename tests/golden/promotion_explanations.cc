// promotion.decision
#include "common/rules/promotion_rules.h"

#include <functional>

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

// Of epoch 2, started by r1 behind the seal of p1 at LSN 41; as r1 kept it.
PromotionEvidence promotion() {
  PromotionEvidence e;
  e.epoch = Epoch(2);
  e.lineage = kLineage;
  e.started_by = "promotion";
  e.start_lsn = Lsn(42);
  e.start_commit = CommitId(38);
  e.start_chain = id_of<Chain>(0xc1);
  e.digest = id_of<Digest>(0xd1);
  e.node = "r1";
  e.instance = id_of<InstanceId>(0x21);
  e.request_id = "request-7";
  e.operator_name = "ada";
  e.reason = "planned";
  e.answers_seal_lsn = Lsn(41);
  e.previous_epoch = Epoch(1);
  e.previous_node = "p1";
  e.previous_instance = id_of<InstanceId>(0x11);
  e.seal_lsn = Lsn(41);
  e.seal_number = 1;
  e.seal_successor = "r1";
  e.seal_successor_instance = id_of<InstanceId>(0x21);
  e.seal_chain = id_of<Chain>(0xc1);
  e.state = NodeState::kReady;
  e.fenced = false;
  e.log_validated = true;
  e.declined_here = false;
  e.durable_lsn = Lsn(41);
  e.durable_commit = CommitId(38);
  return e;
}

void forget_kept(PromotionEvidence& e) {
  e.state.reset();
  e.fenced.reset();
  e.log_validated.reset();
  e.declined_here.reset();
  e.durable_lsn.reset();
  e.durable_commit.reset();
  e.lost.reset();
  e.peers.reset();
}

// p1 itself, with the decline of r1.
PromotionEvidence own_seal() {
  auto e = promotion();
  e.node = "p1";
  e.instance = id_of<InstanceId>(0x11);
  e.decline_seal_lsn = Lsn(41);
  e.decline_node = "r1";
  e.decline_instance = id_of<InstanceId>(0x21);
  return e;
}

// r1 ended the lineage of p1; r2 is absent, r3 answered.
PromotionEvidence end() {
  auto e = promotion();
  e.started_by = "end";
  e.lineage = id_of<LineageId>(0x2e);
  e.parent = kLineage;
  e.answers_seal_lsn.reset();
  e.seal_lsn.reset();
  e.seal_number.reset();
  e.seal_successor.reset();
  e.seal_successor_instance.reset();
  e.seal_chain.reset();
  e.declined_here.reset();
  e.durable_lsn.reset();
  e.durable_commit.reset();
  e.lost = "p1";
  e.peers.emplace();
  e.peers->push_back({"p1", false, false, {}, {}, {}, {}, {}, {}});
  e.peers->back().absent = true;
  e.peers->push_back({"r3", false, true, id_of<InstanceId>(0x23), Lsn(40), {}, {}, {}, {}});
  return e;
}

PromotionEvidence first(std::string started_by) {
  auto e = promotion();
  forget_kept(e);
  e.epoch = Epoch(1);
  e.started_by = std::move(started_by);
  e.start_lsn = Lsn(1);
  e.start_commit = CommitId(0);
  e.node = "p1";
  e.answers_seal_lsn.reset();
  e.previous_epoch.reset();
  e.previous_node.reset();
  e.previous_instance.reset();
  e.seal_lsn.reset();
  e.seal_number.reset();
  e.seal_successor.reset();
  e.seal_successor_instance.reset();
  e.seal_chain.reset();
  return e;
}

struct PromotionChange {
  std::string name;
  std::function<void(PromotionEvidence&)> change;
};

}  // namespace

std::vector<Golden> promotion_explanations() {
  std::vector<Golden> list = {{"promotion-granted", explain_promotion(promotion())},
                              {"promotion-granted-on-a-decline", explain_promotion(own_seal())},
                              {"promotion-end-granted", explain_promotion(end())},
                              {"promotion-none-init", explain_promotion(first("init"))},
                              {"promotion-none-restore", explain_promotion(first("restore"))}};
  const PromotionChange of_promotion[] = {
      {"promotion-undetermined", forget_kept},
      {"promotion-undetermined-declines", [](auto& e) { e.declined_here.reset(); }},
      {"promotion-undetermined-validation", [](auto& e) { e.log_validated.reset(); }},
      {"promotion-incomplete",
       [](auto& e) {
         forget_kept(e);
         e.failed_code = "BAD_NODE_FILE";
       }},
      {"promotion-denied-halted", [](auto& e) { e.state = NodeState::kHalted; }},
      {"promotion-denied-not-validated", [](auto& e) { e.log_validated = false; }},
      {"promotion-denied-declined", [](auto& e) { e.declined_here = true; }},
      {"promotion-denied-seal-of-another",
       [](auto& e) {
         forget_kept(e);
         e.seal_successor = "r2";
       }},
      {"promotion-denied-without-seal",
       [](auto& e) {
         e.seal_lsn.reset();
         e.seal_successor.reset();
         e.seal_successor_instance.reset();
       }},
      {"promotion-denied-behind-other-records", [](auto& e) { e.start_lsn = Lsn(43); }},
  };
  for (const auto& [name, change] : of_promotion) {
    auto evidence = promotion();
    change(evidence);
    list.push_back({name, explain_promotion(evidence)});
  }
  const PromotionChange of_end[] = {
      {"promotion-end-undetermined", forget_kept},
      {"promotion-end-undetermined-silent-peer", [](auto& e) { (*e.peers)[0].absent = false; }},
      {"promotion-end-denied-further-peer", [](auto& e) { (*e.peers)[1].durable_lsn = Lsn(44); }},
      {"promotion-end-denied-other-holder", [](auto& e) { e.lost = "r2"; }},
  };
  for (const auto& [name, change] : of_end) {
    auto evidence = end();
    change(evidence);
    list.push_back({name, explain_promotion(evidence)});
  }
  return list;
}

}  // namespace aerodb::rules::golden
