// aerodb demote.
#include "controlplane/console/control/command.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Demote final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "demote",
            .summary = "Seals a primary's epoch for a successor.",
            .example = "aerodb demote p1 --to r1 --reason 'new kernel on p1' --config configs/local",
            .notes = "Shows the node's explanation, then asks for the phrase. Nothing happens before it is typed.",
            .advice = Advice::kNone,
            .json = command_json()};
  }
  void declare(Options& options) override {
    options.argument("NODE", node_, "the primary");
    options.required_text("--to", "NODE", successor_, "node that the seal names");
    options.text("--decline", "FILE", decline_, "statement of the successor named before");
    command_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto statement = read_statement(decline_);
    if (!statement) return fail(std::move(statement.error()));
    auto request = command_.request("demote", node_);
    request.successor = successor_;
    if (*statement) request.decline = **statement;
    return explain_and_confirm(request, command_, "", output);
  }

 private:
  std::string node_;
  std::string successor_;
  std::string decline_;
  CommandOptions command_;
};

}  // namespace

std::unique_ptr<Verb> make_demote() { return std::make_unique<Demote>(); }

}  // namespace aerodb::console
