// What the verbs of `aerodb explain` share: whom they ask, how they show an explanation, and keeping it in a file.
//
// By default the explainer is asked, which knows its nodes by name and answers with two verdicts beside the node's own
// object. With --direct the node itself is asked, and there are no verdicts.
#pragma once

#include <fmt/format.h>

#include "common/wire/methods.h"
#include "controlplane/console/data/data_options.h"

namespace aerodb::console {

// An explanation for people, whole: inputs, every rule with its statement and evidence, conclusion.
[[nodiscard]] std::string render_explanation(ByteSpan explanation, const Screen& screen);

// The explainer's answer, or the node's with --direct.
[[nodiscard]] inline JsonShapes explanation_json() {
  return {shape_of<wire::WitnessResponse>, shape_of<wire::ExplanationResponse>};
}

class ExplainVerb : public Verb {
 protected:
  void declare_target(Options& options);
  // Asks the explainer `witness`, or the node `direct` with --direct; shows the answer, and saves it with --save.
  template <class Direct, class Witness>
  [[nodiscard]] Result<ExitCode> ask(const Direct& direct, const typename Direct::Request& of_node,
                                     const Witness& witness, const typename Witness::Request& of_explainer,
                                     Output& output) {
    format_.apply(output);
    if (direct_) return ask_one(connect_node(), direct, of_node, output);
    if (node_.empty())
      return fail(ErrorCode::kUsage, "--node NAME is missing: the explainer explains one node at a time");
    return ask_one(explainer_.connect(), witness, of_explainer, output);
  }
  [[nodiscard]] const std::string& node() const { return node_; }

 private:
  template <class Request, class Response>
  [[nodiscard]] Result<ExitCode> ask_one(Result<std::unique_ptr<Session>> session,
                                         const wire::Method<Request, Response>& method, const Request& request,
                                         Output& output) {
    if (!session) return fail(std::move(session.error()));
    Result<void> saved;
    auto called = (*session)->call(method, request, [&](const Response& answer) {
      show(answer, output);
      saved = save(answer.explanation.bytes, answer.sha256, answer.rule_sha256);
    });
    if (called) called = std::move(saved);
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }
  [[nodiscard]] Result<std::unique_ptr<Session>> connect_node() const;
  [[nodiscard]] Result<void> save(ByteSpan explanation, const Sha256& sha256,
                                  const std::vector<Sha256>& rule_sha256) const;
  static void show(const wire::WitnessResponse& answer, Output& output);
  static void show(const wire::ExplanationResponse& answer, Output& output);

  std::string node_;
  bool direct_ = false;
  std::optional<std::string> save_;
  ServiceTarget explainer_{ServiceTarget::Kind::kExplainer, 30'000};
  FormatOption format_;
};

}  // namespace aerodb::console
