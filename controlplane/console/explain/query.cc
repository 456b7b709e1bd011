// aerodb explain query.
#include "common/wire/codec.h"
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class ExplainQuery final : public ExplainVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {
        .path = "explain query",
        .summary = "Runs a query and proves how it was answered, or why it was refused.",
        .example =
            "aerodb explain query --node r1 '{\"collection\": \"countries\", \"schema_version\": 1, \"limit\": 20,\n"
            "    \"where\": [{\"field\": \"name\", \"op\": \"ge\", \"value\": \"N\"}], \"sort\": \"name\"}'",
        .notes =
            "QUERY has the fields of doc.query. `aerodb query ... --explain` takes the same question as options,\n"
            "and shows the documents as well.",
        .json = explanation_json()};
  }
  void declare(Options& options) override {
    options.argument("QUERY", query_, "JSON, @FILE, or - for standard input");
    declare_target(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto text = text_of_word(query_);
    if (!text) return fail(std::move(text.error()));
    const auto json = document::parse_json(*text);
    if (!json) return fail(ErrorCode::kUsage, json.error().message);
    auto request = wire::decode<wire::DocQueryRequest>(json->root());
    if (!request) return fail(ErrorCode::kUsage, "QUERY: " + request.error().message);
    return ask(wire::kExplainQuery, *request, wire::kWitnessQuery, {node(), *text}, output);
  }

 private:
  std::string query_;
};

}  // namespace

std::unique_ptr<Verb> make_explain_query() { return std::make_unique<ExplainQuery>(); }

}  // namespace aerodb::console
