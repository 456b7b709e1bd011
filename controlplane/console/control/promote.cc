// aerodb promote.
#include "controlplane/console/control/command.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Promote final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "promote",
            .summary = "Starts the next epoch on a node whose log proves that it may.",
            .example = "aerodb promote r1 --reason 'new kernel on p1' --config configs/local",
            .notes = "Shows the node's explanation, then asks for the phrase. Nothing happens before it is typed.",
            .advice = Advice::kNone,
            .json = command_json()};
  }
  void declare(Options& options) override {
    options.argument("NODE", node_, "the node");
    options.text("--decline", "FILE", decline_, "on the sealed node: statement of the successor that its seal names");
    command_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto statement = read_statement(decline_);
    if (!statement) return fail(std::move(statement.error()));
    auto request = command_.request("promote", node_);
    if (*statement) request.decline = **statement;
    return explain_and_confirm(request, command_, "", output);
  }

 private:
  std::string node_;
  std::string decline_;
  CommandOptions command_;
};

}  // namespace

std::unique_ptr<Verb> make_promote() { return std::make_unique<Promote>(); }

}  // namespace aerodb::console
