// aerodb confirm: the second half of a command that was explained without a terminal.
#include "controlplane/console/control/command.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Confirm final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "confirm",
            .summary = "Carries out a command that was explained, once.",
            .example =
                "aerodb promote r1 --reason drill -o json > explained.json\n"
                "aerodb confirm \"$(jq -r .challenge explained.json)\" --phrase \"$PHRASE\"",
            .notes = "The phrase is the command's word and the node's name. It is recorded that no person typed it.",
            .advice = Advice::kNone,
            .json = {shape_of<wire::CommandConfirmResponse>}};
  }
  void declare(Options& options) override {
    options.argument("CHALLENGE", request_.challenge, "as the explanation gave it");
    options.required_text("--phrase", "TEXT", request_.phrase, "COMMAND NODE");
    options.text("--output", "FILE", output_file_, "of a decline: write the statement there");
    desk_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    if (auto free = check_statement_file(output_file_); !free) return fail(std::move(free.error()));
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    return confirm(**session, request_, output_file_, output);
  }

 private:
  wire::CommandConfirmRequest request_;
  std::string output_file_;
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_confirm() { return std::make_unique<Confirm>(); }

}  // namespace aerodb::console
