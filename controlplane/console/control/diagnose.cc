// aerodb diagnose.
#include "controlplane/console/control/command.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Diagnose final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "diagnose",
            .summary = "Has a running node prove its runs and its log; reads much and changes nothing.",
            .example = "aerodb diagnose p1 --reason 'after the disk was moved' --config configs/local",
            .notes =
                "Shows the node's explanation, which states the cost, then asks for the phrase. The answer is the\n"
                "number of the node's operation: `aerodb operation` and the node's events show how far it is, and\n"
                "what it found.",
            .advice = Advice::kNone,
            .json = command_json()};
  }
  void declare(Options& options) override {
    options.argument("NODE", node_, "the node that reads its own files");
    command_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    return explain_and_confirm(command_.request("diagnose", node_), command_, {}, output);
  }

 private:
  std::string node_;
  CommandOptions command_;
};

}  // namespace

std::unique_ptr<Verb> make_diagnose() { return std::make_unique<Diagnose>(); }

}  // namespace aerodb::console
