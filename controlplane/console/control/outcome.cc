// aerodb outcome.
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Outcome final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "outcome",
            .summary = "Shows what a node's log records of a command.",
            .example = "aerodb outcome r1 7c9e6679f42e4b0c8a1d2f3e4b5a6c7d --config configs/local",
            .notes = "For a command whose answer was lost. no_effect_recorded holds as of the receipt beside it.",
            .advice = Advice::kNone,
            .json = {shape_of<wire::ControlOutcomeResponse>}};
  }
  void declare(Options& options) override {
    options.argument("NODE", request_.node, "node that was to carry it out");
    options.argument("REQUEST_ID", request_.request_id, "as the explanation gave it");
    desk_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    auto answer = (*session)->ask(wire::kCommandOutcome, request_);
    if (!answer) return fail(std::move(answer.error()));
    output.message(*answer);
    return ExitCode::kOk;
  }

 private:
  wire::CommandOutcomeRequest request_;
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_outcome() { return std::make_unique<Outcome>(); }

}  // namespace aerodb::console
