// aerodb explain verify: a saved explanation, checked without any node.
#include "common/rules/saved.h"
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct VerifiedExplanation {
  std::string file;
  bool holds = false;
  std::optional<std::string> part;
  std::optional<std::string> why;
  std::optional<std::string> explanation_type;
  std::optional<std::string> sha256;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file, "what was checked");
    visit("holds", self.holds, "every part has its hash, and the rules over the evidence give it again");
    visit("part", self.part, "where it does not: the rule or the top-level key");
    visit("why", self.why, "and what is wrong with it");
    visit("explanation_type", self.explanation_type, "where it could be read");
    visit("sha256", self.sha256, "of the whole, where it could be read");
  }
};

constexpr uint64_t kMaxBytes = 64ull << 20;

class ExplainVerify final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain verify",
            .summary = "Checks a saved explanation: every part against its hash, then the rules over its evidence.",
            .example =
                "aerodb explain read countries AW --node p1 --save aw.json\n"
                "aerodb explain verify aw.json",
            .notes =
                "Needs no node. It finds damage and changes, not a forger who computed new hashes over evidence that\n"
                "fits: that takes a node's log.",
            .json = {shape_of<VerifiedExplanation>}};
  }
  void declare(Options& options) override {
    options.argument("FILE", file_, "as --save wrote it");
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto text = text_of_file(file_, kMaxBytes);
    if (!text) return fail(std::move(text.error()));
    const auto check = rules::check_saved_explanation(*text);
    auto present = [](const std::string& value) { return value.empty() ? std::nullopt : std::optional(value); };
    const VerifiedExplanation answer{
        file_, check.holds, present(check.part), present(check.why), present(check.type), present(check.sha256)};
    if (!output.is_table()) {
      output.message(answer);
    } else if (check.holds) {
      output.line(fmt::format("{}: {} holds: hashes and rules", printable(file_), check.type));
      output.line(fmt::format("conclusion  {}\nsha256      {}", printable(check.conclusion), check.sha256));
    } else {
      output.line(fmt::format("{}: does not hold: {}: {}", printable(file_), printable(check.part), check.why));
    }
    return check.holds ? ExitCode::kOk : ExitCode::kBadData;
  }

 private:
  std::string file_;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_explain_verify() { return std::make_unique<ExplainVerify>(); }

}  // namespace aerodb::console
