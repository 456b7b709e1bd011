// Answers to the operator's commands, against the history.
#include <fmt/format.h>

#include "common/rules/rederive.h"
#include "tests/sim/model.h"

namespace aerodb::sim {

void Model::check_demoted(const Asked& asked, const wire::ControlDemoteResponse& answer) {
  on_each_stay(asked, [&](const View& view) {
    check_receipt("demote", view, std::nullopt, answer.receipt);
    if (failed()) return;
    const auto seal = view.history.seals.find(answer.seal_lsn);
    if (seal == view.history.seals.end())
      return fail(fmt::format("demote {}: answered before the seal at LSN {} was durable", name(asked.node),
                              answer.seal_lsn.value()));
    if (seal->second.successor != answer.successor || seal->second.instance != answer.successor_instance)
      fail(fmt::format("demote {}: the seal names another successor", name(asked.node)));
  });
}

void Model::check_promoted(const Asked& asked, const wire::ControlPromoteResponse& answer) {
  on_each_stay(asked, [&](const View& view) {
    check_receipt("promote", view, std::nullopt, answer.receipt);
    if (failed()) return;
    const auto number = answer.epoch.value();
    const History::EpochFacts* epoch = view.history.epoch(answer.epoch);
    if (epoch == nullptr) return fail(fmt::format("promote {}: epoch {} has not started", name(asked.node), number));
    if (epoch->lsn != answer.epoch_start_lsn || epoch->seal_lsn != answer.seal_lsn)
      return fail(fmt::format("promote {}: the record of epoch {} stands elsewhere", name(asked.node), number));
    if (epoch->instance != view.stay.instance)
      fail(fmt::format("promote {}: epoch {} is another node's", name(asked.node), number));
  });
}

void Model::check_declined(const Asked& asked, const wire::ControlDeclineResponse& answer) {
  count(Counter::kDeclines);
  on_each_stay(asked, [&](const View& view) {
    const auto place = view.history.seals.find(answer.seal_lsn);
    if (place == view.history.seals.end())
      return fail(fmt::format("decline by {}: there is no seal at LSN {}", name(asked.node), answer.seal_lsn.value()));
    if (place->second.instance != view.stay.instance)
      return fail(fmt::format("decline by {}: the seal names {}", name(asked.node), place->second.successor));
    for (const auto& epoch : view.history.epochs) {
      if (epoch.seal_lsn == answer.seal_lsn && epoch.by_successor)
        return fail(fmt::format("decline by {}: it promoted on that seal (AUTH-12)", name(asked.node)));
    }
    // On every branch that has this seal.
    const Chain chain = view.history.at(answer.seal_lsn).chain;
    for (History& history : branches_) {
      const auto seal = history.seals.find(answer.seal_lsn);
      if (seal != history.seals.end() && history.at(answer.seal_lsn).chain == chain) seal->second.declined = true;
    }
  });
}

void Model::check_outcome(const Asked& asked, const std::string& request_id,
                          const wire::ControlOutcomeResponse& answer) {
  count(Counter::kOutcomesAsked);
  on_each_stay(asked, [&](const View& view) {
    check_receipt("outcome", view, std::nullopt, answer.receipt);
    if (failed()) return;
    // The last one that the node has.
    std::optional<Lsn> expected;
    if (const auto known = view.history.requests.find(request_id); known != view.history.requests.end()) {
      for (Lsn lsn : known->second) {
        if (lsn <= answer.receipt.lsn) expected = lsn;
      }
    }
    const bool recorded = answer.outcome == "recorded";
    if (recorded != expected.has_value() || (recorded && answer.lsn != expected)) {
      fail(fmt::format("outcome of {} on {}: {}; the history has it at LSN {}", request_id, name(asked.node),
                       answer.outcome, expected.value_or(Lsn()).value()));
    }
  });
}

void Model::check_control_explanation(const wire::ExplanationResponse& answer) {
  if (failed()) return;
  document::Tape tape;
  if (!tape.parse(answer.explanation.bytes)) return fail("control.explain: not an object");
  auto again = rules::rederive(tape.root());
  if (!again) return fail("control.explain: " + again.error().message);
  if (!again->follows) return fail("control.explain: the rules give another explanation, first at " + again->why);
  count(Counter::kExplanationsRederived);
}

}  // namespace aerodb::sim
