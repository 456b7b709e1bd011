// aerodb explain read, explain replication: a node's explanation, by the explainer with its two verdicts beside it, or
// straight from the node.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

std::string pretty(ByteSpan packed) {
  auto text = document::to_json(packed, document::JsonStyle::kPretty);
  return text ? *text : text.error().message;
}

void show(const wire::WitnessResponse& answer, Output& output) {
  if (!output.is_table()) return output.message(answer);
  output.line(pretty(answer.explanation.bytes));
  auto verdict = [&output](std::string_view name, const std::string& value, const std::optional<std::string>& why) {
    output.line(fmt::format("{:<16}  {}{}{}", name, printable(value), why ? ": " : "", printable(why.value_or(""))));
  };
  verdict("node", answer.node, std::nullopt);
  verdict("sha256", to_hex(answer.sha256), std::nullopt);
  verdict("rules_follow", answer.rules_follow, answer.rules_follow_why);
  verdict("evidence_checked", answer.evidence_checked, std::nullopt);
  verdict("evidence_agrees", answer.evidence_agrees, answer.evidence_why);
}

void show(const wire::ExplanationResponse& answer, Output& output) {
  if (!output.is_table()) return output.message(answer);
  output.line(pretty(answer.explanation.bytes));
  output.line(fmt::format("sha256  {}", to_hex(answer.sha256)));
}

// Asks one process one method and shows the answer.
template <class Request, class Response>
Result<ExitCode> ask(Result<std::unique_ptr<Session>> session, const wire::Method<Request, Response>& method,
                     const Request& request, Output& output) {
  if (!session) return fail(std::move(session.error()));
  auto called = (*session)->call(method, request, [&](const Response& answer) { show(answer, output); });
  if (!called) return fail(std::move(called.error()));
  return ExitCode::kOk;
}

// Whom to ask, for both verbs. The explainer knows its nodes by name; --direct needs what --node means elsewhere.
class Explain : public Verb {
 protected:
  void declare_target(Options& options) {
    options.number("--at-commit", at_commit_, 0, kMaxNumber, "at this commit (default: the newest visible one)");
    options.text("--node", "NODE", node_, "name of the node to explain; with --direct HOST:PORT or unix:PATH as well");
    options.flag("--direct", direct_, "ask the node itself; no verdicts");
    explainer_.declare(options);
    format_.declare(options);
  }
  [[nodiscard]] Result<std::unique_ptr<Session>> connect_node() const {
    return NodeTarget(node_, explainer_.config(), explainer_.timeout_ms()).connect();
  }
  [[nodiscard]] Result<void> need_node() const {
    if (!node_.empty()) return {};
    return fail(ErrorCode::kUsage, "--node NAME is missing: the explainer explains one node at a time");
  }

  std::optional<uint64_t> at_commit_;
  std::string node_;
  bool direct_ = false;
  ServiceTarget explainer_{ServiceTarget::Kind::kExplainer, 30'000};
  FormatOption format_;
};

class ExplainRead final : public Explain {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain read",
            .summary = "Proves which version of a document a read sees.",
            .example =
                "aerodb explain read countries AW --node p1 --explainer 127.0.0.1:7320\n"
                "aerodb explain read countries AW --direct --node 127.0.0.1:7301 -o json",
            .notes =
                "The node's object is shown unchanged. rules_follow: the same rules over the same evidence give it\n"
                "again; evidence_agrees: the evidence is what the log, or another node, holds."};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("ID", id_, "_id of the document");
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    const auto at_commit = number_of<CommitId>(at_commit_);
    if (direct_) {
      return ask(connect_node(), wire::kExplainRead, wire::ExplainReadRequest{collection_, id_, at_commit}, output);
    }
    if (auto named = need_node(); !named) return fail(std::move(named.error()));
    const wire::WitnessReadRequest request{node_, collection_, id_, at_commit};
    return ask(explainer_.connect(), wire::kWitnessRead, request, output);
  }

 private:
  std::string collection_;
  std::string id_;
};

class ExplainReplication final : public Explain {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "explain replication",
            .summary = "Proves whether a replica may answer reads at a commit.",
            .example = "aerodb explain replication --node r1 --explainer 127.0.0.1:7320"};
  }
  void declare(Options& options) override { declare_target(options); }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    const auto at_commit = number_of<CommitId>(at_commit_);
    if (direct_) {
      const wire::ExplainReplicationRequest request{at_commit, std::nullopt};
      return ask(connect_node(), wire::kExplainReplication, request, output);
    }
    if (auto named = need_node(); !named) return fail(std::move(named.error()));
    const wire::WitnessReplicationRequest request{node_, at_commit};
    return ask(explainer_.connect(), wire::kWitnessReplication, request, output);
  }
};

}  // namespace

std::unique_ptr<Verb> make_explain_read() { return std::make_unique<ExplainRead>(); }
std::unique_ptr<Verb> make_explain_replication() { return std::make_unique<ExplainReplication>(); }

}  // namespace aerodb::console
