// aerodb explain recovery, explain checkpoint, explain halt: what a node says of itself.
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class ExplainNode final : public ExplainVerb {
 public:
  using Direct = wire::Method<wire::Empty, wire::ExplanationResponse>;
  using Witness = wire::Method<wire::WitnessNodeRequest, wire::WitnessResponse>;
  ExplainNode(VerbText text, const Direct& direct, const Witness& witness)
      : text_(std::move(text)), direct_(direct), witness_(witness) {}
  [[nodiscard]] VerbText text() const override { return text_; }
  void declare(Options& options) override { declare_target(options); }
  Result<ExitCode> run(Output& output) override { return ask(direct_, {}, witness_, {node()}, output); }

 private:
  VerbText text_;
  Direct direct_;
  Witness witness_;
};

}  // namespace

std::unique_ptr<Verb> make_explain_recovery() {
  VerbText text{.path = "explain recovery",
                .summary = "Proves what a node's last start did, and why its log ends where it does.",
                .example = "aerodb explain recovery --node p1",
                .notes = "Of a node that does not start: aerodb-explainer --data-dir DIR.",
                .json = explanation_json()};
  return std::make_unique<ExplainNode>(std::move(text), wire::kExplainRecovery, wire::kWitnessRecovery);
}
std::unique_ptr<Verb> make_explain_checkpoint() {
  VerbText text{.path = "explain checkpoint",
                .summary = "Proves whether the checkpoint that a node holds is safe.",
                .example = "aerodb explain checkpoint --node p1",
                .json = explanation_json()};
  return std::make_unique<ExplainNode>(std::move(text), wire::kExplainCheckpoint, wire::kWitnessCheckpoint);
}
std::unique_ptr<Verb> make_explain_halt() {
  VerbText text{.path = "explain halt",
                .summary = "Shows whether a node has halted or is fenced, by which rule, and what it refuses.",
                .example = "aerodb explain halt --node r1",
                .json = explanation_json()};
  return std::make_unique<ExplainNode>(std::move(text), wire::kExplainHalt, wire::kWitnessHalt);
}

}  // namespace aerodb::console
