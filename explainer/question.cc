#include "explainer/question.h"

namespace aerodb::explainer {

void Question::start() {
  auto node = parts_.peers.node(node_name_);
  if (!node) return refuse(std::move(node.error()));
  node_ = *node;
  auto admission = node_->admit();
  if (!admission) return refuse(std::move(admission.error()));
  admission_ = std::move(*admission);
  ask();
}

void Question::explained(const Result<wire::ExplanationResponse>& answer) {
  if (!answer) return refuse(answer.error());
  auto notes = std::move(report_.notes);
  report_ = open_report(node_->name(), type_, *answer);
  report_.notes = std::move(notes);
  compare();
}

bool Question::turn_to_next() {
  const auto& nodes = parts_.peers.nodes();
  if (turn_ < nodes.size() && nodes[turn_].get() == node_) ++turn_;
  if (turn_ == nodes.size()) return false;
  other_ = nodes[turn_++].get();
  return true;
}

void Question::finish(Checked checked, Agrees agrees, std::string why) {
  report_.evidence = {checked, agrees, std::move(why)};
  record_verdicts(parts_, method_, report_);
  done_(std::move(report_));
}

void record_verdicts(WitnessParts parts, std::string_view method, const WitnessReport& report) {
  parts.metrics.add(observe::MetricId::kExplainerVerdictsCount);
  if (report.rules.follow && report.evidence.agrees != Agrees::kFalse) return;
  parts.metrics.add(observe::MetricId::kExplainerMismatchesCount);
  parts.log.write(LogLevel::kError, "explainer.mismatch",
                  {{"node", report.node},
                   {"method", std::string(method)},
                   {"rules_follow", report.rules.follow},
                   {"rules_follow_why", report.rules.why},
                   {"evidence_checked", std::string(checked_name(report.evidence.checked))},
                   {"evidence_agrees", std::string(agrees_name(report.evidence.agrees))},
                   {"evidence_why", report.evidence.why}});
}

}  // namespace aerodb::explainer
