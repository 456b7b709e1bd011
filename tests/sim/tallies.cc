#include "tests/sim/tallies.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/node/repairs.h"
#include "common/rules/registry.h"
#include "shipper/source_core.h"
#include "shipper/target_core.h"

namespace aerodb::sim {
namespace {

using rules::RuleId;

struct RuleOutcome {
  RuleId rule;
  const char* outcomes;  // of "tfu": true, false, undetermined
};
// What decisions of the kernel come by in the simulation.
constexpr RuleOutcome kRequired[] = {
    {RuleId::kRepl1, "t"},   {RuleId::kRepl2, "tf"},  {RuleId::kRepl4, "t"},   {RuleId::kRepl5, "tf"},
    {RuleId::kRepl7, "tf"},  {RuleId::kRepl8, "tf"},  {RuleId::kRepl10, "tf"}, {RuleId::kAuth1, "tf"},
    {RuleId::kAuth2, "tf"},  {RuleId::kAuth3, "tf"},  {RuleId::kAuth4, "tu"},  {RuleId::kAuth5, "tf"},
    {RuleId::kAuth6, "tf"},  {RuleId::kAuth7, "t"},   {RuleId::kAuth8, "t"},   {RuleId::kAuth9, "tf"},
    {RuleId::kAuth10, "tf"}, {RuleId::kAuth11, "tf"}, {RuleId::kAuth12, "tf"}, {RuleId::kAuth13, "tu"},
    {RuleId::kAuth14, "tf"}, {RuleId::kAuth15, "tf"}, {RuleId::kFail2, "tf"},  {RuleId::kMvcc4, "tf"},
};
constexpr std::string_view kEvaluations = "ftu";  // in the order of rules::Evaluation
constexpr std::string_view kEvaluationNames[] = {"false", "true", "undetermined"};

size_t index_of(Tally table, size_t row) { return static_cast<size_t>(table) * kTallyRows + row; }

void add_rules(std::vector<TallyName>& names) {
  for (const auto& rule : rules::rule_table()) {
    const auto required = std::ranges::find(kRequired, rule.id, &RuleOutcome::rule);
    for (size_t value = 0; value < std::size(kEvaluationNames); ++value) {
      const bool needed = required != std::end(kRequired) &&
                          std::string_view(required->outcomes).find(kEvaluations[value]) != std::string_view::npos;
      names.push_back({index_of(Tally::kRule, 3 * static_cast<size_t>(rule.id) + value),
                       fmt::format("rule {} {}", rule.name, kEvaluationNames[value]), needed});
    }
  }
}

// Where nothing is tried again there is no reconnecting; the simulation always has some.
bool is_reachable(std::string_view why) { return !why.ends_with("and reconnect_ms is 0"); }

// Between an open session and its first records hardly anything fills up or falls behind: target_core_test.cc does
// that.
bool is_rare(const shipper::TargetTransition& t) {
  using State = shipper::TargetState;
  const bool waits = t.to == State::kWaitingForSource || t.to == State::kFull;
  return waits && (t.from == State::kProving || t.from == State::kStreaming || t.to == State::kFull);
}

void add_transitions(std::vector<TallyName>& names) {
  size_t row = 0;
  for (const auto& t : shipper::source_transitions()) {
    names.push_back({index_of(Tally::kSourceTransition, row++),
                     fmt::format("source {} to {}", source_state_name(t.from), source_state_name(t.to)),
                     is_reachable(t.why) && t.to != shipper::SourceState::kStopped});
  }
  row = 0;
  for (const auto& t : shipper::target_transitions()) {
    names.push_back({index_of(Tally::kTargetTransition, row++),
                     fmt::format("target {} to {}", target_state_name(t.from), target_state_name(t.to)),
                     is_reachable(t.why) && !is_rare(t)});
  }
}

void add_repairs(std::vector<TallyName>& names) {
  using node::RepairKind;
  using node::RepairStage;
  for (const auto kind : {RepairKind::kResume, RepairKind::kBootstrap, RepairKind::kExport}) {
    for (size_t stage = 0; stage < node::kRepairStages; ++stage) {
      const auto name = node::repair_stage_name(static_cast<RepairStage>(stage));
      names.push_back({index_of(Tally::kRepairStage, node::kRepairStages * static_cast<size_t>(kind) + stage),
                       fmt::format("{} {}", node::repair_kind_name(kind), name),
                       kind == RepairKind::kBootstrap && static_cast<RepairStage>(stage) != RepairStage::kWriting &&
                           static_cast<RepairStage>(stage) != RepairStage::kReopening});
    }
  }
}

}  // namespace

const std::vector<TallyName>& tally_names() {
  static const std::vector<TallyName> kNames = [] {
    std::vector<TallyName> names;
    add_rules(names);
    add_transitions(names);
    add_repairs(names);
    return names;
  }();
  return kNames;
}

}  // namespace aerodb::sim
