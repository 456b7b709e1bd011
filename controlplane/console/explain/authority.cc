// aerodb explain promotion, explain command: who may write, and why.
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class ExplainPromotion final : public ExplainVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain promotion",
            .summary = "Proves why an epoch could begin: the seal, its successor, and what was decided on.",
            .example =
                "aerodb explain promotion --node r1\n"
                "aerodb explain promotion --node r1 --epoch 2",
            .json = explanation_json()};
  }
  void declare(Options& options) override {
    options.number("--epoch", epoch_, 1, kMaxNumber, "the epoch (default: the newest)");
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    const auto epoch = number_of<Epoch>(epoch_);
    return ask(wire::kExplainPromotion, {epoch}, wire::kWitnessPromotion, {node(), epoch}, output);
  }

 private:
  std::optional<uint64_t> epoch_;
};

class ExplainCommand final : public ExplainVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain command",
            .summary = "Shows what a control command would do on present evidence; carries nothing out.",
            .example =
                "aerodb explain command promote --node r1\n"
                "aerodb explain command demote --node p1 --to r1 --instance 6f1c0a52b7e94d3c8a5502d1e9b07f34",
            .json = explanation_json()};
  }
  void declare(Options& options) override {
    options.argument("COMMAND", command_, "demote, promote, decline or diagnose");
    options.text("--to", "NODE", successor_, "demote: the node that shall take over");
    options.text("--instance", "HEX", instance_, "demote: its instance, as its status shows it");
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    std::optional<InstanceId> instance;
    if (instance_) {
      instance = id_from_hex<InstanceId>(*instance_);
      if (!instance) return fail(ErrorCode::kUsage, "--instance: 32 hex digits are needed");
    }
    return ask(wire::kExplainCommand, {command_, successor_, instance, std::nullopt}, wire::kWitnessCommand,
               {node(), command_, successor_, instance}, output);
  }

 private:
  std::string command_;
  std::optional<std::string> successor_;
  std::optional<std::string> instance_;
};

}  // namespace

std::unique_ptr<Verb> make_explain_promotion() { return std::make_unique<ExplainPromotion>(); }
std::unique_ptr<Verb> make_explain_command() { return std::make_unique<ExplainCommand>(); }

}  // namespace aerodb::console
