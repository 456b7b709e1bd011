// aerodb decline.
#include "controlplane/console/control/command.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Decline final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "decline",
            .summary = "Declines the seal that names a node; makes the statement that says so.",
            .example = "aerodb decline r1 --reason 'its disk is failing' --output r1.decline --config configs/local",
            .notes = "Shows the node's explanation, then asks for the phrase. Nothing happens before it is typed.",
            .advice = Advice::kNone,
            .json = command_json()};
  }
  void declare(Options& options) override {
    options.argument("NODE", node_, "the node that the seal names");
    options.text("--output", "FILE", output_file_, "write the statement there, for --decline of demote and promote");
    command_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    return explain_and_confirm(command_.request("decline", node_), command_, output_file_, output);
  }

 private:
  std::string node_;
  std::string output_file_;
  CommandOptions command_;
};

}  // namespace

std::unique_ptr<Verb> make_decline() { return std::make_unique<Decline>(); }

}  // namespace aerodb::console
