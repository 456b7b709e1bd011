// aerodb explain read, explain replication: at a commit.
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr std::string_view kAtCommit = "at this commit (default: the newest visible one)";

class ExplainRead final : public ExplainVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain read",
            .summary = "Proves which version of a document a read sees.",
            .example =
                "aerodb explain read countries AW --node p1 --explainer 127.0.0.1:7320\n"
                "aerodb explain read countries AW --direct --node 127.0.0.1:7301 -o json",
            .notes =
                "The node's object is shown unchanged. rules_follow: the same rules over the same evidence give it\n"
                "again; evidence_agrees: the evidence is what the log, or another node, holds.",
            .json = explanation_json()};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("ID", id_, "_id of the document");
    options.number("--at-commit", at_commit_, 0, kMaxNumber, std::string(kAtCommit));
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    const auto at_commit = number_of<CommitId>(at_commit_);
    return ask(wire::kExplainRead, {collection_, id_, at_commit}, wire::kWitnessRead,
               {node(), collection_, id_, at_commit}, output);
  }

 private:
  std::string collection_;
  std::string id_;
  std::optional<uint64_t> at_commit_;
};

class ExplainReplication final : public ExplainVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain replication",
            .summary = "Proves whether a replica may answer reads at a commit.",
            .example = "aerodb explain replication --node r1 --explainer 127.0.0.1:7320",
            .json = explanation_json()};
  }
  void declare(Options& options) override {
    options.number("--at-commit", at_commit_, 0, kMaxNumber, std::string(kAtCommit));
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    const auto at_commit = number_of<CommitId>(at_commit_);
    return ask(wire::kExplainReplication, {at_commit, std::nullopt}, wire::kWitnessReplication, {node(), at_commit},
               output);
  }

 private:
  std::optional<uint64_t> at_commit_;
};

}  // namespace

std::unique_ptr<Verb> make_explain_read() { return std::make_unique<ExplainRead>(); }
std::unique_ptr<Verb> make_explain_replication() { return std::make_unique<ExplainReplication>(); }

}  // namespace aerodb::console
