// explain.query -> the same at the same commit from another node of the lineage. The evidence is logical: what differs
// between two nodes that tell the truth is their floor, while it is on its way, and the bound of their configurations.
#include <fmt/format.h>

#include "common/rules/query_rules.h"
#include "explainer/differences.h"
#include "explainer/question.h"

namespace aerodb::explainer {
namespace {

using rules::QueryEvidence;

constexpr auto kType = rules::ExplanationType::kQueryExecution;

std::optional<std::string> request_differs(const QueryEvidence& evidence, const wire::DocQueryRequest& request) {
  constexpr std::string_view kRequest = "the request";
  std::optional<std::string> sort;
  if (request.sort) sort = std::string(*request.sort);
  return first_of({
      differ("collection", std::string(request.collection), evidence.collection, kRequest),
      differ("schema_version", request.schema_version, evidence.schema_version, kRequest),
      differ("predicates", request.where.size(), evidence.where.size(), kRequest),
      differ("sort", sort, evidence.sort, kRequest),
      differ("descending", request.descending.value_or(false), evidence.descending, kRequest),
      differ("limit", request.limit, evidence.limit, kRequest),
      differ("max_entries", request.max_entries, evidence.max_entries, kRequest),
      differ("commit", request.at_commit.value_or(evidence.commit), evidence.commit, kRequest),
  });
}

std::optional<std::string> answers_differ(const QueryEvidence& other, const QueryEvidence& own) {
  constexpr std::string_view kOther = "the other node's";
  auto difference = first_of({
      differ("plan_hash", other.plan_hash, own.plan_hash, kOther),
      differ("bound_entries", other.bound_entries, own.bound_entries, kOther),
      differ("entries_visited", other.entries_visited, own.entries_visited, kOther),
      differ("dropped_by_predicates", other.dropped_by_predicates, own.dropped_by_predicates, kOther),
      differ("documents_taken", other.documents_taken, own.documents_taken, kOther),
      differ("ended_by", other.ended_by, own.ended_by, kOther),
      differ("answer_sha256", other.answer_sha256, own.answer_sha256, kOther),
  });
  if (difference || other.floor != own.floor) return difference;
  return first_of({
      differ("entries_proposed", other.entries_proposed, own.entries_proposed, kOther),
      differ("dropped_no_document", other.dropped_no_document, own.dropped_no_document, kOther),
      differ("dropped_other_value", other.dropped_other_value, own.dropped_other_value, kOther),
  });
}

class QueryOperation final : public Question {
 public:
  QueryOperation(WitnessParts parts, QueryQuestion question, WitnessDone done)
      : Question(parts, wire::kExplainQuery.name, kType, std::move(question.node), std::move(done)),
        query_(std::move(question.query)) {}

 private:
  void ask() override { ask_for(wire::kExplainQuery, query_->fields); }

  void compare() override {
    shown_ = shown<QueryEvidence>(report().explanation, kType);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    if (auto why = request_differs(shown_->evidence, query_->fields)) {
      return finish(Checked::kNone, Agrees::kFalse, std::move(*why));
    }
    ask_next();
  }

  void ask_next() {
    if (!turn_to_next()) {
      return finish(Checked::kNone, Agrees::kUnknown, why_.empty() ? "no other node is configured" : why_);
    }
    auto request = query_->fields;
    request.at_commit = shown_->evidence.commit;
    call(other(), wire::kExplainQuery, request, &QueryOperation::other_answered);
  }

  void other_answered(const Result<wire::ExplanationResponse>& answer) {
    const std::string& name = other().name();
    if (!answer) {
      report().note(answer.error().code);
      return pass_over(name, error_row(answer.error().code).name);
    }
    if (answer->sha256 == report().sha256) return finish(Checked::kPeer, Agrees::kTrue, "compared with " + name);
    const auto other = shown<QueryEvidence>(answer->explanation.bytes, kType);
    if (!other) return pass_over(name, "the evidence it shows can't be read whole");
    if (other->observed.lineage != shown_->observed.lineage) {
      report().note(ErrorCode::kLineageUnknown);
      return pass_over(name, error_row(ErrorCode::kLineageUnknown).name);
    }
    if (other->evidence.default_max_entries != shown_->evidence.default_max_entries) {
      return pass_over(name, "its query.max_entries is another");
    }
    auto difference = answers_differ(other->evidence, shown_->evidence);
    const auto agrees = difference ? Agrees::kFalse : Agrees::kTrue;
    finish(Checked::kPeer, agrees,
           fmt::format("{}{}compared with {}", difference.value_or(""), difference ? "; " : "", name));
  }

  void pass_over(std::string_view name, std::string_view why) {
    why_ += fmt::format("{}{}: {}", why_.empty() ? "" : "; ", name, why);
    ask_next();
  }

  std::shared_ptr<const QueryRequest> query_;
  std::optional<Shown<QueryEvidence>> shown_;
  std::string why_;  // why those before did not do
};

}  // namespace

void ask_about_query(WitnessParts parts, QueryQuestion question, WitnessDone done) {
  std::make_shared<QueryOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
